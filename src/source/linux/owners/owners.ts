import { sameOwner } from '../../../model/fields.ts';
import type { Owner } from '../../../model/socket.ts';
import { Holdings } from './holdings.ts';
import { pseudoDescriptor, type Holder, newHolder } from './holder.ts';
import { Identities, type IdentityOptions } from './identity.ts';
import { type FoundHolder, OtherHolders } from './other-holders.ts';
import { IO_URING, type Outcome, type Proc } from '../proc/proc.ts';
import { parseStat } from '../proc/process.ts';

/** A process without sockets is checked once in this many polls while every socket has an owner. */
const IDLE_POLLS = 16;

/** Number of polls for which a new process is identified each time: most call execve(2) soon after their start. */
const YOUNG_POLLS = 5;

/** Maximum number of known descriptors read again per poll, in turn, to see if they still hold the same socket. */
const MAX_DESCRIPTOR_CHECKS = 32;

/** Descriptors read between two reads of the clock. */
const BATCH_SIZE = 256;

/** Maximum time per poll for the search of all processes, milliseconds. */
const SEARCH_MS = 10;

/**
 * Pause after a search, in multiples of the polls that it took. Sockets without a holder may appear all the time, and a
 * process may have a million descriptors; with 200,000 the searches take 3 % of a core.
 */
const REST_FACTOR = 4;

/** Share of the budget reserved for reading descriptors, however long the list of processes took. */
const MIN_SEARCH_SHARE = 1 / 4;

/**
 * Maximum number of descriptors of a process that is listed at every change. A larger one is listed when it is due, or
 * when it may hold a socket without an owner.
 */
const SMALL_TABLE = 256;

/** Maximum number of processes per poll that are checked for a new name or program, in turn. */
const MAX_NAME_CHECKS = 48;

/** A search of all processes for some sockets, continued from poll to poll. */
interface FullSearch {
  /** Processes whose descriptors are not yet read. */
  readonly remaining: Holder[];
  /** Inodes of the sockets that it started with. */
  readonly inodes: readonly number[];
  readonly startPoll: number;
  /** Search of other places than descriptor tables; starts when no process remains. */
  others: Iterator<FoundHolder | undefined, string> | undefined;
}

/**
 * Which processes hold which sockets, updated at each poll. While every socket has a known holder, almost nothing is
 * read. Order of the search for the holder of a new socket:
 *
 *     likely descriptors (freed ones, those above the highest) ──▶ processes with another count of descriptors
 *     ──▶ all processes ──▶ other places (`OtherHolders`)
 */
export class Owners {
  readonly #proc: Proc;
  readonly #identities: Identities;
  readonly #otherHolders: OtherHolders;
  readonly #nowMs: () => number;
  readonly #holdings = new Holdings((holder) => this.#ensureIdentity(holder));
  #fullSearch: FullSearch | undefined;
  /** No search starts before this poll. */
  #restUntilPoll = 0;
  #descriptorIterator: Iterator<readonly [Holder, number, number]> | undefined;
  #nameIterator: Iterator<Holder, undefined> | undefined;
  #pids: readonly number[] = [];
  #poll = 0;
  #deadlineMs = Infinity;
  #hasUnseenProcesses = false;

  constructor(
    options: IdentityOptions & {
      /** Returns milliseconds on a monotonic clock, for the budget. */
      readonly nowMs: () => number;
      readonly hasRingPaths?: boolean | undefined;
    },
  ) {
    this.#proc = options.proc;
    this.#identities = new Identities(options);
    this.#otherHolders = new OtherHolders(options.proc, options);
    this.#nowMs = options.nowMs;
  }

  /** True if some process could not be read, which may hold the sockets without an owner. */
  get hasUnseenProcesses(): boolean {
    return this.#hasUnseenProcesses;
  }

  /** Inodes whose owners the last `refresh` changed. */
  get changed(): ReadonlySet<number> {
    return this.#holdings.changed;
  }

  /** Pids of all processes at the last `refresh`, unordered. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  /** Returns the processes that hold a socket, the lowest pid first and pid 1 last; undefined if none is known. */
  of(inode: number): readonly Owner[] | undefined {
    return this.#holdings.of(inode);
  }

  /** Returns where a finished search did not find the holder of a socket, as a clause; undefined before that. */
  triedFor(inode: number): string | undefined {
    return this.#holdings.triedFor(inode);
  }

  /** Returns true until the first search for the holder of a socket has finished. */
  isPending(inode: number): boolean {
    return this.#holdings.isPending(inode);
  }

  /** Returns the current program of a process as an owner; undefined if the process has ended. */
  identityOf(pid: number): Owner | undefined {
    return this.#identities.of(pid);
  }

