import { BlockList, SocketAddress } from 'node:net';
import { isService, serviceName } from '../../src/model/services.ts';
import type { Endpoint, Protocol, Socket } from '../../src/model/socket.ts';
import type { QueryContext, QueryLocation } from '../../src/query/condition.ts';
import type { Expression, Term } from '../../src/query/expression.ts';
import type { Flag } from '../../src/query/flags.ts';
import type { Operator } from '../../src/query/quantities.ts';
import type { PortItem } from '../../src/query/ranges.ts';
import type { Subject } from '../../src/query/subject.ts';

/** Evaluates a query directly on the subject, without the text pool and its caches. */
export function naive(expression: Expression, subject: Subject, context: QueryContext): boolean {
  switch (expression.kind) {
    case 'all':
      return expression.of.every((it) => naive(it, subject, context));
    case 'any':
      return expression.of.some((it) => naive(it, subject, context));
    case 'not':
      return !naive(expression.of, subject, context);
    default:
      return naiveTerm(expression, subject, context);
  }
}

const plain = (address: string): string => address.replace(/^::ffff:(?=.*\.)/, '').toLowerCase();

const ends = ({ local, remote }: Socket): Endpoint[] => (remote ? [local, remote] : [local]);

/** Returns every text that a word finds, in small letters. */
function shownTexts(socket: Socket): string[] {
  const { owners, user, uid, protocol, family, state, netns, peers = [] } = socket;
  const [first] = owners;
  return [
    ...owners.flatMap((it) => [it.process, it.pid, it.command]),
    first?.process === undefined ? first?.knowledge : undefined,
    user ?? uid ?? first?.user,
    family === 'ipv6' ? `${protocol}6` : protocol,
    state,
    socket.interface,
    netns?.name ?? netns?.inode,
    peers.map(({ address }) => address).join(' '),
    ...ends(socket).flatMap((it) => [plain(it.address), ...endTexts(it, socket)]),
  ].flatMap((it) => (it === undefined || it === '' ? [] : [String(it).toLowerCase()]));
}

const hasText = (text: string | number | undefined, whole: boolean, value: string): boolean => {
  if (text === undefined || text === '') return false;
  const [a, b] = [String(text).toLowerCase(), value.toLowerCase()];
  return whole ? a === b : a.includes(b);
};

const NO_PORTS: readonly Protocol[] = ['raw', 'icmp', 'packet', 'unix'];

/** Returns the texts after the colon: number and service name of a port, or the protocol instead of a port. */
function endTexts({ port, protocol: taken = 0 }: Endpoint, { protocol }: Socket): (string | number)[] {
  if (!NO_PORTS.includes(protocol)) return [port, serviceName(port, protocol) ?? ''];
  if (taken === 0) return [];
  const text = protocol === 'raw' ? String(taken) : `0x${taken.toString(16).padStart(4, '0')}`;
  return [serviceName(taken, protocol) ?? text];
}

const isPort = (items: readonly PortItem[], { port, protocol: taken }: Endpoint, { protocol }: Socket) =>
  items.some((it) =>
    'service' in it
      ? isService(it.service, taken ?? port, protocol)
      : !NO_PORTS.includes(protocol) && port >= it.from && port <= it.to,
  );

/** Returns the canonical spelling of an address, without its scope. */
const spelled = (address: string): string => {
  const text = address.replace(/%.*/, '');
  return plain(new SocketAddress({ address: text, family: text.includes(':') ? 'ipv6' : 'ipv4' }).address);
};

const hasAddress = (address: string, wanted: string): boolean => {
  const [scope, wantedScope] = [address, wanted].map((it) => /%.*/.exec(it)?.[0].toLowerCase());
  return spelled(address) === spelled(wanted) && (wantedScope === undefined || scope === wantedScope);
};

function isInNetwork(address: string, network: string, prefix: number): boolean {
  const kind = (text: string) => (text.includes(':') ? 'ipv6' : 'ipv4');
  const list = new BlockList();
  list.addSubnet(network, prefix, kind(network));
  const text = plain(address).replace(/%.*/, '');
  return kind(text) === kind(network) && list.check(text, kind(text));
}

