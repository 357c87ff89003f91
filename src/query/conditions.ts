import { portOrProtocolText, isService } from '../model/services.ts';
import { hasPorts } from '../model/socket.ts';
import { canonicalAddress, compileNetwork, isAddress, reachOf } from './addresses.ts';
import { OPERATORS } from './amounts.ts';
import type { Expression, Flag, Quantity, Term } from './expression.ts';
import { isHostName } from './hosts.ts';
import { isWithin, type PortItem, type Range } from './ranges.ts';
import { withCache, compileRegex } from './regex.ts';
import type { Subject } from './subject.ts';
import type { TextPool } from './texts.ts';
import {
  compileNamespace,
  compileWord,
  hasPortName,
  Names,
  PROTOCOLS,
  cachedPortTest,
  type SearchFields,
} from './words.ts';

/** What a query cannot know by itself; its fields are read, and its answers asked for, each time anew. */
export interface QueryContext {
  /** Milliseconds on the clock of the subjects. */
  readonly nowMs: number;
  /** `new` is what came later than this, on the same clock; undefined: later than the start. */
  readonly baselineMs: number | undefined;
  /**
   * Addresses of a host name in small letters; undefined while it is not resolved, or cannot be. The same list for as
   * long as the answer is the same: with another one every address is looked at again.
   */
  addressesOf(host: string): readonly string[] | undefined;
  /** Told once of a regex that takes too long for what it is asked about: it finds no more from then on. */
  tooSlow?(regex: string): void;
}

/** A question about a subject, whose texts are in a pool. */
export type Condition = (it: SearchFields, subject: Subject) => boolean;

interface Compiling {
  readonly pool: TextPool;
  readonly context: QueryContext;
}

type Compile<T> = (term: T, compiling: Compiling) => Condition;

/** What is asked of the names of a socket, once for each text that they make. */
const ofNames = ({ pool }: Compiling, test: (names: Names) => boolean): Condition => {
  const isMeant = pool.cachedTest((text) => test(new Names(text)));
  return ({ names }) => isMeant(names);
};

/** By the position of a protocol in `PROTOCOLS`: what has no ports is found by none, whatever its number says. */
const HAS_PORTS: readonly boolean[] = PROTOCOLS.map(hasPorts);

type PortTest = (port: number, protocol: number) => boolean;

function compilePorts(items: readonly PortItem[]): PortTest {
  const [first] = items;
  if (first && items.length === 1 && !('service' in first)) {
    const { from, to } = first;
    return (port, protocol) => from <= port && port <= to && HAS_PORTS[protocol] === true;
  }
  const ranges = items.filter((it): it is Range => !('service' in it));
  const services = items.flatMap((it) => ('service' in it ? [it.service] : []));
  return cachedPortTest(
    (port, protocol) =>
      (hasPorts(protocol) && isWithin(ranges, port)) ||
      services.some((name) => isService(name, port, protocol)),
  );
}

/** True where one end has an address, and a port, that are meant. */
const ofEnds = (
  field: 'net' | 'lnet' | 'rnet',
  isMeant: (number: number) => boolean,
  isPort: PortTest,
): Condition => {
  const local: Condition = (it) => isMeant(it.local) && isPort(it.localPort, it.protocol);
  const remote: Condition = (it) =>
    it.remote >= 0 && isMeant(it.remote) && isPort(it.remotePort, it.protocol);
  if (field === 'net') return (it, subject) => local(it, subject) || remote(it, subject);
  return field === 'lnet' ? local : remote;
};

const anyPort: PortTest = () => true;

