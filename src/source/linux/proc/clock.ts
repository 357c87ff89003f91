/** Returns milliseconds of CLOCK_MONOTONIC, with a fraction. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
