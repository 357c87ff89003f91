/** Events that poll(2) always reports. `revents` is the upper half of the second 32-bit integer in `struct pollfd`. */
const POLLERR = 0x08;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
const REPORTED = (POLLERR | POLLHUP | POLLNVAL) << 16;

/** Calls of the C library that the end of the program needs. */
export interface LibC {
  /** Returns true if nothing reads from the pipe, socket or terminal any more. Costs 2 µs. */
  hasNoReader(fd: number): boolean;
  /** Ends the process at once with this exit code, even while a thread is stuck in a system call. */
  exitNow(code: number): void;
}

/** Loads the calls. Returns undefined on Windows, and if koffi is missing or cannot be loaded. Never rejects. */
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
