import type { ProcessStart } from '../../../model/process.ts';

/** Ticks per second in /proc/PID/stat: USER_HZ, 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Maximum length of comm, bytes, without the terminating NUL (TASK_COMM_LEN). */
const COMM_LENGTH = 15;

/**
 * Names that Node 24 and Node 26 give their main thread, and thereby the process, each with the name of the program if nothing
 * else is known of it.
 */
const NODE_MAIN_THREADS: ReadonlyMap<string, string> = new Map([
  ['MainThread', 'MainThread'],
  ['node-MainThread', 'node'],
]);

/** Maximum length of a command line, characters. */
const COMMAND_LIMIT = 8192;

/** Arguments searched for the program name. The name of a script is the second one, or follows interpreter options. */
const NAMING_WORDS = 4;

/** Suffix that the kernel appends to a removed file, for example after an upgrade of the program. */
const DELETED = ' (deleted)';

/** PF_KTHREAD, include/linux/sched.h */
const KERNEL_THREAD = 0x00200000;

/** The fields of /proc/PID/stat that are used. */
export interface Stat {
  readonly comm: string;
  /** Pid of the parent; 0 without one. */
  readonly parent: number;
  /** Id of the process group; 0 for a kernel thread. */
  readonly group: number;
  /** Id of the session. */
  readonly session: number;
  /** Device number of the controlling terminal; 0 without one. */
  readonly terminal: number;
  readonly startTicks: number;
  readonly isKernelThread: boolean;
  /** The first thread has ended, others are alive. */
  readonly isLeaderGone: boolean;
  /** Address of the arguments in memory, decimal, as text because it has 64 bits; `0` if it may not be seen. */
  readonly argumentsAt: string;
}

/**
 * Parses /proc/PID/stat: `pid (comm) state ppid …`, where field 3 is the state, 4 the parent, 5 the group, 6 the session,
 * 7 the terminal, 9 the flags, 20 the number of threads, 22 the start time and 48 the address of the arguments (proc(5)). The
 * comm may contain spaces and parentheses, so it ends at the last parenthesis.
 * @returns undefined for a malformed text
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
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    terminal: Number(fields[4]),
    startTicks,
    isKernelThread: (Number(fields[6]) & KERNEL_THREAD) !== 0,
    isLeaderGone: fields[0] === 'Z' && Number(fields[17]) > 1,
    argumentsAt: fields[45] ?? '',
  };
}

/** A command line: as text, and its first arguments. */
export interface CommandLine {
  /** Arguments separated by spaces; at most 8,192 characters, then `…`. */
  readonly text: string;
  readonly words: readonly string[];
}

/**
 * Parses /proc/PID/cmdline: arguments, each terminated by NUL. Takes linear time for any content.
 * @param isCut only its start was read
 * @returns undefined for a process without a command line (a kernel thread, a zombie)
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
 * Returns the full program name, beyond the 15 bytes of comm: if comm is full, the file name or argument that starts with
 * it. If comm is the name of a main thread of Node, the first argument or the file name. Otherwise comm itself, without a
 * character that was cut in the middle.
 * @param comm decoded from UTF-8: a character that the kernel cut is U+FFFD
 * @param words first arguments of the command line; the name of a script is not the first one
 */
export function fullName(comm: string, exe: string | undefined, words: readonly string[] = []): string {
  const isThreadName = NODE_MAIN_THREADS.has(comm);
  const whole = comm.endsWith('\uFFFD') ? comm.slice(0, -1) : comm;
  // Up to three of the four bytes of the cut character are part of the 15.
  const fullLength = whole === comm ? COMM_LENGTH : COMM_LENGTH - 3;
  if (Buffer.byteLength(whole) < fullLength && !isThreadName) return comm;
  const baseName = (path: string | undefined) => path?.slice(path.lastIndexOf('/') + 1);
  const ofWords = words.map((word) => baseName(word.split(' ', 1)[0]));
  const ofFile = baseName(exe && withoutDeleted(exe));
  // comm is the name of the link that starts a program, until its thread is renamed: then only the first argument has it.
  const candidates = isThreadName ? [ofWords[0], ofFile] : [ofFile, ...ofWords];
  for (const name of candidates) {
    if (name && (isThreadName || name.startsWith(whole))) return name;
  }
  return NODE_MAIN_THREADS.get(comm) ?? whole;
}

/** Returns the path of a program file without the suffix of a removed one. */
export const withoutDeleted = (path: string): string =>
  path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;

/** Returns the value of a variable in the text of /proc/PID/environ; undefined without it. */
export const variableIn = (environment: string, name: string): string | undefined =>
  environment
    .split('\0')
    .find((it) => it.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** Returns the boot time of the machine, milliseconds since 1970, from `btime` in /proc/stat; undefined without it. */
export function parseBootTimeMs(text: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Returns the time since the boot of the machine, milliseconds, from the text of /proc/uptime; undefined without it. */
export function parseUptimeMs(text: string): number | undefined {
  const seconds = /^\d+\.\d+/.exec(text)?.[0];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Returns the start time of a process, milliseconds since 1970. */
export const startedAtMs = (bootTimeMs: number, startTicks: number): number =>
  bootTimeMs + Math.round((startTicks * 1000) / TICKS_PER_SECOND);

/** Maximum difference between two computed start times of one process, milliseconds: the boot time is in whole seconds. */
const START_TOLERANCE_MS = 1500;

/**
 * Returns false if a process started at another time than expected: another process has its pid.
 * @param expected an empty one fits any process. The source `systeminformation` knows only `startedAtMs`
 * @param machineStat text of /proc/stat; undefined if it cannot be read: any `startedAtMs` fits
 */
export function isExpectedStart(
  { startTicks }: Stat,
  expected: ProcessStart,
  machineStat: string | undefined,
): boolean {
  if (expected.startTicks !== undefined) return expected.startTicks === startTicks;
  const bootTimeMs = machineStat === undefined ? undefined : parseBootTimeMs(machineStat);
  if (expected.startedAtMs === undefined || bootTimeMs === undefined) return true;
  return Math.abs(startedAtMs(bootTimeMs, startTicks) - expected.startedAtMs) <= START_TOLERANCE_MS;
}

/** Returns user names by uid from passwd(5) text; malformed lines are skipped, as getpwuid(3) does. */
export function parsePasswd(text: string): Map<number, string> {
  const users = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    // The first line of a uid wins (getpwuid(3)).
    if (name && uid && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}