function compileHost(
  { host, ports }: Extract<Term, { kind: 'host' }>,
  { pool, context }: Compiling,
): Condition {
  const isPort = ports ? compilePorts(ports) : anyPort;
  if (!isHostName(host))
    return ofEnds(
      'net',
      pool.cachedTest((text) => isAddress(text, host)),
      isPort,
    );
  let known: readonly string[] | undefined;
  let isMeant: (number: number) => boolean = () => false;
  const condition = ofEnds('net', (number) => isMeant(number), isPort);
  return (it, subject) => {
    const addresses = context.addressesOf(host);
    if (addresses !== known) {
      known = addresses;
      const wanted = addresses?.map((address) => canonicalAddress(address) ?? '') ?? [];
      isMeant = pool.cachedTest((text) => wanted.some((address) => isAddress(text, address)));
    }
    return condition(it, subject);
  };
}

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/** Numbers of a subject, in the units of `readAmount`; undefined when unknown. */
const NUMBERS: Readonly<Record<Exclude<Quantity, 'age' | 'pid'>, (subject: Subject) => number | undefined>> =
  {
    rx: ({ socket }) => socket.traffic?.rxBytes,
    tx: ({ socket }) => socket.traffic?.txBytes,
    bytes: ({ socket: { traffic } }) => sum(traffic?.rxBytes, traffic?.txBytes),
    'rx/s': ({ rxRate }) => rxRate,
    'tx/s': ({ txRate }) => txRate,
    rate: ({ rxRate, txRate }) => sum(rxRate, txRate),
    rtt: ({ socket }) => socket.traffic?.rttMicros,
    recvq: ({ socket }) => socket.traffic?.recvQueue,
    sendq: ({ socket }) => socket.traffic?.sendQueue,
    // The send queue of a listener is the most that may wait, and not what waits.
    queue: ({ socket: { traffic, state } }) =>
      state === 'LISTEN' ? traffic?.recvQueue : sum(traffic?.recvQueue, traffic?.sendQueue),
    retr: ({ socket }) => socket.traffic?.retransmits,
  };

function compileCompare(term: Extract<Term, { kind: 'compare' }>, compiling: Compiling): Condition {
  const { quantity, operator, value } = term;
  const holds = OPERATORS[operator];
  if (quantity === 'pid')
    return ofNames(compiling, ({ pids }) => pids.some((pid) => pid !== '' && holds(Number(pid), value)));
  if (quantity === 'age') {
    const { context } = compiling;
    // What was there before netpane is at least as old as it was seen, and how old is not known.
    const isUpwards = operator.startsWith('>');
    return (_, { lifetimeMs, firstSeenMs, baseline }) =>
      (isUpwards || !baseline) && holds(lifetimeMs ?? context.nowMs - firstSeenMs, value);
  }
  const numberOf = NUMBERS[quantity];
  return (_, subject) => {
    const number = numberOf(subject);
    return number !== undefined && holds(number, value);
  };
}

const ofReach =
  (reach: 'loopback' | 'private' | 'public'): ((compiling: Compiling) => Condition) =>
  ({ pool }) => {
    const isMeant = pool.cachedTest((text) => reachOf(text) === reach);
    return ({ local, remote }) => isMeant(remote >= 0 ? remote : local);
  };

const FLAG_CONDITIONS: Readonly<Record<Flag, (compiling: Compiling) => Condition>> = {
  in: () => (_, subject) => subject.direction === 'in',
  out: () => (_, subject) => subject.direction === 'out',
  listen: () => (it) => it.listening,
  established: () => (it) => it.established,
  new:
    ({ context }) =>
    (_, { baseline, firstSeenMs }) =>
      !baseline && (context.baselineMs === undefined || firstSeenMs > context.baselineMs),
  closed: () => (_, subject) => subject.mark === 'closed',
  loopback: ofReach('loopback'),
  private: ofReach('private'),
  public: ofReach('public'),
  exposed: ({ pool }) => {
    const isOpen = pool.cachedTest((text) => !['loopback', undefined].includes(reachOf(text)));
    return ({ listening, local }) => listening && isOpen(local);
  },
  ipv4: (compiling) => ofNames(compiling, ({ family }) => family === 'ipv4'),
  ipv6: (compiling) => ofNames(compiling, ({ family }) => family === 'ipv6'),
};

