import type { Operator, Quantity } from './expression.ts';
import { type Piece, refuse, shown } from './mistake.ts';

type Units = Readonly<Record<string, number>>;

/** Milliseconds. */
const TIMES: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1000 };
/** Microseconds; round trips are shown in milliseconds. */
const SHORT_TIMES: Units = { us: 1, µs: 1, ms: 1000, s: 1_000_000, '': 1000 };
const COUNT: Units = { '': 1 };
const BYTES: Units = { '': 1, b: 1 };
for (const [power, prefix] of ['k', 'm', 'g', 't'].entries()) {
  for (const unit of [prefix, `${prefix}b`]) Object.assign(BYTES, { [unit]: 1000 ** (power + 1) });
  Object.assign(BYTES, { [`${prefix}ib`]: 1024 ** (power + 1) });
}

interface Measure {
  readonly units: Units;
  readonly expected: string;
}

const AGE: Measure = { units: TIMES, expected: 'a duration such as 500ms, 10s, 5m, 2h, 1d' };
const RTT: Measure = { units: SHORT_TIMES, expected: 'a duration such as 500us, 50ms, 1s' };
const SIZE: Measure = { units: BYTES, expected: 'a number of bytes such as 500, 100k, 1.5M, 1GiB' };
const NUMBER: Measure = { units: COUNT, expected: 'a number' };

/** What can be compared, and how it is measured. */
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

/** All names of quantities. */
export const QUANTITY_NAMES = Object.keys(QUANTITIES) as Quantity[];

/** What this quantity is compared with, in its own unit: milliseconds of age, microseconds of rtt, bytes. */
export function readAmount(quantity: Quantity, piece: Piece): number {
  const { units, expected }: Measure = QUANTITIES[quantity];
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)(\D*)$/.exec(piece.text) ?? [];
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  if (number === undefined || factor === undefined)
    return refuse(piece, `bad value ${shown(piece.text)} for ${quantity}; expected ${expected}`);
  return Number(number) * factor;
}

/** What is expected after the operator. */
export const amountExpected = (quantity: Quantity): string => QUANTITIES[quantity].expected;

export const OPERATORS = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
} satisfies Record<Operator, (a: number, b: number) => boolean>;
