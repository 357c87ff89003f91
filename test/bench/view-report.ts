import { type ScreenOutputFigures, TYPED_SIZE } from './screen-output.ts';
import { count, figure, type NamedSpread, type Spread, tableText } from './stats.ts';
import { atMost, type Target } from './targets.ts';
import { HIDE_RULE_COUNT, type OrderFigures, TICK_NAMES, type ViewFigures } from './view.ts';

/** Maximum time to filter, sort and group all rows, milliseconds. */
const fullLimit = (size: number): number => size / 2500;
/** Maximum time to update the order in a tick, milliseconds. */
const TICK_LIMIT = 1;
/** Maximum time from a key to the last byte, milliseconds. */
const KEY_LIMIT = 16;
/** Maximum number of bytes per tick. */
const BYTE_LIMIT = 2048;

const verdict = (value: number, limit: number): string => (value <= limit ? 'met' : 'NOT MET');

/** Returns a line of a table, with the verdict on the median. */
const spreadRow = (name: string, { median, p95, max }: Spread, limit: number): string[] => [
  name,
  figure(median),
  figure(p95),
  figure(max),
  `≤ ${limit}`,
  verdict(median, limit),
];

const heading = (what: string): string[] => [what, 'median', 'p95', 'max', 'target', ''];

function orderText({ size, full, withHideRules, ticks, ageQueryTick }: OrderFigures): string {
  const limit = fullLimit(size);
  const rowsOf = (all: readonly NamedSpread[], rowLimit: number) =>
    all.map(({ name, spread }) => spreadRow(`  ${name}`, spread, rowLimit));
  const fullTable = tableText([
    heading(`${count(size)} rows: filter, sort and group all of them, ms`),
    ['query'],
    ...rowsOf(full.query, limit),
    ['sorted'],
    ...rowsOf(full.column, limit),
    ['grouped'],
    ...rowsOf(full.group, limit),
    spreadRow(`with ${count(HIDE_RULE_COUNT)} hide rules`, withHideRules, limit),
  ]);
  const tickTable = tableText([
    heading(`${count(size)} rows, 1 % of them changed in a tick: update the order, ms`),
    ...TICK_NAMES.flatMap((name) => [[name], ...rowsOf(ticks[name], TICK_LIMIT)]),
    spreadRow('age>10s, by name, not grouped', ageQueryTick, TICK_LIMIT),
  ]);
  return `\n${fullTable}\n${tickTable}`;
}

function outputText({ keys, bytes }: ScreenOutputFigures): string {
  const keyTable = tableText([
    heading(`${count(TYPED_SIZE)} rows: from a key to the last byte on the screen, ms`),
    ...keys.map(({ name, spread }) => spreadRow(name, spread, KEY_LIMIT)),
  ]);
  const byteTable = tableText([
    heading('bytes to the terminal per tick, 50 visible rows'),
    spreadRow('5 of them with other rates', bytes.traffic, BYTE_LIMIT),
    spreadRow('5 of them in another state', bytes.state, BYTE_LIMIT),
    spreadRow('5 rows below the screen changed, in no column', bytes.invisible, 0),
    spreadRow('nothing changed', bytes.nothing, 0),
  ]);
  return `\n${keyTable}\n${byteTable}`;
}

export const viewText = ({ orders, output }: ViewFigures): string =>
  orders.map(orderText).join('') + outputText(output);

/** Returns the largest median. */
const slowest = (all: readonly NamedSpread[]): number => Math.max(...all.map(({ spread }) => spread.median));

export const viewTargets = ({ orders, output: { keys, bytes } }: ViewFigures): Target[] => [
  ...orders.flatMap(({ size, full, ticks }) => {
    const rows = `${count(size)} rows`;
    const limit = fullLimit(size);
    return [
      atMost(`filter + sort + group, ${rows}, slowest query`, limit, 'ms', slowest(full.query)),
      atMost(`filter + sort + group, ${rows}, slowest column`, limit, 'ms', slowest(full.column)),
      atMost(`filter + sort + group, ${rows}, slowest grouping`, limit, 'ms', slowest(full.group)),
      atMost(`order, ${rows}, 1 % changed, slowest`, TICK_LIMIT, 'ms', slowest(Object.values(ticks).flat())),
    ];
  }),
  atMost(`key to paint, ${count(TYPED_SIZE)} synthetic rows, slowest query`, KEY_LIMIT, 'ms', slowest(keys)),
  atMost(
    `key to paint, ${count(TYPED_SIZE)} synthetic rows, slowest query, p95`,
    KEY_LIMIT,
    'ms',
    Math.max(...keys.map(({ spread }) => spread.p95)),
  ),
  atMost('bytes per tick, 5 of 50 rows with other rates', BYTE_LIMIT, '', bytes.traffic.median),
  atMost('bytes per tick, 5 of 50 rows in another state', BYTE_LIMIT, '', bytes.state.median),
  atMost(
    'bytes per tick, nothing visible changed, maximum',
    0,
    '',
    Math.max(bytes.nothing.max, bytes.invisible.max),
  ),
];
