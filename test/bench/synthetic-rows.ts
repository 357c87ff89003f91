import type { Socket } from '../../src/model/socket.ts';
import { EVERYTHING, parseQuery, type Query } from '../../src/query/query.ts';
import { initialState } from '../../src/store/initial.ts';
import { reduce } from '../../src/store/reduce.ts';
import type { State } from '../../src/store/state.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { distinctIndexes, syntheticBatch, syntheticSocket, withTraffic } from './synthetic-sockets.ts';

export const INTERVAL_MS = 1000;

export const startingState = (): State =>
  initialState({
    host: 'bench',
    system: 'Linux',
    intervalMs: INTERVAL_MS,
    lingerMs: 3000,
    query: EVERYTHING,
    palette: 'standard',
  });

/** Parses a valid query. @returns a new object each time, so that no cached result of an earlier one is used */
export function validQuery(text: string): Query {
  const parsed = parseQuery(text);
  if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.query;
}

/** Store and row order over synthetic sockets, with a clock that advances by one interval per tick. */
export class SyntheticRows {
  #state: State;
  readonly #order = new RowOrder();
  readonly #sockets: Socket[];
  #nowMs = 0;

  constructor(size: number) {
    this.#sockets = Array.from({ length: size }, syntheticSocket);
    const batch = syntheticBatch({ monotonicMs: 0, baseline: true, spawned: this.#sockets });
    this.#state = reduce(startingState(), { type: 'batch', batch, atMs: batch.monotonicMs });
    this.#order.update(this.#state);
  }

  get sockets(): readonly Socket[] {
    return this.#sockets;
  }

  /** Returns the sockets of the visible rows, in order. */
  shown(): Socket[] {
    return this.#order.rows().map(({ socket }) => socket);
  }

  /** Changes query, sort or grouping. @returns milliseconds until the rows are filtered, sorted and grouped by it */
  show(changes: Partial<State>): number {
    this.#state = { ...this.#state, ...changes };
    return this.#updateOrder();
  }

  /**
   * Advances by one interval in which 1 % of the sockets change: half of them by their bytes, the others spawn or close.
   * The effects of earlier ticks come on top: rates that end, marks that fade, closed rows that are removed.
   * @returns milliseconds until the rows are in order again
   */
  tick(): number {
    const each = Math.ceil(this.#sockets.length / 400);
    const [spawned, changed, closed]: [Socket[], Socket[], string[]] = [[], [], []];
    // Replaces sockets in place: a copy of the list would disturb the measurement.
    for (const [i, index] of distinctIndexes(this.#sockets.length, 3 * each).entries()) {
      const before = this.#sockets[index] ?? syntheticSocket();
      const isReplaced = i < each;
      const now = isReplaced ? syntheticSocket() : withTraffic(before);
      this.#sockets[index] = now;
      if (isReplaced) closed.push(before.id);
      (isReplaced ? spawned : changed).push(now);
    }
    this.#nowMs += INTERVAL_MS;
    const batch = syntheticBatch({
      monotonicMs: this.#nowMs,
      spawned,
      changed,
      closed,
    });
    this.#state = reduce(this.#state, { type: 'batch', batch, atMs: batch.monotonicMs });
    return this.#updateOrder();
  }

  #updateOrder(): number {
    const startMs = performance.now();
    this.#order.update(this.#state);
    return performance.now() - startMs;
  }
}