  /**
   * Updates the holders from /proc.
   * @param added inodes of sockets that are new since the last call
   * @param removed inodes of sockets that closed since the last call
   * @param budgetMs time limit, milliseconds; the next call continues
   */
  refresh(added: readonly number[], removed: readonly number[], budgetMs: number): void {
    this.#poll++;
    this.#holdings.beginPoll();
    this.#deadlineMs = this.#nowMs() + budgetMs;
    for (const inode of removed) this.#holdings.removeSocket(inode);
    const unseenBefore = this.#hasUnseenProcesses;
    this.#listProcesses(added.some((inode) => !this.#holdings.isHeld(inode)));
    this.#checkDescriptors();
    this.#checkNames();
    this.#deadlineMs = Math.max(this.#deadlineMs, this.#nowMs() + budgetMs * MIN_SEARCH_SHARE);
    this.#readDescriptors(
      (holder) =>
        holder.descriptorCount <= SMALL_TABLE || holder.firstPoll === this.#poll || this.#isDue(holder.key),
    );
    // Added this late because most have a holder by now; at the first poll nearly all have.
    for (const inode of added) this.#holdings.addSocket(inode);
    if (this.#holdings.wanted.size > 0) this.#probeLikelyDescriptors();
    if (this.#holdings.wanted.size > 0) this.#readDescriptors(() => true);
    if (this.#holdings.wanted.size > 0) this.#search();
    // A socket without a holder counts as hidden if some process could not be read.
    if (this.#hasUnseenProcesses !== unseenBefore) this.#holdings.markUnownedChanged();
  }

  get #isOverBudget(): boolean {
    return this.#nowMs() > this.#deadlineMs;
  }

  /** Lists the processes and checks the new ones, those with sockets, and some or all of the others. */
  #listProcesses(isAll: boolean): void {
    const listing = this.#proc.names('');
    const names = 'value' in listing ? listing.value : [];
    const pids: number[] = [];
    this.#hasUnseenProcesses = true;
    for (const name of names) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const pid = Number(name);
      if (pid === 1) this.#hasUnseenProcesses = false;
      pids.push(pid);
    }
    this.#pids = pids;
    const areAllChecked = isAll || this.#holdings.wanted.size > 0;
    for (const pid of pids) this.#checkProcess(pid, pid, areAllChecked);
    for (const holder of this.#holdings.holders.values()) {
      // The list of processes has no threads.
      if (holder.key !== holder.pid) this.#checkProcess(holder.key, holder.pid, areAllChecked);
      if (holder.seenPoll !== this.#poll) this.#holdings.removeHolder(holder);
    }
  }

  /** Reads the count of descriptors of a process or thread, and adds it if it is new. */
  #checkProcess(key: number, pid: number, isAll: boolean): void {
    let known = this.#holdings.holders.get(key);
    if (known && known.pid !== pid) {
      // The tid of an ended thread is the pid of another process now.
      this.#holdings.removeHolder(known);
      known = undefined;
    }
    const isDue = this.#isDue(key);
    // Before Linux 6.2 the size of the folder is 0: the check costs the same and finds less.
    const isChecked = isAll || isDue || known?.hasSockets === true;
    if (known && (!isChecked || (known.isKernelThread && !isDue))) {
      known.seenPoll = this.#poll;
      if (!known.readable) this.#hasUnseenProcesses = true;
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
      if (directory.failed === 'forbidden') this.#hasUnseenProcesses = true;
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
      holder = newHolder(key, pid, String(pid), ino, this.#poll);
      this.#holdings.holders.set(key, holder);
    }
    holder.seenPoll = this.#poll;
    if (holder.descriptorCount !== size || (isDue && size === 0)) {
      holder.descriptorCount = size;
      holder.isListOutdated = true;
    }
    const isYoung = this.#poll - holder.firstPoll < YOUNG_POLLS;
    if (holder.descriptors.size > 0 && (isDue || isYoung)) this.#identify(holder);
    if (isDue)
      holder.hasSockets = [...holder.descriptors.keys()].some((inode) => this.#holdings.sockets.has(inode));
    if (!holder.readable) this.#hasUnseenProcesses = true;
  }

  /** Returns true once in `IDLE_POLLS` polls. */
  #isDue(key: number): boolean {
    return (this.#poll + key) % IDLE_POLLS === 0;
  }

  /** Reads some known descriptors again: one may be closed while another process still holds its socket. */
  #checkDescriptors(): void {
    for (let count = 0; count < MAX_DESCRIPTOR_CHECKS && !this.#isOverBudget; count++) {
      this.#descriptorIterator ??= this.#knownDescriptors();
      const { value, done } = this.#descriptorIterator.next() as IteratorResult<
        readonly [Holder, number, number],
        undefined
      >;
      if (done) {
        this.#descriptorIterator = undefined;
        return;
      }
      const [holder, descriptor, inode] = value;
      if (descriptor < 0) {
        // Reading the mappings and rings of a process costs as much as all other checks.
        count += MAX_DESCRIPTOR_CHECKS;
        if (!this.#otherHolders.isHeld(holder, inode)) this.#holdings.removeDescriptor(holder, descriptor);
        continue;
      }
      const now = this.#inodeOf(holder, this.#proc.socketInode(holder.folder, descriptor));
      if (now === inode || !holder.readable) continue;
      this.#holdings.removeDescriptor(holder, descriptor);
      holder.isListOutdated = true;
    }
  }

  /** Yields each holder, descriptor and inode. */
  *#knownDescriptors(): Generator<readonly [Holder, number, number]> {
    for (const holder of this.#holdings.holders.values()) {
      for (const [descriptor, inode] of holder.inodes) yield [holder, descriptor, inode];
    }
  }

  /** Identifies some processes with sockets again if their name or program (execve(2)) has changed. */
  #checkNames(): void {
    for (let count = 0; count < MAX_NAME_CHECKS;) {
      this.#nameIterator ??= this.#holdings.holders.values();
      const next = this.#nameIterator.next();
      if (next.done) {
        this.#nameIterator = undefined;
        return;
      }
      const holder = next.value;
      if (!holder.hasSockets || holder.identifiedPoll === this.#poll || holder.owner === undefined) continue;
      count++;
      const signature = this.#identities.signatureOf(holder.pid);
      if (signature !== undefined && signature !== holder.signature) this.#identify(holder);
    }
  }

  /** Lists and reads the descriptors of processes that may have new ones, the smallest processes first. */
  #readDescriptors(isWanted: (holder: Holder) => boolean): void {
    const holders = [...this.#holdings.holders.values()].filter(
      (holder) =>
        (holder.unread.length > 0 && !holder.isInSearch) || (holder.isListOutdated && isWanted(holder)),
    );
    holders.sort((a, b) => a.descriptorCount - b.descriptorCount);
    for (const holder of holders) {
      if (this.#isOverBudget) return;
      if (holder.isListOutdated) this.#listDescriptors(holder);
      this.#readUnread(holder);
    }
  }

  #listDescriptors(holder: Holder): void {
    holder.isListOutdated = false;
    holder.isInSearch = false;
    holder.listedPoll = this.#poll;
    holder.freed = [];
    holder.rings.clear();
    const listing = this.#proc.names(`${holder.folder}/fd`);
    if (!('value' in listing)) {
      holder.readable = listing.failed === 'gone';
      if (!holder.readable) this.#hasUnseenProcesses = true;
      return;
    }
    holder.readable = true;
    if (listing.value.length === 0 && this.#useLivingThread(holder)) {
      this.#listDescriptors(holder);
      return;
    }
    const descriptors = new Set(listing.value.map(Number));
    holder.highest = 0;
    for (const descriptor of descriptors) holder.highest = Math.max(holder.highest, descriptor);
    for (const descriptor of holder.inodes.keys()) {
      if (descriptor >= 0 && !descriptors.has(descriptor))
        this.#holdings.removeDescriptor(holder, descriptor);
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

  #readUnread(holder: Holder): void {
    while (holder.unread.length > 0 && !this.#isOverBudget) {
      const descriptors = holder.unread.splice(-BATCH_SIZE);
      for (const [i, outcome] of this.#proc.socketInodes(holder.folder, descriptors).entries()) {
        this.#applyOutcome(holder, descriptors[i] ?? 0, outcome);
      }
    }
  }

  /** Reads an unknown descriptor; true if it exists. */
  #readDescriptor(holder: Holder, descriptor: number): boolean {
    return this.#applyOutcome(holder, descriptor, this.#proc.socketInode(holder.folder, descriptor));
  }

