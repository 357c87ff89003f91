/** Ticks of /proc/PID/stat a second: USER_HZ, 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The kernel's comm holds 16 bytes with the closing NUL (TASK_COMM_LEN). */
const COMM_LENGTH = 15;

/** Node 24 gives its main thread this name, and with it the process: it tells nothing of the program. */
const NODE_MAIN_THREAD = 'MainThread';

const COMMAND_LIMIT = 8192;

/** PF_KTHREAD, include/linux/sched.h */
const KERNEL_THREAD = 0x00200000;

/**
 * Name, kind and start of a process from /proc/PID/stat: `pid (comm) state ppid …`, field 9 holds its flags, field 22
 * its start (proc(5)). The comm may hold spaces and parentheses, so it ends at the last one.
 * @returns undefined when the text is not of that form
 */
export function parseStat(
  text: string,
): { comm: string; startTicks: number; isKernelThread: boolean } | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const startTicks = Number(fields[19]);
  if (!Number.isFinite(startTicks)) return undefined;
  const isKernelThread = (Number(fields[6]) & KERNEL_THREAD) !== 0;
  return { comm: text.slice(open + 1, close), startTicks, isKernelThread };
}

/**
 * Command line from /proc/PID/cmdline: arguments, each ended by a NUL; cut at 8,192 characters with `…`.
 * @returns undefined for a process that has none (a kernel thread, a zombie)
 */
export function parseCommandLine(text: string): string | undefined {
  const command = text.replace(/\0+$/, '').replaceAll('\0', ' ');
  if (command.trim() === '') return undefined;
  return command.length > COMMAND_LIMIT ? `${command.slice(0, COMMAND_LIMIT)}…` : command;
}

/**
 * Program name, beyond the 15 bytes that the kernel keeps: where comm is full, the first word of the file name or of
 * the command line that begins with it is the whole name. A comm that a program chose itself stays.
 */
export function fullName(comm: string, exe: string | undefined, command: string | undefined): string {
  const isThreadName = comm === NODE_MAIN_THREAD;
  if (Buffer.byteLength(comm) < COMM_LENGTH && !isThreadName) return comm;
  const baseName = (path: string | undefined) => path?.slice(path.lastIndexOf('/') + 1);
  const firstArgument = command?.split(' ', 1)[0];
  for (const name of [baseName(exe?.replace(/ \(deleted\)$/, '')), baseName(firstArgument)]) {
    if (name && (isThreadName || name.startsWith(comm))) return name;
  }
  return comm;
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
