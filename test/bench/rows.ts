import type { Socket } from '../../src/model/socket.ts';
import { EVERYTHING, parseQuery, type Query } from '../../src/query/query.ts';
import { initialState, reduce } from '../../src/store/reduce.ts';
import type { State } from '../../src/store/state.ts';
import { RowOrder } from '../../src/view/order.ts';
import { madeUpBatch, madeUpSocket, moved, somePlaces } from './made-up.ts';

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

/** Reads a query that is known to be one; a new one each time, of which nothing is remembered. */
export function madeUpQuery(text: string): Query {
  const parsed = parseQuery(text);
  if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.query;
}

/** A made-up machine that goes on, and the rows that are shown of it. */
export class Rows {
  #state: State;
  readonly #order = new RowOrder();
  readonly #sockets: Socket[];
  #nowMs = 0;

  constructor(size: number) {
    this.#sockets = Array.from({ length: size }, madeUpSocket);
    const batch = madeUpBatch({ monotonicMs: 0, baseline: true, spawned: this.#sockets });
    this.#state = reduce(startingState(), { type: 'batch', batch });
    this.#order.update(this.#state);
  }

  get sockets(): readonly Socket[] {
    return this.#sockets;
  }

  /** Those that are shown, in order. */
  shown(): Socket[] {
    return this.#order.rows().map(({ socket }) => socket);
  }

  /** Looks at the rows in another way. @returns milliseconds until they are filtered, sorted and grouped by it */
  look(by: Partial<State>): number {
    this.#state = { ...this.#state, ...by };
    return this.#catchUp();
  }

  /**
   * Lets a second go by: 1 % of the sockets change, half of them by their bytes, the others open or close. Besides
   * there is what such ticks leave behind: rates that end, marks that fade, closed rows that go.
   * @returns milliseconds until the rows are in order again
   */
  tick(): number {
    const each = Math.ceil(this.#sockets.length / 400);
    const [spawned, changed, closed]: [Socket[], Socket[], string[]] = [[], [], []];
    // In place: what this costs should not be seen in what is measured.
    for (const [i, place] of somePlaces(this.#sockets.length, 3 * each).entries()) {
      const before = this.#sockets[place] ?? madeUpSocket();
      const isReplaced = i < each;
      const now = isReplaced ? madeUpSocket() : moved(before);
      this.#sockets[place] = now;
      if (isReplaced) closed.push(before.id);
      (isReplaced ? spawned : changed).push(now);
    }
    this.#nowMs += INTERVAL_MS;
    const batch = madeUpBatch({
      monotonicMs: this.#nowMs,
      spawned,
      changed,
      closed,
    });
    this.#state = reduce(this.#state, { type: 'batch', batch });
    return this.#catchUp();
  }

  #catchUp(): number {
    const startMs = performance.now();
    this.#order.update(this.#state);
    return performance.now() - startMs;
  }
}
