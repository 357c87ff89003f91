import { compileQuery } from '../../query/compile.ts';
import { narrows } from '../../query/narrows.ts';
import { EVERYTHING, type Query } from '../../query/query.ts';
import type { Subject } from '../../query/subject.ts';
import { compileHideRules } from '../../store/hide-rules.ts';
import { answersIn, hasSameAnswers, NO_LOOKUPS } from '../../store/lookups.ts';
import { isMainEnd, peerOf } from '../../store/peers.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Row } from '../../store/row.ts';
import type { State } from '../../store/state.ts';
import type { Counted, Entry } from './entry.ts';
import type { EntryIndex } from './entry-index.ts';
import { TimeWaitFold } from './time-wait.ts';

/** The parts of the state that decide which rows are shown. */
type FilterInputs = Pick<State, 'query' | 'hideRules' | 'lookups' | 'baselineMs' | 'joinsPairs'>;

const isSameFilter = (a: FilterInputs, b: FilterInputs): boolean =>
  a.query === b.query &&
  a.hideRules === b.hideRules &&
  a.baselineMs === b.baselineMs &&
  a.joinsPairs === b.joinsPairs &&
  hasSameAnswers(a.query, a.lookups, b.lookups);

const NO_FILTER: FilterInputs = {
  query: EVERYTHING,
  hideRules: [],
  lookups: NO_LOOKUPS,
  baselineMs: undefined,
  joinsPairs: false,
};

/**
 * The change of the filter since the last update: `time` if only its timed answers may differ, `narrower` if it can only
 * hide more rows (the user typed on at the end of the query), `any` for any other change.
 */
export type FilterChange = 'none' | 'time' | 'narrower' | 'any';

/** Decides which entries are shown, by the query, the hide rules and what is folded, and counts them. */
export class RowFilter {
  #shown = 0;
  #open = 0;
  #hidden = 0;
  #joined = 0;
  #inputs = NO_FILTER;
  #rows: ReadonlyMap<string, Row> = new Map();
  /** The inputs of the query besides the row. The compiled query reads them on every evaluation. */
  readonly #context = {
    nowMs: 0,
    baselineMs: undefined as number | undefined,
    ...answersIn(() => this.#inputs.lookups),
    peerOf: (subject: Subject) => peerOf(this.#rows, subject)?.socket,
    tooSlow: (regex: string) => void (this.#tooSlow = regex),
  };
  #tooSlow: string | undefined;
  #matches: ReturnType<typeof compileQuery> = () => true;
  #isHiddenByRule: ReturnType<typeof compileHideRules>;
  /** The matching entries in TIME_WAIT. */
  readonly timeWait = new TimeWaitFold();
  readonly #entries: EntryIndex;

  /** @param entries all entries */
  constructor(entries: EntryIndex) {
    this.#entries = entries;
  }

  /** Number of shown entries. */
  get shown(): number {
    return this.#shown;
  }

  /** Number of shown entries that are open. */
  get open(): number {
    return this.#open;
  }

  /** Number of open entries that match the query and are hidden by a hide rule. */
  get hidden(): number {
    return this.#hidden;
  }

  /** Number of open entries that match the query and are shown by the row of their peer. */
  get joined(): number {
    return this.#joined;
  }

  /** A regex of the query that was too slow and matches nothing any more; undefined if there is none. */
  get tooSlow(): string | undefined {
    return this.#tooSlow;
  }

  /** Takes over query, hide rules and time of the state. The caller then evaluates the entries whose answer may differ. */
  update(state: State): FilterChange {
    const before = this.#inputs;
    const { query, hideRules, lookups, baselineMs, joinsPairs } = state;
    const { nowMs, rows } = pictureOf(state);
    this.#rows = rows;
    const isLater = query.isTimed && nowMs !== this.#context.nowMs;
    this.#context.nowMs = nowMs;
    this.#inputs = { query, hideRules, lookups, baselineMs, joinsPairs };
    if (isSameFilter(this.#inputs, before)) return isLater ? 'time' : 'none';
    this.#context.baselineMs = baselineMs;
    if (query !== before.query) {
      this.#tooSlow = undefined;
      this.#matches = compileQuery(query, this.#entries.pool, this.#context);
      this.timeWait.ask(query);
    }
    if (hideRules !== before.hideRules) this.#isHiddenByRule = compileHideRules(hideRules);
    return !isLater && this.#isNarrower(before) ? 'narrower' : 'any';
  }

  #isNarrower(before: FilterInputs): boolean {
    const { query, hideRules, joinsPairs } = this.#inputs;
    return (
      hideRules.length === 0 &&
      // A row that is hidden with its peer shown may be shown when the peer is hidden.
      !joinsPairs &&
      isSameFilter({ ...before, query }, this.#inputs) &&
      narrows(before.query, query)
    );
  }

  /** Decides whether an entry is shown, and counts it if the answer is not the last one. */
  evaluate(entry: Entry): boolean {
    const matches = this.#matches(entry, entry.row);
    if (!matches) this.#setAnswer(entry, false, 'nothing');
    else if (this.#isHiddenByRule?.(entry.row.socket, entry.row.direction) === true)
      this.#setAnswer(entry, false, 'rule');
    else if (entry.timeWait) this.#setAnswer(entry, this.timeWait.isShown, 'time-wait');
    else if (this.#inputs.joinsPairs && this.#isJoined(entry)) this.#setAnswer(entry, false, 'pair');
    else this.#setAnswer(entry, true, 'nothing');
    return entry.shown;
  }

  /** Returns the number of open entries that another query matches and no hide rule hides. */
  countOf(query: Query): number {
    const matches = compileQuery(query, this.#entries.pool, { ...this.#context, tooSlow: () => undefined });
    let count = 0;
    for (const entry of this.#entries.values()) {
      const { socket, direction } = entry.row;
      if (entry.open && matches(entry, entry.row) && this.#isHiddenByRule?.(socket, direction) !== true)
        count++;
    }
    return count;
  }

  /** Returns true if the row of the peer is shown, and stands for this one. */
  #isJoined({ row }: Entry): boolean {
    const main = row.peer === undefined ? undefined : this.#entries.get(row.peer);
    return (
      main !== undefined &&
      main.row.peer === row.id &&
      isMainEnd(main.row, row) &&
      (main.open || row.mark === 'closed') &&
      !main.timeWait &&
      this.#matches(main, main.row) &&
      this.#isHiddenByRule?.(main.row.socket, main.row.direction) !== true
    );
  }

  /** Hides an entry and takes it out of the counts; call it before the entry changes. */
  retract(entry: Entry): void {
    this.#setAnswer(entry, false, 'nothing');
  }

  #setAnswer(entry: Entry, isShown: boolean, counted: Counted): void {
    if (isShown !== entry.shown) {
      const by = isShown ? 1 : -1;
      this.#shown += by;
      if (entry.open) this.#open += by;
      entry.shown = isShown;
    }
    if (counted === entry.counted) return;
    this.#count(entry, -1);
    entry.counted = counted;
    this.#count(entry, 1);
  }

  #count(entry: Entry, by: 1 | -1): void {
    if (entry.counted === 'time-wait') {
      if (by === 1) this.timeWait.add(entry);
      else this.timeWait.delete(entry);
    } else if (entry.open && entry.counted === 'rule') this.#hidden += by;
    else if (entry.open && entry.counted === 'pair') this.#joined += by;
  }
}
