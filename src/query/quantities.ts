import { type Compiling, type Condition, namesTest } from './condition.ts';
import { type Piece, refuse, quotePart } from './mistake.ts';
import type { Glimpse, Subject } from './subject.ts';

type Units = Readonly<Record<string, number>>;

/** Milliseconds per unit. A number without a unit is in seconds. */
const MILLIS_PER_UNIT: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1000 };
/** Microseconds per unit. A number without a unit is in milliseconds, as ss prints it. */
const MICROS_PER_UNIT: Units = { us: 1, µs: 1, ms: 1000, s: 1_000_000, '': 1000 };
const COUNT: Units = { '': 1 };
const BYTES: Units = { '': 1, b: 1 };
for (const [power, prefix] of ['k', 'm', 'g', 't'].entries()) {
  for (const unit of [prefix, `${prefix}b`]) Object.assign(BYTES, { [unit]: 1000 ** (power + 1) });
  Object.assign(BYTES, { [`${prefix}ib`]: 1024 ** (power + 1) });
}

/** How the amounts of a quantity are written. */
interface Measure {
  /** Factor of each unit, in small letters; '' for a number without a unit. */
  readonly units: Units;
  /** Completes "expected …" in a message. */
  readonly expected: string;
}

const AGE: Measure = { units: MILLIS_PER_UNIT, expected: 'a duration such as 500ms, 10s, 5m, 2h, 1d' };
const RTT: Measure = { units: MICROS_PER_UNIT, expected: 'a duration such as 500us, 50ms, 1s' };
const SIZE: Measure = { units: BYTES, expected: 'a number of bytes such as 500, 100k, 1.5M, 1GiB' };
const NUMBER: Measure = { units: COUNT, expected: 'a number' };

/** The comparison of each operator: a is the value of the socket, b the amount in the query. */
const OPERATORS = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
} satisfies Record<string, (a: number, b: number) => boolean>;

export type Operator = keyof typeof OPERATORS;

/** A comparison in a query, such as `>10s`; `value` is in the unit of the quantity (see `readAmount`). */
interface Comparison {
  readonly operator: Operator;
  readonly value: number;
}

/** Row of `QUANTITIES`: a number of a socket that a query can compare. */
interface QuantityRow {
  readonly measure: Measure;
  /** A complete query, for the help. */
  readonly example: string;
  /** Description in the help. */
  readonly about: string;
  readonly compile: (comparison: Comparison, compiling: Compiling) => Condition;
  /** An unchanged socket may start or stop matching as time passes. */
  readonly isTimed?: true;
  /** The kinds of data that lack the value: a comparison would match nothing there. */
  readonly unknownIn?: readonly Glimpse[];
}

/** Part of the row of a rate: one poll or one event has no rate, which is the difference between two polls. */
const NEEDS_POLLS = { unknownIn: ['poll', 'event'] } as const;

/** Compiles comparisons of a number of the subject. An unknown number (undefined) matches none. */
const compare =
  (numberOf: (subject: Subject) => number | undefined): QuantityRow['compile'] =>
  ({ operator, value }) => {
    const holds = OPERATORS[operator];
    return (_, subject) => {
      const number = numberOf(subject);
      return number !== undefined && holds(number, value);
    };
  };

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

