import type { Batch } from '../model/batch.ts';
import { firstOwner, isEstablished, isListening, type Socket, type SocketState } from '../model/socket.ts';

/** What happened to a row of late; it fades after the linger time. */
export type Mark = 'none' | 'spawned' | 'changed' | 'closed';

/** A socket as the screen knows it. Immutable: a row that changes is replaced. Times are of the batches' clock. */
export interface Row {
  readonly id: string;
  readonly socket: Socket;
  readonly mark: Mark;
  readonly firstSeenMs: number;
  /** It was there before netpane was: its true age is not known. */
  readonly baseline: boolean;
}

/** One line of the event log. */
export interface LogEntry {
  /** Wall-clock time, milliseconds since 1970. */
  readonly atMs: number;
  readonly kind: Exclude<Mark, 'none'>;
  readonly socket: Socket;
  /** State before a change; absent where there was none, or where the state is as it was. */
  readonly was?: SocketState;
  /** How long a closed socket was seen. */
  readonly lifetimeMs?: number;
  /** The lifetime is a lower bound: the socket was there before netpane was. */
  readonly baseline?: boolean;
}

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
}

const LOG_LENGTH = 1000;
const HISTORY_LENGTH = 600;

const kindOf = (socket: Socket): 'established' | 'listening' | 'other' =>
  isListening(socket) ? 'listening' : isEstablished(socket) ? 'established' : 'other';

/** A change worth a mark: another state, another peer, another program. Others only replace what is shown. */
const isNews = (before: Socket, now: Socket): boolean =>
  before.state !== now.state ||
  before.local.port !== now.local.port ||
  before.local.address !== now.local.address ||
  before.remote?.port !== now.remote?.port ||
  before.remote?.address !== now.remote?.address ||
  firstOwner(before).pid !== firstOwner(now).pid;

/** Drops the oldest entries; in runs, so that it costs nothing on most calls. */
const trim = (list: unknown[], length: number): void => {
  if (list.length >= length * 2) list.splice(0, list.length - length);
};

/**
 * The sockets of now, those that closed a moment ago, and what happened of late. It is changed in place, for a copy
 * of 100,000 rows a tick would cost more than reading them: one owner, no clock of its own, no I/O.
 */
export class SocketTable {
  readonly #rows = new Map<string, Row>();
  /** Marked rows in the order in which their marks fade. */
  readonly #marked: { row: Row; untilMs: number }[] = [];
  readonly #log: LogEntry[] = [];
  readonly #history: Tick[] = [];
  #touched = new Set<string>();
  readonly #totals = { total: 0, established: 0, listening: 0, other: 0 };
  readonly #lingerMs: number;
  /** Count of log entries ever written. */
  logged = 0;

  /** @param lingerMs how long marks last and closed rows stay, milliseconds */
  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs;
  }

  /** Every row by socket id, closed ones that linger included. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** Newest last; at least the last 1,000 entries, as far as there were so many. */
  get log(): readonly LogEntry[] {
    return this.#log;
  }

  /** Ticks, newest last; at least the last 600. The first batch is not among them. */
  get history(): readonly Tick[] {
    return this.#history;
  }

  /** Ids of the rows that were added, replaced or removed since the last call. */
  takeTouched(): ReadonlySet<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** When the next mark fades, on the batches' clock; undefined when nothing is marked. */
  get nextFadeMs(): number | undefined {
    return this.#marked[0]?.untilMs;
  }

  apply(batch: Batch): Tick {
    const { monotonicMs, takenAtMs } = batch;
    this.fade(monotonicMs);
    for (const socket of batch.spawned) this.#spawn(socket, batch);
    let changed = 0;
    for (const socket of batch.changed) if (this.#change(socket, monotonicMs, takenAtMs)) changed++;
    for (const id of batch.closed) this.#close(id, monotonicMs, takenAtMs);
    const tick: Tick = {
      monotonicMs,
      total: this.#totals.total,
      spawned: batch.baseline ? 0 : batch.spawned.length,
      changed,
      closed: batch.closed.length,
    };
    if (!batch.baseline) this.#history.push(tick);
    trim(this.#history, HISTORY_LENGTH);
    trim(this.#log, LOG_LENGTH);
    return tick;
  }

  /** Takes away the marks that have had their time, and with them the closed rows. */
  fade(nowMs: number): void {
    let count = 0;
    for (const { row, untilMs } of this.#marked) {
      if (untilMs > nowMs) break;
      count++;
      // A row that was marked again since then is another object, with a time of its own.
      if (this.#rows.get(row.id) !== row) continue;
      if (row.mark === 'closed') {
        this.#rows.delete(row.id);
        this.#touched.add(row.id);
      } else this.#put({ ...row, mark: 'none' });
    }
    this.#marked.splice(0, count);
  }

  #put(row: Row): void {
    this.#rows.set(row.id, row);
    this.#touched.add(row.id);
  }

  #putMarked(row: Row, nowMs: number): void {
    this.#put(row);
    this.#marked.push({ row, untilMs: nowMs + this.#lingerMs });
  }

  #count(socket: Socket, by: 1 | -1): void {
    this.#totals.total += by;
    this.#totals[kindOf(socket)] += by;
  }

  #note(entry: LogEntry): void {
    this.#log.push(entry);
    this.logged++;
  }

  #spawn(socket: Socket, { baseline, monotonicMs, takenAtMs }: Batch): void {
    this.#count(socket, 1);
    const row: Row = { id: socket.id, socket, mark: 'none', firstSeenMs: monotonicMs, baseline };
    if (baseline) {
      this.#put(row);
      return;
    }
    this.#putMarked({ ...row, mark: 'spawned' }, monotonicMs);
    this.#note({ atMs: takenAtMs, kind: 'spawned', socket });
  }

  #change(socket: Socket, nowMs: number, atMs: number): boolean {
    const before = this.#rows.get(socket.id);
    if (before === undefined || before.mark === 'closed') return false;
    this.#count(before.socket, -1);
    this.#count(socket, 1);
    if (!isNews(before.socket, socket)) {
      const row = { ...before, socket };
      this.#put(row);
      // The mark that is still on fades with the new object at its old time.
      const marked = before.mark === 'none' ? undefined : this.#marked.find((it) => it.row === before);
      if (marked) marked.row = row;
      return false;
    }
    this.#putMarked({ ...before, socket, mark: 'changed' }, nowMs);
    const was = before.socket.state;
    const otherState = was !== undefined && was !== socket.state;
    this.#note({ atMs, kind: 'changed', socket, ...(otherState && { was }) });
    return true;
  }

  #close(id: string, nowMs: number, atMs: number): void {
    const before = this.#rows.get(id);
    if (before === undefined || before.mark === 'closed') return;
    this.#count(before.socket, -1);
    this.#putMarked({ ...before, mark: 'closed' }, nowMs);
    const { socket, baseline } = before;
    this.#note({
      atMs,
      kind: 'closed',
      socket,
      lifetimeMs: nowMs - before.firstSeenMs,
      ...(baseline && { baseline }),
    });
  }
}
