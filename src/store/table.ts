import type { Batch } from '../model/batch.ts';
import type { Event } from '../model/event.ts';
import { isEstablished, isListening, isNotable, type Socket } from '../model/socket.ts';
import type { Subject } from '../query/subject.ts';
import { Directions } from './directions.ts';
import { type Changes, Journal } from './journal.ts';
import { directionFromKernel } from './listeners.ts';
import { rateOf, idleRate } from './rates.ts';
import { type ProcessSum, Sums } from './sums.ts';

/** What happened to a row lately; the mark fades after the linger time. */
export type Mark = Subject['mark'];

/** A socket in the table. Immutable: a row that changes is replaced. Times are on the batches' clock. */
export interface Row extends Subject {
  readonly id: string;
  /**
   * Bytes per second received and sent in the last tick, integers; undefined when unknown, or closed. 0 in the first
   * batch, where it is not a measurement: see `isMeasured`.
   */
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
  /** How long it lived, milliseconds with fractions; absent while it is open. A remnant (TIME_WAIT) has it already. */
  readonly lifetimeMs?: number;
  /** The lifetime is a lower bound. */
  readonly isAtLeast?: boolean;
}

/**
 * Returns false in the first batch, when there are no earlier counters for a rate. `nowMs` is on the batches' clock.
 */
export const isMeasured = ({ baseline, firstSeenMs }: Row, nowMs: number): boolean =>
  !baseline || nowMs > firstSeenMs;

/** Open sockets by kind; they add up to `total`. */
export interface Totals {
  readonly total: number;
  readonly established: number;
  readonly listening: number;
  readonly other: number;
}

/** Counts of one tick. */
export interface Tick {
  readonly monotonicMs: number;
  readonly total: number;
  readonly spawned: number;
  readonly changed: number;
  readonly closed: number;
  /** Bytes per second of all sockets together; absent when the source has no byte counters. */
  readonly rxRate?: number;
  readonly txRate?: number;
}

/** Which optional fields any socket has had: their columns appear, and stay. */
export interface Seen {
  /** Byte counters. */
  readonly traffic: boolean;
  readonly queues: boolean;
  /** More than one network namespace. */
  readonly namespaces: boolean;
  readonly interfaces: boolean;
}

export const NOTHING_SEEN: Seen = { traffic: false, queues: false, namespaces: false, interfaces: false };

/** Closed rows that were removed before the linger time, because there were too many. */
export interface DroppedRows {
  /** Number of rows removed early. */
  readonly rows: number;
  /** Maximum number of closed rows. */
  readonly kept: number;
  /** Time of the last removal, on the batches' clock. */
  readonly lastMs: number;
}

/** How long the notice of dropped rows stays after the last one, milliseconds. */
const DROP_NOTICE_MS = 60_000;

const HISTORY_LENGTH = 600;

/** Maximum number of marks that fade, and of rates that go to 0, in one call. Keys are read between two calls. */
const MAX_RUN = 1000;

const kindOf = (socket: Socket): 'established' | 'listening' | 'other' =>
  isListening(socket) ? 'listening' : isEstablished(socket) ? 'established' : 'other';

/** Drops the oldest entries, but only once the list has twice the length: most calls cost nothing. */
const trim = (list: unknown[], length: number): void => {
  if (list.length >= length * 2) list.splice(0, list.length - length);
};

/** Returns the rates of a socket since `before`. The counters of a new socket started at 0. */
function measure(
  before: Socket | undefined,
  now: Socket,
  elapsedMs: number | undefined,
): Pick<Row, 'rxRate' | 'txRate'> {
  const then = before ? before.traffic : { rxBytes: 0, txBytes: 0 };
  return {
    rxRate: rateOf(then?.rxBytes, now.traffic?.rxBytes, elapsedMs),
    txRate: rateOf(then?.txBytes, now.traffic?.txBytes, elapsedMs),
  };
}

/** Returns the rates of a socket whose counters do not change. */
const idleRates = ({ traffic }: Socket): Pick<Row, 'rxRate' | 'txRate'> => ({
  rxRate: idleRate(traffic?.rxBytes),
  txRate: idleRate(traffic?.txBytes),
});

const isIdle = ({ rxRate, txRate, socket: { traffic } }: Row): boolean =>
  rxRate === idleRate(traffic?.rxBytes) && txRate === idleRate(traffic?.txBytes);

