import { portOrProtocolText, isService } from '../model/services.ts';
import { hasPorts } from '../model/socket.ts';
import { canonicalAddress, compileNetwork, isAddress } from './addresses.ts';
import { type Compiling, type Condition, namesTest, peerTest } from './condition.ts';
import type { Expression, Term } from './expression.ts';
import type { RangesRow, Side, TextRow } from './field-kinds.ts';
import { type FieldOf, FIELDS } from './fields.ts';
import { FLAGS } from './flags.ts';
import { isHostName } from './hosts.ts';
import { PROTOCOLS } from './protocols.ts';
import { quantityRow } from './quantities.ts';
import { isWithin, type PortItem, type Range } from './ranges.ts';
import { withCache, compileRegex } from './regex.ts';
import { hasStar, starTest } from './stars.ts';
import { cachedPortTest, compileNumber, compileWord, hasPortName } from './words.ts';

type Compile<T> = (term: T, compiling: Compiling) => Condition;

/** True for each protocol that has ports, by its index in `PROTOCOLS`. A socket without ports matches no port. */
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

/** Returns the condition about one endpoint, or about either. */
function ofSide(side: Side, local: Condition, remote: Condition): Condition {
  if (side === 'either') return (it, subject) => local(it, subject) || remote(it, subject);
  return side === 'local' ? local : remote;
}

/**
 * Compiles a condition that holds if address and port of one endpoint match.
 * @param isWanted takes the number of an address in the pool
 */
const endpointTest = (side: Side, isWanted: (number: number) => boolean, isPort: PortTest): Condition => {
  const local: Condition = (it) => isWanted(it.local) && isPort(it.localPort, it.protocol);
  const remote: Condition = (it) =>
    it.remote >= 0 && isWanted(it.remote) && isPort(it.remotePort, it.protocol);
  return ofSide(side, local, remote);
};

const anyPort: PortTest = () => true;

function compileHost(
  { host, side: given, ports }: Extract<Term, { kind: 'host' }>,
  { pool, context }: Compiling,
): Condition {
  const side: Side = given ?? 'either';
  const isPort = ports ? compilePorts(ports) : anyPort;
  if (!isHostName(host))
    return endpointTest(
      side,
      pool.cachedTest((text) => isAddress(text, host)),
      isPort,
    );
  let compiled: readonly string[] | undefined;
  let isHostAddress: (number: number) => boolean = () => false;
  const condition = endpointTest(side, (number) => isHostAddress(number), isPort);
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

/** Compiles a test of the texts of a field: those of the socket, or of its peer. */
function textTest(
  field: FieldOf<'text'>,
  compiling: Compiling,
  matches: (text: string) => boolean,
): Condition {
  const { texts, testsPeer, lookupText }: TextRow = FIELDS[field];
  if (lookupText) {
    const { pool, context } = compiling;
    return ({ remote }, { socket }) => {
      const text = remote < 0 ? undefined : lookupText(socket, pool.text(remote), context);
      return text !== undefined && matches(text);
    };
  }
  return (testsPeer ? peerTest : namesTest)(compiling, (names) => texts(names).some(matches));
}

/** Compiles each kind of term. */
const TERM_CONDITIONS: { readonly [K in Term['kind']]: Compile<Extract<Term, { kind: K }>> } = {
  word: ({ text }, { pool }) => compileWord(text, pool),
  number: ({ number }, compiling) => compileNumber(number, compiling),
  text: ({ field, whole, value }, compiling) => {
    const lower = value.toLowerCase();
    const test = whole
      ? (text: string) => text === lower
      : hasStar(lower)
        ? starTest(lower)
        : (text: string) => text.includes(lower);
    return textTest(field, compiling, (text) => text !== '' && test(text));
  },
  exact: ({ field, value }, compiling) => {
    const { texts } = FIELDS[field];
    return namesTest(compiling, (names) => value !== '' && texts(names).includes(value));
  },
  regex: ({ field, source }, compiling) => {
    const regex = compileRegex(source, (slow) => compiling.context.tooSlow?.(slow));
    const matches = (text: string): boolean => text !== '' && regex(text);
    // The same program name is part of many texts of names: the regex runs on it once.
    const matchesName = withCache(matches);
    if (field !== 'any') return textTest(field, compiling, matchesName);
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
    return ofSide(FIELDS[field].side, local, remote);
  },
  ranges: ({ field, ranges }, compiling) => {
    const { numbers, lookupNumber }: RangesRow = FIELDS[field];
    if (lookupNumber) {
      const { pool, context } = compiling;
      return ({ remote }) => {
        const number = remote < 0 ? undefined : lookupNumber(pool.text(remote), context);
        return number !== undefined && isWithin(ranges, number);
      };
    }
    return namesTest(compiling, (names) =>
      numbers(names).some((it) => it !== '' && isWithin(ranges, Number(it))),
    );
  },
  list: ({ field, values }, compiling) => namesTest(compiling, FIELDS[field].compile(values)),
  host: compileHost,
  net: ({ field, ...network }, { pool }) =>
    endpointTest(FIELDS[field].side, pool.cachedTest(compileNetwork(network)), anyPort),
  flag: ({ flag }, compiling) => FLAGS[flag].compile(compiling),
  compare: ({ quantity, ...comparison }, compiling) => quantityRow(quantity).compile(comparison, compiling),
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
