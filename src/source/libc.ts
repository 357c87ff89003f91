/** `struct pollfd` as two words; what poll(2) reports in any case stands in the upper half of the second. */
const POLLERR = 0x08;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
const REPORTED = (POLLERR | POLLHUP | POLLNVAL) << 16;

/** Two calls of the C library for the end of the program. */
export interface LibC {
  /** Returns true when nothing at the other end of a pipe, socket or terminal reads any more. Costs 2 µs. */
  hasNoReader(fd: number): boolean;
  /** Ends the process at once with this code, without waiting for a thread in a call that does not return. */
  exitNow(code: number): void;
}

/** Loads the calls; undefined where koffi is not installed or cannot be loaded, and on Windows. Never rejects. */
export async function loadLibC(): Promise<LibC | undefined> {
  if (process.platform === 'win32') return undefined;
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    const poll = library.func('int poll(void *, unsigned long, int)') as unknown as (
      set: Int32Array,
      count: number,
      timeoutMs: number,
    ) => number;
    const exit = library.func('void _exit(int)') as unknown as (code: number) => void;
    return {
      hasNoReader: (fd) => {
        const set = new Int32Array([fd, 0]);
        return poll(set, 1, 0) > 0 && ((set[1] ?? 0) & REPORTED) !== 0;
      },
      exitNow: exit,
    };
  } catch {
    return undefined;
  }
}
