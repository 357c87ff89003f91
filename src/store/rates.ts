import type { NetworkInterface } from '../model/batch.ts';

/**
 * Returns the bytes per second, an integer, of a counter that went from `before` to `now` in `elapsedMs`. Undefined when
 * a value is unknown, when no time passed, and when the counter decreased, which means that it was reset.
 */
export function rateOf(
  before: number | undefined,
  now: number | undefined,
  elapsedMs: number | undefined,
): number | undefined {
  if (before === undefined || now === undefined || elapsedMs === undefined) return undefined;
  if (elapsedMs <= 0 || now < before) return undefined;
  return Math.round(((now - before) / elapsedMs) * 1000);
}

/** Returns the rate of a counter that did not change: 0, or undefined when the counter is unknown. */
export const idleRate = (counter: number | undefined): 0 | undefined =>
  counter === undefined ? undefined : 0;

/** An interface and its rates in the last tick, bytes per second; undefined when unknown. */
export interface InterfaceTraffic extends NetworkInterface {
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
}

const keyOf = ({ name, netns }: NetworkInterface): string => `${netns?.inode ?? ''} ${name}`;

/** Returns the interfaces with their rates since `before`. An interface that is new to netpane has no rate yet. */
export function measureInterfaces(
  before: readonly NetworkInterface[],
  now: readonly NetworkInterface[],
  elapsedMs: number | undefined,
): InterfaceTraffic[] {
  const byKey = new Map(before.map((it) => [keyOf(it), it]));
  return now.map((it) => {
    const then = byKey.get(keyOf(it));
    return {
      ...it,
      rxRate: rateOf(then?.rxBytes, it.rxBytes, elapsedMs),
      txRate: rateOf(then?.txBytes, it.txBytes, elapsedMs),
    };
  });
}
