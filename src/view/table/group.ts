import type { GroupBy } from '../../store/state.ts';
import type { OpenSum } from '../../store/sums.ts';
import type { Row } from '../../store/row.ts';
import type { Entry, Group, SortKey } from './entry.ts';
import { GROUPINGS, NONE } from './grouping.ts';

/** First character of every group id. No socket id begins with it, because no text of a system contains NUL. */
export const GROUP_PREFIX = '\0';

/** Sorts after every text. */
const AFTER_ALL_TEXTS = '\uffff';

/** A new, empty group. Computes id, rank and label on first read: of possibly as many groups as rows, few are seen. */
export class LazyGroup implements Group {
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
  removed: Entry[] | undefined;
  added: Entry[] | undefined;
  touched = false;

  /** @param row any row of the group */
  constructor(by: GroupBy, value: string | number, row: Row) {
    this.#by = by;
    this.value = value;
    this.#row = row;
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
    return (this.#label ??= GROUPINGS[this.#by].label(this.#row));
  }
}