/** Every quantity, in the order of the help. The table in docs/query.md must list the same ones. */
export const QUANTITIES = {
  age: {
    measure: AGE,
    example: 'age<10s',
    about: 'time since first seen, or lifetime of a closed socket: ms s m h d',
    isTimed: true,
    unknownIn: ['poll'],
    compile: ({ operator, value }, { context }) => {
      const holds = OPERATORS[operator];
      // A baseline socket may be older than its known age: only `>` and `>=` can be certain.
      const isGreater = operator.startsWith('>');
      return (_, { mark, lifetimeMs, firstSeenMs, baseline }) => {
        const ageMs = mark === 'closed' ? lifetimeMs : undefined;
        return (isGreater || !baseline) && holds(ageMs ?? context.nowMs - firstSeenMs, value);
      };
    },
  },
  rx: {
    measure: SIZE,
    example: 'rx>1M',
    about: 'bytes received: k M G T are powers of 1000, KiB MiB GiB TiB of 1024',
    compile: compare(({ socket }) => socket.traffic?.rxBytes),
  },
  tx: {
    measure: SIZE,
    example: 'tx>=1GiB',
    about: 'bytes sent',
    compile: compare(({ socket }) => socket.traffic?.txBytes),
  },
  bytes: {
    measure: SIZE,
    example: 'bytes>10M',
    about: 'bytes received and sent',
    compile: compare(({ socket: { traffic } }) => sum(traffic?.rxBytes, traffic?.txBytes)),
  },
  'rx/s': {
    measure: SIZE,
    ...NEEDS_POLLS,
    example: 'rx/s>100k',
    about: 'bytes received per second',
    compile: compare(({ rxRate }) => rxRate),
  },
  'tx/s': {
    measure: SIZE,
    ...NEEDS_POLLS,
    example: 'tx/s>100k',
    about: 'bytes sent per second',
    compile: compare(({ txRate }) => txRate),
  },
  rate: {
    measure: SIZE,
    ...NEEDS_POLLS,
    example: 'rate>1M',
    about: 'bytes received and sent per second',
    compile: compare(({ rxRate, txRate }) => sum(rxRate, txRate)),
  },
  rtt: {
    measure: RTT,
    example: 'rtt>50ms',
    about: 'round-trip time: us ms s',
    compile: compare(({ socket }) => socket.traffic?.rttMicros),
  },
  recvq: {
    measure: SIZE,
    example: 'recvq>0',
    about: 'bytes that the program has not read; for a listener, connections not yet accepted',
    compile: compare(({ socket }) => socket.traffic?.recvQueue),
  },
  sendq: {
    measure: SIZE,
    example: 'sendq>64KiB',
    about: 'bytes that the peer has not acknowledged; for a listener, the backlog',
    compile: compare(({ socket }) => socket.traffic?.sendQueue),
  },
  queue: {
    measure: SIZE,
    example: 'queue>0',
    about: 'bytes in both queues; for a listener, connections not yet accepted',
    // The send queue of a listener is its backlog limit, not bytes.
    compile: compare(({ socket: { traffic, state } }) =>
      state === 'LISTEN' ? traffic?.recvQueue : sum(traffic?.recvQueue, traffic?.sendQueue),
    ),
  },
  retr: {
    measure: NUMBER,
    example: 'retr>=3',
    about: 'retransmitted segments',
    compile: compare(({ socket }) => socket.traffic?.retransmits),
  },
  pid: {
    measure: NUMBER,
    example: 'pid>1000',
    about: 'process id',
    compile: ({ operator, value }, compiling) => {
      const holds = OPERATORS[operator];
      return namesTest(compiling, (names) =>
        names.ofOwners('pid').some((pid) => pid !== '' && holds(Number(pid), value)),
      );
    },
  },
} satisfies Record<string, QuantityRow>;

export type Quantity = keyof typeof QUANTITIES;

export const isQuantity = (name: string): name is Quantity => Object.hasOwn(QUANTITIES, name);

/** Returns the row of a quantity. */
export const quantityRow = (quantity: Quantity): QuantityRow => QUANTITIES[quantity];

export const quantityNames = (): Quantity[] => Object.keys(QUANTITIES) as Quantity[];

/**
 * Returns an amount in the unit of its quantity: milliseconds for `age`, microseconds for `rtt`, a plain number for
 * `retr` and `pid`, bytes or bytes per second for the others. Throws a Mistake if it is malformed.
 */
export function readAmount(quantity: Quantity, piece: Piece): number {
  const { units, expected } = quantityRow(quantity).measure;
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)(\D*)$/.exec(piece.text) ?? [];
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  if (number === undefined || factor === undefined)
    return refuse(piece, `bad value ${quotePart(piece.text)} for ${quantity}; expected ${expected}`);
  return Number(number) * factor;
}

/** Returns a description of the amounts of a quantity, to complete "expected …". */
export const amountExpected = (quantity: Quantity): string => quantityRow(quantity).measure.expected;
