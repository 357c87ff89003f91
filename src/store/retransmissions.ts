import type { Socket } from '../model/socket.ts';
import { programKey } from './diagnosis.ts';

/** Segments of one program within the window. */
export interface Segments {
  /** The last socket that retransmitted. */
  readonly socket: Socket;
  /** Segments sent, also those sent again. */
  readonly sent: number;
  readonly again: number;
}

/** A part of the window. */
interface Part {
  /** Its start, in units of `PART_MS`. */
  readonly number: number;
  /** Segments sent, by program. */
  readonly sent: Map<string, number>;
  /** Segments sent again, by program, with the last socket. */
  readonly again: Map<string, { socket: Socket; segments: number }>;
}

/** Length of the window, and of its parts, which leave it one by one, milliseconds. */
export const WINDOW_MS = 30_000;
export const PART_MS = 5000;

/**
 * Segments sent and retransmitted by each program in the last 30 seconds. Only programs that retransmitted have a sum.
 *
 *     take ─▶ newest part ─▶ … ─▶ oldest part ── sumsAt ─▶ removed
 */
export class Retransmissions {
  /** Oldest first. */
  readonly #parts: Part[] = [];

  /** Adds the segments that a socket has sent since `before`; a new socket has sent all of them. */
  take(before: Socket | undefined, socket: Socket, nowMs: number): void {
    const { traffic } = socket;
    if (traffic?.retransmits === undefined || traffic.txSegments === undefined) return;
    const then = before ? before.traffic : { retransmits: 0, txSegments: 0 };
    const sent = traffic.txSegments - (then?.txSegments ?? traffic.txSegments);
    const again = traffic.retransmits - (then?.retransmits ?? traffic.retransmits);
    if (sent <= 0) return;
    const number = Math.floor(nowMs / PART_MS);
    let part = this.#parts.at(-1);
    if (part?.number !== number) {
      part = { number, sent: new Map(), again: new Map() };
      this.#parts.push(part);
    }
    const key = programKey(socket);
    part.sent.set(key, (part.sent.get(key) ?? 0) + sent);
    if (again > 0) part.again.set(key, { socket, segments: (part.again.get(key)?.segments ?? 0) + again });
  }

  /** Returns the sums of the window at a time, of programs that retransmitted in it. Drops what has left the window. */
  sumsAt(nowMs: number): ReadonlyMap<string, Segments> {
    const first = Math.floor(nowMs / PART_MS) - WINDOW_MS / PART_MS + 1;
    while ((this.#parts[0]?.number ?? first) < first) this.#parts.shift();
    const sums = new Map<string, Segments>();
    for (const { again } of this.#parts)
      for (const [key, { socket, segments }] of again)
        sums.set(key, { socket, sent: 0, again: (sums.get(key)?.again ?? 0) + segments });
    for (const [key, sum] of sums) {
      const sent = this.#parts.reduce((total, part) => total + (part.sent.get(key) ?? 0), 0);
      sums.set(key, { ...sum, sent });
    }
    return sums;
  }
}
