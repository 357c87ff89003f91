import { PANE_NAMES } from '../store/panes.ts';
import type { State } from '../store/state.ts';
import { minuteOf } from './header/header.ts';
import type { RowOrder } from './table/order.ts';
import { cellContext } from './table/rows.ts';

type Compare<Value> = (before: Value, now: Value) => boolean;

const areSameObjects = (before: object | undefined, now: object | undefined): boolean =>
  before === now ||
  (before !== undefined &&
    now !== undefined &&
    Object.entries(now).every(([key, value]) => (before as Record<string, unknown>)[key] === value));

const areSameLists = (before: readonly object[], now: readonly object[]): boolean =>
  before.length === now.length && now.every((it, i) => areSameObjects(before[i], it));

const isNotShown = (): boolean => true;

/**
 * The fields of the state that batches replace, each with a function that returns true if two values show the same on a
 * screen without panes. Any other field must have the same value.
 */
const BATCH_FIELDS: { readonly [Name in keyof State]?: Compare<State[Name]> } = {
  // Only ages and the counts of the last minute depend on the time. Both are compared as they are shown.
  nowMs: isNotShown,
  takenAtMs: isNotShown,
  clock: isNotShown,
  presence: isNotShown,
  usageDue: isNotShown,
  interfaces: isNotShown,
  cost: isNotShown,
  lastTick: (before, now) =>
    before?.spawned === now?.spawned &&
    before?.closed === now?.closed &&
    before?.rxRate === now?.rxRate &&
    before?.txRate === now?.txRate,
  degradations: areSameLists,
  coverage: areSameObjects,
  gaps: areSameLists,
};

/** The state of the last paint, with the values of the parts that change in place. */
interface Painted {
  readonly state: State;
  readonly revision: number;
  readonly inPlace: readonly unknown[];
}

/** Returns the values besides rows that the screen shows of the table and the time. */
function inPlaceOf(state: State): readonly unknown[] {
  const { table, nowMs } = state;
  const { spawned, closed } = minuteOf(table.history, nowMs ?? 0);
  return [table.sequence, table.seen, table.diagnoses, table.droppedRows, table.summed, spawned, closed];
}

/**
 * The picture of the last paint. At rest a batch changes nothing of it, and to paint it again would be most of the work of
 * the screen's thread.
 */
export class LastPicture {
  #last: Painted | undefined;

  /** Notes what is painted. */
  note(state: State, { revision }: RowOrder): void {
    this.#last = { state, revision, inPlace: inPlaceOf(state) };
  }

  /**
   * Returns true if a paint after a batch would show the same again. Returns false also where that is not certain: without
   * rows, with a pane, a question, groups, a diagnosis, a row that has just changed, or names to ask for.
   * @param order must have caught up with the state
   */
  stillShows(state: State, order: RowOrder): boolean {
    const last = this.#last;
    if (last === undefined || last.revision !== order.revision || order.length === 0) return false;
    if (!isPlain(state) || !haveSameFields(last.state, state)) return false;
    const inPlace = inPlaceOf(state);
    return inPlace.every((it, i) => it === last.inPlace[i]) && order.lines.areCurrent(cellContext(state));
  }
}

/** Returns true if the screen shows nothing but rows, the lines around them and what they are filtered by. */
const isPlain = ({ panes, list, prompt, question, group, table, lookups, showsCost }: State): boolean =>
  !PANE_NAMES.some((name) => panes[name]) &&
  [list, prompt, question, group].every((it) => it === null) &&
  table.diagnoses.length === 0 &&
  !lookups.asksNames &&
  !showsCost;

const haveSameFields = (before: State, now: State): boolean =>
  (Object.keys(now) as (keyof State)[]).every((name) => {
    const areSame = BATCH_FIELDS[name] as Compare<unknown> | undefined;
    return before[name] === now[name] || (areSame?.(before[name], now[name]) ?? false);
  });