/** `tcp4` is a protocol of a family, `tcp` of both. */
const isProtocol = (wanted: string, { protocol, family }: Names): boolean => {
  const name = family === 'ipv6' ? protocol.slice(0, -1) : protocol;
  return wanted === name || (family.startsWith('ip') && wanted === name + family.slice(-1));
};

/** How each kind of term is asked. */
const TERM_CONDITIONS: { readonly [K in Term['kind']]: Compile<Extract<Term, { kind: K }>> } = {
  word: ({ text }, { pool }) => compileWord(text, pool),
  text: ({ field, whole, value }, compiling) => {
    const lower = value.toLowerCase();
    const isMeant = (text: string): boolean => text !== '' && (whole ? text === lower : text.includes(lower));
    return ofNames(compiling, (names) => {
      if (field === 'process') return names.processes.some(isMeant);
      if (field === 'cmd') return names.commands.some(isMeant);
      return isMeant(field === 'user' ? names.user : names.interface);
    });
  },
  regex: ({ field, source }, compiling) => {
    const isMeant = compileRegex(source, (slow) => compiling.context.tooSlow?.(slow));
    const isFound = (text: string): boolean => text !== '' && isMeant(text);
    // The texts of a name are many, those of all its sockets; the text of a command line is one.
    const isName = withCache(isFound);
    if (field === 'process') return ofNames(compiling, ({ processes }) => processes.some(isName));
    if (field === 'cmd') return ofNames(compiling, ({ commands }) => commands.some(isName));
    const inNames = ofNames(compiling, ({ all }) => all.some(isName));
    const inAddress = compiling.pool.cachedTest(isFound);
    const inPort = cachedPortTest(
      (port, protocol) => isFound(portOrProtocolText(port, protocol)) || hasPortName(port, protocol, isFound),
    );
    return (it, subject) =>
      inNames(it, subject) ||
      inAddress(it.local) ||
      inPort(it.localPort, it.protocol) ||
      (it.remote >= 0 && (inAddress(it.remote) || inPort(it.remotePort, it.protocol)));
  },
  ports: ({ field, ports }) => {
    const isMeant = compilePorts(ports);
    const local: Condition = (it) => isMeant(it.localPort, it.protocol);
    const remote: Condition = (it) => isMeant(it.remotePort, it.protocol);
    if (field === 'port') return (it, subject) => local(it, subject) || remote(it, subject);
    return field === 'lport' ? local : remote;
  },
  pids: ({ ranges }, compiling) =>
    ofNames(compiling, ({ pids }) => pids.some((pid) => pid !== '' && isWithin(ranges, Number(pid)))),
  states: ({ states }, compiling) => {
    const wanted = new Set(states.map((it) => it.toLowerCase()));
    return ofNames(compiling, ({ state }) => wanted.has(state));
  },
  protocols: ({ protocols }, compiling) =>
    ofNames(compiling, (names) => protocols.some((it) => isProtocol(it, names))),
  ns: ({ value }, { pool }) => compileNamespace(value, pool),
  host: compileHost,
  net: ({ field, ...network }, { pool }) => ofEnds(field, pool.cachedTest(compileNetwork(network)), anyPort),
  flag: ({ flag }, compiling) => FLAG_CONDITIONS[flag](compiling),
  compare: compileCompare,
};

/** Compiles an expression to one question. */
export function compileExpression(expression: Expression, compiling: Compiling): Condition {
  switch (expression.kind) {
    case 'all': {
      const parts = expression.of.map((it) => compileExpression(it, compiling));
      return (it, subject) => {
        for (const part of parts) if (!part(it, subject)) return false;
        return true;
      };
    }
    case 'any': {
      const parts = expression.of.map((it) => compileExpression(it, compiling));
      return (it, subject) => {
        for (const part of parts) if (part(it, subject)) return true;
        return false;
      };
    }
    case 'not': {
      const part = compileExpression(expression.of, compiling);
      return (it, subject) => !part(it, subject);
    }
    default:
      return (TERM_CONDITIONS[expression.kind] as Compile<Term>)(expression, compiling);
  }
}
