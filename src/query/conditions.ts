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
import { compileNamespace, Names, PROTOCOLS, type SearchFields } from './search-fields.ts';
import { compileWord, hasPortName, cachedPortTest } from './words.ts';

/** State outside a query that its answers depend on. Conditions read it on every call. */
export interface QueryContext {
  /** Current time, milliseconds on the clock of the subjects. */
  readonly nowMs: number;
  /** `new` matches sockets first seen after this time, on the same clock; undefined for the start of netpane. */
  readonly baselineMs: number | undefined;
  /**
   * Returns the addresses of a host name in small letters; undefined while it is unresolved, or if it cannot be
   * resolved. Must return the same array until the answer changes: a new array makes every address be tested again.
   */
  addressesOf(host: string): readonly string[] | undefined;
  /** Called once if a regex takes too long; the regex matches nothing from then on. */
  tooSlow?(regex: string): void;
}

/** A test of a subject and the searchable fields of its socket. */
export type Condition = (fields: SearchFields, subject: Subject) => boolean;

interface Compiling {
  readonly pool: TextPool;
  readonly context: QueryContext;
}

type Compile<T> = (term: T, compiling: Compiling) => Condition;

/** Compiles a test of the names of a socket. It runs once per distinct text of names. */
const namesTest = ({ pool }: Compiling, test: (names: Names) => boolean): Condition => {
  const matches = pool.cachedTest((text) => test(new Names(text)));
  return ({ names }) => matches(names);
};

/** By index in `PROTOCOLS`. A socket of a protocol without ports matches no port, whatever its number is. */
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

/**
 * Compiles a condition that holds if address and port of one endpoint match.
 * @param field which endpoints are tested
 * @param isAddress takes the number of an address in the pool
 */
const endpointTest = (
  field: 'net' | 'lnet' | 'rnet',
  isAddress: (number: number) => boolean,
  isPort: PortTest,
): Condition => {
  const local: Condition = (it) => isAddress(it.local) && isPort(it.localPort, it.protocol);
  const remote: Condition = (it) =>
    it.remote >= 0 && isAddress(it.remote) && isPort(it.remotePort, it.protocol);
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
    return endpointTest(
      'net',
      pool.cachedTest((text) => isAddress(text, host)),
      isPort,
    );
  let compiled: readonly string[] | undefined;
  let isHostAddress: (number: number) => boolean = () => false;
  const condition = endpointTest('net', (number) => isHostAddress(number), isPort);
  return (it, subject) => {
    const addresses = context.addressesOf(host);
    if (addresses !== compiled) {
      compiled = addresses;
      const wanted = addresses?.map((address) => canonicalAddress(address) ?? '') ?? [];
      isHostAddress = pool.cachedTest((text) => wanted.some((address) => isAddress(text, address)));
    }
    return condition(it, subject);
  };
}

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/** Reads each quantity of a subject, in the unit of `readAmount`; undefined if unknown. */
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
    // The send queue of a listener is its backlog limit, not bytes.
    queue: ({ socket: { traffic, state } }) =>
      state === 'LISTEN' ? traffic?.recvQueue : sum(traffic?.recvQueue, traffic?.sendQueue),
    retr: ({ socket }) => socket.traffic?.retransmits,
  };

function compileCompare(term: Extract<Term, { kind: 'compare' }>, compiling: Compiling): Condition {
  const { quantity, operator, value } = term;
  const holds = OPERATORS[operator];
  if (quantity === 'pid')
    return namesTest(compiling, ({ pids }) => pids.some((pid) => pid !== '' && holds(Number(pid), value)));
  if (quantity === 'age') {
    const { context } = compiling;
    // The age of a baseline socket is a lower bound: `>` can be decided by it, `<` cannot.
    const isGreater = operator.startsWith('>');
    return (_, { lifetimeMs, firstSeenMs, baseline }) =>
      (isGreater || !baseline) && holds(lifetimeMs ?? context.nowMs - firstSeenMs, value);
  }
  const numberOf = NUMBERS[quantity];
  return (_, subject) => {
    const number = numberOf(subject);
    return number !== undefined && holds(number, value);
  };
}

