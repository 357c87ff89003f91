import { constants } from 'node:os';
import type {
  Guard,
  ProcessFacts,
  ProcessTarget,
  Scope,
  SignalName,
  SignalResult,
} from '../../../model/process.ts';
import type { ProcessHandle } from '../../types.ts';
import { ERRNO, NativeError } from '../netlink/errno.ts';
import type { Native } from '../netlink/native.ts';
import { LIMIT, type Proc } from '../proc/proc.ts';
import {
  fullName,
  isExpectedStart,
  parseCommandLine,
  parsePasswd,
  parseStat,
  type Stat,
} from '../proc/process.ts';
import { isInUnit, type Unit, unitOf } from './cgroup-unit.ts';

/** Maximum number of searches for the members of a group or unit: each signals those that were started since the last. */
const MAX_SEARCHES = 4;

/** Why a signal did not reach a process that has ended. */
const ENDED = 'it has ended';

const PID = /^[1-9]\d*$/;

/** Calls and files that a handle uses. */
export interface ProcessAccess {
  readonly native: Pick<Native, 'openProcess' | 'signalProcess' | 'close' | 'poll'>;
  readonly proc: Proc;
  /** Path of passwd(5), relative to the folder of `proc`. */
  readonly passwdPath: string;
  readonly ownPid: number;
}

/**
 * Opens a process by a pidfd. A signal reaches this process or none, even if another process gets its pid.
 * @throws Error with a message for the user if it has ended, another process has its pid, or the kernel refuses
 */
export function openLinuxProcess(target: ProcessTarget, access: ProcessAccess): ProcessHandle {
  const { native, proc } = access;
  let descriptor;
  try {
    descriptor = openInProc(target.pid, access);
  } catch (error) {
    throw openError(error, target.pid);
  }
  try {
    // A process keeps its pid until it ends: if it has not ended after the read, the text is about this process.
    const stat = statOf(proc, target.pid);
    if (stat === undefined || hasEnded(native, descriptor)) throw new Error(endedText(target.pid));
    checkStart(target, stat, proc);
    return new LinuxProcess(descriptor, target.pid, stat, access);
  } catch (error) {
    native.close(descriptor);
    throw error;
  }
}

class OtherNamespace extends Error {}

/**
 * Opens the process that /proc shows with this pid, and returns the pidfd. netpane may be in another pid namespace than its
 * /proc (`unshare --pid`), where the pid belongs to another process. The kernel shows the pid of a pidfd as /proc has it,
 * and -1 after the process has ended (pidfd_show_fdinfo).
 * @throws NativeError if it cannot be opened, `OtherNamespace` if the kernel opens another process
 */
function openInProc(pid: number, { native, proc }: ProcessAccess): number {
  const descriptor = native.openProcess(pid);
  const shown = /^Pid:\s+(-?\d+)$/m.exec(textOf(proc, `self/fdinfo/${descriptor}`))?.[1];
  if (shown === undefined || shown === '-1' || Number(shown) === pid) return descriptor;
  native.close(descriptor);
  throw new OtherNamespace(
    `process ${pid} cannot be opened: netpane runs in another pid namespace than /proc shows`,
  );
}

const endedText = (pid: number): string => `process ${pid} has ended`;

function openError(error: unknown, pid: number): unknown {
  if (!(error instanceof NativeError)) return error;
  if (error.errno === ERRNO.ESRCH) return new Error(endedText(pid));
  if (error.errno === ERRNO.ENOSYS)
    return new Error('this kernel cannot hold on to a process (pidfd_open: Linux 5.3)');
  return new Error(`process ${pid} cannot be opened (${error.message})`);
}

function statOf(proc: Proc, pid: number): Stat | undefined {
  const text = proc.text(`${pid}/stat`);
  return 'value' in text ? parseStat(text.value) : undefined;
}

function textOf(proc: Proc, path: string): string {
  const text = proc.text(path, LIMIT.machine);
  return 'value' in text ? text.value : '';
}

/** Throws an Error for the user if the open process is not the one of the row. */
function checkStart(target: ProcessTarget, stat: Stat, proc: Proc): void {
  if (!isExpectedStart(stat, target, textOf(proc, 'stat')))
    throw new Error(`process ${target.pid} has ended, and another one has its pid now: nothing was sent`);
}

/** Returns true if a process has ended: its descriptor is readable from then on (pidfd_open(2)). */
const hasEnded = (native: ProcessAccess['native'], descriptor: number): boolean => {
  const POLLIN = 1;
  return native.poll(new Int32Array([descriptor, POLLIN]), 1) > 0;
};

class LinuxProcess implements ProcessHandle {
  readonly facts: ProcessFacts;
  readonly #access: ProcessAccess;
  readonly #descriptor: number;
  readonly #group: number;
  readonly #unit: Unit | undefined;
  #isClosed = false;

