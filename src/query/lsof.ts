import type { SocketState } from '../model/socket.ts';
import { allOf, anyOf, type Expression, not, type Term } from './expression.ts';
import { isHostName, readHost } from './hosts.ts';
import { splitList, type Piece, refuse, quotePart } from './mistake.ts';
import { readPorts } from './ranges.ts';
import { stateOf, unknownState } from './states.ts';

/** Protocols that lsof counts as Internet files; raw and SCTP sockets are not among them. */
const INTERNET_PROTOCOLS = ['tcp', 'udp', 'udplite'];

/**
 * Conditions of the digit in `-i 4` and `-i 6`. Alone, it selects by the family of the socket. Before a protocol, host
 * or port (`-i 4tcp`), it selects by the family of the address. An IPv4 connection of an IPv6 socket therefore matches
 * `-i 6` and `-i 4tcp`, but neither `-i 4` nor `-i 6tcp`. lsof works this way, although its manual says otherwise.
 */
const VERSION_CONDITIONS: Readonly<
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

/** A parsed form: the argument of one `-i`. */
export interface InternetForm {
  /** IP version; undefined for both. */
  readonly version: Version;
  /** Condition on protocol, host, ports and version; absent if the form has no protocol, host or port. */
  readonly address?: Expression;
}

/** Condition of a form without a protocol. */
const anyProtocol: Term = { kind: 'list', field: 'proto', values: INTERNET_PROTOCOLS };

/** Parses the form after `-i`. An empty form selects everything that lsof counts as Internet files. */
export function readInternetForm({ text, at }: Piece): InternetForm {
  const [, digit = '', protocol = ''] = /^([46]?)([^@:]*)/.exec(text) ?? [];
  const rest = text.slice(digit.length + protocol.length);
  const name = protocol.toLowerCase();
  if (name !== '' && !INTERNET_PROTOCOLS.includes(name)) {
    const piece = { text: protocol, at: at + digit.length };
    refuse(piece, `unknown protocol ${quotePart(protocol)} after -i; expected ${EXPECTED}`);
  }
  const version = digit === '4' || digit === '6' ? digit : undefined;
  if (name === '' && rest === '') return { version };
  const parts: Expression[] = [name === '' ? anyProtocol : { kind: 'list', field: 'proto', values: [name] }];
  // The text after `@` or `:`.
  const value = { text: rest.slice(1), at: at + text.length - rest.length + 1 };
  if (version) parts.push(VERSION_CONDITIONS[version].addresses);
  if (rest.startsWith('@')) {
    const host = readHost(value);
    const family = host.host.includes(':') ? '6' : '4';
    if (version && version !== family && !isHostName(host.host))
      refuse(value, `expected an IPv${version} address after -i ${version}, not IPv${family}`);
    parts.push(host);
  } else if (rest) {
    if (value.text === '') refuse(value, `expected ports: ${EXPECTED}`);
    parts.push({ kind: 'ports', field: 'port', ports: readPorts(value) });
  }
  return { version, address: allOf(parts) };
}

/**
 * Returns the condition of several `-i` together, as in lsof. One of the forms with an address must match, and also the
 * version of the forms without an address (`-i 4`). A version after a different one cancels it: then both match, until
 * a further form sets one again.
 */
export function internetExpression(forms: readonly InternetForm[]): Expression {
  const addresses = forms.flatMap(({ address }) => address ?? []);
  let socketVersion: Version;
  for (const { version, address } of forms)
    if (!address)
      socketVersion = socketVersion === undefined || socketVersion === version ? version : undefined;
  return allOf([
    addresses.length > 0 ? anyOf(addresses) : anyProtocol,
    ...(socketVersion ? [VERSION_CONDITIONS[socketVersion].sockets] : []),
  ]);
}

/** A parsed form: the argument of one `-s`. */
export interface StateForm {
  /** States to show; empty for all. */
  readonly included: readonly SocketState[];
  /** States to exclude (`^STATE`). */
  readonly excluded: readonly SocketState[];
}

const STATE_FORM = 'TCP:LISTEN or TCP:^CLOSE_WAIT,^TIME_WAIT';

/** Parses the form after `-s`. */
export function readStateForm(piece: Piece): StateForm {
  const { text, at } = piece;
  const [, protocol = '', names] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  if (/^udp$/i.test(protocol)) refuse(piece, '-s does not support UDP; use proto:udp, listen, established');
  if (!/^tcp$/i.test(protocol) || !names) refuse(piece, `expected states after -s: ${STATE_FORM}`);
  const states = splitList({ text: names, at: at + protocol.length + 1 }, STATE_FORM).map((it) => {
    const name = it.text.replace(/^\^/, '');
    const state = stateOf(name) ?? refuse(it, unknownState(name));
    return { it, state, isExcluded: name !== it.text };
  });
  const included = states.flatMap(({ state, isExcluded }) => (isExcluded ? [] : [state]));
  for (const { it, state, isExcluded } of states)
    if (isExcluded && included.includes(state)) refuse(it, `${state} cannot be both included and excluded`);
  return { included, excluded: states.flatMap(({ state, isExcluded }) => (isExcluded ? [state] : [])) };
}

/**
 * Returns the condition of several `-s` together. As in lsof on Linux, the names of TCP states are compared with the
 * states of UDP sockets too: `-s TCP:LISTEN` shows no UDP sockets.
 */
export function stateExpression(forms: readonly StateForm[]): Expression {
  const states = (of: (form: StateForm) => readonly SocketState[]): Expression[] => {
    const all = [...new Set(forms.flatMap(of))];
    return all.length > 0 ? [{ kind: 'list', field: 'state', values: all }] : [];
  };
  return allOf([...states(({ included }) => included), ...states(({ excluded }) => excluded).map(not)]);
}
