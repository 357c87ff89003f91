import type { Batch } from '../model/batch.ts';
import type { Event } from '../model/event.ts';
import { isEstablished, isListening, isNotable, type Socket } from '../model/socket.ts';
import type { Subject } from '../query/subject.ts';
import { Directions } from './directions.ts';
import { toldDirection } from './listeners.ts';
import { rateOf, stillRate } from './rates.ts';
import { type ProcessSum, Sums } from './sums.ts';

/** What happened to a row of late; it fades after the linger time. */
export type Mark = Subject['mark'];

/** A socket as the screen knows it. Immutable: a row that changes is replaced. Times are of the batches' clock. */
export interface Row extends Subject {
  readonly id: string;
  /**
   * Bytes a second received and sent in the last tick, whole; undefined when unknown, or closed. 0 in the first batch,
   * of which it says nothing: see `isMeasured`.
   */
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
  /**
   * How long it lived, milliseconds and parts of one; absent while it is there. What is left of a connection when that
   * is over (TIME_WAIT) has it already.
   */
  readonly lifetimeMs?: number;
  /** The lifetime is a lower bound. */
  readonly isAtLeast?: boolean;
}

/** False at the first look, when there is nothing yet to compare a counter with. `nowMs` is on the batches' clock. */
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
  /** Bytes a second through all sockets together; absent where no source tells of them. */
  readonly rxRate?: number;
  readonly txRate?: number;
}

/** What has ever been told of a socket, which decides about columns: they come, and stay. */
export interface Seen {
  /** Bytes that went through it. */
  readonly traffic: boolean;
  readonly queues: boolean;
  /** More than one network namespace. */
  readonly namespaces: boolean;
  readonly interfaces: boolean;
}

export const NOTHING_SEEN: Seen = { traffic: false, queues: false, namespaces: false, interfaces: false };

/** Closed rows that are not shown as long as they should be: there were too many. */
export interface Cut {
  /** How many went before their time. */
  readonly rows: number;
  /** How many stay at most. */
  readonly kept: number;
  /** When the last of them went, on the batches' clock. */
  readonly lastMs: number;
}

/** How long the notice of rows that were cut stays after the last one, milliseconds. */
const CUT_MS = 60_000;

const HISTORY_LENGTH = 600;

/**
 * So many marks fade, and so many rates go to 0, at a time; the others follow at once, in runs between which keys are
 * heard.
 */
const RUN = 1000;

const kindOf = (socket: Socket): 'established' | 'listening' | 'other' =>
  isListening(socket) ? 'listening' : isEstablished(socket) ? 'established' : 'other';

/** Drops the oldest entries; in runs, so that it costs nothing on most calls. */
const trim = (list: unknown[], length: number): void => {
  if (list.length >= length * 2) list.splice(0, list.length - length);
};

/** What goes through a socket that was as `before`; a socket without past had counted nothing. */
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

/** The rates of a socket whose counters stand still. */
const still = ({ traffic }: Socket): Pick<Row, 'rxRate' | 'txRate'> => ({
  rxRate: stillRate(traffic?.rxBytes),
  txRate: stillRate(traffic?.txBytes),
});

const isStill = ({ rxRate, txRate, socket: { traffic } }: Row): boolean =>
  rxRate === stillRate(traffic?.rxBytes) && txRate === stillRate(traffic?.txBytes);

const redirected = ({ direction: _, ...rest }: Row, direction: Row['direction']): Row =>
  direction ? { ...rest, direction } : rest;

/**
 * The sockets of now, those that closed a moment ago, and what happened of late. It is changed in place, for a copy
 * of 100,000 rows a tick would cost more than reading them: one owner, no clock of its own, no I/O.
 */
