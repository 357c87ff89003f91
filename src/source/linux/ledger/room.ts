import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import type { BpfCalls } from './bpf.ts';
import { releasedMsAt } from './entry.ts';
import { COUNT, ENTRY } from './layout.ts';
import type { MapDescriptors } from './program-parts.ts';
import type { Cookie } from '../netlink/cookie.ts';

/** Share of the entries in use above which closed sockets are forgotten, and the share that is left in use. */
const NEARLY_FULL = 0.75;
const ROOMY = 0.5;

/** Share of the entries that must be added before `make` runs again between two polls: it reads all of them. */
const NEXT_SHARE = 0.125;

/** Maximum delay of a close message, milliseconds, with thousands of sockets a second and all processors busy. */
const MAX_MESSAGE_DELAY_MS = 30_000;

/** A closed socket; times are milliseconds of CLOCK_MONOTONIC. */
interface ClosedSocket extends Cookie {
  readonly releasedMs: number;
  /** True for a connection or listener: it has no counters. */
  readonly isTcp: boolean;
}

/** Returns a number that the programs count. @param index of `COUNT` */
export const countAt = (bpf: BpfCalls, { counts }: MapDescriptors, index: number): number =>
  Number(bpf.valueAt(counts, index)?.getBigUint64(0, LITTLE_ENDIAN) ?? 0n);

/**
 * Keeps room in the ledger for new sockets. A closed socket stays in it until its close message is taken. One whose message is
 * lost would stay for good.
 *
 *     made ──▶ open ──▶ closed ── its close message comes ──▶ taken
 *                         └─ its close message was lost, and the ledger is nearly full ──▶ forgotten
 */
export class LedgerRoom {
  readonly #bpf: BpfCalls;
  readonly #maps: MapDescriptors;
  readonly #maxSockets: number;
  /** Number of entries that netpane removed. `COUNT.entries` still includes them. */
  #removed = 0;
  #forgotten = 0;
  /** Number of sockets in the ledger whose close messages were lost. */
  #missed = 0;
  /** The latest time at which a socket was closed whose close message has come. */
  #lastReleasedMs = 0;
  /** Number of entries in use at which `make` tries again between two polls. */
  #nextAt = 0;

  constructor(bpf: BpfCalls, maps: MapDescriptors, maxSockets: number) {
    this.#bpf = bpf;
    this.#maps = maps;
    this.#maxSockets = maxSockets;
  }

  /** Number of sockets that were forgotten although their close message may still come. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Notes that the close message of a socket came, and that its entry was removed. */
  noteTaken(releasedMs: number | undefined): void {
    this.#removed++;
    this.#lastReleasedMs = Math.max(this.#lastReleasedMs, releasedMs ?? 0);
  }

  /** Notes that close messages were lost. @param known TCP sockets of some of them, which are forgotten at once */
  noteMissed(count: number, known: readonly Cookie[]): void {
    this.#missed += count - known.length;
    if (known.length > 0) this.#removed += this.#bpf.removeAll(this.#maps.entries, known);
  }

  /**
   * If the ledger is nearly full, forgets as many closed sockets as close messages were lost, the first closed ones first. A
   * socket is kept if it was closed after one whose message has come: its own may be on the way. Nothing may receive the
   * messages of a namespace: after `MAX_MESSAGE_DELAY_MS` a socket is forgotten in any case.
   * @param nowMs milliseconds of CLOCK_MONOTONIC
   * @param isPoll false between two polls: then only if the ledger has filled since the last time
   */
  make(nowMs: number, isPoll: boolean): void {
    const used = countAt(this.#bpf, this.#maps, COUNT.entries) - this.#removed;
    if (used < NEARLY_FULL * this.#maxSockets) return;
    if (!isPoll && (this.#missed === 0 || used < this.#nextAt)) return;
    const tooLateMs = nowMs - MAX_MESSAGE_DELAY_MS;
    const closed = this.#closedBefore(Math.max(this.#lastReleasedMs, tooLateMs));
    const lost = Math.min(this.#missed, used - Math.ceil(ROOMY * this.#maxSockets));
    const times = Float64Array.from(closed, ({ releasedMs }) => releasedMs).sort();
    const untilMs = Math.max(tooLateMs, times[lost] ?? Infinity);
    const removed = this.#remove(closed.filter(({ releasedMs }) => releasedMs < untilMs));
    this.#removed += removed;
    this.#forgotten += Math.max(0, removed - this.#missed);
    this.#missed = Math.max(0, this.#missed - removed);
    this.#nextAt = used - removed + NEXT_SHARE * this.#maxSockets;
  }

  /** Returns the sockets whose last descriptor was closed before a time. */
  #closedBefore(beforeMs: number): readonly ClosedSocket[] {
    const closed: ClosedSocket[] = [];
    this.#bpf.readAll(this.#maps.entries, ENTRY.length, (low, high, value) => {
      const releasedMs = releasedMsAt(value);
      if (releasedMs === undefined || releasedMs >= beforeMs) return;
      closed.push({ low, high, releasedMs, isTcp: value.getUint32(ENTRY.operation, LITTLE_ENDIAN) !== 0 });
    });
    return closed;
  }

  /** Removes sockets from the ledger. @returns their number */
  #remove(sockets: readonly ClosedSocket[]): number {
    this.#bpf.removeAll(
      this.#maps.counters,
      sockets.filter(({ isTcp }) => !isTcp),
    );
    return this.#bpf.removeAll(this.#maps.entries, sockets);
  }
}
