import type { TextPool } from '../../query/texts.ts';
import type { Sort } from '../../store/columns.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { Folds, GroupBy } from '../../store/state.ts';
import { addTo } from '../../store/sums.ts';
import type { RateHistory } from '../../store/rate-history.ts';
import type { Row } from '../../store/row.ts';
import type { Arrangement } from './arrangement.ts';
import type { Compare, Entry, Group } from './entry.ts';
import { exchangeEntries, GROUP_PREFIX, groupKey, itemOf, LazyGroup } from './group.ts';
import { GroupHistories } from './group-histories.ts';
import { GROUPINGS } from './grouping.ts';
import { type Item, rowItem } from './item.ts';
import { sortByKeys } from './radix.ts';
import { compareKeys, exchangeSorted, sortInto } from './sorted.ts';

const comparatorOf = ({ descending }: Sort): Compare<Group> =>
  descending
    ? (a, b) => compareKeys(a.key, b.key, -1) || compareKeys(a.rank, b.rank)
    : (a, b) => compareKeys(a.key, b.key) || compareKeys(a.rank, b.rank);

/**
 * The shown rows in groups; each group has the row order of the table. Groups are sorted by the sort column: by their
 * sum if the column is summed, else by their first row. A tick reads only the groups of rows that changed.
 */
export class Groups implements Arrangement {
  readonly by: GroupBy;
  /** Every group with shown rows, by its value. */
  readonly #groups = new Map<string | number, Group>();
  /** The same groups in order. */
  #placed: Group[] = [];
  #touched: Group[] = [];
  #folds: Folds;
  #length = 0;
  readonly #lookups: Lookups;
  readonly #histories = new GroupHistories();
  version = 0;

  readonly #groupFrom: (entry: Entry) => Group;

  /**
   * @param pool the text pool of the entries
   * @param lookups what a late grouping depends on
   */
  constructor(by: GroupBy, folds: Folds, pool: TextPool, lookups: Lookups) {
    this.by = by;
    this.#lookups = lookups;
    this.#folds = folds;
    const { from, isFromText } = GROUPINGS[by];
    // An empty group may have been deleted: do not reuse it.
    const groupOfText = pool.memo(
      ({ row }: Entry) => this.#groupOf(row),
      ({ shown }) => shown === 0,
    );
    this.#groupFrom = isFromText
      ? (entry) => groupOfText(from(entry), entry)
      : (entry) => this.#groups.get(from(entry)) ?? this.#groupOf(entry.row);
  }