const withDirection = ({ direction: _, ...rest }: Row, direction: Row['direction']): Row =>
  direction ? { ...rest, direction } : rest;

/**
 * Rows of the open sockets and of those that closed within the linger time, with counts of the last ticks. It changes
 * in place, because a copy of 100,000 rows each tick would cost more than a poll. It has no clock and does no I/O.
 *
 * A batch is applied part by part:
 *
 *     apply(part) ── fade old marks, then rows: spawned, changed, closed, then events
 *        │ last part
 *        ▼
 *     #complete ── close rows that a restarted sampler did not report, set idle rates to 0, return the tick
 */
export class SocketTable {
  readonly #rows = new Map<string, Row>();
  /** Time at which the mark of a row fades, by the id of the row, earliest first. */
  readonly #marked = new Map<string, number>();
  readonly #history: Tick[] = [];
  readonly #journal = new Journal();
  readonly #totals = { total: 0, established: 0, listening: 0, other: 0 };
  readonly #sums = new Sums();
  readonly #lingerMs: number;
  readonly #maxClosed: number;
  /** Ids of closed rows, oldest first. */
  readonly #closed = new Set<string>();
  #droppedRows: DroppedRows | undefined;
  /** Ids of rows with traffic in the last tick. Their rates are 0 now, unless this tick changes the row. */
  #active = new Set<string>();
  /** Ids of rows with traffic in this tick. */
  #activeNow = new Set<string>();
  /** Ids of rows that have no traffic any more and whose rates have not been set to 0 yet. */
  #idling = new Set<string>();
  /** Sums of the rates in the current batch, bytes per second. */
  #rates = { rxRate: 0, txRate: 0 };
  /** Time of the last complete batch. */
  #completeMs: number | undefined;
  /** Ids of open rows that a restarted sampler has not reported yet; undefined without a restart. */
  #unreported: Set<string> | undefined;
  /** Counts of the current batch. */
  #counts = { spawned: 0, changed: 0, closed: 0 };
  #seen = NOTHING_SEEN;
  #firstNetns: number | undefined;
  readonly #directions = new Directions();

  /**
   * @param lingerMs how long marks and closed rows stay, milliseconds
   * @param maxClosed maximum number of closed rows; the oldest are removed first
   */
  constructor(lingerMs: number, maxClosed = Infinity) {
    this.#lingerMs = lingerMs;
    this.#maxClosed = maxClosed;
  }

  /** All rows by socket id, with the closed ones that have not faded. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** Sums over the open sockets of each process, by pid. */
  get processes(): ReadonlyMap<number, ProcessSum> {
    return this.#sums.processes;
  }

  /** Closed rows removed early, until a minute after the last one; undefined for none. */
  get droppedRows(): DroppedRows | undefined {
    return this.#droppedRows;
  }

  /** Optional fields seen so far. The same object until another field is seen. */
  get seen(): Seen {
    return this.#seen;
  }

  /** Ticks, oldest first; at least the last 600. The first batch is not among them. */
  get history(): readonly Tick[] {
    return this.#history;
  }

  /** Sequence number of the next change of a row. */
  get sequence(): number {
    return this.#journal.end;
  }

  /** Returns the ids of the rows added, replaced or removed since `sequence` had this value. */
  changesSince(sequence: number): Changes {
    return this.#journal.since(sequence);
  }

