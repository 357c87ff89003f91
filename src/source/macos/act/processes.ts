import { constants } from 'node:os';
import { codeOf } from '../../../model/error.ts';
import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../../../model/process.ts';
import type { ProcessHandle } from '../../types.ts';
import type { MacProcesses } from '../native/processes.ts';
import type { ProcessCache } from '../owners/process-cache.ts';

/** Maximum number of searches for the members of a group: each signals those that were started since the last. */
const MAX_SEARCHES = 4;

/** Start times of one process from different sources differ by at most this, milliseconds: `ps` has whole seconds. */
const SAME_START_MS = 3000;

/** Why a signal did not reach a process that has ended. */
const ENDED = 'it has ended';

/** Calls that a handle uses. */
export interface ProcessAccess {
  readonly processes: Pick<MacProcesses, 'pids' | 'shortInfo' | 'startedAtMs'>;
  readonly cache: Pick<ProcessCache, 'of'>;
  readonly ownPid: number;
  /** kill(2), as `process.kill`. */
  readonly kill: (pid: number, signal: number) => void;
}

/**
 * Opens a process for signals. macOS has no handle of a process like a pidfd of Linux, so the start of the process is
 * compared just before each signal. Only a process that gets the pid within that moment could receive the signal.
 * @throws Error with a message for the user if it has ended, another process has its pid, or it is the kernel
 */
export function openMacProcess({ pid, startedAtMs }: ProcessTarget, access: ProcessAccess): ProcessHandle {
  // kill(2) sends a signal for pid 0 to the process group of the caller.
  if (pid === 0) throw new Error('process 0 is the kernel: it gets no signals');
  const start = access.processes.startedAtMs(pid);
  if (start === undefined) throw new Error(endedText(pid));
  if (startedAtMs !== undefined && Math.abs(start - startedAtMs) > SAME_START_MS)
    throw new Error(`process ${pid} has ended, and another one has its pid now: nothing was sent`);
  return new MacProcess(pid, start, access);
}

const endedText = (pid: number): string => `process ${pid} has ended`;

class MacProcess implements ProcessHandle {
  readonly facts: ProcessFacts;
  readonly #access: ProcessAccess;
  readonly #start: number;
  readonly #group: number;
  #isClosed = false;

  constructor(pid: number, start: number, access: ProcessAccess) {
    this.#access = access;
    this.#start = start;
    const info = access.processes.shortInfo(pid);
    const program = access.cache.of(pid);
    if (info === undefined || program === undefined) throw new Error(endedText(pid));
    this.#group = info.group;
    const others = this.#pids().map((it) => access.processes.shortInfo(it));
    const members = this.#members().length;
    const guard = pid === 1 ? 'init' : pid === access.ownPid ? 'netpane' : undefined;
    this.facts = {
      pid,
      name: program.process ?? String(pid),
      ...(program.user !== undefined && { user: program.user }),
      children: others.filter((it) => it?.parent === pid).length,
      ...(members > 1 && { group: { id: this.#group, members } }),
      ...(guard && { guard }),
    };
  }

  get hasEnded(): boolean {
    const { processes } = this.#access;
    const { pid } = this.facts;
    // A zombie still has a start, but no information.
    return (
      this.#isClosed || processes.startedAtMs(pid) !== this.#start || processes.shortInfo(pid) === undefined
    );
  }

  signal(name: SignalName, scope: Scope): SignalResult {
    if (scope === 'unit') return { reached: 0 };
    if (scope === 'process') {
      const refused = this.hasEnded ? endedText(this.facts.pid) : this.#send(this.facts.pid, name, scope);
      return refused === undefined ? { reached: 1 } : { reached: 0, refused };
    }
    let reached = 0;
    const tried = new Set<number>();
    const refusals = new Map<string, number>();
    // A member may start another one before the signal reaches it.
    for (let search = 0; ; search++) {
      const members = this.#members().filter((pid) => !tried.has(pid));
      if (members.length === 0) break;
      if (search === MAX_SEARCHES) {
        refusals.set('they were started meanwhile', members.length);
        break;
      }
      for (const pid of members) {
        tried.add(pid);
        const refused = this.#isMember(pid) ? this.#send(pid, name, scope) : ENDED;
        if (refused === undefined) reached++;
        else if (refused !== ENDED) refusals.set(refused, (refusals.get(refused) ?? 0) + 1);
      }
    }
    const failed = [...refusals].map(([why, count]) => `${count} not: ${why}`);
    return { reached, ...(failed.length > 0 && { refused: failed.join('; ') }) };
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Sends a signal to one process. @returns why it did not get it; undefined if it did */
  #send(pid: number, name: SignalName, scope: Scope): string | undefined {
    try {
      this.#access.kill(pid, constants.signals[`SIG${name}`]);
      return undefined;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ESRCH') return ENDED;
      if (code !== 'EPERM') return `kill: ${code === '' ? String(error) : code}`;
      // The other members may belong to other users.
      const user = scope === 'process' ? this.facts.user : undefined;
      return `not permitted: it belongs to ${user ?? 'another user'}; run netpane with sudo`;
    }
  }

  /** Returns the members of the group, without netpane itself and process 1: a signal to a group leaves them out. */
  #members(): number[] {
    return this.#pids().filter((pid) => pid > 1 && pid !== this.#access.ownPid && this.#isMember(pid));
  }

  #isMember(pid: number): boolean {
    return (
      this.#group !== 0 && !this.#isClosed && this.#access.processes.shortInfo(pid)?.group === this.#group
    );
  }

  #pids(): number[] {
    return [...(this.#access.processes.pids() ?? [])];
  }
}
