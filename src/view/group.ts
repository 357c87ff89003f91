import type { GroupBy } from '../store/state.ts';
import type { OpenSum } from '../store/sums.ts';
import type { Row } from '../store/table.ts';
import type { Entry, Group, SortKey } from './entry.ts';
import { GROUPINGS, NONE } from './grouping.ts';

/** No text that a system tells has this in it, so no socket's id begins with it. */
export const MARK = '\0';

/** Behind every text that is one. */
const LAST = '\uffff';

/** A group without rows yet. There may be as many groups as rows, of which few are seen: they are named when they are. */
export class OneGroup implements Group {
  readonly value: string | number;
  readonly #by: GroupBy;
  readonly #row: Row;
  #id: string | undefined;
  #label: string | undefined;
  #rank: SortKey | undefined;
  entries: Entry[] = [];
  sum: OpenSum | undefined;
  shown = 0;
  key: SortKey = 0;
  placed = false;
  folded = false;
  start = 0;
  gone: Entry[] | undefined;
  come: Entry[] | undefined;
  touched = false;

  /** @param row one of its rows */
  constructor(by: GroupBy, value: string | number, row: Row) {
    this.#by = by;
    this.value = value;
    this.#row = row;
  }

  get id(): string {
    const { value } = this;
    return (this.#id ??= `${MARK}${this.#by}${typeof value === 'number' ? '#' : '='}${value}`);
  }

  get rank(): SortKey {
    const { value } = this;
    return (this.#rank ??= value === NONE ? LAST : (GROUPINGS[this.#by].rank?.(this.#row) ?? value));
  }

  get label(): string {
    return (this.#label ??= GROUPINGS[this.#by].label(this.#row));
  }
}