const isHolding = (a: number, operator: Operator, b: number): boolean =>
  ({ '>': a > b, '>=': a >= b, '<': a < b, '<=': a <= b, '=': a === b })[operator];

const isListener = ({ state, protocol, remote }: Socket): boolean =>
  state === 'LISTEN' || (['udp', 'udplite'].includes(protocol) && !remote);

const PRIVATE: [string, number][] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
  ['fc00::', 7],
  ['fe80::', 10],
];

function reach(address: string): string {
  const isIn = ([network, prefix]: [string, number]): boolean => isInNetwork(address, network, prefix);
  if (['0.0.0.0', '::'].includes(address) || isIn(['224.0.0.0', 4]) || isIn(['ff00::', 8])) return 'other';
  if (isIn(['127.0.0.0', 8]) || address === '::1') return 'loopback';
  return PRIVATE.some(isIn) ? 'private' : 'public';
}

/** The wildcard address bound to the loopback interface, too. */
const isOnLoopback = ({ local: { address }, interface: name }: Socket): boolean =>
  reach(address) === 'loopback' || (['0.0.0.0', '::'].includes(address) && name === 'lo');

function hasFlag(flag: Flag, subject: Subject, context: QueryContext): boolean {
  const { socket } = subject;
  switch (flag) {
    case 'in':
    case 'out':
      return subject.direction === flag;
    case 'listen':
      return isListener(socket);
    case 'established':
      return socket.state === 'ESTABLISHED';
    case 'new':
      return !subject.baseline && subject.firstSeenMs > (context.baselineMs ?? -Infinity);
    case 'closed':
      return subject.mark === 'closed';
    case 'exposed':
      return isListener(socket) && !isOnLoopback(socket);
    case 'ipv4':
    case 'ipv6':
      return socket.family === flag;
    default:
      return reach((socket.remote ?? socket.local).address) === flag;
  }
}

function numbers(subject: Subject, quantity: string, operator: Operator, nowMs: number): number[] {
  const { socket, baseline, mark, firstSeenMs, rxRate, txRate } = subject;
  const lifetimeMs = mark === 'closed' ? subject.lifetimeMs : undefined;
  const { traffic = {} } = socket;
  const queue = [traffic.recvQueue, socket.state === 'LISTEN' ? 0 : traffic.sendQueue];
  const sums: Record<string, (number | undefined)[]> = {
    age: [baseline && !['>', '>='].includes(operator) ? undefined : (lifetimeMs ?? nowMs - firstSeenMs)],
    rx: [traffic.rxBytes],
    tx: [traffic.txBytes],
    bytes: [traffic.rxBytes, traffic.txBytes],
    'rx/s': [rxRate],
    'tx/s': [txRate],
    rate: [rxRate, txRate],
    rtt: [traffic.rttMicros],
    recvq: [traffic.recvQueue],
    sendq: [traffic.sendQueue],
    queue,
    retr: [traffic.retransmits],
  };
  if (quantity === 'pid') return socket.owners.flatMap(({ pid }) => pid ?? []);
  const parts = sums[quantity] ?? [];
  const known = parts.filter((it) => it !== undefined);
  return known.length === parts.length ? [known.reduce((a, b) => a + b, 0)] : [];
}

/** Returns the names of the programs of the peer. */
const peerNames = (subject: Subject, context: QueryContext): string[] =>
  (context.peerOf?.(subject)?.owners ?? [])
    .flatMap(({ process, nowProcess }) => [process, nowProcess])
    .filter((it) => it !== undefined);

const peerHost = ({ socket }: Subject, context: QueryContext): string | undefined =>
  socket.remote ? context.nameOf?.(socket) : undefined;

const peerLocation = ({ socket: { remote } }: Subject, context: QueryContext): QueryLocation =>
  (remote && context.locationOf?.(plain(remote.address))) || {};

