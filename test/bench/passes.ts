import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { hideRuleOf } from '../../src/store/hide-rules.ts';
import { type ColumnId, type GroupBy, GROUPS, NO_FOLDS } from '../../src/store/state.ts';
import { someOf } from './made-up.ts';
import { type PaintFigures, measurePaints } from './paints.ts';
import { madeUpQuery, Rows } from './rows.ts';
import { type Named, type Spread, spreadOf, Times } from './stats.ts';

/** What the order of so many rows costs, milliseconds. */
export interface OrderFigures {
  readonly size: number;
  /**
   * Another query, another column and another grouping at once: all rows are filtered, sorted and grouped. Each query
   * has met each column and each grouping; the same passes are parted in three ways.
   */
  readonly full: Readonly<Record<'query' | 'column' | 'group', readonly Named[]>>;
  /** The same, with so many entries on the list of what is known. */
  readonly withHideRule: Spread;
  /** 1 % of the rows have changed: by grouping, for each of `TICK_NAMES`. */
  readonly ticks: Readonly<Record<TickName, readonly Named[]>>;
  /** The same where the query goes by age, so that each row may come or go in each tick. */
  readonly timedTick: Spread;
}

export interface PassFigures {
  readonly orders: readonly OrderFigures[];
  readonly paints: PaintFigures;
}

/** How often each thing is done. */
export interface PassRepeats {
  /** Rounds of all queries, columns and groupings, which are 210 passes. */
  readonly rounds: number;
  readonly ticks: number;
}

export const PASS_SIZES = [10_000, 100_000] as const;

/** A word that is in names, one that is in addresses only, and each kind of term that asks something else. */
export const QUERIES = [
  'program-1',
  '198.51.7',
  ':443',
  'net:198.51.0.0/18',
  '/program-[1-3]|8080/',
  'rtt>50ms',
  '(program-1 or :5432) rnet:198.51.32.0/19 !user:user-3 rx>100k',
] as const;

/** Sorted by text: few different ones, many; by number: few, many, none. */
const COLUMNS: readonly ColumnId[] = ['process', 'remoteAddress', 'remotePort', 'rxBytes', 'age'];

const GROUPINGS: readonly (GroupBy | null)[] = [null, ...GROUPS];

const groupName = (group: GroupBy | null): string => (group === null ? 'not grouped' : `by ${group}`);

export const KNOWN_LENGTH = 1000;

/** What is shown while rows change. */
const TICKS = {
  'all, by name': ['', 'process'],
  'all, by rate': ['', 'rxRate'],
  'some, by name': [QUERIES[6], 'process'],
  'some, by rate': [QUERIES[6], 'rxRate'],
} as const satisfies Record<string, readonly [string, ColumnId]>;

export type TickName = keyof typeof TICKS;
export const TICK_NAMES = Object.keys(TICKS) as TickName[];

/** The first passes, in which V8 compiles, do not count. */
export const WARM_UP = { passes: 70, ticks: 20 } as const;

/** Between two passes V8 has time to clear up, as between two keys. */
const PAUSE_MS = 10;

/** The i-th of a list that has no end. */
const nth = <T>(list: readonly T[], i: number): T => list[i % list.length] as T;

async function measureFull(rows: Rows, rounds: number): Promise<OrderFigures['full']> {
  const [byQuery, byColumn, byGroup] = [new Times(), new Times(), new Times()];
  // Seven, five and six have no divisor in common: in 210 passes each meets each, and no two in a row share one.
  const passes = rounds * QUERIES.length * COLUMNS.length * GROUPINGS.length;
  for (let i = 0; i < WARM_UP.passes + passes; i++) {
    const [text, column, group] = [nth(QUERIES, i), nth(COLUMNS, i), nth(GROUPINGS, i)];
    const query = madeUpQuery(text);
    const ms = rows.look({ query, sort: { column, descending: false }, group, folds: NO_FOLDS });
    if (i >= WARM_UP.passes) {
      byQuery.note(text, ms);
      byColumn.note(`by ${column}`, ms);
      byGroup.note(groupName(group), ms);
    }
    await sleep(PAUSE_MS);
  }
  return { query: byQuery.spreads(), column: byColumn.spreads(), group: byGroup.spreads() };
}

async function measureKnown(rows: Rows): Promise<Spread> {
  const rules = someOf(rows.sockets, KNOWN_LENGTH).map((socket) => hideRuleOf(socket, undefined));
  const times: number[] = [];
  for (let i = 0; i < COLUMNS.length * GROUPINGS.length; i++) {
    const [column, group] = [nth(COLUMNS, i), nth(GROUPINGS, i)];
    times.push(
      rows.look({
        query: madeUpQuery('tcp'),
        hideRules: [...rules],
        sort: { column, descending: false },
        group,
      }),
    );
    await sleep(PAUSE_MS);
  }
  rows.look({ hideRules: [] });
  return spreadOf(times.slice(WARM_UP.ticks));
}

async function measureTicks(rows: Rows, count: number): Promise<Spread> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP.ticks + count; i++) {
    times.push(rows.tick());
    await sleep(PAUSE_MS);
  }
  return spreadOf(times.slice(WARM_UP.ticks));
}

async function measureTicksByGroup(rows: Rows, name: TickName, count: number): Promise<Named[]> {
  const [text, column] = TICKS[name];
  const all: Named[] = [];
  for (const group of GROUPINGS) {
    rows.look({ query: madeUpQuery(text), sort: { column, descending: column === 'rxRate' }, group });
    all.push({ name: groupName(group), spread: await measureTicks(rows, count) });
  }
  return all;
}

async function measureOrder(size: number, { rounds, ticks }: PassRepeats): Promise<OrderFigures> {
  const rows = new Rows(size);
  const full = await measureFull(rows, rounds);
  const withHideRule = await measureKnown(rows);
  const byName: Partial<Record<TickName, Named[]>> = {};
  for (const name of TICK_NAMES) byName[name] = await measureTicksByGroup(rows, name, ticks);
  rows.look({ query: madeUpQuery('age>10s'), sort: { column: 'process', descending: false }, group: null });
  const timedTick = await measureTicks(rows, ticks);
  return { size, full, withHideRule, ticks: byName as Record<TickName, Named[]>, timedTick };
}

/** Entry of the process that measures passes over the rows: its arguments are what `PassRepeats` names. */
export async function tellPasses(): Promise<void> {
  // Whoever wants to know is gone.
  process.on('disconnect', () => process.exit());
  // V8 is as frugal as in the program (src/cli/main.ts).
  setFlagsFromString('--optimize-for-size');
  const [, , rounds, ticks] = process.argv;
  const repeats: PassRepeats = { rounds: Number(rounds), ticks: Number(ticks) };
  const paints = await measurePaints(QUERIES, repeats.ticks);
  const orders: OrderFigures[] = [];
  for (const size of PASS_SIZES) orders.push(await measureOrder(size, repeats));
  const figures: PassFigures = { orders, paints };
  process.send?.(figures);
  process.disconnect();
}
