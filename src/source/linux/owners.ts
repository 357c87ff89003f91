import type { Owner } from '../../model/socket.ts';
import { Holdings } from './holdings.ts';
import { pseudoDescriptor, type Holder, newHolder } from './holder.ts';
import { Identities, type IdentityOptions, sameOwner } from './identity.ts';
import { type FoundHolder, OtherHolders } from './other-holders.ts';
import { IO_URING, type Outcome, type Proc } from './proc.ts';
import { parseStat } from './process.ts';

/** A process without sockets is looked at once in so many rounds while no socket lacks an owner. */
const IDLE_ROUNDS = 16;

/** A process may become another program (execve) at any time; mostly it does so soon after its start. */
const YOUNG_ROUNDS = 5;

/** So many descriptors a round are read again, in turn, to see that they still are what they were. */
const CHECKS = 32;

/** So many descriptors are read between two looks at the clock. */
const BUNDLE = 256;

/** A search through all processes, for what none is known to hold, takes no longer a round, milliseconds. */
const SEARCH_MS = 10;

/**
 * After a search that took several rounds none begins for so many times as long: sockets without a holder may
 * come all the time, and a process may have a million descriptors. With 200,000 it took 3 % of a core.
 */
const REST_FACTOR = 4;

/** So much of the budget is left for the search, however long the look at all processes took. */
const LEAST_SHARE = 1 / 4;

/** A process with more descriptors is listed only when it is due, or when a socket without owner may be among them. */
const SMALL = 256;

/** Maximum number of programs a round that are asked whether they have another name, in turn. */
const NAME_CHECKS = 48;

/** A search through all processes for some sockets, from round to round. */
interface Sweep {
  /** Processes whose descriptors are still to be read. */
  readonly left: Holder[];
  /** The sockets that it began with. */
  readonly inodes: readonly number[];
  readonly round: number;
  /** The search of all other places, once no process is left. */
  others: Iterator<FoundHolder | undefined, string> | undefined;
}

/**
 * Which processes hold which socket, kept up with at little cost: while no socket turns up that none is known to hold,
 * nearly nothing is read. For one that does, the likeliest descriptors are tried first (those that closed sockets have
 * left free, and those above the highest), then the processes whose count of descriptors differs, then all.
 */
export class Owners {
  readonly #proc: Proc;
  readonly #identities: Identities;
  readonly #otherHolders: OtherHolders;
  readonly #nowMs: () => number;
  readonly #holdings = new Holdings((holder) => this.#ensureIdentity(holder));
  #sweep: Sweep | undefined;
  /** No search begins before this round. */
  #restUntilRound = 0;
  #checker: Iterator<readonly [Holder, number, number]> | undefined;
  #namer: Iterator<Holder, undefined> | undefined;
  #pids: readonly number[] = [];
  #round = 0;
  #deadlineMs = Infinity;
  #hasUnseenProcesses = false;

  constructor(
    options: IdentityOptions & {
      /** Milliseconds on a clock that never runs backwards, for the budget. */
      readonly nowMs: () => number;
      readonly hasRingPaths?: boolean | undefined;
    },
  ) {
    this.#proc = options.proc;
    this.#identities = new Identities(options);
    this.#otherHolders = new OtherHolders(options.proc, options);
    this.#nowMs = options.nowMs;
  }

  /** True when some process could not be looked into, so that a socket without owner may be its. */
  get hasUnseenProcesses(): boolean {
    return this.#hasUnseenProcesses;
  }

  /** Inodes about which the last `refresh` learned something. */
  get changed(): ReadonlySet<number> {
    return this.#holdings.changed;
  }

  /** The processes that the last `refresh` found, in no order. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  /** The processes that hold a socket, the oldest pid first and pid 1 last; undefined when none is known to. */
  of(inode: number): readonly Owner[] | undefined {
    return this.#holdings.of(inode);
  }

  /** Where the holder of a socket was searched for in vain, as a clause; undefined before a search has ended. */
  triedFor(inode: number): string | undefined {
    return this.#holdings.triedFor(inode);
  }

  /** True while the first search for the holder of a socket is not over. */
  isPending(inode: number): boolean {
    return this.#holdings.isPending(inode);
  }

  /** Who a process is now; undefined when it is gone. */
  identityOf(pid: number): Owner | undefined {
    return this.#identities.of(pid);
  }

