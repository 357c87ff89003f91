import type { Batch } from '../model/batch.ts';
import type { Event } from '../model/event.ts';
import type { HostId } from '../model/host.ts';
import { isNotable, type Socket } from '../model/socket.ts';
import { Activity } from './activity.ts';
import type { DroppedRows } from './closed-rows.ts';
import { type Counted, Counts, type Tick, type Totals } from './counts.ts';
import { Diagnoses } from './diagnoses.ts';
import type { Diagnosis } from './diagnosis.ts';
import { Directions } from './directions.ts';
import { FadingRows } from './fading-rows.ts';
import type { Changes } from './journal.ts';
import { directionFromKernel } from './listeners.ts';
import { NewListeners } from './new-listeners.ts';
import { Peers } from './peers.ts';
import { ProgramNames } from './program-names.ts';
import { idleRates, measuredRates, type Row, withDirection, withPeer } from './row.ts';
import { type Seen, SeenFields } from './seen-fields.ts';
import { type ProcessSum, Sums } from './sums.ts';

/**
 * Rows of the open sockets and of those that closed within the linger time, and counts of the last ticks. The table
 * changes in place, because a copy of 100,000 rows each tick would cost more than a poll. It has no clock and does no
 * I/O.
 *
 * A batch is applied part by part:
 *
 *     apply(part) ── fade old marks, then rows: spawned, changed, closed, then events
 *        │ last part
 *        ▼
 *     #complete ── close rows that a restarted sampler did not report, set idle rates to 0, return the tick
 */