  isBy(by: GroupBy | null, { locations }: Lookups): boolean {
    return by === this.by && (GROUPINGS[by].isLate !== true || locations === this.#lookups.locations);
  }

  get length(): number {
    return this.#length;
  }

  isIn(entry: Entry, row: Row): boolean {
    return entry.group?.value === GROUPINGS[this.by].key(row, this.#lookups);
  }

  add(entry: Entry): void {
    const group = this.#groupFrom(entry);
    entry.group = group;
    group.shown++;
    if (entry.open && group.sum) addTo(group.sum, entry.row, 1);
    this.#touch(group);
  }

  /** `applyMoves` deletes groups that become empty. */
  remove({ group, row, open }: Entry): void {
    if (group === undefined) return;
    group.shown--;
    if (open && group.sum) addTo(group.sum, row, -1);
    this.#touch(group);
  }

  #groupOf(row: Row): Group {
    const value = GROUPINGS[this.by].key(row, this.#lookups);
    let group = this.#groups.get(value);
    if (group === undefined) {
      group = new LazyGroup(this.by, value, row, this.#lookups);
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

  show(entry: Entry): void {
    const { group } = entry;
    if (group === undefined) return;
    (group.added ??= []).push(entry);
    this.#touch(group);
  }

  hide(entry: Entry): void {
    const { group } = entry;
    if (group === undefined) return;
    (group.removed ??= []).push(entry);
    this.#touch(group);
  }

  sort(entries: readonly Entry[], sort: Sort): void {
    const sorted = new Array<Entry>(entries.length);
    sortInto(sorted, entries, sort.descending);
    this.replace(sorted, sort);
  }

  replace(entries: readonly Entry[], sort: Sort): void {
    this.#resetTouched();
    for (const group of this.#placed) group.placed = false;
    const filled: Group[] = [];
    for (const entry of entries) {
      const { group } = entry;
      if (group === undefined) continue;
      if (!group.placed) {
        group.placed = true;
        filled.push(group);
        // `start` is the next free index during the fill. The array gets its final length now: growing leaves garbage.
        group.start = 0;
        if (group.entries.length !== group.shown) group.entries = new Array<Entry>(group.shown);
      }
      group.entries[group.start++] = entry;
    }
    for (const group of this.#placed) if (!group.placed) group.entries = [];
    for (const group of filled) group.key = groupKey(group, sort);
    const ranked: Group[] = [];
    sortByKeys(ranked, filled, { keyOf: ({ rank }) => rank, descending: false });
    sortByKeys(this.#placed, ranked, { keyOf: ({ key }) => key, descending: sort.descending });
    this.#updatePositions();
  }

  #resetTouched(): void {
    for (const group of this.#touched) {
      group.touched = false;
      group.removed = undefined;
      group.added = undefined;
      if (group.shown === 0) this.#groups.delete(group.value);
    }
    this.#touched = [];
  }

  /** Also moves groups whose sort position changed. While the order is frozen, new groups come last. */
  applyMoves(sort: Sort, compare?: Compare<Entry>): void {
    if (this.#touched.length === 0) return;
    const added: Group[] = [];
    let allNew = true;
    let isMoved = false;
    for (const group of this.#touched) {
      if (exchangeEntries(group, compare)) isMoved = true;
      const isEmpty = group.entries.length === 0;
      const key = isEmpty ? group.key : groupKey(group, sort);
      if (group.placed && !isEmpty && (compare === undefined || key === group.key)) continue;
      allNew &&= !group.placed;
      group.placed = false;
      group.key = key;
      if (!isEmpty) added.push(group);
    }
    if (!allNew) this.#placed = this.#placed.filter(({ placed }) => placed);
    for (const group of added) group.placed = true;
    if (compare === undefined) this.#placed.push(...added);
    else if (added.length > 0) exchangeSorted(this.#placed, [], added, comparatorOf(sort));
    this.#resetTouched();
    if (isMoved || !allNew || added.length > 0) this.#updatePositions();
  }

  historyOf(group: Group): RateHistory | undefined {
    return this.#histories.of(group);
  }

  endUpdate(tick: number, isRefiltered: boolean): void {
    if (isRefiltered) this.#histories.clear();
    this.#histories.advance(tick);
  }

  fold(folds: Folds): void {
    if (folds === this.#folds) return;
    this.#folds = folds;
    for (const group of this.#groups.values()) group.folded = this.#isFolded(group);
    this.#updatePositions();
  }

  #updatePositions(): void {
    this.version++;
    let at = 0;
    for (const group of this.#placed) {
      group.start = at;
      at += group.folded ? 1 : 1 + group.entries.length;
    }
    this.#length = at;
  }

  /** Returns the index of the group that contains a line. */
  #groupAt(index: number): number {
    let [low, high] = [0, this.#placed.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#placed[middle]?.start ?? 0) <= index) low = middle;
      else high = middle;
    }
    return low;
  }

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

  indexOfEntry(entry: Entry): number {
    const { group } = entry;
    return group === undefined || group.folded ? -1 : group.start + 1 + group.entries.indexOf(entry);
  }

  indexOfId(id: string): number {
    if (!id.startsWith(GROUP_PREFIX)) return -1;
    return this.#placed.find((group) => group.id === id)?.start ?? -1;
  }
}
