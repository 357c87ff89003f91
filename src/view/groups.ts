import type { TextPool } from '../query/texts.ts';
import type { ColumnId, Folds, GroupBy, Sort } from '../store/state.ts';
import { addTo, emptySum, type Sum } from '../store/sums.ts';
import type { Row } from '../store/table.ts';
import type { Compare, Entry, Group, SortKey } from './entry.ts';
import { MARK, OneGroup } from './group.ts';
import { GROUPINGS } from './grouping.ts';
import { inOrder } from './radix.ts';
import { compareKeys, exchange } from './sorted.ts';

/** The header of a group, as it is shown. */
export interface GroupItem {
  readonly type: 'group';
  /** Never that of a socket. */
  readonly id: string;
  /** Printable. */
  readonly label: string;
  /** Its rows are not shown. */
  readonly folded: boolean;
  /** Of the open sockets among those of its rows that the filter lets through. */
  readonly sum: Sum;
  /** The first of its rows. */
  readonly first: Row;
}

/** One line of the table: a socket, or the header of a group of them. */
export type Item = { readonly type: 'row'; readonly id: string; readonly row: Row } | GroupItem;

export const rowItem = (row: Row): Item => ({ type: 'row', id: row.id, row });

/** What is shown of a group in these columns, and what groups are sorted by where rows are sorted by one of them. */
export const SUMMED: Readonly<Partial<Record<ColumnId, (sum: Sum) => number>>> = {
  rxRate: ({ rxRate }) => rxRate,
  txRate: ({ txRate }) => txRate,
  rxBytes: ({ rxBytes }) => rxBytes,
  txBytes: ({ txBytes }) => txBytes,
};

const comparatorOf = ({ descending }: Sort): Compare<Group> =>
  descending
    ? (a, b) => compareKeys(b.key, a.key) || compareKeys(a.rank, b.rank)
    : (a, b) => compareKeys(a.key, b.key) || compareKeys(a.rank, b.rank);

/**
 * The rows that are shown, parted into groups; in each they have the order of the table. Groups are sorted by what rows
 * are sorted by: by their sums where that is summed, else by their first rows. A tick looks at the groups of rows that
 * changed.
 */
export class Groups {
  readonly by: GroupBy;
  /** Every group that has something to show. */
  readonly #groups = new Map<string | number, Group>();
  /** Those that have something to show, in order. */
  #placed: Group[] = [];
  #touched: Group[] = [];
  #folds: Folds;
  #length = 0;

  readonly #groupFrom: (entry: Entry) => Group;

  /** @param pool that of the entries */
  constructor(by: GroupBy, folds: Folds, pool: TextPool) {
    this.by = by;
    this.#folds = folds;
    const { from, isFromText } = GROUPINGS[by];
    // One without rows may have been forgotten.
    const ofText = pool.memo(
      ({ row }: Entry) => this.#groupOf(row),
      ({ shown }) => shown === 0,
    );
    this.#groupFrom = isFromText
      ? (entry) => ofText(from(entry), entry)
      : (entry) => this.#groups.get(from(entry)) ?? this.#groupOf(entry.row);
  }

  /** Headers, and the rows of groups that are not folded. */
  get length(): number {
    return this.#length;
  }

  /** True when the row belongs to the group that its entry is in. */
  isIn(entry: Entry, row: Row): boolean {
    return entry.group?.value === GROUPINGS[this.by].key(row);
  }

  /** Takes the row of an entry, which is to be shown, into the group that it belongs to. */
  add(entry: Entry): void {
    const group = this.#groupFrom(entry);
    entry.group = group;
    group.shown++;
    if (entry.open && group.sum) addTo(group.sum, entry.row, 1);
    this.#touch(group);
  }

  /** Takes an entry that was shown, and is as it was, out of its group. One without rows goes when all are settled. */
  remove({ group, row, open }: Entry): void {
    if (group === undefined) return;
    group.shown--;
    if (open && group.sum) addTo(group.sum, row, -1);
    this.#touch(group);
  }

