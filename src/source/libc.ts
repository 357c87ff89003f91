/** A loaded library. */
type Library = ReturnType<(typeof import('koffi'))['default']['load']>;

/** Events that poll(2) always reports. `revents` is the upper half of the second 32-bit integer in `struct pollfd`. */
const POLLERR = 0x08;
const POLLHUP = 0x10;
const POLLNVAL = 0x20;
const REPORTED = (POLLERR | POLLHUP | POLLNVAL) << 16;

/** Calls of the C library that the program itself needs, apart from a source. */
export interface LibC {
  /**
   * Runs a synchronous action on files as another user, as root: the rights and the owner of new files are those of that
   * user, in this thread only (setfsuid(2)). Groups besides the given one stay those of root. Absent except on Linux.
   * @throws Error if the kernel refuses
   */
  readonly actAs?: <T>(user: { readonly uid: number; readonly gid: number }, act: () => T) => T;
  /** Returns true if nothing reads from the pipe, socket or terminal any more. Costs 2 µs. */
  hasNoReader(fd: number): boolean;
  /** Ends the process at once with this exit code, even while a thread is stuck in a system call. */
  exitNow(code: number): void;
}

/** Invalid id: with it setfsuid(2) and setfsgid(2) change nothing and return the current id. */
const NO_ID = 0xffff_ffff;

/** Returns `actAs`. The C library calls the kernel for the calling thread alone, unlike for setuid(2). */
function actAsIn(library: Library): NonNullable<LibC['actAs']> {
  const [setUser, setGroup] = ['setfsuid', 'setfsgid'].map(
    (name) => library.func(`int ${name}(unsigned int)`) as unknown as (id: number) => number,
  ) as [(id: number) => number, (id: number) => number];
  const set = (call: (id: number) => number, id: number): void => {
    call(id);
    if (call(NO_ID) !== (id | 0)) throw new Error(`the kernel does not allow files of user or group ${id}`);
  };
  return ({ uid, gid }, act) => {
    const [userBefore, groupBefore] = [setUser(NO_ID), setGroup(NO_ID)];
    try {
      set(setGroup, gid);
      set(setUser, uid);
      return act();
    } finally {
      setUser(userBefore);
      setGroup(groupBefore);
    }
  };
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
      ...(process.platform === 'linux' && { actAs: actAsIn(library) }),
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
