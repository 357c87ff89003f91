import type { ColumnId, Sort } from '../../store/columns.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { GroupBy } from '../../store/state.ts';
import { addTo, emptySum, type MutableSum, type Sum } from '../../store/sums.ts';
import type { Row } from '../../store/row.ts';
import type { Compare, Entry, Group, SortKey } from './entry.ts';
import { GROUPINGS, NONE } from './grouping.ts';
import type { GroupItem } from './item.ts';
import { exchangeSorted } from './sorted.ts';

/** First character of every group id. No socket id begins with it, because no text of a system contains NUL. */
export const GROUP_PREFIX = '\0';

/** Sorts after every text. */
const AFTER_ALL_TEXTS = '\uffff';

/** Columns that show a sum in a group header; sorting by one of them sorts groups by the sum. */
export const SUMMED: Readonly<Partial<Record<ColumnId, (sum: Sum) => number>>> = {
  rxRate: ({ rxRate }) => rxRate,
  txRate: ({ txRate }) => txRate,
  rxBytes: ({ rxBytes }) => rxBytes,
  txBytes: ({ txBytes }) => txBytes,
  rateHistory: ({ rxRate, txRate }) => rxRate + txRate,
};

/** A new, empty group. Computes id, rank and label on first read: there may be as many groups as rows, and few are seen. */
export class LazyGroup implements Group {
  readonly value: string | number;
  readonly #by: GroupBy;
  readonly #row: Row;
  readonly #lookups: Lookups;
  #id: string | undefined;
  #label: string | undefined;
  #rank: SortKey | undefined;
  entries: Entry[] = [];
  sum: MutableSum | undefined;
  shown = 0;
  key: SortKey = 0;
  placed = false;
  folded = false;
  start = 0;
  removed: Entry[] | undefined;
  added: Entry[] | undefined;
  touched = false;

  /** @param row any row of the group */
  constructor(by: GroupBy, value: string | number, row: Row, lookups: Lookups) {
    this.#by = by;
    this.value = value;
    this.#row = row;
    this.#lookups = lookups;
  }

  get id(): string {
    const { value } = this;
    return (this.#id ??= `${GROUP_PREFIX}${this.#by}${typeof value === 'number' ? '#' : '='}${value}`);
  }

  get rank(): SortKey {
    const { value } = this;
    return (this.#rank ??=
      value === NONE ? AFTER_ALL_TEXTS : (GROUPINGS[this.#by].rank?.(this.#row) ?? value));
  }

  get label(): string {
    return (this.#label ??= GROUPINGS[this.#by].label(this.#row, this.#lookups));
  }
}

export const itemOf = (group: Group): GroupItem => {
  const { id, label, folded, entries } = group;
  const [first] = entries;
  if (first === undefined) throw new Error('a group without rows is not shown');
  // A copy: the group keeps updating its sum.
  return { type: 'group', id, label, folded, sum: { ...sumOf(group) }, first: first.row };
};

/** Returns the sum of a group: computed on first read, because few groups are seen, and updated from then on. */
function sumOf(group: Group): Sum {
  if (group.sum) return group.sum;
  const sum = emptySum();
  for (const { row, open } of group.entries) if (open) addTo(sum, row, 1);
  group.sum = sum;
  return sum;
}

/** Returns the sort key of a group that is not empty: its sum if the column is summed, else the key of its first row. */
export const groupKey = (group: Group, { column }: Sort): SortKey => {
  const summed = SUMMED[column];
  if (summed === undefined) return group.entries[0]?.key ?? null;
  const sum = sumOf(group);
  return sum.counted > 0 ? summed(sum) : null;
};

/**
 * Takes out and inserts the queued entries. Returns true if there were any.
 * @param compare undefined if new entries come last
 */
export function exchangeEntries(group: Group, compare: Compare<Entry> | undefined): boolean {
  const { removed = [], added = [] } = group;
  if (removed.length + added.length === 0) return false;
  if (compare) exchangeSorted(group.entries, removed, added, compare);
  else {
    const hidden = new Set(removed);
    group.entries = [...group.entries.filter((entry) => !hidden.has(entry)), ...added];
  }
  return true;
}
