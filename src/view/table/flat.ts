import type { Sort } from '../../store/columns.ts';
import type { GroupBy } from '../../store/state.ts';
import type { Arrangement } from './arrangement.ts';
import type { Compare, Entry } from './entry.ts';
import { type Item, rowItem } from './item.ts';
import { exchangeSorted, sortInto } from './sorted.ts';

/** The shown rows without groups: each line is a row. */
export class FlatRows implements Arrangement {
  readonly by = null;
  version = 0;
  #entries: Entry[] = [];
  /** Queued moves. */
  #removed: Entry[] = [];
  #added: Entry[] = [];

  isBy(by: GroupBy | null): boolean {
    return by === null;
  }

  get length(): number {
    return this.#entries.length;
  }

  slice(start: number, end: number): Item[] {
    return this.#entries.slice(start, end).map(({ row }) => rowItem(row));
  }

  entries(): Entry[] {
    return this.#entries;
  }

  indexOfEntry(entry: Entry): number {
    return this.#entries.indexOf(entry);
  }

  indexOfId(): number {
    return -1;
  }

  isIn(): boolean {
    return true;
  }

  add(): void {
    // Only groups count their rows.
  }

  remove(): void {
    // Only groups count their rows.
  }

  show(entry: Entry): void {
    this.#added.push(entry);
  }

  hide(entry: Entry): void {
    this.#removed.push(entry);
  }

  applyMoves(_sort: Sort, compare?: Compare<Entry>): void {
    const [removed, added] = [this.#removed, this.#added];
    if (removed.length + added.length === 0) return;
    this.version++;
    this.#removed = [];
    this.#added = [];
    if (compare) exchangeSorted(this.#entries, removed, added, compare);
    else {
      const hidden = new Set(removed);
      this.#entries = [...this.#entries.filter((entry) => !hidden.has(entry)), ...added];
    }
  }

  sort(entries: readonly Entry[], { descending }: Sort): void {
    this.version++;
    sortInto(this.#entries, entries, descending);
  }

  replace(entries: Entry[]): void {
    this.version++;
    this.#entries = entries;
  }

  historyOf(): undefined {
    return undefined;
  }

  endUpdate(): void {
    // Rows have their own histories.
  }

  fold(): void {
    // There are no groups to fold.
  }
}