export class SocketTable {
  readonly #rows = new Map<string, Row>();
  /** When the mark of a row fades, by its id, in the order in which they do. */
  readonly #marked = new Map<string, number>();
  readonly #history: Tick[] = [];
  #touched = new Set<string>();
  readonly #totals = { total: 0, established: 0, listening: 0, other: 0 };
  readonly #sums = new Sums();
  readonly #lingerMs: number;
  readonly #mostClosed: number;
  /** Ids of closed rows, the first one to go first. */
  readonly #closed = new Set<string>();
  #cut: Cut | undefined;
  /** Rows that were not still at the end of the last tick: they are now, unless this one says otherwise. */
  #flowing = new Set<string>();
  #flowingNow = new Set<string>();
  /** Rows of which nothing more was said, that are still to go to 0. */
  #resting = new Set<string>();
  /** What the rows of the batch that is coming in parts come to, bytes a second. */
  #rates = { rxRate: 0, txRate: 0 };
  /** Time of the last batch that was taken whole. */
  #completeMs: number | undefined;
  /** Ids of open rows that a sampler which began anew has not told of yet. */
  #untold: Set<string> | undefined;
  /** Counts of the batch that is coming in parts. */
  #counts = { spawned: 0, changed: 0, closed: 0 };
  #seen = NOTHING_SEEN;
  #firstNetns: number | undefined;
  readonly #directions = new Directions();

  /**
   * @param lingerMs how long marks last and closed rows stay, milliseconds
   * @param mostClosed how many closed rows stay at most; the oldest go first
   */
  constructor(lingerMs: number, mostClosed = Infinity) {
    this.#lingerMs = lingerMs;
    this.#mostClosed = mostClosed;
  }

  /** Every row by socket id, closed ones that linger included. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** What the open sockets of each process come to, by pid. */
  get processes(): ReadonlyMap<number, ProcessSum> {
    return this.#sums.processes;
  }

  /** Closed rows that went before their time within the last minute; undefined for none. */
  get cut(): Cut | undefined {
    return this.#cut;
  }

  /** The same object until something is seen for the first time. */
  get seen(): Seen {
    return this.#seen;
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

  /** When `fade` has something to do again, on the batches' clock; undefined when nothing is marked. */
  get nextFadeMs(): number | undefined {
    if (this.#resting.size > 0) return this.#completeMs;
    const [next] = this.#marked.values();
    return next;
  }

  /**
   * Takes a batch, or a part of one: the parts of a batch are of one time, and count as one tick.
   * @returns the counts of the whole batch; undefined while more parts of it are to come
   */
  apply(batch: Batch): Tick | undefined {
    const { monotonicMs } = batch;
    this.fade(monotonicMs);
    // The sampler began anew: what it finds new came while there was none.
    const isAgain = batch.baseline && this.#completeMs !== undefined;
    if (isAgain) this.#untold ??= this.#openIds();
    const news = isAgain ? { ...batch, baseline: false } : batch;
    // A socket that does not change is not sent: until the batch before this one its counters stood as they are known.
    const elapsedMs = this.#completeMs === undefined ? undefined : monotonicMs - this.#completeMs;
    for (const socket of batch.spawned) {
      if (this.#untold?.delete(socket.id)) this.#change(socket, monotonicMs, elapsedMs);
      else this.#spawn(socket, news, elapsedMs);
    }
    for (const socket of batch.changed) {
      if (this.#change(socket, monotonicMs, elapsedMs)) this.#counts.changed++;
    }
    for (const id of batch.closed) this.#close(id, monotonicMs);
    this.#cutClosed(monotonicMs);
    for (const event of batch.events) this.#learn(event);
    // Nothing of the first look is news, also what has gone by its end.
    if (!batch.baseline) {
      this.#counts.spawned += batch.spawned.length;
      this.#counts.closed += batch.closed.length;
    }
    return batch.partial ? undefined : this.#complete(news);
  }

  /**
   * Takes away the marks that have had their time, and with them the closed rows: a thousand of them at most, and
   * the next ones when it is called again.
   */
  fade(nowMs: number): void {
    let run = 0;
    for (const [id, untilMs] of this.#marked) {
      if (untilMs > nowMs || ++run > RUN) break;
      this.#marked.delete(id);
      const row = this.#rows.get(id);
      if (row === undefined) continue;
      if (row.mark === 'closed') this.#remove(id);
      else this.#put({ ...row, mark: 'none' });
    }
    this.#rest();
  }

  #remove(id: string): void {
    this.#rows.delete(id);
    this.#marked.delete(id);
    this.#closed.delete(id);
    this.#touched.add(id);
  }

  /** Takes the oldest closed rows away that are more than may stay, and counts them. */
  #cutClosed(nowMs: number): void {
    const isOver = this.#cut && nowMs - this.#cut.lastMs > CUT_MS;
    if (isOver) this.#cut = undefined;
    let rows = 0;
    for (const id of this.#closed) {
      if (this.#closed.size <= this.#mostClosed) break;
      this.#remove(id);
      rows++;
    }
    if (rows > 0) this.#cut = { rows: (this.#cut?.rows ?? 0) + rows, kept: this.#mostClosed, lastMs: nowMs };
  }

  #openIds(): Set<string> {
    const ids = new Set<string>();
    for (const { id, mark } of this.#rows.values()) if (mark !== 'closed') ids.add(id);
    return ids;
  }

  #complete({ baseline, monotonicMs }: Batch): Tick {
    for (const id of this.#untold ?? []) this.#close(id, monotonicMs);
    this.#untold = undefined;
    if (this.#resting.size === 0) this.#resting = this.#flowing;
    // What is left over of the runs of before comes first.
    else for (const id of this.#flowing) this.#resting.add(id);
    this.#rest();
    this.#flowing = this.#flowingNow;
    this.#flowingNow = new Set();
    this.#directions.settle();
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

  /** Nothing was said of rows that were not still: now they are. */
  #rest(): void {
    let run = 0;
    for (const id of this.#resting) {
      if (++run > RUN) break;
      this.#resting.delete(id);
      const before = this.#rows.get(id);
      if (before === undefined || before.mark === 'closed') continue;
      const row: Row = { ...before, ...still(before.socket) };
      this.#sums.change(before, row);
      this.#put(row);
    }
  }

  #put(row: Row): void {
    this.#rows.set(row.id, row);
    this.#touched.add(row.id);
  }

  #putMarked(row: Row, nowMs: number): void {
    this.#put(row);
    // Behind all others, also where it was marked already.
    this.#marked.delete(row.id);
    this.#marked.set(row.id, nowMs + this.#lingerMs);
  }

  /** Takes an open row into account in the place of what it was. */
  #account(before: Row | undefined, row: Row): void {
    if (before) this.#count(before.socket, -1);
    this.#count(row.socket, 1);
    this.#sums.change(before, row);
    this.#rates.rxRate += row.rxRate ?? 0;
    this.#rates.txRate += row.txRate ?? 0;
    this.#flowing.delete(row.id);
    this.#resting.delete(row.id);
    if (!isStill(row)) this.#flowingNow.add(row.id);
    this.#see(row.socket);
  }

  #count(socket: Socket, by: 1 | -1): void {
    this.#totals.total += by;
    this.#totals[kindOf(socket)] += by;
  }

  #see({ traffic, netns, interface: name }: Socket): void {
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
    const rates = baseline ? still(socket) : measure(undefined, socket, elapsedMs);
    const direction = this.#directions.take(socket, undefined, this.#turnIn);
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
    this.#account(undefined, row);
    if (baseline) this.#put(row);
    else this.#putMarked({ ...row, mark: 'spawned' }, monotonicMs);
  }