  /** Adds the socket or io_uring that a descriptor refers to; true if the descriptor exists. */
  #applyOutcome(holder: Holder, descriptor: number, outcome: Outcome<number>): boolean {
    const inode = this.#inodeOf(holder, outcome);
    if (inode === IO_URING) holder.rings.add(descriptor);
    else if (inode !== undefined && inode > 0) this.#holdings.addDescriptor(holder, descriptor, inode);
    return inode !== undefined;
  }

  /** Returns the inode of the socket, `IO_URING`, or 0 for any other file; undefined if there is no descriptor. */
  #inodeOf(holder: Holder, outcome: Outcome<number>): number | undefined {
    if ('value' in outcome) return outcome.value;
    // Some processes allow even root to list their descriptors but not to read them.
    if (outcome.failed === 'forbidden') {
      holder.readable = false;
      holder.unread = [];
      this.#hasUnseenProcesses = true;
    }
    return undefined;
  }

  /** Reads the descriptors that the kernel allocates next, in the processes that changed. */
  #probeLikelyDescriptors(): void {
    for (const holder of this.#holdings.holders.values()) {
      if (!holder.readable || (holder.freed.length === 0 && !holder.isListOutdated)) continue;
      const free = holder.freed.sort((a, b) => b - a);
      while (free.length > 0 && this.#holdings.wanted.size > 0 && !this.#isOverBudget) {
        const descriptor = free.pop() ?? 0;
        if (!holder.inodes.has(descriptor)) this.#readDescriptor(holder, descriptor);
      }
      for (let next = holder.highest + 1; this.#holdings.wanted.size > 0 && !this.#isOverBudget; next++) {
        if (!this.#readDescriptor(holder, next)) break;
        holder.highest = next;
      }
    }
  }

  /** Searches all processes for the sockets without a known holder, within the budget. */
  #search(): void {
    if (this.#poll > 1) this.#deadlineMs = Math.min(this.#deadlineMs, this.#nowMs() + SEARCH_MS);
    if (this.#fullSearch === undefined && this.#poll < this.#restUntilPoll) return;
    this.#fullSearch ??= {
      remaining: this.#searchable(),
      inodes: [...this.#holdings.wanted],
      startPoll: this.#poll,
      others: undefined,
    };
    const search = this.#fullSearch;
    const { remaining, inodes, startPoll } = search;
    while (remaining.length > 0 && this.#holdings.wanted.size > 0) {
      const holder = remaining.at(-1);
      if (this.#isOverBudget) return;
      if (holder && this.#holdings.holders.get(holder.key) === holder) {
        // Listed only once per search: listing may take longer than the time limit of a poll.
        if (holder.listedPoll < startPoll) {
          this.#listDescriptors(holder);
          holder.isInSearch = true;
        }
        this.#readUnread(holder);
        if (holder.unread.length > 0) return;
      }
      remaining.pop();
    }
    const tried = this.#searchOtherPlaces(search);
    if (tried === undefined) return;
    this.#fullSearch = undefined;
    this.#restUntilPoll = this.#poll + (this.#poll - startPoll) * REST_FACTOR;
    this.#holdings.endSearch(inodes, tried);
  }

  #searchable(): Holder[] {
    return [...this.#holdings.holders.values()].filter((holder) => holder.readable && !holder.isKernelThread);
  }

  /** Searches other places than descriptor tables. @returns where it searched; undefined until it has finished */
  #searchOtherPlaces(search: FullSearch): string | undefined {
    search.others ??= this.#otherHolders.search(this.#searchable(), this.#holdings.wanted, (inode) =>
      this.#holdings.sockets.has(inode),
    );
    while (!this.#isOverBudget) {
      const { value, done } = search.others.next();
      if (done) return value;
      if (value) this.#addFound(value);
    }
    return undefined;
  }

  /** Adds a holder that was found in another place than a descriptor table of a process. */
  #addFound(found: FoundHolder): void {
    if (found.kind === 'hold') {
      if (this.#holdings.holders.get(found.holder.key) === found.holder)
        this.#holdings.addDescriptor(found.holder, pseudoDescriptor(found.inode), found.inode);
      return;
    }
    const { pid, tid, folder } = found;
    const directory = this.#proc.stat(`${folder}/fd`);
    if (!('value' in directory) || this.#holdings.holders.has(tid)) return;
    const holder = newHolder(tid, pid, folder, directory.value.ino, this.#poll);
    holder.descriptorCount = directory.value.size;
    this.#holdings.holders.set(tid, holder);
    this.#listDescriptors(holder);
    this.#readUnread(holder);
  }

  /** Reads the program of a process; if it differs, all its sockets are marked as changed. */
  #identify(holder: Holder): void {
    holder.identifiedPoll = this.#poll;
    // Read before the program: a change between the two reads is found at the next check.
    holder.signature = this.#identities.signatureOf(holder.pid);
    const owner = this.#identities.of(holder.pid, holder.key === holder.pid ? holder.folder : undefined);
    if (owner === undefined || sameOwner(owner, holder.owner)) return;
    holder.owner = owner;
    holder.ownerList = [owner];
    this.#holdings.markChanged(holder);
  }

  #ensureIdentity(holder: Holder): void {
    if (holder.owner === undefined || holder.identifiedPoll !== this.#poll) this.#identify(holder);
  }
}
