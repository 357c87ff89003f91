import type { Batch } from '../model/batch.ts';
import type { DroppedRows } from './closed-rows.ts';
import type { Counted, Summed, Tick, Totals } from './counts.ts';
import type { Diagnosis } from './diagnosis.ts';
import { FadingRows } from './fading-rows.ts';
import type { Changes } from './journal.ts';
import type { ProgramNames } from './program-names.ts';
import type { Row } from './row.ts';
import { type RowMoment, RowWriter } from './row-writer.ts';
import type { Seen } from './seen-fields.ts';
import { Summary } from './summary.ts';
import type { ProcessSum } from './sums.ts';

/**
 * Rows of the open sockets and of those that closed within the linger time, and counts of the last ticks. The table
 * changes in place, because a copy of 100,000 rows each tick would cost more than a poll. It has no clock and does no
 * I/O.
 *
 * A batch is applied part by part:
 *
 *     apply(part) ── fade old marks, then rows (`RowWriter`): spawned, changed, closed, then events
 *        │ last part
 *        ▼
 *     #complete ── close rows that a restarted sampler did not report, set idle rates to 0, return the tick
 */
export class SocketTable {
  readonly #rows: FadingRows;
  readonly #summary = new Summary();
  readonly #writer: RowWriter;
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
    this.#rows = new FadingRows(lingerMs, maxClosed, (id) => this.isUnseen(id));
    this.#writer = new RowWriter(this.#rows, this.#summary);
  }

  /** All rows by socket id, with the closed ones that have not faded. */
  get rows(): ReadonlyMap<string, Row> {
    return this.#rows.all;
  }

  get totals(): Totals {
    return this.#summary.counts.totals;
  }

  /** Numbers of open sockets with and without byte counters. */
  get counted(): Counted {
    return this.#summary.counts.counted;
  }

  /** Names of all programs so far. */
  get programNames(): ProgramNames {
    return this.#summary.programNames;
  }

  /** Sums over the open sockets of each process, by pid. */
  get processes(): ReadonlyMap<number, ProcessSum> {
    return this.#summary.sums.processes;
  }

  /** Trouble in the sockets, the most urgent first. The same list while there is none. */
  get diagnoses(): readonly Diagnosis[] {
    return this.#summary.diagnoses.all;
  }

  /** Number of sockets that have spawned and closed since the baseline. */
  get changesSoFar(): Readonly<{ spawned: number; closed: number }> {
    return this.#summary.counts.changesSoFar;
  }

  /** Returns how many of the last parts of their directories distinguish the programs of this name; 0 if they run in one. */
  directoryParts(process: string): number {
    return this.#summary.sums.directoryParts(process);
  }

  /** Closed rows removed early, until a minute after the last one; undefined for none. */
  get droppedRows(): DroppedRows | undefined {
    return this.#rows.dropped;
  }

  /** Connections that were only counted, until a minute after the last one; undefined for none. */
  get summed(): Summed | undefined {
    return this.#summary.counts.summed;
  }

  /** Optional fields seen so far. The same object until another field is seen. */
  get seen(): Seen {
    return this.#summary.fields.seen;
  }

  /** Ticks, oldest first; at least the last 600. The first batch is not among them. */
  get history(): readonly Tick[] {
    return this.#summary.counts.history;
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
    return this.#writer.isIdling ? this.#completeMs : this.#rows.nextFadeMs;
  }

  /**
   * Applies a batch, or a part of one. All parts of a batch have one time and count as one tick.
   * @returns the counts of the whole batch with its last part; undefined before
   */
  apply(batch: Batch): Tick | undefined {
    const { monotonicMs, takenAtMs, host } = batch;
    this.fade(monotonicMs);
    // A second baseline means that the sampler was restarted: sockets without a row spawned meanwhile.
    const isRestart = batch.baseline && this.#completeMs !== undefined;
    if (isRestart) this.#unreported ??= this.#rows.openIds(host);
    const isBaseline = batch.baseline && !isRestart;
    // Unchanged sockets are not sent, so the counters of a row are those of the last batch.
    const elapsedMs = this.#completeMs === undefined ? undefined : monotonicMs - this.#completeMs;
    const moment: RowMoment = { host, monotonicMs, takenAtMs, isBaseline, tick: this.#tick + 1, elapsedMs };
    for (const socket of batch.spawned) {
      if (this.#unreported?.delete(socket.id)) this.#writer.change(socket, moment);
      else this.#writer.spawn(socket, moment);
    }
    let changed = 0;
    for (const socket of batch.changed) if (this.#writer.change(socket, moment)) changed++;
    for (const id of batch.closed) this.#writer.close(id, monotonicMs);
    this.#rows.trim(monotonicMs);
    for (const event of batch.events) {
      if (event.type === 'sum') this.#summary.takeSum(event, moment);
      else if (event.type !== 'gap') this.#writer.applyEvent(event);
    }
    // Spawned sockets of the baseline are not counted, nor those of them that have closed by the end of the batch.
    if (batch.baseline) this.#summary.counts.addChanges(0, changed, 0);
    else this.#summary.counts.addChanges(batch.spawned.length, changed, batch.closed.length);
    return batch.partial ? undefined : this.#complete(monotonicMs, isBaseline);
  }

  /** Removes expired marks and closed rows, and sets idle rates to 0: at most a thousand rows of each in one call. */
  fade(nowMs: number): void {
    this.#rows.fade(nowMs);
    this.#writer.setIdleRates();
  }

  /** Returns the number of open listeners first seen after a time, on the batches' clock. */
  newListenersSince(ms: number): number {
    return this.#summary.newListeners.countSince(ms);
  }

  /** Returns true for a new listener that the user has not seen. Its mark does not fade. */
  isUnseen(id: string): boolean {
    return this.#summary.newListeners.isUnseen(id);
  }

  /** Notes that the user has seen a new listener: its mark fades after the linger time. */
  see(id: string, nowMs: number): void {
    this.#summary.newListeners.see(id);
    this.#rows.release(id, nowMs);
  }

  /** Ends a batch after its last part. */
  #complete(monotonicMs: number, isBaseline: boolean): Tick {
    for (const id of this.#unreported ?? []) this.#writer.close(id, monotonicMs);
    this.#unreported = undefined;
    this.#writer.endBatch();
    this.#completeMs = monotonicMs;
    this.#tick++;
    return this.#summary.endTick(monotonicMs, isBaseline);
  }
}
