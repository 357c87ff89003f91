import type { Socket } from '../model/socket.ts';
import { type Diagnosis, DIAGNOSIS_KINDS, type DiagnosisKind } from './diagnosis.ts';
import { Retransmissions, type Segments } from './retransmissions.ts';
import { mayWait, WAIT_KINDS, WAIT_RULES, type WaitKind, type WaitRule } from './wait-rules.ts';
import { Waits } from './waits.ts';

/** A diagnosis that has ended stays for this time, so that one that comes and goes does not flicker, milliseconds. */
export const OVER_MS = 5000;

/** Retransmitted segments, and their share of all, at which a diagnosis starts, and at which it ends. */
export const RETRANSMITTED = {
  on: { segments: 20, share: 0.05 },
  keep: { segments: 10, share: 0.03 },
} as const;

const NONE: readonly Diagnosis[] = [];

/** A diagnosis with the time at which it ended. */
interface Known {
  readonly diagnosis: Diagnosis;
  readonly overMs: number | undefined;
}

/**
 * Finds trouble in the sockets of the table. Only changed sockets are read; a tick costs as much as there are groups of
 * waiting sockets.
 *
 *     take ─▶ Waits of each rule, Retransmissions ── endTick ─▶ on ─▶ kept ─▶ over for 5 s ─▶ removed
 */
export class Diagnoses {
  readonly #waits = WAIT_KINDS.map((kind) => {
    const rule: WaitRule = WAIT_RULES[kind];
    return { kind, rule, waits: new Waits(rule) };
  });
  readonly #retransmissions = new Retransmissions();
  /** The diagnoses by id, with those that ended a moment ago. */
  #known = new Map<string, Known>();
  #all = NONE;

  /** All diagnoses, the most urgent first, and then by their start. The same list while there are none. */
  get all(): readonly Diagnosis[] {
    return this.#all;
  }

  /**
   * Applies a socket that spawned or changed.
   * @param before undefined if it spawned
   * @param isBaseline it was opened before netpane started
   */
  take(before: Socket | undefined, socket: Socket, isBaseline: boolean, nowMs: number): void {
    const isNew = before === undefined;
    const isSuspect = mayWait(socket);
    for (const { waits } of this.#waits)
      if (isSuspect || waits.size > 0) waits.take(socket, isNew, isBaseline, nowMs);
    // The counters of a baseline socket include segments that were sent at any time before.
    if (!isNew || !isBaseline) this.#retransmissions.take(before, socket, nowMs);
  }

  /** Removes a socket that has closed. */
  drop(id: string): void {
    for (const { waits } of this.#waits) if (waits.size > 0) waits.drop(id);
  }

  /** Ends a tick: finds the diagnoses that start, last and end. */
  endTick(nowMs: number): void {
    const now = new Map<string, Diagnosis>();
    for (const { kind, rule, waits } of this.#waits) this.#findWaits(kind, rule, waits, nowMs, now);
    for (const [program, sum] of this.#retransmissions.sumsAt(nowMs)) {
      const id = `retransmissions ${program}`;
      if (!this.#isLossy(id, sum)) continue;
      const { socket, again: count, sent: amount } = sum;
      const sinceMs = this.#lasting(id)?.sinceMs ?? nowMs;
      now.set(id, {
        id,
        kind: 'retransmissions',
        socket,
        count,
        amount,
        sinceMs,
        isAtLeast: false,
        isOver: false,
      });
    }
    this.#replace(now, nowMs);
  }

  #findWaits(
    kind: WaitKind,
    rule: WaitRule,
    waits: Waits,
    nowMs: number,
    found: Map<string, Diagnosis>,
  ): void {
    for (const group of waits.groups) {
      const id = `${kind} ${group}`;
      const sum = waits.sumOf(group, this.#lasting(id) ? rule.keep : rule.on, nowMs);
      if (sum === undefined) continue;
      const { socket, sinceMs, isAtLeast } = sum.oldest;
      const { count, bytes: amount } = sum;
      found.set(id, { id, kind, socket, count, amount, sinceMs, isAtLeast, isOver: false });
    }
  }

  /** Returns a diagnosis that has not ended. */
  #lasting(id: string): Diagnosis | undefined {
    const known = this.#known.get(id);
    return known?.overMs === undefined ? known?.diagnosis : undefined;
  }

  #isLossy(id: string, { sent, again }: Segments): boolean {
    const { segments, share } = RETRANSMITTED[this.#lasting(id) ? 'keep' : 'on'];
    return again >= segments && again >= share * sent;
  }

  /** Replaces all diagnoses. Those that are not found any more stay for a moment. */
  #replace(now: ReadonlyMap<string, Diagnosis>, nowMs: number): void {
    if (now.size === 0 && this.#known.size === 0) return;
    // Known ones first, so that diagnoses of one kind keep their order.
    const known = new Map<string, Known>();
    for (const [id, { diagnosis, overMs = nowMs }] of this.#known) {
      const lasting = now.get(id);
      if (lasting) known.set(id, { diagnosis: lasting, overMs: undefined });
      else if (nowMs - overMs < OVER_MS) known.set(id, { diagnosis: { ...diagnosis, isOver: true }, overMs });
    }
    for (const [id, diagnosis] of now) if (!known.has(id)) known.set(id, { diagnosis, overMs: undefined });
    this.#known = known;
    const urgency = (kind: DiagnosisKind) => DIAGNOSIS_KINDS.indexOf(kind);
    this.#all =
      known.size === 0
        ? NONE
        : [...known.values()]
            .map(({ diagnosis }) => diagnosis)
            .sort((a, b) => Number(a.isOver) - Number(b.isOver) || urgency(a.kind) - urgency(b.kind));
  }
}
