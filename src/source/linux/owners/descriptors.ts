import { IO_URING, type Outcome, type Proc } from '../proc/proc.ts';
import { parseStat } from '../proc/process.ts';
import type { Holder } from './holder.ts';
import type { Holdings } from './holdings.ts';
import type { Identities } from './identity.ts';
import type { OtherHolders } from './other-holders.ts';
import type { OwnerPoll } from './owner-poll.ts';
import { IDLE_POLLS } from './processes.ts';

/** Number of known descriptors read again per poll, in turn, to see if they still hold the same socket. */
const DESCRIPTOR_CHECKS = 32;

/** Maximum number of descriptors of one process that are checked together: it costs half as much as one by one. */
const CHECKED_TOGETHER = 16;

/** Descriptors read between two reads of the clock. */
const BATCH_SIZE = 256;

/** Descriptors of one holder with the inodes of their sockets, in the same order. */
interface KnownDescriptors {
  readonly holder: Holder;
  /** True for a pseudo descriptor: the process holds the socket by a memory mapping or an io_uring. */
  readonly isPseudo: boolean;
  readonly descriptors: readonly number[];
  readonly inodes: readonly number[];
}

/** Reads the descriptors of processes, within the budget of a poll, into `Holdings`. */
export class Descriptors {
  readonly #proc: Proc;
  readonly #holdings: Holdings;
  readonly #identities: Identities;
  readonly #otherHolders: OtherHolders;
  readonly #poll: OwnerPoll;
  #knownIterator: Iterator<KnownDescriptors, undefined> | undefined;

  constructor(
    proc: Proc,
    holdings: Holdings,
    identities: Identities,
    otherHolders: OtherHolders,
    poll: OwnerPoll,
  ) {
    this.#proc = proc;
    this.#holdings = holdings;
    this.#identities = identities;
    this.#otherHolders = otherHolders;
    this.#poll = poll;
  }

  /** Reads some known descriptors again: one may be closed while another process still holds its socket. */
  checkKnown(): void {
    for (let count = 0; count < DESCRIPTOR_CHECKS && !this.#poll.isOverBudget;) {
      this.#knownIterator ??= this.#knownDescriptors();
      const { value: known, done } = this.#knownIterator.next();
      if (done) {
        this.#knownIterator = undefined;
        return;
      }
      // Reading a pseudo descriptor costs as much as all other checks of a poll, so it is the last check.
      count += known.isPseudo ? DESCRIPTOR_CHECKS : Math.max(1, known.descriptors.length);
      if (known.isPseudo) this.#checkPseudo(known);
      else this.#checkDescriptors(known);
    }
  }

  #checkPseudo({ holder, descriptors, inodes }: KnownDescriptors): void {
    for (const [i, descriptor] of descriptors.entries())
      if (!this.#otherHolders.isHeld(holder, inodes[i] ?? 0))
        this.#holdings.removeDescriptor(holder, descriptor);
  }

  #checkDescriptors({ holder, descriptors, inodes }: KnownDescriptors): void {
    for (const [i, outcome] of this.#proc.socketInodes(holder.folder, descriptors).entries()) {
      if (this.#inodeOf(holder, outcome) === inodes[i] || !holder.readable) continue;
      this.#holdings.removeDescriptor(holder, descriptors[i] ?? 0);
      holder.isListOutdated = true;
    }
  }

  /**
   * Returns true if a process has not run since its known descriptors were read again: it has closed none. In its turn it is read in
   * any case: another process may close one in a table that both share (clone(2), CLONE_FILES).
   */
  #hasSlept(holder: Holder): boolean {
    const hasSlept = holder.runs.reread.hasSlept(this.#proc.cpuNsOf(holder.pid));
    return hasSlept && !this.#poll.isTurnOf(holder.key, IDLE_POLLS);
  }

