import type { NetworkInterface } from '../model/batch.ts';

/**
 * Bytes a second, whole, of a counter that went from `before` to `now` in `elapsedMs`. Undefined where one of them is
 * unknown, where no time went by, and where the counter ran backwards: it counts something else now.
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

/** What a counter that stands still gives: nothing a second, or nothing known. */
export const stillRate = (counter: number | undefined): 0 | undefined =>
  counter === undefined ? undefined : 0;

/** An interface with what goes through it, bytes a second in the last tick; undefined when unknown. */
export interface InterfaceTraffic extends NetworkInterface {
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
}

const nameOf = ({ name, netns }: NetworkInterface): string => `${netns?.inode ?? ''} ${name}`;

/** The interfaces of now, with rates since `before`. One that has just come has none yet: it may be old. */
export function measureInterfaces(
  before: readonly NetworkInterface[],
  now: readonly NetworkInterface[],
  elapsedMs: number | undefined,
): InterfaceTraffic[] {
  const known = new Map(before.map((it) => [nameOf(it), it]));
  return now.map((it) => {
    const then = known.get(nameOf(it));
    return {
      ...it,
      rxRate: rateOf(then?.rxBytes, it.rxBytes, elapsedMs),
      txRate: rateOf(then?.txBytes, it.txBytes, elapsedMs),
    };
  });
}
