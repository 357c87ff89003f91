import type { PaintFigures } from './paints.ts';
import { TYPED_SIZE } from './paints.ts';
import { KNOWN_LENGTH, type OrderFigures, type PassFigures, TICK_NAMES } from './passes.ts';
import { type Aim, count, most } from './report.ts';
import { figure, type Named, type Spread, tableText } from './stats.ts';

/** What a full pass may take, milliseconds. */
const fullLimit = (size: number): number => size / 2500;
const TICK_LIMIT = 1;
const KEY_LIMIT = 16;
const BYTE_LIMIT = 2048;

const verdict = (value: number, limit: number): string => (value <= limit ? 'met' : 'NOT MET');

/** A line of a table: what was measured, its middle and its tail, and whether the middle is what is wanted. */
const judged = (name: string, { median, p95, max }: Spread, limit: number): string[] => [
  name,
  figure(median),
  figure(p95),
  figure(max),
  `≤ ${limit}`,
  verdict(median, limit),
];

const headed = (what: string): string[] => [what, 'median', 'p95', 'most', 'aim', ''];

function orderText({ size, full, withHideRule, ticks, timedTick }: OrderFigures): string {
  const limit = fullLimit(size);
  const rowsOf = (all: readonly Named[], most: number) =>
    all.map(({ name, spread }) => judged(`  ${name}`, spread, most));
  const passes = tableText([
    headed(`${count(size)} rows: filter, sort and group all of them, ms`),
    ['the query'],
    ...rowsOf(full.query, limit),
    ['sorted'],
    ...rowsOf(full.column, limit),
    ['grouped'],
    ...rowsOf(full.group, limit),
    judged(`with ${count(KNOWN_LENGTH)} known ones hidden`, withHideRule, limit),
  ]);
  const changes = tableText([
    headed(`${count(size)} rows, 1 % of them changed in a tick: the order, ms`),
    ...TICK_NAMES.flatMap((name) => [[name], ...rowsOf(ticks[name], TICK_LIMIT)]),
    judged('age>10s, by name, not grouped', timedTick, TICK_LIMIT),
  ]);
  return `\n${passes}\n${changes}`;
}

function paintText({ keys, bytes }: PaintFigures): string {
  const typed = tableText([
    headed(`${count(TYPED_SIZE)} rows: from a key of this to the last byte of the screen, ms`),
    ...keys.map(({ name, spread }) => judged(name, spread, KEY_LIMIT)),
  ]);
  const written = tableText([
    headed('bytes to the terminal in a tick, 50 rows on the screen'),
    judged('5 of them with other rates', bytes.moving, BYTE_LIMIT),
    judged('5 of them in another state', bytes.changing, BYTE_LIMIT),
    judged('5 rows below the screen changed, in what no column shows', bytes.unseen, 0),
    judged('nothing happened', bytes.nothing, 0),
  ]);
  return `\n${typed}\n${written}`;
}

export const passesText = ({ orders, paints }: PassFigures): string =>
  orders.map(orderText).join('') + paintText(paints);

/** The slowest of several, by their middle. */
const slowest = (all: readonly Named[]): number => Math.max(...all.map(({ spread }) => spread.median));

export const passAims = ({ orders, paints: { keys, bytes } }: PassFigures): Aim[] => [
  ...orders.flatMap(({ size, full, ticks }) => {
    const rows = `${count(size)} rows`;
    const limit = fullLimit(size);
    return [
      most(`filter + sort + group, ${rows}, slowest query`, limit, 'ms', slowest(full.query)),
      most(`filter + sort + group, ${rows}, slowest column`, limit, 'ms', slowest(full.column)),
      most(`filter + sort + group, ${rows}, slowest grouping`, limit, 'ms', slowest(full.group)),
      most(
        `order, ${rows}, 1 % changed, slowest of all`,
        TICK_LIMIT,
        'ms',
        slowest(Object.values(ticks).flat()),
      ),
    ];
  }),
  most(`key to paint, ${count(TYPED_SIZE)} made-up rows, slowest query`, KEY_LIMIT, 'ms', slowest(keys)),
  most(
    `key to paint, ${count(TYPED_SIZE)} made-up rows, slowest query, p95`,
    KEY_LIMIT,
    'ms',
    Math.max(...keys.map(({ spread }) => spread.p95)),
  ),
  most('bytes a tick, 5 of 50 rows with other rates', BYTE_LIMIT, '', bytes.moving.median),
  most('bytes a tick, 5 of 50 rows in another state', BYTE_LIMIT, '', bytes.changing.median),
  most(
    'bytes a tick, nothing visible changed, at most',
    0,
    '',
    Math.max(bytes.nothing.max, bytes.unseen.max),
  ),
];
