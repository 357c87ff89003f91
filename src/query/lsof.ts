import type { SocketState } from '../model/socket.ts';
import { allOf, anyOf, type Expression, not, type Term } from './expression.ts';
import { isHostName, readHost } from './hosts.ts';
import { splitList, type Piece, refuse, shown } from './mistake.ts';
import { stateOf, unknownState } from './names.ts';
import { readPorts } from './ranges.ts';

/** What lsof takes for Internet files: neither raw sockets nor those of SCTP. */
const PROTOCOLS = ['tcp', 'udp', 'udplite'];

/**
 * What a version asks for: alone for sockets of it, with more behind it for addresses of it. So lsof does, whatever its
 * manual says: a connection of IPv4 at a socket of IPv6 is of `-i 6` and not of `-i 4`, but of `-i 4tcp` and not of `-i 6tcp`.
 */
const VERSIONS: Readonly<
  Record<'4' | '6', { readonly sockets: Expression; readonly addresses: Expression }>
> = {
  4: {
    sockets: { kind: 'flag', flag: 'ipv4' },
    addresses: { kind: 'net', field: 'net', address: '0.0.0.0', prefix: 0 },
  },
  6: {
    sockets: { kind: 'flag', flag: 'ipv6' },
    addresses: { kind: 'net', field: 'net', address: '::', prefix: 0 },
  },
};

const EXPECTED = '-i [46][tcp|udp][@host][:port]';

type Version = '4' | '6' | undefined;

/** What a form of `-i` says. */
export interface InternetForm {
  /** Of IP; undefined for both. */
  readonly version: Version;
  /** Protocol, host or ports, together with the version; absent where there is none of them. */
  readonly address?: Expression;
}

const protocols: Term = { kind: 'protocols', protocols: PROTOCOLS };

/** The form after `-i`; an empty one takes all that lsof takes for Internet files. */
export function readInternet({ text, at }: Piece): InternetForm {
  const [, digit = '', protocol = ''] = /^([46]?)([^@:]*)/.exec(text) ?? [];
  const rest = text.slice(digit.length + protocol.length);
  const name = protocol.toLowerCase();
  if (name !== '' && !PROTOCOLS.includes(name)) {
    const piece = { text: protocol, at: at + digit.length };
    refuse(piece, `unknown protocol ${shown(protocol)} after -i; expected ${EXPECTED}`);
  }
  const version = digit === '4' || digit === '6' ? digit : undefined;
  if (name === '' && rest === '') return { version };
  const parts: Expression[] = [name === '' ? protocols : { kind: 'protocols', protocols: [name] }];
  const after = { text: rest.slice(1), at: at + text.length - rest.length + 1 };
  if (version) parts.push(VERSIONS[version].addresses);
  if (rest.startsWith('@')) {
    const host = readHost(after);
    const family = host.host.includes(':') ? '6' : '4';
    if (version && version !== family && !isHostName(host.host))
      refuse(after, `expected an IPv${version} address after -i ${version}, not IPv${family}`);
    parts.push(host);
  } else if (rest) {
    if (after.text === '') refuse(after, `expected ports: ${EXPECTED}`);
    parts.push({ kind: 'ports', field: 'port', ports: readPorts(after) });
  }
  return { version, address: allOf(parts) };
}

/**
 * What several `-i` together let through. As lsof has it, of their addresses one must hold, and the version of the forms
 * without an address besides: of several such forms the last one counts, but 4 and 6 in a row are both.
 */
export function internetExpression(forms: readonly InternetForm[]): Expression {
  const addresses = forms.flatMap(({ address }) => address ?? []);
  let common: Version;
  for (const { version, address } of forms)
    if (!address) common = common === undefined || common === version ? version : undefined;
  return allOf([
    addresses.length > 0 ? anyOf(addresses) : protocols,
    ...(common ? [VERSIONS[common].sockets] : []),
  ]);
}

/** States to show, or all where there are none, and states not to show. */
export interface StateForm {
  readonly shown: readonly SocketState[];
  readonly hidden: readonly SocketState[];
}

const STATE_FORM = 'TCP:LISTEN or TCP:^CLOSE_WAIT,^TIME_WAIT';

/** The form after `-s`. */
export function readStateForm(piece: Piece): StateForm {
  const { text, at } = piece;
  const [, protocol = '', names] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (/^udp$/i.test(protocol)) refuse(piece, '-s does not support UDP; use proto:udp, listen, established');
  if (!/^tcp$/i.test(protocol) || !names) refuse(piece, `expected states after -s: ${STATE_FORM}`);
  const states = splitList({ text: names, at: at + protocol.length + 1 }, STATE_FORM).map((it) => {
    const name = it.text.replace(/^\^/, '');
    const state = stateOf(name) ?? refuse(it, unknownState(name));
    return { it, state, isHidden: name !== it.text };
  });
  const shownStates = states.flatMap(({ state, isHidden }) => (isHidden ? [] : [state]));
  for (const { it, state, isHidden } of states)
    if (isHidden && shownStates.includes(state)) refuse(it, `${state} cannot be both included and excluded`);
  return { shown: shownStates, hidden: states.flatMap(({ state, isHidden }) => (isHidden ? [state] : [])) };
}

/**
 * What several `-s` together let through. As lsof on Linux has it, the names are those of TCP but the states of UDP are
 * held against them too: `-s TCP:LISTEN` shows nothing of UDP.
 */
export function stateExpression(forms: readonly StateForm[]): Expression {
  const states = (of: (form: StateForm) => readonly SocketState[]): Expression[] => {
    const all = [...new Set(forms.flatMap(of))];
    return all.length > 0 ? [{ kind: 'states', states: all }] : [];
  };
  return allOf([...states(({ shown: it }) => it), ...states(({ hidden }) => hidden).map(not)]);
}
