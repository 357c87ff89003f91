/** Ticks of /proc/PID/stat a second: USER_HZ, 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The kernel's comm holds 16 bytes with the closing NUL (TASK_COMM_LEN). */
const COMM_LENGTH = 15;

/** Node 24 gives its main thread this name, and with it the process: it tells nothing of the program. */
const NODE_MAIN_THREAD = 'MainThread';

const COMMAND_LIMIT = 8192;

/** A script's name is the second argument or, behind options of its interpreter, a later one. */
const NAMING_WORDS = 4;

/** The kernel's mark of a file that was removed, as by an upgrade of the program. */
const DELETED = ' (deleted)';

/** PF_KTHREAD, include/linux/sched.h */
const KERNEL_THREAD = 0x00200000;

/** What /proc/PID/stat tells of a process. */
export interface Stat {
  readonly comm: string;
  readonly startTicks: number;
  readonly isKernelThread: boolean;
  /** Its first thread has ended, and others live. */
  readonly isLeaderGone: boolean;
  /** Where its arguments are in memory: 0 where that may not be seen. As text, for it has 64 bits. */
  readonly argumentsAt: string;
}

/**
 * Name, kind and start of a process from /proc/PID/stat: `pid (comm) state ppid …`, field 3 holds its state, 9 its flags,
 * 20 the count of its threads, 22 its start, 48 the place of its arguments (proc(5)). The comm may hold spaces and
 * parentheses, so it ends at the last one.
 * @returns undefined when the text is not of that form
 */
export function parseStat(text: string): Stat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const startTicks = Number(fields[19]);
  if (!Number.isFinite(startTicks)) return undefined;
  return {
    comm: text.slice(open + 1, close),
    startTicks,
    isKernelThread: (Number(fields[6]) & KERNEL_THREAD) !== 0,
    isLeaderGone: fields[0] === 'Z' && Number(fields[17]) > 1,
    argumentsAt: fields[45] ?? '',
  };
}

/** A command line: as text, and its first arguments. */
export interface CommandLine {
  /** Arguments parted by spaces; at most 8,192 characters, then `…`. */
  readonly text: string;
  readonly words: readonly string[];
}

/**
 * Command line from /proc/PID/cmdline: arguments, each ended by a NUL. Linear, whatever it is made of.
 * @param isCut only its beginning was read
 * @returns undefined for a process that has none (a kernel thread, a zombie)
 */
export function parseCommandLine(text: string, isCut = false): CommandLine | undefined {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  const words = text.slice(0, end).split('\0');
  const command = words.join(' ');
  if (command.trim() === '' && !isCut) return undefined;
  const isLonger = isCut || command.length > COMMAND_LIMIT;
  return {
    text: isLonger ? `${command.slice(0, COMMAND_LIMIT)}…` : command,
    words: words.slice(0, NAMING_WORDS),
  };
}

/**
 * Program name, beyond the 15 bytes that the kernel keeps: where comm is full, the file name or the argument that begins
 * with it is the whole name. A comm that a program chose itself stays, less the half of a letter that was cut.
 * @param comm decoded from UTF-8: a letter that the kernel cut is U+FFFD
 * @param words first arguments of the command line; a script's name is not the first one
 */
export function fullName(comm: string, exe: string | undefined, words: readonly string[] = []): string {
  const isThreadName = comm === NODE_MAIN_THREAD;
  const whole = comm.endsWith('\uFFFD') ? comm.slice(0, -1) : comm;
  // The cut may leave up to three of the four bytes of a letter.
  const fullLength = whole === comm ? COMM_LENGTH : COMM_LENGTH - 3;
  if (Buffer.byteLength(whole) < fullLength && !isThreadName) return comm;
  const baseName = (path: string | undefined) => path?.slice(path.lastIndexOf('/') + 1);
  const candidates = [
    baseName(exe?.endsWith(DELETED) ? exe.slice(0, -DELETED.length) : exe),
    ...words.map((word) => baseName(word.split(' ', 1)[0])),
  ];
  for (const name of candidates) {
    if (name && (isThreadName || name.startsWith(whole))) return name;
  }
  return whole;
}

/** Moment the machine started, milliseconds since 1970, from `btime` in /proc/stat. */
export function parseBootTimeMs(text: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Wall-clock start of a process. */
export const startedAtMs = (bootTimeMs: number, startTicks: number): number =>
  bootTimeMs + Math.round((startTicks * 1000) / TICKS_PER_SECOND);

/** User names by uid from passwd(5) text; malformed lines are passed over, as the system's own look-up does. */
export function parsePasswd(text: string): Map<number, string> {
  const users = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    // The first line of a uid wins (getpwuid(3)).
    if (name && uid && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}
