import type { Owner } from '../../model/socket.ts';
import type { System } from './normalise.ts';

/** The fields used of one row of systeminformation's `processes()`. */
export interface RawProcess {
  readonly pid: number;
  readonly name: string;
  readonly command: string;
  readonly params: string;
  readonly path: string | null;
  readonly user: string;
  readonly started: string | null;
}

/** What is known of a program beside its pid. */
type Program = Omit<Owner, 'knowledge' | 'pid'>;

interface Entry {
  readonly program: Program;
  /** What the connection list called the process when it was looked up. */
  readonly called: string | undefined;
}

/** How often a pid that no list of processes holds is looked for. */
const TRIES = 3;

/** systeminformation derives starts from an age in whole seconds: two readings of one start may differ. */
const SAME_START_MS = 3000;

/** Asked of files to find where a path with spaces ends; stands in for the file system in tests. */
export type Exists = (path: string) => boolean;

/**
 * Name and file of a macOS program from its command line, where nothing parts a path with spaces from arguments:
 * `/Applications/A B.app/Contents/MacOS/A B` is all path, of `/usr/bin/node main.js` only the first word is.
 */
function macProgram(line: string, exists: Exists): Program {
  const text = line.trim();
  const bundle = /^\/.*\/Contents\/MacOS\/([^/]+)$/.exec(text);
  if (bundle?.[1] !== undefined) return { process: bundle[1], exe: text };
  const words = text.split(' ');
  const paths = words.map((_, i) => words.slice(0, i + 1).join(' '));
  const inFiles = words.length > 1 && text.startsWith('/') ? paths.find(exists) : undefined;
  const path = inFiles ?? words[0] ?? '';
  // A login shell is called `-zsh`.
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/^-/, '');
  return { ...(name !== '' && { process: name }), ...(path.startsWith('/') && { exe: path }) };
}

/** Milliseconds since 1970, or `undefined`. */
function startedAtMs(text: string | null, system: System): number | undefined {
  // The culture of a Windows chooses the signs between the numbers.
  const found = /^(\d{4})\D(\d\d?)\D(\d\d?)\D+(\d\d?)\D(\d\d?)\D(\d\d?)/.exec(text ?? '');
  if (found === null) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  if (system === 'win32') return new Date(year, month - 1, day, hour, minute, second).getTime();
  // Made from an age with the offset of today, also for a start in the other half of the year: undone likewise.
  return Date.UTC(year, month - 1, day, hour, minute, second) + new Date().getTimezoneOffset() * 60_000;
}

/**
 * One row of `processes()` in the words of the model.
 * @param called what the connection list called it: on Linux a name `netstat` may have cut, on macOS a command
 */
function programOf(raw: RawProcess, called: string | undefined, system: System, exists: Exists): Program {
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
  // systeminformation takes a command line apart into folder, program and arguments: it is put together again.
  const command = [raw.path ? `${raw.path}/${raw.command}` : raw.command, raw.params].join(' ').trim();
  const named =
    system === 'darwin'
      ? macProgram(called ?? command, exists)
      : { process: called === undefined || raw.name.startsWith(called) ? raw.name : called };
  // A bare name is no command line: systeminformation drops the arguments where a colon is among them.
  return { ...named, ...(command !== named.process && { command }), ...user, ...started };
}

/**
 * Knows the programs behind pids. A list of processes is read only when a pid is new, for it is dear: PowerShell and
 * WMI on Windows (about a second), one more `ps` on macOS, `ps` and a `cat` of every /proc/PID/stat on Linux. A pid is
 * forgotten with its last socket, so a reused one is looked up anew; every list read for another pid also confirms,
 * by their start, those known.
 */
export class Programs {
  readonly #list: () => Promise<readonly RawProcess[]>;
  readonly #system: System;
  readonly #known = new Map<number, Entry>();
  readonly #misses = new Map<number, number>();
  readonly #exists: Exists;

  constructor(list: () => Promise<readonly RawProcess[]>, system: System, exists: Exists) {
    this.#list = list;
    this.#system = system;
    this.#exists = exists;
  }

  /** Makes the programs of these pids known, as far as can be. `called`: what the connection list calls each. */
  async learn(called: ReadonlyMap<number, string | undefined>): Promise<void> {
    for (const known of [this.#known, this.#misses]) {
      for (const pid of known.keys()) if (!called.has(pid)) known.delete(pid);
    }
    const isNew = (pid: number, text: string | undefined) => {
      const entry = this.#known.get(pid);
      return entry === undefined ? (this.#misses.get(pid) ?? 0) < TRIES : entry.called !== text;
    };
    const wanted = [...called].filter(([pid, text]) => isNew(pid, text));
    if (wanted.length === 0) return;

    const list = await this.#list().catch(() => []);
    for (const raw of list) if (called.has(raw.pid)) this.#put(raw, called.get(raw.pid));
    for (const [pid, text] of wanted) {
      const entry = this.#known.get(pid);
      if (entry !== undefined && entry.called === text) continue;
      this.#known.delete(pid);
      this.#misses.set(pid, (this.#misses.get(pid) ?? 0) + 1);
    }
  }

  #put(raw: RawProcess, called: string | undefined): void {
    const before = this.#known.get(raw.pid);
    const program = programOf(raw, called, this.#system, this.#exists);
    const drift = Math.abs((before?.program.startedAtMs ?? 0) - (program.startedAtMs ?? 0));
    if (before !== undefined && before.called === called && drift <= SAME_START_MS) return;
    this.#known.set(raw.pid, { program, called });
  }

  /**
   * What is known of a pid that the connection list calls `called`; `undefined` when nothing is. Of a pid not in the
   * process list, that is no more than its name.
   */
  of(pid: number, called: string | undefined): Program | undefined {
    const known = this.#known.get(pid)?.program;
    if (known !== undefined || called === undefined) return known;
    return this.#system === 'darwin' ? macProgram(called, this.#exists) : { process: called };
  }
}