  /** Yields the descriptors of each holder in parts; none of a holder that has not run since they were read. */
  *#knownDescriptors(): Generator<KnownDescriptors, undefined> {
    for (const holder of this.#holdings.holders.values()) {
      if (holder.inodes.size === 0) continue;
      let [descriptors, inodes]: [number[], number[]] = [[], []];
      const hasSlept = this.#hasSlept(holder);
      if (hasSlept) yield { holder, isPseudo: false, descriptors, inodes };
      for (const [descriptor, inode] of holder.inodes) {
        if (descriptor < 0) {
          yield { holder, isPseudo: true, descriptors: [descriptor], inodes: [inode] };
          continue;
        }
        if (hasSlept) continue;
        descriptors.push(descriptor);
        inodes.push(inode);
        if (descriptors.length < CHECKED_TOGETHER) continue;
        yield { holder, isPseudo: false, descriptors, inodes };
        [descriptors, inodes] = [[], []];
      }
      if (descriptors.length > 0) yield { holder, isPseudo: false, descriptors, inodes };
    }
    return undefined;
  }

  /**
   * Reads the descriptors of processes that may have new ones, those with the fewest descriptors first. A list of descriptors
   * that a search is reading is left to the search, unless it is outdated.
   * @param isWanted returns true if an outdated list of a holder is to be read again
   */
  readOutdated(isWanted: (holder: Holder) => boolean): void {
    const holders = [...this.#holdings.holders.values()].filter(
      (holder) =>
        (holder.unread.length > 0 && !holder.isInSearch) || (holder.isListOutdated && isWanted(holder)),
    );
    holders.sort((a, b) => a.descriptorCount - b.descriptorCount);
    for (const holder of holders) {
      if (this.#poll.isOverBudget) return;
      if (holder.isListOutdated) this.list(holder);
      this.readUnread(holder);
    }
  }

  /**
   * Lists the descriptors of a holder, removes those that are closed, and puts the unknown ones into `unread`. Adds those that
   * were read in this poll if the process has not run since: it may have replaced them.
   */
  list(holder: Holder): void {
    holder.isListOutdated = false;
    holder.isInSearch = false;
    holder.listedPoll = this.#poll.number;
    holder.freed = [];
    holder.rings.clear();
    const listing = this.#proc.names(`${holder.folder}/fd`);
    if (!('value' in listing)) {
      // A process that has ended is not unreadable: it hides no sockets.
      holder.readable = listing.failed === 'gone';
      if (!holder.readable) this.#poll.hasUnseenProcesses = true;
      return;
    }
    holder.readable = true;
    if (listing.value.length === 0 && this.#useLivingThread(holder)) {
      this.list(holder);
      return;
    }
    const descriptors = new Set(listing.value.map(Number));
    holder.highest = 0;
    for (const descriptor of descriptors) holder.highest = Math.max(holder.highest, descriptor);
    for (const descriptor of holder.inodes.keys()) {
      if (descriptor >= 0 && !descriptors.has(descriptor))
        this.#holdings.removeDescriptor(holder, descriptor);
    }
    const read = this.#poll.read.get(holder.folder);
    if (read && read.cpuNs === this.#proc.cpuNsOf(holder.pid))
      for (const descriptor of descriptors) {
        const inode = read.inodes[descriptor];
        if (inode !== undefined) this.#holdings.addDescriptor(holder, descriptor, inode);
      }
    holder.unread = [...descriptors].filter((descriptor) => !holder.inodes.has(descriptor)).reverse();
  }

  /**
   * Switches to the folder of a living thread if the first thread of a process has ended, since /proc/PID/fd is empty
   * then. Also sets `isKernelThread`.
   * @returns true if it switched
   */
  #useLivingThread(holder: Holder): boolean {
    if (holder.folder !== String(holder.pid)) return false;
    const text = this.#proc.text(`${holder.pid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    holder.isKernelThread = stat?.isKernelThread ?? false;
    const folder = stat?.isLeaderGone ? this.#identities.livingThreadFolder(holder.pid) : undefined;
    const directory = folder === undefined ? undefined : this.#proc.stat(`${folder}/fd`);
    if (folder === undefined || directory === undefined || !('value' in directory)) return false;
    holder.folder = folder;
    holder.directory = directory.value.ino;
    holder.descriptorCount = directory.value.size;
    return true;
  }

  /** Reads the listed descriptors of a holder, as many as the budget allows. */
  readUnread(holder: Holder): void {
    while (holder.unread.length > 0 && !this.#poll.isOverBudget) {
      const descriptors = holder.unread.splice(-BATCH_SIZE);
      for (const [i, outcome] of this.#proc.socketInodes(holder.folder, descriptors).entries()) {
        this.#applyOutcome(holder, descriptors[i] ?? 0, outcome);
      }
    }
  }

  /** Reads a descriptor that is not listed. @returns true if it exists and may be read */
  #readDescriptor(holder: Holder, descriptor: number): boolean {
    return this.#applyOutcome(holder, descriptor, this.#proc.socketInode(holder.folder, descriptor));
  }

  /** Adds the socket or io_uring that a descriptor refers to. @returns true if the descriptor could be read */
  #applyOutcome(holder: Holder, descriptor: number, outcome: Outcome<number>): boolean {
    const inode = this.#inodeOf(holder, outcome);
    if (inode === IO_URING) holder.rings.add(descriptor);
    else if (inode !== undefined && inode > 0) this.#holdings.addDescriptor(holder, descriptor, inode);
    return inode !== undefined;
  }

  /**
   * Returns the inode of the socket, `IO_URING`, or 0 for any other file; undefined if there is no descriptor or it
   * cannot be read. Marks a holder whose descriptors may not be read.
   */
  #inodeOf(holder: Holder, outcome: Outcome<number>): number | undefined {
    if ('value' in outcome) return outcome.value;
    // The descriptors of some processes can be listed but not read, even by root: readlink(2) of /proc/PID/fd/N also
    // needs ptrace access (proc_pid_fd(5)).
    if (outcome.failed === 'forbidden') {
      holder.readable = false;
      holder.unread = [];
      this.#poll.hasUnseenProcesses = true;
    }
    return undefined;
  }

  /** Reads the descriptors that the kernel allocates next, in the processes that changed. */
  probeLikely(): void {
    const isDone = () => this.#holdings.wanted.size === 0;
    for (const holder of this.#holdings.holders.values())
      if (holder.freed.length > 0 || holder.isListOutdated) this.#probe(holder, isDone);
  }

  /**
   * Searches a process that probably holds new sockets: reads the descriptors that the kernel allocates next,
   * then all of them unless there are many.
   */
  searchIn(holder: Holder, inodes: readonly number[], maxDescriptors: number): void {
    const areFound = () => inodes.every((inode) => this.#holdings.isHeld(inode));
    this.#probe(holder, areFound);
    if (areFound() || holder.descriptorCount > maxDescriptors || this.#poll.isOverBudget) return;
    this.list(holder);
    this.readUnread(holder);
  }

  /** Reads freed descriptors of a holder and those above the highest known one, until `isDone`. */
  #probe(holder: Holder, isDone: () => boolean): void {
    const isOver = () => !holder.readable || isDone() || this.#poll.isOverBudget;
    const free = holder.freed.sort((a, b) => b - a);
    while (free.length > 0 && !isOver()) {
      const descriptor = free.pop() ?? 0;
      if (!holder.inodes.has(descriptor)) this.#readDescriptor(holder, descriptor);
    }
    for (let next = holder.highest + 1; !isOver() && this.#readDescriptor(holder, next); next++)
      holder.highest = next;
  }
}