  constructor(descriptor: number, pid: number, stat: Stat, access: ProcessAccess) {
    const { proc } = access;
    this.#access = access;
    this.#descriptor = descriptor;
    this.#group = stat.group;
    this.#unit = unitOf(textOf(proc, `${pid}/cgroup`));
    const stats = this.#pids().map((it) => [it, statOf(proc, it)] as const);
    const children = stats.filter(([, it]) => it?.parent === pid).length;
    const inGroup = stats.filter(
      ([it, { group } = { group: 0 }]) => group !== 0 && group === this.#group && this.#isReachable(it),
    ).length;
    const inUnit = this.#unit === undefined ? 0 : this.#membersOf('unit').length;
    const exe = proc.link(`${pid}/exe`);
    const directory = proc.link(`${pid}/cwd`);
    const user = this.#userOf(pid);
    const guard = guardOf(pid, stat, access.ownPid);
    this.facts = {
      pid,
      name: fullName(
        stat.comm,
        'value' in exe ? exe.value : undefined,
        parseCommandLine(textOf(proc, `${pid}/cmdline`))?.words,
      ),
      ...(user !== undefined && { user }),
      ...('value' in directory && { directory: directory.value }),
      children,
      ...(inGroup > 1 && { group: { id: this.#group, members: inGroup } }),
      ...(this.#unit && { unit: { name: this.#unit.name, members: inUnit } }),
      ...(guard && { guard }),
    };
  }

  get hasEnded(): boolean {
    return this.#isClosed || hasEnded(this.#access.native, this.#descriptor);
  }

  signal(name: SignalName, scope: Scope): SignalResult {
    if (scope === 'process') {
      const refused = this.#isClosed ? endedText(this.facts.pid) : this.#send(this.#descriptor, name, scope);
      return refused === undefined ? { reached: 1 } : { reached: 0, refused };
    }
    let reached = 0;
    const tried = new Set<number>();
    const refusals = new Map<string, number>();
    // A member may start another one before the signal reaches it.
    for (let search = 0; ; search++) {
      const members = this.#membersOf(scope).filter((pid) => !tried.has(pid));
      if (members.length === 0) break;
      if (search === MAX_SEARCHES) {
        refusals.set('they were started meanwhile', members.length);
        break;
      }
      for (const pid of members) {
        tried.add(pid);
        const refused = this.#signalMember(pid, name, scope);
        if (refused === undefined) reached++;
        else if (refused !== ENDED) refusals.set(refused, (refusals.get(refused) ?? 0) + 1);
      }
    }
    const failed = [...refusals].map(([why, count]) => `${count} not: ${why}`);
    return { reached, ...(failed.length > 0 && { refused: failed.join('; ') }) };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#access.native.close(this.#descriptor);
  }

  /** Sends a signal to a member of the group or unit. @returns as `#send`; `ENDED` if the pid is no member any more */
  #signalMember(pid: number, name: SignalName, scope: Scope): string | undefined {
    const { native } = this.#access;
    let descriptor;
    try {
      descriptor = openInProc(pid, this.#access);
    } catch (error) {
      if (error instanceof OtherNamespace) return error.message;
      if (!(error instanceof NativeError)) throw error;
      return error.errno === ERRNO.ESRCH ? ENDED : error.message;
    }
    try {
      return this.#isMember(pid, scope) ? this.#send(descriptor, name, scope) : ENDED;
    } finally {
      native.close(descriptor);
    }
  }

  /** Sends a signal to one process. @returns why it did not get it; undefined if it did */
  #send(descriptor: number, name: SignalName, scope: Scope): string | undefined {
    try {
      this.#access.native.signalProcess(descriptor, constants.signals[`SIG${name}`]);
      return undefined;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      if (error.errno === ERRNO.ESRCH) return ENDED;
      if (error.errno !== ERRNO.EPERM) return error.message;
      // The other members may belong to other users.
      const user = scope === 'process' ? this.facts.user : undefined;
      return `not permitted: it belongs to ${user ?? 'another user'}; run netpane with sudo`;
    }
  }

  /** Returns the members of the group or unit, without those that only a signal to the process itself reaches. */
  #membersOf(scope: Scope): number[] {
    return this.#pids().filter((pid) => this.#isReachable(pid) && this.#isMember(pid, scope));
  }

  /** Returns false for netpane itself and process 1: a signal to a group or unit leaves them out. */
  #isReachable(pid: number): boolean {
    return pid !== this.#access.ownPid && pid !== 1;
  }

  #isMember(pid: number, scope: Scope): boolean {
    const { proc } = this.#access;
    if (scope === 'group') return this.#group !== 0 && statOf(proc, pid)?.group === this.#group;
    return this.#unit !== undefined && isInUnit(textOf(proc, `${pid}/cgroup`), this.#unit);
  }

  #pids(): number[] {
    const names = this.#access.proc.names('.');
    return 'value' in names ? names.value.filter((name) => PID.test(name)).map(Number) : [];
  }

  #userOf(pid: number): string | undefined {
    const { proc, passwdPath } = this.#access;
    const folder = proc.stat(String(pid));
    if (!('value' in folder)) return undefined;
    return parsePasswd(textOf(proc, passwdPath)).get(folder.value.uid) ?? String(folder.value.uid);
  }
}

function guardOf(pid: number, { isKernelThread }: Stat, ownPid: number): Guard | undefined {
  if (pid === 1) return 'init';
  if (pid === ownPid) return 'netpane';
  return isKernelThread ? 'kernel' : undefined;
}
