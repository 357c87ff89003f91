import { HISTORY_TICKS, type RateHistory, sumOf, withRate } from '../../store/rate-history.ts';
import type { Group } from './entry.ts';

/** Maximum number of groups whose history is kept: more than fit on a screen. */
const MAX_GROUPS = 500;

/** Returns the history of all open rows of a group together. */
const historyFromRows = ({ entries }: Group, tick: number): RateHistory | undefined =>
  sumOf(
    entries.flatMap(({ row, open }) => (open ? row.history : undefined) ?? []),
    tick,
  );

/**
 * The rates of groups in the last ticks. The history of a group is made from its rows when it is first shown, and then
 * continued by the sum of the group at each tick. Only few groups are ever shown.
 */
export class GroupHistories {
  readonly #histories = new Map<Group, RateHistory | undefined>();
  #tick = 0;

  /** Returns the history of a group; undefined without traffic. */
  of(group: Group): RateHistory | undefined {
    if (this.#histories.has(group)) return this.#histories.get(group);
    for (const oldest of this.#histories.keys()) {
      if (this.#histories.size < MAX_GROUPS) break;
      this.#histories.delete(oldest);
    }
    const history = historyFromRows(group, this.#tick);
    this.#histories.set(group, history);
    return history;
  }

  /**
   * Continues each history with the present rate of its group, for every tick since the last call.
   * @param tick number of the last tick
   */
  advance(tick: number): void {
    if (tick === this.#tick) return;
    const from = Math.max(this.#tick + 1, tick - HISTORY_TICKS + 1);
    this.#tick = tick;
    for (const [group, before] of this.#histories) {
      const { sum, shown } = group;
      if (shown === 0 || sum === undefined) {
        this.#histories.delete(group);
        continue;
      }
      const rate = sum.rxRate + sum.txRate;
      if (rate === 0) continue;
      let history = before;
      for (let at = from; at <= tick; at++) history = withRate(history, at, rate);
      this.#histories.set(group, history);
    }
  }

  /** Forgets all histories, because the groups have other rows. */
  clear(): void {
    this.#histories.clear();
  }
}