  #groupOf(row: Row): Group {
    const value = GROUPINGS[this.by].key(row);
    let group = this.#groups.get(value);
    if (group === undefined) {
      group = new OneGroup(this.by, value, row);
      group.folded = this.#isFolded(group);
      this.#groups.set(value, group);
    }
    return group;
  }

  #isFolded(group: Group): boolean {
    const { all, except } = this.#folds;
    return (except.size > 0 && except.has(group.id)) !== all;
  }

  #touch(group: Group): void {
    if (group.touched) return;
    group.touched = true;
    this.#touched.push(group);
  }

  /** The entry is to be shown from the next `settle` on. */
  show(entry: Entry): void {
    const { group } = entry;
    if (group === undefined) return;
    (group.come ??= []).push(entry);
    this.#touch(group);
  }

  /** The entry, which is still as it was when it was shown, is not to be shown any more. */
  hide(entry: Entry): void {
    const { group } = entry;
    if (group === undefined) return;
    (group.gone ??= []).push(entry);
    this.#touch(group);
  }

  /** Takes all that is shown, in order, in the place of what was. */
  fill(entries: readonly Entry[], sort: Sort): void {
    this.#calm();
    for (const group of this.#placed) group.placed = false;
    const filled: Group[] = [];
    for (const entry of entries) {
      const { group } = entry;
      if (group === undefined) continue;
      if (!group.placed) {
        group.placed = true;
        filled.push(group);
        // For a while it is where the next one goes: what grows as it is filled leaves too much behind.
        group.start = 0;
        if (group.entries.length !== group.shown) group.entries = new Array<Entry>(group.shown);
      }
      group.entries[group.start++] = entry;
    }
    for (const group of this.#placed) if (!group.placed) group.entries = [];
    for (const group of filled) group.key = keyOf(group, sort);
    const ranked: Group[] = [];
    inOrder(ranked, filled, { keyOf: ({ rank }) => rank, descending: false });
    inOrder(this.#placed, ranked, { keyOf: ({ key }) => key, descending: sort.descending });
    this.#measure();
  }

  #calm(): void {
    for (const group of this.#touched) {
      group.touched = false;
      group.gone = undefined;
      group.come = undefined;
      if (group.shown === 0) this.#groups.delete(group.value);
    }
    this.#touched = [];
  }

  /**
   * Moves what was to be shown and hidden, and the groups that are sorted elsewhere now.
   * @param compare the order of the rows; absent while all keep their places, and what is new comes last
   */
  settle(sort: Sort, compare?: Compare<Entry>): void {
    if (this.#touched.length === 0) return;
    const come: Group[] = [];
    let stay = true;
    for (const group of this.#touched) {
      exchangeIn(group, compare);
      const isEmpty = group.entries.length === 0;
      const key = isEmpty ? group.key : keyOf(group, sort);
      if (group.placed && !isEmpty && (compare === undefined || key === group.key)) continue;
      stay &&= !group.placed;
      group.placed = false;
      group.key = key;
      if (!isEmpty) come.push(group);
    }
    if (!stay) this.#placed = this.#placed.filter(({ placed }) => placed);
    for (const group of come) group.placed = true;
    if (compare === undefined) this.#placed.push(...come);
    else if (come.length > 0) exchange(this.#placed, [], come, comparatorOf(sort));
    this.#calm();
    this.#measure();
  }

  /** Folds and unfolds. */
  fold(folds: Folds): void {
    if (folds === this.#folds) return;
    this.#folds = folds;
    for (const group of this.#groups.values()) group.folded = this.#isFolded(group);
    this.#measure();
  }

  #measure(): void {
    let at = 0;
    for (const group of this.#placed) {
      group.start = at;
      at += group.folded ? 1 : 1 + group.entries.length;
    }
    this.#length = at;
  }

  /** Place among the groups of the one that this position is in. */
  #groupAt(index: number): number {
    let [low, high] = [0, this.#placed.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#placed[middle]?.start ?? 0) <= index) low = middle;
      else high = middle;
    }
    return low;
  }

  /** All that is shown but for folds, in order. */
  entries(): Entry[] {
    return this.#placed.flatMap(({ entries }) => entries);
  }

  slice(start: number, end: number): Item[] {
    const items: Item[] = [];
    let index = Math.max(0, start);
    const last = Math.min(end, this.#length);
    for (let at = this.#groupAt(index); index < last; at++) {
      const group = this.#placed[at];
      if (group === undefined) break;
      if (index === group.start) {
        items.push(itemOf(group));
        index++;
      }
      if (group.folded) continue;
      for (const { row } of group.entries.slice(index - group.start - 1, last - group.start - 1)) {
        items.push(rowItem(row));
        index++;
      }
    }
    return items;
  }

  /** Position of a row; -1 where its group is folded. */
  indexOfEntry(entry: Entry): number {
    const { group } = entry;
    return group === undefined || group.folded ? -1 : group.start + 1 + group.entries.indexOf(entry);
  }

  /** Position of a header; -1 where there is none of this id. */
  indexOfId(id: string): number {
    if (!id.startsWith(MARK)) return -1;
    return this.#placed.find((group) => group.id === id)?.start ?? -1;
  }
}

const itemOf = (group: Group): Item => {
  const { id, label, folded, entries } = group;
  const [first] = entries;
  if (first === undefined) throw new Error('a group without rows is not shown');
  // The sum goes on; what was shown of it is to stay.
  return { type: 'group', id, label, folded, sum: { ...sumOf(group) }, first: first.row };
};

/** Made when it is asked for first, for of many groups few are seen, and kept up from then on. */
function sumOf(group: Group): Sum {
  if (group.sum) return group.sum;
  const sum = emptySum();
  for (const { row, open } of group.entries) if (open) addTo(sum, row, 1);
  group.sum = sum;
  return sum;
}

const keyOf = (group: Group, { column }: Sort): SortKey => {
  const summed = SUMMED[column];
  if (summed === undefined) return group.entries[0]?.key ?? '';
  const sum = sumOf(group);
  // As rows of which nothing is known.
  return sum.counted > 0 ? summed(sum) : -1;
};

function exchangeIn(group: Group, compare: Compare<Entry> | undefined): void {
  const { gone = [], come = [] } = group;
  if (gone.length + come.length === 0) return;
  if (compare) {
    exchange(group.entries, gone, come, compare);
    return;
  }
  const hidden = new Set(gone);
  group.entries = [...group.entries.filter((entry) => !hidden.has(entry)), ...come];
}
