import { isEstablished, isListening, type Socket } from '../model/socket.ts';
import type { Row } from './row.ts';
import { isCounted } from './sums.ts';

/** Open sockets by kind; they add up to `total`. */
export interface Totals {
  readonly total: number;
  readonly established: number;
  readonly listening: number;
  readonly other: number;
}

/** Numbers of open sockets with and without byte counters: the rates of a tick lack the bytes of those without. */
export interface Counted {
  /** Number of open sockets that can carry data, of other protocols than TCP, without byte counters. */
  readonly uncounted: number;
  /** The same with byte counters. */
  readonly countedOthers: number;
}

/** Counts of one tick: sockets open at its end, and changes since the tick before. */
export interface Tick {
  readonly monotonicMs: number;
  readonly total: number;
  readonly spawned: number;
  readonly changed: number;
  readonly closed: number;
  /** Bytes per second of all sockets together; absent in the baseline, and when the source has no byte counters. */
  readonly rxRate?: number;
  readonly txRate?: number;
}

/** Connections that were only counted: they have no rows. */
export interface Summed {
  readonly connections: number;
  /** Time of the last ones, on the batches' clock. */
  readonly lastMs: number;
}

/** How long the notice of counted connections stays after the last one, milliseconds. */
const SUMMED_NOTICE_MS = 60_000;

/** Minimum number of ticks kept. */
const HISTORY_LENGTH = 600;

const kindOf = (socket: Socket): 'established' | 'listening' | 'other' =>
  isListening(socket) ? 'listening' : isEstablished(socket) ? 'established' : 'other';

/** Returns true for a socket of another protocol than TCP with data of its own: a packet socket sees the data of others. */
const isOther = ({ protocol }: Socket): boolean => protocol !== 'tcp' && protocol !== 'packet';

/** Drops all but the newest `length` entries, but only once there are twice as many: most calls cost nothing. */
const trim = (list: unknown[], length: number): void => {
  if (list.length >= length * 2) list.splice(0, list.length - length);
};

/** Counts the open sockets, and the changes of each tick. */
export class Counts {
  readonly #totals = { total: 0, established: 0, listening: 0, other: 0 };
  readonly #counted = { uncounted: 0, countedOthers: 0 };
  readonly #history: Tick[] = [];
  #changes = { spawned: 0, changed: 0, closed: 0 };
  readonly #changesSoFar = { spawned: 0, closed: 0 };
  #summed: Summed | undefined;
  /** Sums of the rates in the current tick, bytes per second. */
  #rates = { rxRate: 0, txRate: 0 };

  get totals(): Totals {
    return this.#totals;
  }

  /** Number of sockets that have spawned and closed in all ticks. */
  get changesSoFar(): Readonly<{ spawned: number; closed: number }> {
    return this.#changesSoFar;
  }

  /** Connections without rows, until a minute after the last one; undefined for none. */
  get summed(): Summed | undefined {
    return this.#summed;
  }

  get counted(): Counted {
    return this.#counted;
  }

  /** The last ticks without the baseline, oldest first: at least 600 once there were as many. */
  get history(): readonly Tick[] {
    return this.#history;
  }

  /** Adds an open socket to the totals (1), or removes it (-1). */
  count(socket: Socket, by: 1 | -1): void {
    this.#totals.total += by;
    this.#totals[kindOf(socket)] += by;
    if (isOther(socket)) this.#counted[isCounted(socket) ? 'countedOthers' : 'uncounted'] += by;
  }

  /** Adds the rates of a row that spawned or changed in this tick; the others have no traffic. */
  addRates({ rxRate = 0, txRate = 0 }: Pick<Row, 'rxRate' | 'txRate'>): void {
    this.#rates.rxRate += rxRate;
    this.#rates.txRate += txRate;
  }

  /** Adds connections without rows, each of which spawned and closed, with the rates of all of them. */
  addSum(count: number, lastMs: number, rates: Pick<Row, 'rxRate' | 'txRate'>): void {
    this.addChanges(count, 0, count);
    this.addRates(rates);
    this.#summed = { connections: (this.#summed?.connections ?? 0) + count, lastMs };
  }

  addChanges(spawned: number, changed: number, closed: number): void {
    this.#changes.spawned += spawned;
    this.#changes.changed += changed;
    this.#changes.closed += closed;
    this.#changesSoFar.spawned += spawned;
    this.#changesSoFar.closed += closed;
  }

  /** Ends a tick and returns its counts. @param hasTraffic the source has byte counters */
  endTick(monotonicMs: number, isBaseline: boolean, hasTraffic: boolean): Tick {
    const tick: Tick = {
      monotonicMs,
      total: this.#totals.total,
      ...this.#changes,
      ...(!isBaseline && hasTraffic && this.#rates),
    };
    this.#changes = { spawned: 0, changed: 0, closed: 0 };
    this.#rates = { rxRate: 0, txRate: 0 };
    if (!isBaseline) this.#history.push(tick);
    trim(this.#history, HISTORY_LENGTH);
    if (this.#summed && monotonicMs - this.#summed.lastMs > SUMMED_NOTICE_MS) this.#summed = undefined;
    return tick;
  }
}
