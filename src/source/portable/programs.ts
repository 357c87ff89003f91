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

/** Program of a process, without its pid. */
type Program = Omit<Owner, 'knowledge' | 'pid'>;

interface Entry {
  readonly program: Program;
  /** Name of the process in the connection list when the process list was read. */
  readonly listedName: string | undefined;
}

/** Maximum number of attempts to find a pid that the process list lacks. */
const MAX_TRIES = 3;

/** Maximum difference between two equal starts, milliseconds: systeminformation derives them from an age in seconds. */
const SAME_START_MS = 3000;

/** Returns true if a file exists. Used to find the end of a path with spaces; replaced in tests. */
export type Exists = (path: string) => boolean;

/**
 * Returns name and file of a macOS program from its command line, in which nothing separates a path with spaces from
 * the arguments: `/Applications/A B.app/Contents/MacOS/A B` is a path as a whole, `/usr/bin/node main.js` only up to
 * the first space.
 */
function macProgram(line: string, exists: Exists): Program {
  const text = line.trim();
  const bundle = /^\/.*\/Contents\/MacOS\/([^/]+)$/.exec(text);
  if (bundle?.[1] !== undefined) return { process: bundle[1], exe: text };
  const words = text.split(' ');
  const paths = words.map((_, i) => words.slice(0, i + 1).join(' '));
  const inFiles = words.length > 1 && text.startsWith('/') ? paths.find(exists) : undefined;
  const path = inFiles ?? words[0] ?? '';
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
  // systeminformation applies today's UTC offset, also to a start before a clock change. Undo it the same way.
  return Date.UTC(year, month - 1, day, hour, minute, second) + new Date().getTimezoneOffset() * 60_000;
}

/**
 * Converts one row of `processes()` to the types of the model.
 * @param listedName Name in the connection list: a name that `netstat` may truncate on Linux, a command on macOS.
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
  // Ignore a command line without arguments: systeminformation drops all arguments if one contains a colon.
  return { ...named, ...(command !== named.process && { command }), ...user, ...started };
}

/**
 * Cache of programs by pid. The process list is read only for a new pid, because it is slow: PowerShell and WMI on
 * Windows (about a second), another `ps` on macOS, `ps` and a `cat` of every /proc/PID/stat on Linux. A pid is removed
 * with its last socket, so a reused pid is looked up again. Each process list that is read also checks the cached pids
 * by their start time.
 */
export class Programs {
  readonly #list: () => Promise<readonly RawProcess[]>;
  readonly #system: System;
  readonly #programs = new Map<number, Entry>();
  readonly #misses = new Map<number, number>();
  readonly #exists: Exists;

  constructor(list: () => Promise<readonly RawProcess[]>, system: System, exists: Exists) {
    this.#list = list;
    this.#system = system;
    this.#exists = exists;
  }

  /** Looks up the programs of new pids, and removes all pids that are not listed. @param names by pid, as listed */
  async refresh(names: ReadonlyMap<number, string | undefined>): Promise<void> {
    for (const cache of [this.#programs, this.#misses]) {
      for (const pid of cache.keys()) if (!names.has(pid)) cache.delete(pid);
    }
    const isNew = (pid: number, name: string | undefined) => {
      const entry = this.#programs.get(pid);
      return entry === undefined ? (this.#misses.get(pid) ?? 0) < MAX_TRIES : entry.listedName !== name;
    };
    const wanted = [...names].filter(([pid, name]) => isNew(pid, name));
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
    if (before !== undefined && before.listedName === listedName && drift <= SAME_START_MS) return;
    this.#programs.set(raw.pid, { program, listedName });
  }

  /**
   * Returns the program of a pid; undefined if unknown. For a pid that the process list lacks, only the name in the
   * connection list is known.
   */
  programOf(pid: number, listedName: string | undefined): Program | undefined {
    const known = this.#programs.get(pid)?.program;
    if (known !== undefined || listedName === undefined) return known;
    return this.#system === 'darwin' ? macProgram(listedName, this.#exists) : { process: listedName };
  }
}