  /**
   * Catches up with the processes of now.
   * @param added inodes of sockets that were not there the last time
   * @param removed inodes that were, and that no socket has any more
   * @param budgetMs after so many milliseconds the search is left off, and goes on at the next call
   */
  refresh(added: readonly number[], removed: readonly number[], budgetMs: number): void {
    this.#round++;
    this.#holdings.begin();
    this.#deadlineMs = this.#nowMs() + budgetMs;
    for (const inode of removed) this.#holdings.drop(inode);
    const unseenBefore = this.#hasUnseenProcesses;
    this.#look(added.some((inode) => !this.#holdings.isHeld(inode)));
    this.#check();
    this.#checkNames();
    this.#deadlineMs = Math.max(this.#deadlineMs, this.#nowMs() + budgetMs * LEAST_SHARE);
    this.#read(
      (holder) =>
        holder.descriptorCount <= SMALL || holder.bornRound === this.#round || this.#isDue(holder.key),
    );
    // Only now, for most of them have been found in passing, at a first reading nearly all.
    for (const inode of added) this.#holdings.meetSocket(inode);
    if (this.#holdings.wanted.size > 0) this.#probe();
    if (this.#holdings.wanted.size > 0) this.#read(() => true);
    if (this.#holdings.wanted.size > 0) this.#search();
    // What nobody holds is hidden or not by whether all could be looked into.
    if (this.#hasUnseenProcesses !== unseenBefore) this.#holdings.outdateUnowned();
  }

  get #isLate(): boolean {
    return this.#nowMs() > this.#deadlineMs;
  }

  /** Which processes there are; looks at the new ones, those with sockets, and some of the others, or at all. */
  #look(isAll: boolean): void {
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
    const areAllLooked = isAll || this.#holdings.wanted.size > 0;
    for (const pid of pids) this.#visit(pid, pid, areAllLooked);
    for (const holder of this.#holdings.holders.values()) {
      // A thread is not listed among the processes.
      if (holder.key !== holder.pid) this.#visit(holder.key, holder.pid, areAllLooked);
      if (holder.aliveRound !== this.#round) this.#holdings.forget(holder);
    }
  }

  #visit(key: number, pid: number, isAll: boolean): void {
    let known = this.#holdings.holders.get(key);
    if (known && known.pid !== pid) {
      // The number of a thread that has ended is that of a process now.
      this.#holdings.forget(known);
      known = undefined;
    }
    const isDue = this.#isDue(key);
    // Before Linux 6.2 a folder does not tell how many descriptors are in it: looking costs the same and says less.
    const isLooked = isAll || isDue || known?.hasSockets === true;
    if (known && (!isLooked || (known.isKernelThread && !isDue))) {
      known.aliveRound = this.#round;
      if (!known.readable) this.#hasUnseenProcesses = true;
      return;
    }
    let directory = this.#proc.stat(`${known?.folder ?? pid}/fd`);
    if (known && !('value' in directory) && known.folder !== String(pid) && key === pid) {
      // The thread that stood for its process has ended: another one may live.
      known.folder = String(pid);
      directory = this.#proc.stat(`${pid}/fd`);
      if ('value' in directory) known.directory = directory.value.ino;
      known.unlisted = true;
    }
    if (!('value' in directory)) {
      if (directory.failed === 'forbidden') this.#hasUnseenProcesses = true;
      return;
    }
    const { ino, size } = directory.value;
    let holder = known;
    if (holder && holder.directory !== ino) {
      this.#holdings.forget(holder);
      if (key !== pid) return;
      holder = undefined;
    }
    if (holder === undefined) {
      holder = newHolder(key, pid, String(pid), ino, this.#round);
      this.#holdings.holders.set(key, holder);
    }
    holder.aliveRound = this.#round;
    if (holder.descriptorCount !== size || (isDue && size === 0)) {
      holder.descriptorCount = size;
      holder.unlisted = true;
    }
    const isYoung = this.#round - holder.bornRound < YOUNG_ROUNDS;
    if (holder.descriptors.size > 0 && (isDue || isYoung)) this.#identify(holder);
    if (isDue)
      holder.hasSockets = [...holder.descriptors.keys()].some((inode) => this.#holdings.sockets.has(inode));
    if (!holder.readable) this.#hasUnseenProcesses = true;
  }

  #isDue(key: number): boolean {
    return (this.#round + key) % IDLE_ROUNDS === 0;
  }

  /** Reads some known descriptors again: one may have been closed while another process keeps its socket. */
  #check(): void {
    for (let count = 0; count < CHECKS && !this.#isLate; count++) {
      this.#checker ??= this.#known();
      const { value, done } = this.#checker.next() as IteratorResult<
        readonly [Holder, number, number],
        undefined
      >;
      if (done) {
        this.#checker = undefined;
        return;
      }
      const [holder, descriptor, inode] = value;
      if (descriptor < 0) {
        // One of these costs as much as all others together.
        count += CHECKS;
        if (!this.#otherHolders.isHeld(holder, inode)) this.#holdings.letGo(holder, descriptor);
        continue;
      }
      const now = this.#inodeOf(holder, this.#proc.socketInode(holder.folder, descriptor));
      if (now === inode || !holder.readable) continue;
      this.#holdings.letGo(holder, descriptor);
      holder.unlisted = true;
    }
  }

  *#known(): Generator<readonly [Holder, number, number]> {
    for (const holder of this.#holdings.holders.values()) {
      for (const [descriptor, inode] of holder.inodes) yield [holder, descriptor, inode];
    }
  }

  /** Asks some programs with sockets whether they have another name, or are another program (execve(2)), by now. */
  #checkNames(): void {
    for (let count = 0; count < NAME_CHECKS;) {
      this.#namer ??= this.#holdings.holders.values();
      const next = this.#namer.next();
      if (next.done) {
        this.#namer = undefined;
        return;
      }
      const holder = next.value;
      if (!holder.hasSockets || holder.identifiedRound === this.#round || holder.owner === undefined)
        continue;
      count++;
      const signature = this.#identities.signatureOf(holder.pid);
      if (signature !== undefined && signature !== holder.signature) this.#identify(holder);
    }
  }

  /** Lists and reads the descriptors of processes that may have others than those known, the smallest first. */
  #read(isWanted: (holder: Holder) => boolean): void {
    const holders = [...this.#holdings.holders.values()].filter(
      (holder) => (holder.unread.length > 0 && !holder.isSwept) || (holder.unlisted && isWanted(holder)),
    );
    holders.sort((a, b) => a.descriptorCount - b.descriptorCount);
    for (const holder of holders) {
      if (this.#isLate) return;
      if (holder.unlisted) this.#list(holder);
      this.#readListed(holder);
    }
  }

  #list(holder: Holder): void {
    holder.unlisted = false;
    holder.isSwept = false;
    holder.listedRound = this.#round;
    holder.freed = [];
    holder.rings.clear();
    const listing = this.#proc.names(`${holder.folder}/fd`);
    if (!('value' in listing)) {
      holder.readable = listing.failed === 'gone';
      if (!holder.readable) this.#hasUnseenProcesses = true;
      return;
    }
    holder.readable = true;
    if (listing.value.length === 0 && this.#enterLivingThread(holder)) {
      this.#list(holder);
      return;
    }
    const descriptors = new Set(listing.value.map(Number));
    holder.highest = 0;
    for (const descriptor of descriptors) holder.highest = Math.max(holder.highest, descriptor);
    for (const descriptor of holder.inodes.keys()) {
      if (descriptor >= 0 && !descriptors.has(descriptor)) this.#holdings.letGo(holder, descriptor);
    }
    holder.unread = [...descriptors].filter((descriptor) => !holder.inodes.has(descriptor)).reverse();
  }

  /**
   * Goes on with a living thread where the first one of a process has ended: the descriptors are no longer told of the
   * process. Notes in passing whether it is a thread of the kernel, which has none.
   */
  #enterLivingThread(holder: Holder): boolean {
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

  #readListed(holder: Holder): void {
    while (holder.unread.length > 0 && !this.#isLate) {
      const descriptors = holder.unread.splice(-BUNDLE);
      for (const [i, outcome] of this.#proc.socketInodes(holder.folder, descriptors).entries()) {
        this.#take(holder, descriptors[i] ?? 0, outcome);
      }
    }
  }

