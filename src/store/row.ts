import type { HostId } from '../model/host.ts';
import type { Socket } from '../model/socket.ts';
import type { Subject } from '../query/subject.ts';
import { idleRate, rateOf } from './rates.ts';

/** What happened to a row lately; the mark fades after the linger time. */
export type Mark = Subject['mark'];

/** A socket in the table. Immutable: a row that changes is replaced. Times are on the batches' clock. */
export interface Row extends Subject {
  /** Unique across hosts. */
  readonly id: string;
  readonly host: HostId;
  /**
   * Bytes per second received and sent in the last tick, integers; undefined when unknown, or closed. 0 in the first
   * batch, where it is not a measurement: see `isMeasured`.
   */
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
  /** How long it lived, milliseconds with fractions; absent while it is open. A remnant (TIME_WAIT) has it already. */
  readonly lifetimeMs?: number;
  /** The lifetime is a lower bound. */
  readonly isAtLeast?: boolean;
}

/**
 * Returns false in the first batch, when there are no earlier counters for a rate. `nowMs` is on the batches' clock.
 */
export const isMeasured = ({ baseline, firstSeenMs }: Row, nowMs: number): boolean =>
  !baseline || nowMs > firstSeenMs;

type Rates = Pick<Row, 'rxRate' | 'txRate'>;

/** Returns the rates of a socket since `before`. The counters of a new socket started at 0. */
export function measuredRates(before: Socket | undefined, now: Socket, elapsedMs: number | undefined): Rates {
  const then = before ? before.traffic : { rxBytes: 0, txBytes: 0 };
  return {
    rxRate: rateOf(then?.rxBytes, now.traffic?.rxBytes, elapsedMs),
    txRate: rateOf(then?.txBytes, now.traffic?.txBytes, elapsedMs),
  };
}

/** Returns the rates of a socket whose counters do not change. */
export const idleRates = ({ traffic }: Socket): Rates => ({
  rxRate: idleRate(traffic?.rxBytes),
  txRate: idleRate(traffic?.txBytes),
});

/** Returns true if the row has the rates of a socket whose counters do not change. */
export const isIdle = ({ rxRate, txRate, socket: { traffic } }: Row): boolean =>
  rxRate === idleRate(traffic?.rxBytes) && txRate === idleRate(traffic?.txBytes);

export const withDirection = ({ direction: _, ...rest }: Row, direction: Row['direction']): Row =>
  direction ? { ...rest, direction } : rest;
