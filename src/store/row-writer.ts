import type { Batch } from '../model/batch.ts';
import type { SocketEvent } from '../model/event.ts';
import type { Mutable } from '../model/mutable.ts';
import { isNotable, type Socket } from '../model/socket.ts';
import { Activity } from './activity.ts';
import { Directions } from './directions.ts';
import type { FadingRows } from './fading-rows.ts';
import { directionFromKernel } from './listeners.ts';
import { LocalPairs } from './local-pairs.ts';
import { idleRates, measuredRates, type Row } from './row.ts';
import type { Summary } from './summary.ts';

/** The parts of a batch that rows depend on. */
export interface RowMoment extends Pick<Batch, 'host' | 'monotonicMs' | 'takenAtMs'> {
  /** True if sockets that spawn were opened before netpane started. */
  readonly isBaseline: boolean;
  /** Number of this tick. */
  readonly tick: number;
  /** Time since the last batch, milliseconds; undefined in the first one. */
  readonly elapsedMs: number | undefined;
}

/**
 * Writes the rows of sockets that spawn, change and close, and passes them to the summary.
 *
 *     spawn ─▶ row ── change, applyEvent, endBatch ─▶ row ── close ─▶ closed row
 */
export class RowWriter {
  readonly #rows: FadingRows;
  readonly #summary: Summary;
  readonly #activity = new Activity();
  readonly #directions = new Directions((id) => {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#rows.set({ ...row, direction: 'in' });
    this.#pairs.agree(id);
  });
  readonly #pairs: LocalPairs;

  constructor(rows: FadingRows, summary: Summary) {
    this.#rows = rows;
    this.#summary = summary;
    this.#pairs = new LocalPairs(rows);
  }

  /** True while `setIdleRates` has rows to replace. */
  get isIdling(): boolean {
    return this.#activity.isIdling;
  }

  /** Adds the row of a socket that spawned. */
  spawn(
    socket: Socket,
    { host, monotonicMs: nowMs, takenAtMs, isBaseline, tick, elapsedMs }: RowMoment,
  ): void {
    const direction = this.#directions.take(socket, undefined);
    const rates = isBaseline ? idleRates(socket) : measuredRates(undefined, socket, elapsedMs, tick);
    // One literal without `...rates`: V8 takes some microseconds to copy an object into one that has fields already.
    const row: Mutable<Row> = {
      id: socket.id,
      host,
      socket,
      mark: isBaseline ? 'none' : 'spawned',
      firstSeenMs: nowMs - Math.max(0, takenAtMs - (socket.createdAtMs ?? takenAtMs)),
      baseline: isBaseline,
      rxRate: rates.rxRate,
      txRate: rates.txRate,
      direction,
      peer: undefined,
    };
    if (rates.history) row.history = rates.history;
    this.#pairs.spawn(row);
    this.#summary.take(undefined, row, nowMs);
    this.#activity.add(row);
    this.#rows.add(row, nowMs);
  }

  /** Replaces the row of a socket. Marks the row and returns true if the change is notable. */
  change(socket: Socket, { monotonicMs: nowMs, tick, elapsedMs }: RowMoment): boolean {
    const before = this.#rows.getOpen(socket.id);
    if (before === undefined) return false;
    const direction = this.#directions.take(socket, before.direction);
    const row: Row = {
      ...before,
      socket,
      direction,
      ...measuredRates(before, socket, elapsedMs, tick),
    };
    this.#summary.take(before, row, nowMs);
    this.#activity.add(row);
    const notable = isNotable(before.socket, socket);
    const isUnseen = notable && this.#summary.newListeners.isUnseen(row.id);
    if (notable) this.#rows.setMarked({ ...row, mark: isUnseen ? 'spawned' : 'changed' }, nowMs);
    else this.#rows.set(row);
    if (notable || before.socket.netns?.inode !== socket.netns?.inode)
      this.#pairs.change(before.socket, socket);
    if (direction !== before.direction) this.#pairs.agree(row.id);
    return notable;
  }

  /** Replaces the row of a socket that has closed by a closed one. */
  close(id: string, nowMs: number): void {
    const before = this.#rows.getOpen(id);
    if (before === undefined) return;
    this.#directions.drop(id);
    this.#pairs.drop(before.socket);
    this.#summary.drop(before);
    // Without a close event, which sets the lifetime, this is the time since netpane first saw the socket.
    const { lifetimeMs = nowMs - before.firstSeenMs, isAtLeast = before.baseline } = before;
    this.#rows.setMarked(
      // `before` comes first: after other properties V8 takes five times as long to copy it.
      { ...before, lifetimeMs, isAtLeast, mark: 'closed', rxRate: undefined, txRate: undefined },
      nowMs,
    );
  }

  /** Applies what only an event has: lifetime and direction. The socket of the event must have been spawned before. */
  applyEvent(event: SocketEvent): void {
    const row = this.#rows.get(event.socket.id);
    if (row === undefined) return;
    if (event.type === 'close' && event.lifetimeMs !== undefined) {
      const { lifetimeMs, isAtLeast = false } = event;
      this.#rows.set({ ...row, lifetimeMs, isAtLeast });
    }
    // A spawn event of the trace has the state of the handshake.
    const direction = event.type === 'spawn' ? directionFromKernel(event.socket) : undefined;
    if (direction === undefined || row.direction === direction) return;
    this.#rows.set({ ...row, direction });
    this.#pairs.agree(row.id);
  }

  /** Ends a batch after its last part. */
  endBatch(): void {
    this.#activity.endTick();
    this.setIdleRates();
    this.#directions.endBatch();
    this.#pairs.endBatch();
  }

  /** Sets the rates of rows without new traffic to 0: at most a thousand rows in one call. */
  setIdleRates(): void {
    for (const id of this.#activity.takeIdling()) {
      const before = this.#rows.getOpen(id);
      if (before === undefined) continue;
      const row: Row = { ...before, ...idleRates(before.socket) };
      this.#summary.takeRates(before, row);
      this.#rows.set(row);
    }
  }
}