  /** Reads a descriptor that is not known; true when there is one. */
  #readDescriptor(holder: Holder, descriptor: number): boolean {
    return this.#take(holder, descriptor, this.#proc.socketInode(holder.folder, descriptor));
  }

  #take(holder: Holder, descriptor: number, outcome: Outcome<number>): boolean {
    const inode = this.#inodeOf(holder, outcome);
    if (inode === IO_URING) holder.rings.add(descriptor);
    else if (inode !== undefined && inode > 0) this.#holdings.hold(holder, descriptor, inode);
    return inode !== undefined;
  }

  /**
   * Inode of the socket behind a descriptor, `IO_URING` or 0 for anything else that it may be; undefined where there is
   * none.
   */
  #inodeOf(holder: Holder, outcome: Outcome<number>): number | undefined {
    if ('value' in outcome) return outcome.value;
    // Some processes let even root list their descriptors and read none of them.
    if (outcome.failed === 'forbidden') {
      holder.readable = false;
      holder.unread = [];
      this.#hasUnseenProcesses = true;
    }
    return undefined;
  }

  /** Tries the descriptors that the kernel gives out next, of the processes that have changed. */
  #probe(): void {
    for (const holder of this.#holdings.holders.values()) {
      if (!holder.readable || (holder.freed.length === 0 && !holder.unlisted)) continue;
      const free = holder.freed.sort((a, b) => b - a);
      while (free.length > 0 && this.#holdings.wanted.size > 0 && !this.#isLate) {
        const descriptor = free.pop() ?? 0;
        if (!holder.inodes.has(descriptor)) this.#readDescriptor(holder, descriptor);
      }
      for (let next = holder.highest + 1; this.#holdings.wanted.size > 0 && !this.#isLate; next++) {
        if (!this.#readDescriptor(holder, next)) break;
        holder.highest = next;
      }
    }
  }

  /** Searches all processes for the sockets that nobody is known to hold, as far as the budget goes. */
  #search(): void {
    if (this.#round > 1) this.#deadlineMs = Math.min(this.#deadlineMs, this.#nowMs() + SEARCH_MS);
    if (this.#sweep === undefined && this.#round < this.#restUntilRound) return;
    this.#sweep ??= {
      left: this.#searchable(),
      inodes: [...this.#holdings.wanted],
      round: this.#round,
      others: undefined,
    };
    const sweep = this.#sweep;
    const { left, inodes, round } = sweep;
    while (left.length > 0 && this.#holdings.wanted.size > 0) {
      const holder = left.at(-1);
      if (this.#isLate) return;
      if (holder && this.#holdings.holders.get(holder.key) === holder) {
        // One that takes longer to list than a search may last is not listed again at the next round.
        if (holder.listedRound < round) {
          this.#list(holder);
          holder.isSwept = true;
        }
        this.#readListed(holder);
        if (holder.unread.length > 0) return;
      }
      left.pop();
    }
    const tried = this.#searchOthers(sweep);
    if (tried === undefined) return;
    this.#sweep = undefined;
    this.#restUntilRound = this.#round + (this.#round - round) * REST_FACTOR;
    this.#holdings.endSearch(inodes, tried);
  }

  #searchable(): Holder[] {
    return [...this.#holdings.holders.values()].filter((holder) => holder.readable && !holder.isKernelThread);
  }

  /** Searches the places beside descriptors. @returns where it searched; undefined while there is more to search */
  #searchOthers(sweep: Sweep): string | undefined {
    sweep.others ??= this.#otherHolders.search(this.#searchable(), this.#holdings.wanted, (inode) =>
      this.#holdings.sockets.has(inode),
    );
    while (!this.#isLate) {
      const { value, done } = sweep.others.next();
      if (done) return value;
      if (value) this.#adopt(value);
    }
    return undefined;
  }

  /** Takes over a holder that was found beside the descriptors of processes. */
  #adopt(found: FoundHolder): void {
    if (found.kind === 'hold') {
      if (this.#holdings.holders.get(found.holder.key) === found.holder)
        this.#holdings.hold(found.holder, pseudoDescriptor(found.inode), found.inode);
      return;
    }
    const { pid, tid, folder } = found;
    const directory = this.#proc.stat(`${folder}/fd`);
    if (!('value' in directory) || this.#holdings.holders.has(tid)) return;
    const holder = newHolder(tid, pid, folder, directory.value.ino, this.#round);
    holder.descriptorCount = directory.value.size;
    this.#holdings.holders.set(tid, holder);
    this.#list(holder);
    this.#readListed(holder);
  }

  /** Reads who the process is; a change is passed on to all its sockets. */
  #identify(holder: Holder): void {
    holder.identifiedRound = this.#round;
    // Before who it is: a change that comes between the two is met at the next check.
    holder.signature = this.#identities.signatureOf(holder.pid);
    const owner = this.#identities.of(holder.pid, holder.key === holder.pid ? holder.folder : undefined);
    if (owner === undefined || sameOwner(owner, holder.owner)) return;
    holder.owner = owner;
    holder.alone = [owner];
    this.#holdings.outdate(holder);
  }

  #ensureIdentity(holder: Holder): void {
    if (holder.owner === undefined || holder.identifiedRound !== this.#round) this.#identify(holder);
  }
}
