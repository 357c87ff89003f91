import type { Socket } from '../../model/socket.ts';
import { type Life, NEVER, type PollTime } from './life.ts';

/** A moment on both clocks. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds on the monotonic clock. */
  readonly monotonicMs: number;
}

/** The last snapshot, the times of the first and the last poll, and the clocks. */
export class Polls {
  #snapshot: ReadonlyMap<string, Socket> = new Map();
  #first: PollTime | undefined;
  #last = NEVER;
  /** Wall-clock time minus the monotonic clock, milliseconds. */
  #wallOffsetMs = 0;

  /** The last snapshot. */
  get snapshot(): ReadonlyMap<string, Socket> {
    return this.#snapshot;
  }

  /** Undefined before the first poll ended. */
  get first(): PollTime | undefined {
    return this.#first;
  }

  get last(): PollTime {
    return this.#last;
  }

  get wallOffsetMs(): number {
    return this.#wallOffsetMs;
  }

  setClocks({ wallMs, monotonicMs }: Moment): void {
    this.#wallOffsetMs = wallMs - monotonicMs;
  }

  add(snapshot: ReadonlyMap<string, Socket>, time: PollTime): void {
    this.#snapshot = snapshot;
    this.#last = time;
    this.#first ??= time;
  }

  /** Returns the socket of a life in the last snapshot, under either of its ids. */
  socketOf({ id, otherId }: Life): Socket | undefined {
    return this.#snapshot.get(id) ?? (otherId === undefined ? undefined : this.#snapshot.get(otherId));
  }

  /** Returns true for times up to the end of the first poll: what happened until then is part of the baseline. */
  isInBaseline(atMs: number): boolean {
    return atMs <= (this.#first?.endMs ?? Infinity);
  }
}
