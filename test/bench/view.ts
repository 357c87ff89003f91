import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { hideRuleOf } from '../../src/store/hide-rules.ts';
import type { ColumnId } from '../../src/store/columns.ts';
import { type GroupBy, GROUPS, NO_FOLDS } from '../../src/store/state.ts';
import { measureScreenOutput, type ScreenOutputFigures } from './screen-output.ts';
import { type NamedSpread, type Spread, spreadOf, Timings } from './stats.ts';
import { SyntheticRows, validQuery } from './synthetic-rows.ts';
import { pickSome } from './synthetic-sockets.ts';

/** Cost of the row order for one number of rows, milliseconds. */
export interface OrderFigures {
  readonly size: number;
  /**
   * Query, column and grouping all change at once, so that all rows are filtered, sorted and grouped. Each query is
   * combined with each column and each grouping; the same runs are summarized in three ways.
   */
  readonly full: Readonly<Record<'query' | 'column' | 'group', readonly NamedSpread[]>>;
  /** The same with `HIDE_RULE_COUNT` hide rules. */
  readonly withHideRules: Spread;
  /** A tick in which 1 % of the rows change, by grouping, for each of `TICK_NAMES`. */
  readonly ticks: Readonly<Record<TickName, readonly NamedSpread[]>>;
  /** The same with a query by age, for which each row has to be checked in each tick. */
  readonly ageQueryTick: Spread;
}

export interface ViewFigures {
  readonly orders: readonly OrderFigures[];
  readonly output: ScreenOutputFigures;
}

/** Numbers of repeats. */
export interface ViewRepeats {
  /** Repeats of all 210 combinations of query, column and grouping. */
  readonly combinations: number;
  readonly ticks: number;
}

export const VIEW_SIZES = [10_000, 100_000] as const;

/** Queries by a text of programs, by a text of addresses only, and with other kinds of terms. */
export const QUERIES = [
  'program-1',
  '198.51.7',
  ':443',
  'net:198.51.0.0/18',
  '/program-[1-3]|8080/',
  'rtt>50ms',
  '(program-1 or :5432) rnet:198.51.32.0/19 !user:user-3 rx>100k',
] as const;

/** Two text columns, with few and many different values; three of numbers, with few, many and no values. */
const COLUMNS: readonly ColumnId[] = ['process', 'remoteAddress', 'remotePort', 'rxBytes', 'age'];

const GROUPINGS: readonly (GroupBy | null)[] = [null, ...GROUPS];

const groupName = (group: GroupBy | null): string => (group === null ? 'not grouped' : `by ${group}`);

export const HIDE_RULE_COUNT = 1000;

/** Query and sort column of each tick measurement. */
const TICKS = {
  'all, by name': ['', 'process'],
  'all, by rate': ['', 'rxRate'],
  'some, by name': [QUERIES[6], 'process'],
  'some, by rate': [QUERIES[6], 'rxRate'],
} as const satisfies Record<string, readonly [string, ColumnId]>;

export type TickName = keyof typeof TICKS;
export const TICK_NAMES = Object.keys(TICKS) as TickName[];

/** Runs that are not counted: V8 compiles in them. */
export const WARM_UP = { full: 70, ticks: 20 } as const;

/** Pause between two runs, in which V8 collects garbage as it does between two keys, milliseconds. */
const PAUSE_MS = 10;

/** Returns the i-th item of the endlessly repeated list. */
const nth = <T>(list: readonly T[], i: number): T => list[i % list.length] as T;

async function measureFull(rows: SyntheticRows, combinations: number): Promise<OrderFigures['full']> {
  const [byQuery, byColumn, byGroup] = [new Timings(), new Timings(), new Timings()];
  // The lengths (seven, five, six) are coprime: 210 runs give each combination once, and all three change every time.
  const runs = combinations * QUERIES.length * COLUMNS.length * GROUPINGS.length;
  for (let i = 0; i < WARM_UP.full + runs; i++) {
    const [text, column, group] = [nth(QUERIES, i), nth(COLUMNS, i), nth(GROUPINGS, i)];
    const query = validQuery(text);
    const ms = rows.show({ query, sort: { column, descending: false }, group, folds: NO_FOLDS });
    if (i >= WARM_UP.full) {
      byQuery.add(text, ms);
      byColumn.add(`by ${column}`, ms);
      byGroup.add(groupName(group), ms);
    }
    await sleep(PAUSE_MS);
  }
  return { query: byQuery.spreads(), column: byColumn.spreads(), group: byGroup.spreads() };
}

async function measureWithHideRules(rows: SyntheticRows): Promise<Spread> {
  const rules = pickSome(rows.sockets, HIDE_RULE_COUNT).map((socket) => hideRuleOf(socket, undefined));
  const times: number[] = [];
  for (let i = 0; i < COLUMNS.length * GROUPINGS.length; i++) {
    const [column, group] = [nth(COLUMNS, i), nth(GROUPINGS, i)];
    times.push(
      rows.show({
        query: validQuery('tcp'),
        hideRules: [...rules],
        sort: { column, descending: false },
        group,
      }),
    );
    await sleep(PAUSE_MS);
  }
  rows.show({ hideRules: [] });
  return spreadOf(times.slice(WARM_UP.ticks));
}

async function measureTicks(rows: SyntheticRows, ticks: number): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP.ticks + ticks; i++) {
    times.push(rows.tick());
    await sleep(PAUSE_MS);
  }
  return spreadOf(times.slice(WARM_UP.ticks));
}

async function measureTicksByGroup(
  rows: SyntheticRows,
  name: TickName,
  ticks: number,
): Promise<NamedSpread[]> {
  const [text, column] = TICKS[name];
  const all: NamedSpread[] = [];
  for (const group of GROUPINGS) {
    rows.show({ query: validQuery(text), sort: { column, descending: column === 'rxRate' }, group });
    all.push({ name: groupName(group), spread: await measureTicks(rows, ticks) });
  }
  return all;
}

async function measureOrder(size: number, { combinations, ticks }: ViewRepeats): Promise<OrderFigures> {
  const rows = new SyntheticRows(size);
  const full = await measureFull(rows, combinations);
  const withHideRules = await measureWithHideRules(rows);
  const byName: Partial<Record<TickName, NamedSpread[]>> = {};
  for (const name of TICK_NAMES) byName[name] = await measureTicksByGroup(rows, name, ticks);
  rows.show({ query: validQuery('age>10s'), sort: { column: 'process', descending: false }, group: null });
  const ageQueryTick = await measureTicks(rows, ticks);
  return { size, full, withHideRules, ticks: byName as Record<TickName, NamedSpread[]>, ageQueryTick };
}

/** Entry of the process with the role `view`; its arguments are the fields of `ViewRepeats`, in order. */
export async function runView(): Promise<void> {
  // The parent has died.
  process.on('disconnect', () => process.exit());
  // The program's own setting (src/cli/main.ts).
  setFlagsFromString('--optimize-for-size');
  const [, , combinations, ticks] = process.argv;
  const repeats: ViewRepeats = { combinations: Number(combinations), ticks: Number(ticks) };
  const output = await measureScreenOutput(QUERIES, repeats.ticks);
  const orders: OrderFigures[] = [];
  for (const size of VIEW_SIZES) orders.push(await measureOrder(size, repeats));
  const figures: ViewFigures = { orders, output };
  process.send?.(figures);
  process.disconnect();
}
