import type { Owner } from '../../../model/socket.ts';
import type { MacCalls } from '../native/calls.ts';
import { MacProcesses } from '../native/processes.ts';

/** Program of a process: an owner without how it is known. */
export type Program = Omit<Owner, 'knowledge'>;

interface Entry {
  readonly program: Program;
  readonly startedAtMs: number | undefined;
  /** Last poll that compared its start. */
  checkedPoll: number;
}

/** Options of `ProcessCache`. */
export interface ProcessCacheOptions {
  readonly processes: Pick<MacProcesses, 'shortInfo' | 'startedAtMs' | 'path' | 'command'>;
  readonly userName: (uid: number) => string | undefined;
  readonly ownUid: number;
  readonly isRoot: boolean;
}

/** Returns the processes of this machine, and a cache of their programs, with the rights of the user who runs netpane. */
export function processesWithCache(calls: MacCalls): { processes: MacProcesses; cache: ProcessCache } {
  const processes = new MacProcesses(calls);
  const ownUid = process.geteuid?.() ?? 0;
  const userName = (uid: number) => calls.userName(uid);
  return { processes, cache: new ProcessCache({ processes, userName, ownUid, isRoot: ownUid === 0 }) };
}

/** Keeps the programs of processes, by pid and start. */
export class ProcessCache {
  readonly #options: ProcessCacheOptions;
  readonly #entries = new Map<number, Entry>();
  #poll = 0;

  constructor(options: ProcessCacheOptions) {
    this.#options = options;
  }

  /** Starts a poll. @param pids all processes; those that have ended are forgotten */
  beginPoll(pids: ReadonlySet<number>): void {
    this.#poll++;
    for (const pid of this.#entries.keys()) if (!pids.has(pid)) this.#entries.delete(pid);
  }

  /**
   * Returns the program of a process; undefined if it has ended. The same object while it is the same process.
   * @param again true to read name and program even if they are known: execve(2) changes them
   */
  of(pid: number, again = false): Program | undefined {
    const known = this.#entries.get(pid);
    if (known && known.checkedPoll === this.#poll && !again) return known.program;
    const startedAtMs = this.#options.processes.startedAtMs(pid);
    if (known && known.startedAtMs === startedAtMs && !again) {
      known.checkedPoll = this.#poll;
      return known.program;
    }
    const program = this.#read(pid, startedAtMs);
    if (program === undefined) {
      this.#entries.delete(pid);
      return undefined;
    }
    const isSame = known !== undefined && isSameProgram(known.program, program);
    const entry = { program: isSame ? known.program : program, startedAtMs, checkedPoll: this.#poll };
    this.#entries.set(pid, entry);
    return entry.program;
  }

  #read(pid: number, startedAtMs: number | undefined): Program | undefined {
    const { processes, userName, ownUid, isRoot } = this.#options;
    const info = processes.shortInfo(pid);
    if (info === undefined) return undefined;
    const exe = processes.path(pid);
    const command = isRoot || info.uid === ownUid ? processes.command(pid) : undefined;
    const user = userName(info.uid);
    return {
      pid,
      process: fullName(info.name, exe),
      ...(command !== undefined && { command }),
      ...(exe !== undefined && { exe }),
      ...(user !== undefined && { user }),
      ...(startedAtMs !== undefined && { startedAtMs }),
    };
  }
}

/** Returns the name of a process: that of its program file if the kernel's name, at most 15 bytes, is the start of it. */
export function fullName(name: string, exe: string | undefined): string {
  const file = exe?.slice(exe.lastIndexOf('/') + 1) ?? '';
  return name !== '' && !file.startsWith(name) ? name : file || name;
}

const isSameProgram = (one: Program, other: Program): boolean =>
  one.process === other.process &&
  one.exe === other.exe &&
  one.command === other.command &&
  one.user === other.user &&
  one.startedAtMs === other.startedAtMs;