export class SocketTable {
  readonly #rows: FadingRows;
  readonly #counts = new Counts();
  readonly #activity = new Activity();
  readonly #sums = new Sums();
  readonly #fields = new SeenFields();
  readonly #directions = new Directions();
  readonly #peers = new Peers((id, peer, isPair) => {
    this.#setPeer(id, isPair ? peer : undefined);
    this.#setPeer(peer, isPair ? id : undefined);
  });
  readonly #diagnoses = new Diagnoses();
  readonly #newListeners = new NewListeners();
  /** Names of all programs so far. */
  readonly programNames = new ProgramNames();
  /** Number of complete batches. */
  #tick = 0;
  /** Time of the last complete batch. */
  #completeMs: number | undefined;
  /** Ids of open rows that a restarted sampler has not reported yet; undefined without a restart. */
  #unreported: Set<string> | undefined;

  /**
   * @param lingerMs how long marks and closed rows stay, milliseconds
   * @param maxClosed maximum number of closed rows; the oldest are removed first
   */
  constructor(lingerMs: number, maxClosed = Infinity) {
    this.#rows = new FadingRows(lingerMs, maxClosed, (id) => this.#newListeners.isUnseen(id));
  }

  /** All rows by socket id, with the closed ones that have not faded. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows.all;
  }

  get totals(): Totals {
    return this.#counts.totals;
  }

  /** Whose bytes the rates of a tick leave out. */
  get counted(): Counted {
    return this.#counts.counted;
  }

  /** Sums over the open sockets of each process, by pid. */
  get processes(): ReadonlyMap<number, ProcessSum> {
    return this.#sums.processes;
  }

  /** Trouble in the sockets, the most urgent first. The same list while there is none. */
  get diagnoses(): readonly Diagnosis[] {
    return this.#diagnoses.all;
  }

  /** Number of sockets that have spawned and closed since the baseline. */
  get changesSoFar(): Readonly<{ spawned: number; closed: number }> {
    return this.#counts.changesSoFar;
  }

  /** Returns true if programs of this name run in several directories. */
  hasSeveralDirectories(process: string): boolean {
    return this.#sums.hasSeveralDirectories(process);
  }

  /** Closed rows removed early, until a minute after the last one; undefined for none. */
  get droppedRows(): DroppedRows | undefined {
    return this.#rows.dropped;
  }

  /** Optional fields seen so far. The same object until another field is seen. */
  get seen(): Seen {
    return this.#fields.seen;
  }

  /** Ticks, oldest first; at least the last 600. The first batch is not among them. */
  get history(): readonly Tick[] {
    return this.#counts.history;
  }

  /** Number of the last complete tick; the baseline is the first one. */
  get tick(): number {
    return this.#tick;
  }

  /** Sequence number of the next change of a row. */
  get sequence(): number {
    return this.#rows.sequence;
  }

  /** Returns the ids of the rows added, replaced or removed since `sequence` had this value. */
  changesSince(sequence: number): Changes {
    return this.#rows.changesSince(sequence);
  }

  /** Time of the next call of `fade` that changes rows, on the batches' clock; undefined when no row is marked. */
  get nextFadeMs(): number | undefined {
    return this.#activity.isIdling ? this.#completeMs : this.#rows.nextFadeMs;
  }

  /**
   * Applies a batch, or a part of one. All parts of a batch have one time and count as one tick.
   * @returns the counts of the whole batch with its last part; undefined before
   */
  apply(batch: Batch): Tick | undefined {
    const { monotonicMs, host } = batch;
    this.fade(monotonicMs);
    // A second baseline means that the sampler was restarted: sockets without a row spawned meanwhile.
    const isRestart = batch.baseline && this.#completeMs !== undefined;
    if (isRestart) this.#unreported ??= this.#rows.openIds(host);
    const isBaseline = batch.baseline && !isRestart;
    // Unchanged sockets are not sent, so the counters of a row are those of the last batch.
    const elapsedMs = this.#completeMs === undefined ? undefined : monotonicMs - this.#completeMs;
    for (const socket of batch.spawned) {
      if (this.#unreported?.delete(socket.id)) this.#change(socket, monotonicMs, elapsedMs);
      else this.#spawn(socket, host, isBaseline, batch, elapsedMs);
    }
    let changed = 0;
    for (const socket of batch.changed) if (this.#change(socket, monotonicMs, elapsedMs)) changed++;
    for (const id of batch.closed) this.#close(id, monotonicMs);
    this.#rows.trim(monotonicMs);
    for (const event of batch.events) this.#applyEvent(event);
    // Spawned sockets of the baseline are not counted, nor those of them that have closed by the end of the batch.
    if (batch.baseline) this.#counts.addChanges(0, changed, 0);
    else this.#counts.addChanges(batch.spawned.length, changed, batch.closed.length);
    return batch.partial ? undefined : this.#complete(monotonicMs, isBaseline);
  }

  /** Removes expired marks and closed rows, and sets idle rates to 0: at most a thousand rows of each in one call. */
  fade(nowMs: number): void {
    this.#rows.fade(nowMs);
    this.#setIdleRates();
  }

  /** Returns the number of open listeners first seen after a time, on the batches' clock. */
  newListenersSince(ms: number): number {
    return this.#newListeners.countSince(ms);
  }

  /** Returns true for a new listener that the user has not seen. Its mark does not fade. */
  isUnseen(id: string): boolean {
    return this.#newListeners.isUnseen(id);
  }

  /** Notes that the user has seen a new listener: its mark fades after the linger time. */
  see(id: string, nowMs: number): void {
    this.#newListeners.see(id);
    this.#rows.release(id, nowMs);
  }

  /** Ends a batch after its last part. */
  #complete(monotonicMs: number, isBaseline: boolean): Tick {
    for (const id of this.#unreported ?? []) this.#close(id, monotonicMs);
    this.#unreported = undefined;
    this.#activity.endTick();
    this.#setIdleRates();
    this.#directions.endBatch();
    this.#peers.endBatch(this.rows);
    this.#diagnoses.endTick(monotonicMs);
    this.#completeMs = monotonicMs;
    this.#tick++;
    return this.#counts.endTick(monotonicMs, isBaseline, this.seen.traffic);
  }

  /** Sets the rates of rows without new traffic to 0. */
  #setIdleRates(): void {
    for (const id of this.#activity.takeIdling()) {
      const before = this.#rows.getOpen(id);
      if (before === undefined) continue;
      const row: Row = { ...before, ...idleRates(before.socket) };
      this.#sums.change(before, row);
      this.#rows.set(row);
    }
  }

  /** Replaces an open row in counts, sums, rates and diagnoses. */
  #recount(before: Row | undefined, row: Row, nowMs: number): void {
    if (before) this.#counts.count(before.socket, -1);
    this.#counts.count(row.socket, 1);
    this.#counts.addRates(row);
    this.#sums.change(before, row);
    this.#activity.add(row);
    this.#fields.add(row.socket);
    this.programNames.take(row.socket, row.baseline);
    if (!row.baseline) this.#newListeners.take(row.socket, row.firstSeenMs);
    this.#diagnoses.take(before?.socket, row.socket, row.baseline, nowMs);
  }

  #spawn(
    socket: Socket,
    host: HostId,
    baseline: boolean,
    { monotonicMs: nowMs, takenAtMs }: Pick<Batch, 'monotonicMs' | 'takenAtMs'>,
    elapsedMs: number | undefined,
  ): void {
    const direction = this.#directions.take(socket, undefined, this.#setIncoming);
    const row: Row = {
      id: socket.id,
      host,
      socket,
      mark: baseline ? 'none' : 'spawned',
      firstSeenMs: nowMs - Math.max(0, takenAtMs - (socket.createdAtMs ?? takenAtMs)),
      baseline,
      ...(baseline ? idleRates(socket) : measuredRates(undefined, socket, elapsedMs, this.#tick + 1)),
      ...(direction && { direction }),
    };
    this.#recount(undefined, row, nowMs);
    this.#rows.add(row, nowMs);
    this.#peers.take(socket);
  }

  /** Replaces the row of a socket. Marks the row and returns true if the change is notable. */
  #change(socket: Socket, nowMs: number, elapsedMs: number | undefined): boolean {
    const before = this.#rows.getOpen(socket.id);
    if (before === undefined) return false;
    const direction = this.#directions.take(socket, before.direction, this.#setIncoming);
    const row: Row = {
      ...(direction === before.direction ? before : withDirection(before, direction)),
      socket,
      ...measuredRates(before, socket, elapsedMs, this.#tick + 1),
    };
    this.#recount(before, row, nowMs);
    const notable = isNotable(before.socket, socket);
    if (notable) this.#rows.setMarked({ ...row, mark: this.isUnseen(row.id) ? 'spawned' : 'changed' }, nowMs);
    else this.#rows.set(row);
    if (notable || before.socket.netns?.inode !== socket.netns?.inode) this.#peers.take(socket);
    return notable;
  }

  #close(id: string, nowMs: number): void {
    const before = this.#rows.getOpen(id);
    if (before === undefined) return;
    this.#counts.count(before.socket, -1);
    this.#directions.drop(id);
    this.#peers.drop(id);
    this.#diagnoses.drop(id);
    this.#newListeners.drop(id);
    this.#sums.change(before, undefined);
    // Used unless a close event has set the lifetime: the time since the first sighting.
    const seen = { lifetimeMs: nowMs - before.firstSeenMs, isAtLeast: before.baseline };
    this.#rows.setMarked({ ...seen, ...before, mark: 'closed', rxRate: undefined, txRate: undefined }, nowMs);
  }

  #setPeer(id: string, peer: string | undefined): void {
    const row = this.#rows.get(id);
    if (row && row.peer !== peer) this.#rows.set(withPeer(row, peer));
  }

  readonly #setIncoming = (id: string): void => {
    const row = this.#rows.get(id);
    if (row) this.#rows.set({ ...row, direction: 'in' });
  };

  /** Applies what only an event has: lifetime and direction. Its socket is in this part or an earlier one. */
  #applyEvent(event: Event): void {
    if (event.type === 'gap') return;
    const row = this.#rows.get(event.socket.id);
    if (row === undefined) return;
    if (event.type === 'close' && event.lifetimeMs !== undefined) {
      const { lifetimeMs, isAtLeast = false } = event;
      this.#rows.set({ ...row, lifetimeMs, isAtLeast });
    }
    // A spawn event of the trace has the state of the handshake.
    const direction = event.type === 'spawn' ? directionFromKernel(event.socket) : undefined;
    if (direction && row.direction !== direction) this.#rows.set({ ...row, direction });
  }
}