  /** @returns whether the change is news */
  #change(socket: Socket, nowMs: number, elapsedMs: number | undefined): boolean {
    const before = this.#rows.get(socket.id);
    if (before === undefined || before.mark === 'closed') return false;
    const direction = this.#directions.take(socket, before.direction, this.#turnIn);
    const row: Row = {
      ...(direction === before.direction ? before : redirected(before, direction)),
      socket,
      ...measure(before.socket, socket, elapsedMs),
    };
    this.#account(before, row);
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
    // Where nobody tells how long it lived, it is as long as it was seen.
    const seen = { lifetimeMs: nowMs - before.firstSeenMs, isAtLeast: before.baseline };
    this.#putMarked({ ...seen, ...before, mark: 'closed', rxRate: undefined, txRate: undefined }, nowMs);
  }

  readonly #turnIn = (id: string): void => {
    const row = this.#rows.get(id);
    if (row) this.#put({ ...row, direction: 'in' });
  };

  /** What is told of a connection behind the lists, in the same part or a later one. */
  #learn(event: Event): void {
    if (event.type === 'gap') return;
    const row = this.#rows.get(event.socket.id);
    if (row === undefined) return;
    if (event.type === 'close' && event.lifetimeMs !== undefined) {
      const { lifetimeMs, isAtLeast = false } = event;
      this.#put({ ...row, lifetimeMs, isAtLeast });
    }
    // It was caught while it was being begun.
    const direction = event.type === 'spawn' ? toldDirection(event.socket) : undefined;
    if (direction && row.direction !== direction) this.#put({ ...row, direction });
  }
}