/** Returns true if the text is of the pattern, in which `*` stands for any text. */
function hasPattern(text: string, pattern: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*'))
    return hasPattern(text, pattern.slice(1)) || (text !== '' && hasPattern(text.slice(1), pattern));
  return text[0] === pattern[0] && hasPattern(text.slice(1), pattern.slice(1));
}

function naiveTerm(term: Term, subject: Subject, context: QueryContext): boolean {
  const { socket } = subject;
  const { owners, protocol, family, state, netns } = socket;
  switch (term.kind) {
    case 'word': {
      const endpoints = ends(socket).map((it) => `${plain(it.address)}:${endTexts(it, socket)[0] ?? ''}`);
      const texts = term.text.includes(':') ? [...shownTexts(socket), ...endpoints] : shownTexts(socket);
      return texts.some((it) => it.includes(term.text.toLowerCase()));
    }
    case 'number':
      return (
        owners.some(({ pid }) => pid === term.number) ||
        ends(socket).some((it) => String(endTexts(it, socket)[0]) === String(term.number))
      );
    case 'text': {
      const { field, whole, value } = term;
      const texts = {
        peer: peerNames(subject, context),
        process: owners.map(({ process }) => process),
        cmd: owners.map(({ command }) => command),
        user: [socket.user ?? socket.uid ?? owners[0]?.user],
        if: [socket.interface],
        host: [peerHost(subject, context)],
        country: [peerLocation(subject, context).country],
        org: [peerLocation(subject, context).org],
      }[field];
      if (!whole && value.includes('*'))
        return texts.some(
          (it) => it !== undefined && it !== '' && hasPattern(String(it).toLowerCase(), value.toLowerCase()),
        );
      return texts.some((it) => hasText(it, whole, value));
    }
    case 'regex': {
      const regex = new RegExp(term.source, 'i');
      if (term.field === 'peer') return peerNames(subject, context).some((it) => regex.test(it));
      if (term.field === 'host') return regex.test(peerHost(subject, context) ?? '');
      if (term.field === 'country' || term.field === 'org')
        return regex.test(peerLocation(subject, context)[term.field] ?? '');
      if (term.field === 'any') return shownTexts(socket).some((it) => regex.test(it));
      const key = term.field === 'cmd' ? 'command' : 'process';
      return owners.some((it) => it[key] !== undefined && regex.test(it[key]));
    }
    case 'ports': {
      const { local, remote } = socket;
      const tested = { port: [local, remote], lport: [local], rport: [remote] }[term.field];
      return tested.some((it) => it && isPort(term.ports, it, socket));
    }
    case 'ranges': {
      const numbers = {
        pid: owners.map(({ pid }) => pid),
        asn: [peerLocation(subject, context).asn],
      }[term.field];
      return numbers.some((it = -1) => term.ranges.some(({ from, to }) => it >= from && it <= to));
    }
    case 'list': {
      const values = { state: [state], proto: [protocol, `${protocol}${family.slice(-1)}`] }[term.field];
      return values.some((it) => it !== undefined && term.values.includes(it));
    }
    case 'exact':
      return netns !== undefined && [netns.name, String(netns.inode)].includes(term.value);
    case 'host': {
      const wanted = /^[\d.]+$|:/.test(term.host) ? [term.host] : (context.addressesOf(term.host) ?? []);
      const sides = { local: [socket.local], remote: socket.remote ? [socket.remote] : [] };
      return (term.side ? sides[term.side] : ends(socket)).some(
        (end) =>
          wanted.some((it) => hasAddress(end.address, it)) &&
          (!term.ports || isPort(term.ports, end, socket)),
      );
    }
    case 'net': {
      const { local, remote } = socket;
      const tested = { net: [local, remote], lnet: [local], rnet: [remote] }[term.field];
      return tested.some((it) => it && isInNetwork(it.address, term.address, term.prefix));
    }
    case 'flag':
      return hasFlag(term.flag, subject, context);
    case 'compare':
      return numbers(subject, term.quantity, term.operator, context.nowMs).some((it) =>
        isHolding(it, term.operator, term.value),
      );
  }
}
