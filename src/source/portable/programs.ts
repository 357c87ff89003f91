import type { Owner } from '../../model/socket.ts';
import type { System } from './normalise.ts';

/** The used fields of one row of systeminformation's `processes()`. */
export interface RawProcess {
  readonly pid: number;
  readonly name: string;
  readonly command: string;
  readonly params: string;
  readonly path: string | null;
  readonly user: string;
  readonly started: string | null;
}

/** The program of a process: the fields of `Owner` without its pid and how the owner is known. */
type Program = Omit<Owner, 'knowledge' | 'pid'>;

interface Entry {
  readonly program: Program;
  /** Name in the connection list when `program` was read. If it changes, the process runs another program. */
  readonly listedName: string | undefined;
}

/** Maximum number of process lists read for a pid that none of them contains. */
const MAX_TRIES = 3;

/**
 * Start times of one process from different process lists differ by at most this, milliseconds: systeminformation
 * subtracts the age of the process in seconds from the current time.
 */
const SAME_START_MS = 3000;

/** Returns true if a file exists. Used to find the end of a path with spaces; replaced in tests. */
export type Exists = (path: string) => boolean;

/**
 * Returns the name and path of a macOS program from its command line. The path may contain spaces, so the command line
 * does not show where the path ends. `/Applications/A B.app/Contents/MacOS/A B` is a path as a whole;
 * `/usr/bin/node main.js` begins with the path `/usr/bin/node`.
 */
function macProgram(line: string, exists: Exists): Program {
  const text = line.trim();
  const bundle = /^\/.*\/Contents\/MacOS\/([^/]+)$/.exec(text);
  if (bundle?.[1] !== undefined) return { process: bundle[1], exe: text };
  // The shortest beginning of the command line that is an existing file, else the first word.
  const words = text.split(' ');
  const beginnings = words.map((_, i) => words.slice(0, i + 1).join(' '));
  const existing = words.length > 1 && text.startsWith('/') ? beginnings.find(exists) : undefined;
  const path = existing ?? words[0] ?? '';
  // The name of a login shell begins with a dash: `-zsh`.
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/^-/, '');
  return { ...(name !== '' && { process: name }), ...(path.startsWith('/') && { exe: path }) };
}

/** Returns the start of a process, milliseconds since 1970; undefined if the text has no date. */
function startedAtMs(text: string | null, system: System): number | undefined {
  // The separators between the numbers depend on the locale of Windows.
  const found = /^(\d{4})\D(\d\d?)\D(\d\d?)\D+(\d\d?)\D(\d\d?)\D(\d\d?)/.exec(text ?? '');
  if (found === null) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  if (system === 'win32') return new Date(year, month - 1, day, hour, minute, second).getTime();
  // systeminformation adds the current UTC offset, even if daylight saving time changed after the start: subtract it.
  return Date.UTC(year, month - 1, day, hour, minute, second) + new Date().getTimezoneOffset() * 60_000;
}

/**
 * Converts one row of `processes()` to the types of the model.
 * @param listedName Name in the connection list: on Linux the program name, which `netstat` may truncate; on macOS the
 * command line.
 */
function toProgram(raw: RawProcess, listedName: string | undefined, system: System, exists: Exists): Program {
  const startMs = startedAtMs(raw.started, system);
  const started = startMs === undefined ? {} : { startedAtMs: startMs };
  const user = raw.user === '' ? {} : { user: raw.user };
  if (system === 'win32') {
    return {
      process: raw.name,
      ...(raw.command !== raw.name && { command: raw.command }),
      ...(raw.path && { exe: raw.path }),
      ...user,
      ...started,
    };
  }
  // systeminformation splits a command line into folder, program and arguments: join them again.
  const command = [raw.path ? `${raw.path}/${raw.command}` : raw.command, raw.params].join(' ').trim();
  const named =
    system === 'darwin'
      ? macProgram(listedName ?? command, exists)
      : { process: listedName === undefined || raw.name.startsWith(listedName) ? raw.name : listedName };
  // Leave out a command line that is only the name: systeminformation drops all arguments if there is a colon in them.
  return { ...named, ...(command !== named.process && { command }), ...user, ...started };
}

/**
 * Cache of programs by pid. The process list is read only for a new pid, because it is slow: PowerShell and WMI on
 * Windows (about a second), another `ps` on macOS, `ps` and a `cat` of every /proc/PID/stat on Linux. A pid is removed
 * with its last socket, so a reused pid is looked up again. Each process list also replaces the programs of cached pids
 * whose process has another start time now.
 */
export class Programs {
  readonly #list: () => Promise<readonly RawProcess[]>;
  readonly #system: System;
  readonly #programs = new Map<number, Entry>();
  /** Number of process lists that lacked a pid, by pid. */
  readonly #misses = new Map<number, number>();
  readonly #exists: Exists;

  constructor(list: () => Promise<readonly RawProcess[]>, system: System, exists: Exists) {
    this.#list = list;
    this.#system = system;
    this.#exists = exists;
  }

  /**
   * Looks up the programs of new pids, and removes the pids that no longer have a socket.
   * @param names By pid: the name in the connection list. Contains every pid in that list.
   */
  async refresh(names: ReadonlyMap<number, string | undefined>): Promise<void> {
    for (const cache of [this.#programs, this.#misses]) {
      for (const pid of cache.keys()) if (!names.has(pid)) cache.delete(pid);
    }
    const needsLookup = (pid: number, name: string | undefined) => {
      const entry = this.#programs.get(pid);
      return entry === undefined ? (this.#misses.get(pid) ?? 0) < MAX_TRIES : entry.listedName !== name;
    };
    const wanted = [...names].filter(([pid, name]) => needsLookup(pid, name));
    if (wanted.length === 0) return;

    const list = await this.#list().catch(() => []);
    for (const raw of list) if (names.has(raw.pid)) this.#store(raw, names.get(raw.pid));
    for (const [pid, name] of wanted) {
      const entry = this.#programs.get(pid);
      if (entry !== undefined && entry.listedName === name) continue;
      this.#programs.delete(pid);
      this.#misses.set(pid, (this.#misses.get(pid) ?? 0) + 1);
    }
  }

  #store(raw: RawProcess, listedName: string | undefined): void {
    const before = this.#programs.get(raw.pid);
    const program = toProgram(raw, listedName, this.#system, this.#exists);
    const drift = Math.abs((before?.program.startedAtMs ?? 0) - (program.startedAtMs ?? 0));
    // Still the same process: keep the entry, so that its start time does not vary.
    if (before !== undefined && before.listedName === listedName && drift <= SAME_START_MS) return;
    this.#programs.set(raw.pid, { program, listedName });
  }

  /**
   * Returns the program of a pid; undefined if unknown. If the process list lacks the pid, the program is derived from
   * the name in the connection list alone.
   */
  programOf(pid: number, listedName: string | undefined): Program | undefined {
    const known = this.#programs.get(pid)?.program;
    if (known !== undefined || listedName === undefined) return known;
    return this.#system === 'darwin' ? macProgram(listedName, this.#exists) : { process: listedName };
  }
}
