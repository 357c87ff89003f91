import type { HostId } from '../model/host.ts';
import type { Socket } from '../model/socket.ts';
import type { Subject } from '../query/subject.ts';
import { type RateHistory, withRate } from './rate-history.ts';
import { idleRate, rateOf } from './rates.ts';

/** Recent change of a row. The mark fades after the linger time. */
export type Mark = Subject['mark'];

/** A socket in the table. Immutable: a row that changes is replaced. Times are on the batches' clock. */
export interface Row extends Subject {
  /** Unique across hosts. */
  readonly id: string;
  readonly host: HostId;
  /**
   * Bytes per second received and sent in the last tick, integers; undefined when unknown, or closed. A baseline socket has
   * 0 until the second batch, although nothing was measured: see `isMeasured`.
   */
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
  /** Rates received and sent together in the last ticks; absent if the socket has had no traffic. */
  readonly history?: RateHistory;
  /**
   * Lifetime of the connection, milliseconds with fractions; absent while it is open. A remnant, whose row is not closed
   * yet, has it already.
   */
  readonly lifetimeMs?: number;
  /** True if `lifetimeMs` is a lower bound. */
  readonly isAtLeast?: boolean;
}

/**
 * Returns false for a baseline socket until the second batch: there are no earlier counters for a rate.
 * @param nowMs time of the last batch, on the batches' clock
 */
export const isMeasured = ({ baseline, firstSeenMs }: Row, nowMs: number): boolean =>
  !baseline || nowMs > firstSeenMs;

type Rates = Pick<Row, 'rxRate' | 'txRate' | 'history'>;

/**
 * Returns the rates of a socket since `before`, and their history if there is traffic. The counters of a new socket
 * started at 0.
 * @param tick number of this tick
 */
export function measuredRates(
  before: Row | undefined,
  now: Socket,
  elapsedMs: number | undefined,
  tick: number,
): Rates {
  const then = before ? before.socket.traffic : { rxBytes: 0, txBytes: 0 };
  const rxRate = rateOf(then?.rxBytes, now.traffic?.rxBytes, elapsedMs);
  const txRate = rateOf(then?.txBytes, now.traffic?.txBytes, elapsedMs);
  const rate = (rxRate ?? 0) + (txRate ?? 0);
  return rate > 0 ? { rxRate, txRate, history: withRate(before?.history, tick, rate) } : { rxRate, txRate };
}

/** Returns the rates of a socket whose counters do not change. */
export const idleRates = ({ traffic }: Socket): Rates => ({
  rxRate: idleRate(traffic?.rxBytes),
  txRate: idleRate(traffic?.txBytes),
});

/** Returns true if the row has the rates of a socket whose counters do not change. */
export const isIdle = ({ rxRate, txRate, socket: { traffic } }: Row): boolean =>
  rxRate === idleRate(traffic?.rxBytes) && txRate === idleRate(traffic?.txBytes);
