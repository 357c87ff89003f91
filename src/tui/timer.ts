/** Calls `then` after a time. Returns a function that cancels it. */
export type StartTimer = (then: () => void, afterMs: number) => () => void;

/** A timer of the process, which does not keep the process alive. */
export const startTimer: StartTimer = (then, afterMs) => {
  const timeout = setTimeout(then, afterMs).unref();
  return () => clearTimeout(timeout);
};