  /** Time of the next call of `fade` that changes rows, on the batches' clock; undefined when no row is marked. */
  get nextFadeMs(): number | undefined {
    if (this.#idling.size > 0) return this.#completeMs;
    const [next] = this.#marked.values();
    return next;
  }

  /**
   * Applies a batch, or a part of one. All parts of a batch have one time and count as one tick.
   * @returns the counts of the whole batch with its last part; undefined before
   */
  apply(batch: Batch): Tick | undefined {
    const { monotonicMs } = batch;
    this.fade(monotonicMs);
    // The sampler was restarted: sockets without a row spawned meanwhile.
    const isRestart = batch.baseline && this.#completeMs !== undefined;
    if (isRestart) this.#unreported ??= this.#openIds();
    const fields = isRestart ? { ...batch, baseline: false } : batch;
    // Unchanged sockets are not sent, so the counters of a row are those of the last batch.
    const elapsedMs = this.#completeMs === undefined ? undefined : monotonicMs - this.#completeMs;
    for (const socket of batch.spawned) {
      if (this.#unreported?.delete(socket.id)) this.#change(socket, monotonicMs, elapsedMs);
      else this.#spawn(socket, fields, elapsedMs);
    }
    for (const socket of batch.changed) {
      if (this.#change(socket, monotonicMs, elapsedMs)) this.#counts.changed++;
    }
    for (const id of batch.closed) this.#close(id, monotonicMs);
    this.#dropClosed(monotonicMs);
    for (const event of batch.events) this.#applyEvent(event);
    // The baseline is not counted, nor are baseline sockets that have closed by the end of the batch.
    if (!batch.baseline) {
      this.#counts.spawned += batch.spawned.length;
      this.#counts.closed += batch.closed.length;
    }
    this.#journal.trim(this.#rows.size);
    return batch.partial ? undefined : this.#complete(fields);
  }

  /** Removes expired marks, and closed rows with them: at most a thousand in one call. */
  fade(nowMs: number): void {
    let count = 0;
    for (const [id, untilMs] of this.#marked) {
      if (untilMs > nowMs || ++count > MAX_RUN) break;
      this.#marked.delete(id);
      const row = this.#rows.get(id);
      if (row === undefined) continue;
      if (row.mark === 'closed') this.#remove(id);
      else this.#put({ ...row, mark: 'none' });
    }
    this.#idle();
  }

  #remove(id: string): void {
    this.#rows.delete(id);
    this.#marked.delete(id);
    this.#closed.delete(id);
    this.#journal.add(id);
  }

  /** Removes the oldest closed rows beyond the maximum, and counts them. */
  #dropClosed(nowMs: number): void {
    const isExpired = this.#droppedRows && nowMs - this.#droppedRows.lastMs > DROP_NOTICE_MS;
    if (isExpired) this.#droppedRows = undefined;
    let rows = 0;
    for (const id of this.#closed) {
      if (this.#closed.size <= this.#maxClosed) break;
      this.#remove(id);
      rows++;
    }
    if (rows > 0)
      this.#droppedRows = {
        rows: (this.#droppedRows?.rows ?? 0) + rows,
        kept: this.#maxClosed,
        lastMs: nowMs,
      };
  }

  #openIds(): Set<string> {
    const ids = new Set<string>();
    for (const { id, mark } of this.#rows.values()) if (mark !== 'closed') ids.add(id);
    return ids;
  }

  #complete({ baseline, monotonicMs }: Batch): Tick {
    for (const id of this.#unreported ?? []) this.#close(id, monotonicMs);
    this.#unreported = undefined;
    if (this.#idling.size === 0) this.#idling = this.#active;
    // Rows left over from earlier runs come first.
    else for (const id of this.#active) this.#idling.add(id);
    this.#idle();
    this.#active = this.#activeNow;
    this.#activeNow = new Set();
    this.#directions.endBatch();
    this.#completeMs = monotonicMs;
    const tick: Tick = {
      monotonicMs,
      total: this.#totals.total,
      ...this.#counts,
      ...(!baseline && this.#seen.traffic && this.#rates),
    };
    this.#counts = { spawned: 0, changed: 0, closed: 0 };
    this.#rates = { rxRate: 0, txRate: 0 };
    if (!baseline) this.#history.push(tick);
    trim(this.#history, HISTORY_LENGTH);
    return tick;
  }

  /** Sets the rates of rows without new traffic to 0: at most a thousand in one call. */
  #idle(): void {
    let count = 0;
    for (const id of this.#idling) {
      if (++count > MAX_RUN) break;
      this.#idling.delete(id);
      const before = this.#rows.get(id);
      if (before === undefined || before.mark === 'closed') continue;
      const row: Row = { ...before, ...idleRates(before.socket) };
      this.#sums.change(before, row);
      this.#put(row);
    }
  }

  #put(row: Row): void {
    this.#rows.set(row.id, row);
    this.#journal.add(row.id);
  }

  #putMarked(row: Row, nowMs: number): void {
    this.#put(row);
    // Deleted first, so that a row that is marked again moves to the end.
    this.#marked.delete(row.id);
    this.#marked.set(row.id, nowMs + this.#lingerMs);
  }

  /** Replaces an open row in counts, sums and rates. */
  #recount(before: Row | undefined, row: Row): void {
    if (before) this.#count(before.socket, -1);
    this.#count(row.socket, 1);
    this.#sums.change(before, row);
    this.#rates.rxRate += row.rxRate ?? 0;
    this.#rates.txRate += row.txRate ?? 0;
    this.#active.delete(row.id);
    this.#idling.delete(row.id);
    if (!isIdle(row)) this.#activeNow.add(row.id);
    this.#noteFields(row.socket);
  }

  #count(socket: Socket, by: 1 | -1): void {
    this.#totals.total += by;
    this.#totals[kindOf(socket)] += by;
  }

  /** Notes optional fields that are seen for the first time. */
  #noteFields({ traffic, netns, interface: name }: Socket): void {
    const { seen } = this;
    if (traffic !== undefined) {
      if (!seen.traffic && (traffic.rxBytes !== undefined || traffic.txBytes !== undefined))
        this.#seen = { ...this.#seen, traffic: true };
      if (!seen.queues && (traffic.recvQueue !== undefined || traffic.sendQueue !== undefined))
        this.#seen = { ...this.#seen, queues: true };
    }
    if (!seen.interfaces && name !== undefined) this.#seen = { ...this.#seen, interfaces: true };
    if (!seen.namespaces && netns !== undefined) {
      this.#firstNetns ??= netns.inode;
      if (netns.inode !== this.#firstNetns) this.#seen = { ...this.#seen, namespaces: true };
    }
  }

  #spawn(socket: Socket, { baseline, monotonicMs }: Batch, elapsedMs: number | undefined): void {
    const rates = baseline ? idleRates(socket) : measure(undefined, socket, elapsedMs);
    const direction = this.#directions.take(socket, undefined, this.#setIncoming);
    const { id } = socket;
    this.#closed.delete(id);
    const row: Row = {
      id,
      socket,
      mark: 'none',
      firstSeenMs: monotonicMs,
      baseline,
      ...rates,
      ...(direction && { direction }),
    };
    this.#recount(undefined, row);
    if (baseline) this.#put(row);
    else this.#putMarked({ ...row, mark: 'spawned' }, monotonicMs);
  }