/** Compiles a test of the scope of the remote address, or of the local one if there is no remote endpoint. */
const reachTest =
  (reach: 'loopback' | 'private' | 'public'): ((compiling: Compiling) => Condition) =>
  ({ pool }) => {
    const hasReach = pool.cachedTest((text) => reachOf(text) === reach);
    return ({ local, remote }) => hasReach(remote >= 0 ? remote : local);
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
  loopback: reachTest('loopback'),
  private: reachTest('private'),
  public: reachTest('public'),
  exposed: ({ pool }) => {
    const isOpen = pool.cachedTest((text) => !['loopback', undefined].includes(reachOf(text)));
    return ({ listening, local }) => listening && isOpen(local);
  },
  ipv4: (compiling) => namesTest(compiling, ({ family }) => family === 'ipv4'),
  ipv6: (compiling) => namesTest(compiling, ({ family }) => family === 'ipv6'),
};

/** Returns true if the socket has the protocol: `tcp4` is TCP over IPv4, `tcp` is either family. */
const isProtocol = (wanted: string, { protocol, family }: Names): boolean => {
  const name = family === 'ipv6' ? protocol.slice(0, -1) : protocol;
  return wanted === name || (family.startsWith('ip') && wanted === name + family.slice(-1));
};

/** Compiles each kind of term. */
const TERM_CONDITIONS: { readonly [K in Term['kind']]: Compile<Extract<Term, { kind: K }>> } = {
  word: ({ text }, { pool }) => compileWord(text, pool),
  text: ({ field, whole, value }, compiling) => {
    const lower = value.toLowerCase();
    const matches = (text: string): boolean => text !== '' && (whole ? text === lower : text.includes(lower));
    return namesTest(compiling, (names) => {
      if (field === 'process') return names.processes.some(matches);
      if (field === 'cmd') return names.commands.some(matches);
      return matches(field === 'user' ? names.user : names.interface);
    });
  },
  regex: ({ field, source }, compiling) => {
    const regex = compileRegex(source, (slow) => compiling.context.tooSlow?.(slow));
    const matches = (text: string): boolean => text !== '' && regex(text);
    // The same program name is part of many texts of names: the regex runs on it once.
    const matchesName = withCache(matches);
    if (field === 'process') return namesTest(compiling, ({ processes }) => processes.some(matchesName));
    if (field === 'cmd') return namesTest(compiling, ({ commands }) => commands.some(matchesName));
    const inNames = namesTest(compiling, ({ all }) => all.some(matchesName));
    const inAddress = compiling.pool.cachedTest(matches);
    const inPort = cachedPortTest(
      (port, protocol) => matches(portOrProtocolText(port, protocol)) || hasPortName(port, protocol, matches),
    );
    return (it, subject) =>
      inNames(it, subject) ||
      inAddress(it.local) ||
      inPort(it.localPort, it.protocol) ||
      (it.remote >= 0 && (inAddress(it.remote) || inPort(it.remotePort, it.protocol)));
  },
  ports: ({ field, ports }) => {
    const isPort = compilePorts(ports);
    const local: Condition = (it) => isPort(it.localPort, it.protocol);
    const remote: Condition = (it) => isPort(it.remotePort, it.protocol);
    if (field === 'port') return (it, subject) => local(it, subject) || remote(it, subject);
    return field === 'lport' ? local : remote;
  },
  pids: ({ ranges }, compiling) =>
    namesTest(compiling, ({ pids }) => pids.some((pid) => pid !== '' && isWithin(ranges, Number(pid)))),
  states: ({ states }, compiling) => {
    const wanted = new Set(states.map((it) => it.toLowerCase()));
    return namesTest(compiling, ({ state }) => wanted.has(state));
  },
  protocols: ({ protocols }, compiling) =>
    namesTest(compiling, (names) => protocols.some((it) => isProtocol(it, names))),
  ns: ({ value }, { pool }) => compileNamespace(value, pool),
  host: compileHost,
  net: ({ field, ...network }, { pool }) =>
    endpointTest(field, pool.cachedTest(compileNetwork(network)), anyPort),
  flag: ({ flag }, compiling) => FLAG_CONDITIONS[flag](compiling),
  compare: compileCompare,
};

/** Compiles an expression to one condition. */
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
