import type { Expression } from '../../query/expression.ts';
import type { Query } from '../../query/query.ts';
import type { Folds } from '../../store/state.ts';
import type { Entry } from './entry.ts';
import { TIME_WAIT_ID, type TimeWaitItem } from './item.ts';

/** Maximum number of sockets in TIME_WAIT that are rows; if more match, a line stands for them. */
const FEW = 5;

/** Minimum length of a word that asks for TIME_WAIT: shorter ones find it by chance. */
const MIN_WORD = 4;

function asks(expression: Expression): boolean {
  switch (expression.kind) {
    case 'all':
    case 'any':
      return expression.of.some(asks);
    case 'list':
      return expression.field === 'state' && expression.values.some((it) => it.toLowerCase() === 'time_wait');
    case 'word':
      return expression.text.length >= MIN_WORD && 'time_wait'.includes(expression.text.toLowerCase());
    default:
      return false;
  }
}

/** Returns true if a query asks for sockets in TIME_WAIT: by their state, or by a word that is a part of its name. */
export const asksForTimeWait = ({ expression }: Query): boolean => asks(expression);

/**
 * The entries in TIME_WAIT that match the query. More than a few of them are folded into one line, because they have no
 * program and would flood the table.
 *
 *     few, or the query asks for them ─▶ rows
 *     many ─▶ a line ── enter ─▶ the line, and rows ── enter ─▶ a line
 */
export class TimeWaitFold {
  readonly #entries = new Set<Entry>();
  /** Number of them that are not closed. */
  #open = 0;
  #isAsked = false;
  /** True if the entries are rows now. */
  #isShown = true;

  get entries(): Iterable<Entry> {
    return this.#entries;
  }

  /** True if they are rows, and not only counted. */
  get isShown(): boolean {
    return this.#isShown;
  }

  /** The line that stands for them; undefined if there is none. */
  get item(): TimeWaitItem | undefined {
    if (this.#isAsked || this.#open === 0 || this.#entries.size <= FEW) return undefined;
    return { type: 'time-wait', id: TIME_WAIT_ID, count: this.#open, folded: !this.#isShown };
  }

  add(entry: Entry): void {
    this.#entries.add(entry);
    if (entry.open) this.#open++;
  }

  /** Removes an entry, which has not changed since `add`. */
  delete(entry: Entry): void {
    this.#entries.delete(entry);
    if (entry.open) this.#open--;
  }

  /** Takes over the query. */
  ask(query: Query): void {
    this.#isAsked = asksForTimeWait(query);
  }

  /** Decides again whether they are rows. Returns true if this changed: the caller then evaluates `entries`. */
  update({ except }: Folds): boolean {
    const isShown = this.#isAsked || except.has(TIME_WAIT_ID) || this.#entries.size <= FEW;
    if (isShown === this.#isShown) return false;
    this.#isShown = isShown;
    return true;
  }
}
