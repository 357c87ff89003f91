import type { Proc } from '../proc/proc.ts';
import { type Holder, newHolder } from './holder.ts';
import type { Holdings } from './holdings.ts';
import type { OwnerPoll } from './owner-poll.ts';
import type { Programs } from './programs.ts';

/** A process without sockets is checked once in this many polls while every socket has an owner. */
export const IDLE_POLLS = 16;

/** Number of polls in which a new process is identified again: most call execve(2) soon after their start. */
const YOUNG_POLLS = 5;

/** Lists the processes at each poll, and finds those whose descriptors may have changed. */
export class Processes {
  readonly #proc: Proc;
  readonly #holdings: Holdings;
  readonly #programs: Programs;
  readonly #poll: OwnerPoll;
  #pids: readonly number[] = [];

  constructor(proc: Proc, holdings: Holdings, programs: Programs, poll: OwnerPoll) {
    this.#proc = proc;
    this.#holdings = holdings;
    this.#programs = programs;
    this.#poll = poll;
  }

  /** Pids of all processes at the last `list`, unordered. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  /** Lists the processes; checks the new ones, those with sockets, and some of the others. @param isAll true to check all */
  list(isAll: boolean): void {
    const listing = this.#proc.names('');
    const names = 'value' in listing ? listing.value : [];
    const pids: number[] = [];
    this.#poll.hasUnseenProcesses = true;
    for (const name of names) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const pid = Number(name);
      if (pid === 1) this.#poll.hasUnseenProcesses = false;
      pids.push(pid);
    }
    this.#pids = pids;
    const areAllChecked = isAll || this.#holdings.wanted.size > 0;
    for (const pid of pids) this.#check(pid, pid, areAllChecked);
    for (const holder of this.#holdings.holders.values()) {
      // The list of processes has no threads.
      if (holder.key !== holder.pid) this.#check(holder.key, holder.pid, areAllChecked);
      if (holder.seenPoll !== this.#poll.number) this.#holdings.removeHolder(holder);
    }
  }

  /** Checks a process before the others. @returns its holder; undefined if it has ended or may not be read */
  checkOne(pid: number): Holder | undefined {
    this.#check(pid, pid, true);
    const holder = this.#holdings.holders.get(pid);
    return holder?.seenPoll === this.#poll.number ? holder : undefined;
  }

  /**
   * Returns true if a process has not run since its descriptors were counted: it can have opened and closed none. Another process
   * may do so in a table that both share (clone(2), CLONE_FILES), which only a check that is due finds.
   */
  #hasSlept(holder: Holder): boolean {
    return holder.runs.counted.hasSlept(this.#proc.cpuNsOf(holder.pid));
  }

  /** Reads the count of descriptors of a process or thread, and adds it if it is new. */
  #check(key: number, pid: number, isAll: boolean): void {
    let known = this.#holdings.holders.get(key);
    if (known && known.pid !== pid) {
      // The tid of an ended thread is the pid of another process now.
      this.#holdings.removeHolder(known);
      known = undefined;
    }
    const isDue = this.#poll.isTurnOf(key, IDLE_POLLS);
    // Before Linux 6.2 the size of the folder is always 0, so that the check finds less.
    const isChecked = isAll || isDue || known?.hasSockets === true;
    if (known && (!isChecked || (!isDue && (known.isKernelThread || this.#hasSlept(known))))) {
      known.seenPoll = this.#poll.number;
      if (!known.readable) this.#poll.hasUnseenProcesses = true;
      return;
    }
    let directory = this.#proc.stat(`${known?.folder ?? pid}/fd`);
    if (known && !('value' in directory) && known.folder !== String(pid) && key === pid) {
      // The thread whose folder was read has ended; the process may have others.
      known.folder = String(pid);
      directory = this.#proc.stat(`${pid}/fd`);
      if ('value' in directory) known.directory = directory.value.ino;
      known.isListOutdated = true;
    }
    if (!('value' in directory)) {
      if (directory.failed === 'forbidden') this.#poll.hasUnseenProcesses = true;
      return;
    }
    const { ino, size } = directory.value;
    let holder = known;
    if (holder && holder.directory !== ino) {
      this.#holdings.removeHolder(holder);
      if (key !== pid) return;
      holder = undefined;
    }
    if (holder === undefined) {
      holder = newHolder(key, pid, String(pid), ino, this.#poll.number);
      this.#holdings.holders.set(key, holder);
    }
    holder.seenPoll = this.#poll.number;
    if (holder.descriptorCount !== size || (isDue && size === 0)) {
      holder.descriptorCount = size;
      holder.isListOutdated = true;
    }
    const isYoung = this.#poll.number - holder.firstPoll < YOUNG_POLLS;
    if (holder.descriptors.size > 0 && (isDue || isYoung)) this.#programs.identify(holder);
    if (isDue)
      holder.hasSockets = [...holder.descriptors.keys()].some((inode) => this.#holdings.sockets.has(inode));
    if (!holder.readable) this.#poll.hasUnseenProcesses = true;
  }
}
