import { compileQuery } from '../../query/compile.ts';
import { narrows } from '../../query/narrows.ts';
import { EVERYTHING } from '../../query/query.ts';
import type { TextPool } from '../../query/texts.ts';
import { compileHideRules } from '../../store/hide-rules.ts';
import { addressesIn, NO_LOOKUPS, usesLookups } from '../../store/lookups.ts';
import { pictureOf } from '../../store/picture.ts';
import type { State } from '../../store/state.ts';
import type { Entry } from './entry.ts';

/** The parts of the state that decide which rows are shown. */
type FilterInputs = Pick<State, 'query' | 'hideRules' | 'lookups' | 'baselineMs'>;

const isSameFilter = (a: FilterInputs, b: FilterInputs): boolean =>
  a.query === b.query &&
  a.hideRules === b.hideRules &&
  a.baselineMs === b.baselineMs &&
  (a.lookups === b.lookups || !usesLookups(a.query));

const NO_FILTER: FilterInputs = {
  query: EVERYTHING,
  hideRules: [],
  lookups: NO_LOOKUPS,
  baselineMs: undefined,
};

/**
 * What changed in the filter: `time` if only its timed answers may differ, `narrower` if it can only hide more rows (the
 * user typed on at the end of the query), `any` for any other change.
 */
export type FilterChange = 'none' | 'time' | 'narrower' | 'any';

/** Decides which entries are shown, by the query and the hide rules, and counts them. */
export class RowFilter {
  #shown = 0;
  #open = 0;
  #hidden = 0;
  #inputs = NO_FILTER;
  /** The inputs of the query besides the row. The compiled query reads them on every evaluation. */
  readonly #context = {
    nowMs: 0,
    baselineMs: undefined as number | undefined,
    addressesOf: (host: string) => addressesIn(this.#inputs.lookups)(host),
    tooSlow: (regex: string) => void (this.#tooSlow = regex),
  };
  #tooSlow: string | undefined;
  #matches: ReturnType<typeof compileQuery> = () => true;
  #isHiddenByRule: ReturnType<typeof compileHideRules>;
  readonly #pool: TextPool;

  /** @param pool the text pool of the entries */
  constructor(pool: TextPool) {
    this.#pool = pool;
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

  /** A regex of the query that was too slow and matches nothing any more; undefined if there is none. */
  get tooSlow(): string | undefined {
    return this.#tooSlow;
  }

  /** Takes over query, hide rules and time of the state. The caller then evaluates the entries whose answer may differ. */
  update(state: State): FilterChange {
    const before = this.#inputs;
    const { query, hideRules, lookups, baselineMs } = state;
    const { nowMs } = pictureOf(state);
    const isLater = query.isTimed && nowMs !== this.#context.nowMs;
    this.#context.nowMs = nowMs;
    this.#inputs = { query, hideRules, lookups, baselineMs };
    if (isSameFilter(this.#inputs, before)) return isLater ? 'time' : 'none';
    this.#context.baselineMs = baselineMs;
    if (query !== before.query) {
      this.#tooSlow = undefined;
      this.#matches = compileQuery(query, this.#pool, this.#context);
    }
    if (hideRules !== before.hideRules) this.#isHiddenByRule = compileHideRules(hideRules);
    return !isLater && this.#isNarrower(before) ? 'narrower' : 'any';
  }

  #isNarrower(before: FilterInputs): boolean {
    const { query, hideRules } = this.#inputs;
    return (
      hideRules.length === 0 &&
      isSameFilter({ ...before, query }, this.#inputs) &&
      narrows(before.query, query)
    );
  }

  /** Decides whether an entry is shown, and counts it if the answer is not the last one. */
  evaluate(entry: Entry): boolean {
    const matches = this.#matches(entry, entry.row);
    const isHidden = matches && this.#isHiddenByRule?.(entry.row.socket, entry.row.direction) === true;
    const isShown = matches && !isHidden;
    this.#setAnswer(entry, isShown, isHidden);
    return isShown;
  }

  /** Hides an entry and takes it out of the counts; call it before the entry changes. */
  retract(entry: Entry): void {
    this.#setAnswer(entry, false, false);
  }

  #setAnswer(entry: Entry, isShown: boolean, isHidden: boolean): void {
    if (isShown !== entry.shown) {
      const by = isShown ? 1 : -1;
      this.#shown += by;
      if (entry.open) this.#open += by;
      entry.shown = isShown;
    }
    if (isHidden !== entry.hidden) {
      if (entry.open) this.#hidden += isHidden ? 1 : -1;
      entry.hidden = isHidden;
    }
  }
}