  /** Returns true if the change is notable, and marks the row then. */
  #change(socket: Socket, nowMs: number, elapsedMs: number | undefined): boolean {
    const before = this.#rows.get(socket.id);
    if (before === undefined || before.mark === 'closed') return false;
    const direction = this.#directions.take(socket, before.direction, this.#setIncoming);
    const row: Row = {
      ...(direction === before.direction ? before : withDirection(before, direction)),
      socket,
      ...measure(before.socket, socket, elapsedMs),
    };
    this.#recount(before, row);
    if (!isNotable(before.socket, socket)) {
      this.#put(row);
      return false;
    }
    this.#putMarked({ ...row, mark: 'changed' }, nowMs);
    return true;
  }

  #close(id: string, nowMs: number): void {
    const before = this.#rows.get(id);
    if (before === undefined || before.mark === 'closed') return;
    this.#count(before.socket, -1);
    this.#directions.drop(id);
    this.#sums.change(before, undefined);
    this.#closed.add(id);
    // Without a lifetime from an event, the time since the first sighting.
    const seen = { lifetimeMs: nowMs - before.firstSeenMs, isAtLeast: before.baseline };
    this.#putMarked({ ...seen, ...before, mark: 'closed', rxRate: undefined, txRate: undefined }, nowMs);
  }

  readonly #setIncoming = (id: string): void => {
    const row = this.#rows.get(id);
    if (row) this.#put({ ...row, direction: 'in' });
  };

  /** Applies what an event says beyond the lists: lifetime and direction. It comes in the same part or a later one. */
  #applyEvent(event: Event): void {
    if (event.type === 'gap') return;
    const row = this.#rows.get(event.socket.id);
    if (row === undefined) return;
    if (event.type === 'close' && event.lifetimeMs !== undefined) {
      const { lifetimeMs, isAtLeast = false } = event;
      this.#put({ ...row, lifetimeMs, isAtLeast });
    }
    // A spawn event of the trace has the state of the handshake.
    const direction = event.type === 'spawn' ? directionFromKernel(event.socket) : undefined;
    if (direction && row.direction !== direction) this.#put({ ...row, direction });
  }
}
