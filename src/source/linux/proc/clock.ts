/** Returns milliseconds of CLOCK_MONOTONIC, with a fraction. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Time to read two clocks that is short enough to try no further, milliseconds. */
const QUICK_MS = 0.05;

const MAX_TRIES = 5;

/**
 * Returns how far a clock is ahead of another one, milliseconds. The thread may be interrupted between the two, for
 * tens of milliseconds on a busy machine: the quickest of up to five tries counts.
 */
export function aheadMs(clock: () => number, other: () => number): number {
  let quickestMs = Infinity;
  let ahead = 0;
  for (let tries = 0; tries < MAX_TRIES && quickestMs > QUICK_MS; tries++) {
    const before = other();
    const now = clock();
    const tookMs = other() - before;
    if (tookMs >= quickestMs) continue;
    quickestMs = tookMs;
    ahead = now - before;
  }
  return ahead;
}
