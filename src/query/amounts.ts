import type { Operator, Quantity } from './expression.ts';
import { type Piece, refuse, quotePart } from './mistake.ts';

type Units = Readonly<Record<string, number>>;

/** Milliseconds. */
const TIMES: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1000 };
/** Microseconds. A number without a unit is in milliseconds, as the RTT column shows it. */
const SHORT_TIMES: Units = { us: 1, µs: 1, ms: 1000, s: 1_000_000, '': 1000 };
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

const AGE: Measure = { units: TIMES, expected: 'a duration such as 500ms, 10s, 5m, 2h, 1d' };
const RTT: Measure = { units: SHORT_TIMES, expected: 'a duration such as 500us, 50ms, 1s' };
const SIZE: Measure = { units: BYTES, expected: 'a number of bytes such as 500, 100k, 1.5M, 1GiB' };
const NUMBER: Measure = { units: COUNT, expected: 'a number' };

/** The measure of each quantity that can be compared. */
const QUANTITIES = {
  age: AGE,
  rx: SIZE,
  tx: SIZE,
  bytes: SIZE,
  'rx/s': SIZE,
  'tx/s': SIZE,
  rate: SIZE,
  rtt: RTT,
  recvq: SIZE,
  sendq: SIZE,
  queue: SIZE,
  retr: NUMBER,
  pid: NUMBER,
} satisfies Record<Quantity, Measure>;

export const isQuantity = (name: string): name is Quantity => Object.hasOwn(QUANTITIES, name);

export const QUANTITY_NAMES = Object.keys(QUANTITIES) as Quantity[];

/** Returns an amount in the unit of its quantity: milliseconds for age, microseconds for rtt, bytes. */
export function readAmount(quantity: Quantity, piece: Piece): number {
  const { units, expected }: Measure = QUANTITIES[quantity];
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)(\D*)$/.exec(piece.text) ?? [];
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  if (number === undefined || factor === undefined)
    return refuse(piece, `bad value ${quotePart(piece.text)} for ${quantity}; expected ${expected}`);
  return Number(number) * factor;
}

/** Returns a description of the amounts of a quantity, to complete "expected …". */
export const amountExpected = (quantity: Quantity): string => QUANTITIES[quantity].expected;

/** The comparison of each operator: a is the value of the socket, b the amount in the query. */
export const OPERATORS = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
} satisfies Record<Operator, (a: number, b: number) => boolean>;
