import type { Owner } from '../../model/socket.ts';
import type { Outcome, Proc } from './proc.ts';
import { fullName, parseCommandLine, parseStat, startedAtMs } from './process.ts';

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

/** So much of the budget is left for the search, however long the look at all processes took. */
const LEAST_SHARE = 1 / 4;

/** A process with more descriptors is listed only when it is due, or when a socket without owner may be among them. */
const SMALL = 256;

/** What is known of one process. */
interface Holder {
  readonly pid: number;
  /** Inode of /proc/PID/fd: another number means another process under the same pid. */
  readonly directory: number;
  readonly bornRound: number;
  aliveRound: number;
  listedRound: number;
  /** Round in which it was read last who it is. */
  identifiedRound: number;
  /** Count of its descriptors when they were listed last: the size of /proc/PID/fd since Linux 6.2, 0 before. */
  descriptorCount: number;
  readable: boolean;
  /** A thread of the kernel never opens anything: it is looked at only now and then, for its pid may be reused. */
  isKernelThread: boolean;
  /** It holds one of the sockets that there are. */
  hasSockets: boolean;
  /** Socket inode by descriptor, and a descriptor by socket inode. */
  readonly inodes: Map<number, number>;
  readonly descriptors: Map<number, number>;
  /** Descriptors of sockets that closed: the kernel gives the lowest free number to what is opened next. */
  freed: number[];
  highest: number;
  /** Its descriptors differ, by their count, from those known. */
  unlisted: boolean;
  /** Descriptors listed and not yet read, the next one last. */
  unread: number[];
  owner: Owner | undefined;
  /** `[owner]`, the same array for each of its sockets. */
  alone: readonly Owner[];
}

/**
 * Which processes hold which socket, kept up with at little cost: while no socket turns up that none is known to hold,
 * nearly nothing is read. For one that does, the likeliest descriptors are tried first (those that closed sockets have
 * left free, and those above the highest), then the processes whose count of descriptors differs, then all.
 */
export class Owners {
  readonly #proc: Proc;
  readonly #userOf: (uid: number) => string | undefined;
  readonly #bootTimeMs: number | undefined;
  readonly #nowMs: () => number;
  readonly #holders = new Map<number, Holder>();
  /** The holder of a socket, or all of them where there are several. */
  readonly #pidsByInode = new Map<number, number | readonly number[]>();
  /** Owners of sockets that several processes hold. */
  readonly #sharedByInode = new Map<number, readonly Owner[]>();
  /** Inodes of the sockets that there are; descriptors lead to others too, of kinds that are not read. */
  readonly #sockets = new Set<number>();
  /** Inodes that nobody is known to hold, with the count of searches through all processes. */
  readonly #unowned = new Map<number, number>();
  /** Those of them that are still to be searched for. */
  readonly #wanted = new Set<number>();
  /** Processes that the search under way has still to look through, and what it began with. */
  #sweep: { readonly left: Holder[]; readonly inodes: readonly number[]; readonly round: number } | undefined;
  #changed = new Set<number>();
  #checker: Iterator<readonly [Holder, number, number]> | undefined;
  #pids: readonly number[] = [];
  #round = 0;
  #deadlineMs = Infinity;
  #unseenProcesses = false;

  constructor(options: {
    proc: Proc;
    userOf: (uid: number) => string | undefined;
    /** Start of the machine, milliseconds since 1970; without it no process has a start time. */
    bootTimeMs: number | undefined;
    /** Milliseconds on a clock that never runs backwards, for the budget. */
    nowMs: () => number;
  }) {
    this.#proc = options.proc;
    this.#userOf = options.userOf;
    this.#bootTimeMs = options.bootTimeMs;
    this.#nowMs = options.nowMs;
  }

  /** True when some process could not be looked into, so that a socket without owner may be its. */
  get unseenProcesses(): boolean {
    return this.#unseenProcesses;
  }

  /** Inodes about which the last `refresh` learned something. */
  get changed(): ReadonlySet<number> {
    return this.#changed;
  }

  /** The processes that the last `refresh` found, in no order. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  /** The processes that hold a socket, the oldest pid first and pid 1 last; undefined when none is known to. */
  of(inode: number): readonly Owner[] | undefined {
    const pids = this.#pidsByInode.get(inode);
    if (pids === undefined) return undefined;
    if (typeof pids === 'number') {
      const holder = this.#holders.get(pids);
      // A holder that died before it said who it was is nobody known.
      return holder?.owner && holder.alone;
    }
    const known = this.#sharedByInode.get(inode);
    if (known) return known;
    const owners = pids
      .flatMap((pid) => this.#holders.get(pid) ?? [])
      // Pid 1 opens sockets for others and keeps them: the program that serves is the other one.
      .sort((a, b) => Number(a.pid === 1) - Number(b.pid === 1) || a.pid - b.pid)
      .flatMap((holder) => holder.owner ?? []);
    if (owners.length === 0) return undefined;
    this.#sharedByInode.set(inode, owners);
    return owners;
  }

  /** True when more than one search through all processes found nobody who holds the socket. */
  isHeldByNobody(inode: number): boolean {
    return (this.#unowned.get(inode) ?? 0) > 1;
  }

  /** True while the first search for the holder of a socket is not over. */
  isPending(inode: number): boolean {
    return this.#unowned.get(inode) === 0;
  }

  /**
   * Catches up with the processes of now.
   * @param added inodes of sockets that were not there the last time
   * @param removed inodes that were, and that no socket has any more
   * @param budgetMs after so many milliseconds the search is left off, and goes on at the next call
   */
  refresh(added: readonly number[], removed: readonly number[], budgetMs: number): void {
    this.#round++;
    this.#changed = new Set();
    this.#deadlineMs = this.#nowMs() + budgetMs;
    for (const inode of removed) this.#drop(inode);
    const unseenBefore = this.#unseenProcesses;
    this.#look(added.some((inode) => !this.#pidsByInode.has(inode)));
    this.#check();
    this.#deadlineMs = Math.max(this.#deadlineMs, this.#nowMs() + budgetMs * LEAST_SHARE);
    this.#read(
      (holder) =>
        holder.descriptorCount <= SMALL || holder.bornRound === this.#round || this.#isDue(holder.pid),
    );
    // Only now, for most of them have been found in passing, at a first reading nearly all.
    for (const inode of added) this.#meetSocket(inode);
    if (this.#wanted.size > 0) this.#probe();
    if (this.#wanted.size > 0) this.#read(() => true);
    if (this.#wanted.size > 0) this.#search();
    // What nobody holds is hidden or not by whether all could be looked into.
    if (this.#unseenProcesses !== unseenBefore)
      for (const inode of this.#unowned.keys()) this.#changed.add(inode);
  }

  get #isLate(): boolean {
    return this.#nowMs() > this.#deadlineMs;
  }

  /** Takes note of a socket that there is. */
  #meetSocket(inode: number): void {
    this.#sockets.add(inode);
    const pids = this.#pidsByInode.get(inode);
    if (pids === undefined) this.#miss(inode);
    for (const pid of listOf(pids)) {
      const holder = this.#holders.get(pid);
      if (holder) holder.hasSockets = true;
    }
  }

  /** A socket that is there and that none is known to hold. */
  #miss(inode: number): void {
    this.#unowned.set(inode, 0);
    this.#wanted.add(inode);
  }

  /** A socket is gone: its descriptors are free for others. */
  #drop(inode: number): void {
    for (const pid of listOf(this.#pidsByInode.get(inode))) {
      const holder = this.#holders.get(pid);
      const descriptor = holder?.descriptors.get(inode);
      if (!holder || descriptor === undefined) continue;
      holder.descriptors.delete(inode);
      holder.inodes.delete(descriptor);
      holder.freed.push(descriptor);
    }
    this.#sockets.delete(inode);
    this.#pidsByInode.delete(inode);
    this.#sharedByInode.delete(inode);
    this.#unowned.delete(inode);
    this.#wanted.delete(inode);
  }

  /** Which processes there are; looks at the new ones, those with sockets, and some of the others, or at all. */
  #look(isAll: boolean): void {
    const listing = this.#proc.names('');
    const names = 'value' in listing ? listing.value : [];
    const pids: number[] = [];
    this.#unseenProcesses = true;
    for (const name of names) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const pid = Number(name);
      if (pid === 1) this.#unseenProcesses = false;
      pids.push(pid);
    }
    this.#pids = pids;
    for (const pid of pids) this.#visit(pid, isAll || this.#wanted.size > 0);
    for (const holder of this.#holders.values()) {
      if (holder.aliveRound !== this.#round) this.#forget(holder);
    }
  }

  #visit(pid: number, isAll: boolean): void {
    const known = this.#holders.get(pid);
    const isDue = this.#isDue(pid);
    // Before Linux 6.2 a folder does not tell how many descriptors are in it: looking costs the same and says less.
    const isLooked = isAll || isDue || known?.hasSockets === true;
    if (known && (!isLooked || (known.isKernelThread && !isDue))) {
      known.aliveRound = this.#round;
      if (!known.readable) this.#unseenProcesses = true;
      return;
    }
    const directory = this.#proc.stat(`${pid}/fd`);
    if (!('value' in directory)) {
      if (directory.failed === 'forbidden') this.#unseenProcesses = true;
      return;
    }
    const { ino, size } = directory.value;
    let holder = known;
    if (holder && holder.directory !== ino) {
      this.#forget(holder);
      holder = undefined;
    }
    holder ??= this.#meet(pid, ino);
    holder.aliveRound = this.#round;
    if (holder.descriptorCount !== size || (isDue && size === 0)) {
      holder.descriptorCount = size;
      holder.unlisted = true;
    }
    const isYoung = this.#round - holder.bornRound < YOUNG_ROUNDS;
    if (holder.descriptors.size > 0 && (isDue || isYoung)) this.#identify(holder);
    if (isDue) holder.hasSockets = [...holder.descriptors.keys()].some((inode) => this.#sockets.has(inode));
    if (!holder.readable) this.#unseenProcesses = true;
  }

  #isDue(pid: number): boolean {
    return (this.#round + pid) % IDLE_ROUNDS === 0;
  }

  #meet(pid: number, directory: number): Holder {
    const holder: Holder = {
      pid,
      directory,
      bornRound: this.#round,
      aliveRound: this.#round,
      listedRound: 0,
      identifiedRound: 0,
      descriptorCount: 0,
      readable: true,
      isKernelThread: false,
      hasSockets: false,
      inodes: new Map(),
      descriptors: new Map(),
      freed: [],
      highest: 0,
      unlisted: true,
      unread: [],
      owner: undefined,
      alone: [],
    };
    this.#holders.set(pid, holder);
    return holder;
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
      const now = this.#inodeOf(holder, this.#proc.socketInode(holder.pid, descriptor));
      if (now === inode || !holder.readable) continue;
      this.#letGo(holder, descriptor);
      holder.unlisted = true;
    }
  }

  *#known(): Generator<readonly [Holder, number, number]> {
    for (const holder of this.#holders.values()) {
      for (const [descriptor, inode] of holder.inodes) yield [holder, descriptor, inode];
    }
  }

  /** Lists and reads the descriptors of processes that may have others than those known, the smallest first. */
  #read(isWanted: (holder: Holder) => boolean): void {
    const holders = [...this.#holders.values()].filter(
      (holder) => holder.unread.length > 0 || (holder.unlisted && isWanted(holder)),
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
    holder.listedRound = this.#round;
    holder.freed = [];
    const listing = this.#proc.names(`${holder.pid}/fd`);
    if (!('value' in listing)) {
      holder.readable = listing.failed === 'gone';
      if (!holder.readable) this.#unseenProcesses = true;
      return;
    }
    holder.readable = true;
    const descriptors = new Set(listing.value.map(Number));
    holder.highest = 0;
    for (const descriptor of descriptors) holder.highest = Math.max(holder.highest, descriptor);
    if (descriptors.size === 0) {
      const stat = this.#proc.text(`${holder.pid}/stat`);
      holder.isKernelThread = 'value' in stat && (parseStat(stat.value)?.isKernelThread ?? false);
    }
    for (const descriptor of holder.inodes.keys()) {
      if (!descriptors.has(descriptor)) this.#letGo(holder, descriptor);
    }
    holder.unread = [...descriptors].filter((descriptor) => !holder.inodes.has(descriptor)).reverse();
  }

  #readListed(holder: Holder): void {
    while (holder.unread.length > 0 && !this.#isLate) {
      const descriptors = holder.unread.splice(-BUNDLE);
      for (const [i, outcome] of this.#proc.socketInodes(holder.pid, descriptors).entries()) {
        this.#take(holder, descriptors[i] ?? 0, outcome);
      }
    }
  }

  /** Reads a descriptor that is not known; true when there is one. */
  #readDescriptor(holder: Holder, descriptor: number): boolean {
    return this.#take(holder, descriptor, this.#proc.socketInode(holder.pid, descriptor));
  }

  #take(holder: Holder, descriptor: number, outcome: Outcome<number>): boolean {
    const inode = this.#inodeOf(holder, outcome);
    if (inode !== undefined && inode > 0) this.#hold(holder, descriptor, inode);
    return inode !== undefined;
  }

  /** Inode of the socket behind a descriptor, 0 for anything else that it may be; undefined where there is none. */
  #inodeOf(holder: Holder, outcome: Outcome<number>): number | undefined {
    if ('value' in outcome) return outcome.value;
    // Some processes let even root list their descriptors and read none of them.
    if (outcome.failed === 'forbidden') {
      holder.readable = false;
      holder.unread = [];
      this.#unseenProcesses = true;
    }
    return undefined;
  }

  /** Tries the descriptors that the kernel gives out next, of the processes that have changed. */
  #probe(): void {
    for (const holder of this.#holders.values()) {
      if (!holder.readable || (holder.freed.length === 0 && !holder.unlisted)) continue;
      const free = holder.freed.sort((a, b) => b - a);
      while (free.length > 0 && this.#wanted.size > 0 && !this.#isLate) {
        const descriptor = free.pop() ?? 0;
        if (!holder.inodes.has(descriptor)) this.#readDescriptor(holder, descriptor);
      }
      for (let next = holder.highest + 1; this.#wanted.size > 0 && !this.#isLate; next++) {
        if (!this.#readDescriptor(holder, next)) break;
        holder.highest = next;
      }
    }
  }

  /** Searches all processes for the sockets that nobody is known to hold, as far as the budget goes. */
  #search(): void {
    if (this.#round > 1) this.#deadlineMs = Math.min(this.#deadlineMs, this.#nowMs() + SEARCH_MS);
    this.#sweep ??= {
      left: [...this.#holders.values()].filter((holder) => holder.readable && !holder.isKernelThread),
      inodes: [...this.#wanted],
      round: this.#round,
    };
    const { left, inodes, round } = this.#sweep;
    while (left.length > 0 && this.#wanted.size > 0) {
      const holder = left.at(-1);
      if (this.#isLate) return;
      if (holder && this.#holders.get(holder.pid) === holder) {
        // One that takes longer to list than a search may last is not listed again at the next round.
        if (holder.listedRound < round) this.#list(holder);
        this.#readListed(holder);
        if (holder.unread.length > 0) return;
      }
      left.pop();
    }
    this.#sweep = undefined;
    for (const inode of inodes) {
      const searches = this.#unowned.get(inode);
      if (searches === undefined) continue;
      this.#unowned.set(inode, searches + 1);
      this.#changed.add(inode);
      // Twice: a process that was made meanwhile has been passed over.
      if (searches + 1 > 1) this.#wanted.delete(inode);
    }
  }

  /** Reads who the process is; a change is passed on to all its sockets. */
  #identify(holder: Holder): void {
    holder.identifiedRound = this.#round;
    const owner = this.identityOf(holder.pid);
    if (owner === undefined || sameOwner(owner, holder.owner)) return;
    holder.owner = owner;
    holder.alone = [owner];
    for (const inode of holder.descriptors.keys()) this.#outdate(inode);
  }

  /** Who a process is now; undefined when it is gone. */
  identityOf(pid: number): Owner | undefined {
    const text = this.#proc.text(`${pid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    // Gone since its descriptors were read: what is known of it already is all there will be.
    if (stat === undefined) return undefined;
    const commandLine = this.#proc.text(`${pid}/cmdline`);
    const command = 'value' in commandLine ? parseCommandLine(commandLine.value) : undefined;
    const link = this.#proc.link(`${pid}/exe`);
    const exe = 'value' in link ? link.value : undefined;
    const directory = this.#proc.stat(`${pid}`);
    const user = 'value' in directory ? this.#userOf(directory.value.uid) : undefined;
    return {
      knowledge: 'exact',
      pid,
      process: fullName(stat.comm, exe, command),
      ...(command !== undefined && { command }),
      ...(exe !== undefined && { exe }),
      ...(user !== undefined && { user }),
      ...(this.#bootTimeMs !== undefined && { startedAtMs: startedAtMs(this.#bootTimeMs, stat.startTicks) }),
    };
  }

  #hold(holder: Holder, descriptor: number, inode: number): void {
    if (holder.owner === undefined) this.#identify(holder);
    const before = holder.inodes.get(descriptor);
    if (before === inode) return;
    if (before !== undefined) this.#letGo(holder, descriptor);
    holder.inodes.set(descriptor, inode);
    holder.highest = Math.max(holder.highest, descriptor);
    if (holder.descriptors.has(inode)) return;
    holder.descriptors.set(inode, descriptor);
    if (this.#sockets.has(inode)) holder.hasSockets = true;
    // A program may have given itself another name since it was looked at: what is new is said of it as it is now.
    if (holder.identifiedRound !== this.#round) this.#identify(holder);
    const pids = this.#pidsByInode.get(inode);
    this.#pidsByInode.set(inode, pids === undefined ? holder.pid : [...listOf(pids), holder.pid]);
    this.#outdate(inode);
    if (this.#unowned.delete(inode)) this.#wanted.delete(inode);
  }

  /** A descriptor holds its socket no more. */
  #letGo(holder: Holder, descriptor: number): void {
    const inode = holder.inodes.get(descriptor);
    holder.inodes.delete(descriptor);
    if (inode === undefined || holder.descriptors.get(inode) !== descriptor) return;
    holder.descriptors.delete(inode);
    // Two descriptors of one socket are rare, so the second one is looked for only now.
    const second =
      holder.inodes.size > holder.descriptors.size && [...holder.inodes].find(([, held]) => held === inode);
    if (second) {
      holder.descriptors.set(inode, second[0]);
      return;
    }
    this.#release(holder.pid, inode);
  }

  #release(pid: number, inode: number): void {
    const [first, ...others] = listOf(this.#pidsByInode.get(inode)).filter((other) => other !== pid);
    if (first !== undefined) this.#pidsByInode.set(inode, others.length > 0 ? [first, ...others] : first);
    else {
      this.#pidsByInode.delete(inode);
      // The socket is still there: somebody else may have it now.
      if (this.#sockets.has(inode)) this.#miss(inode);
    }
    this.#outdate(inode);
  }

  #outdate(inode: number): void {
    this.#sharedByInode.delete(inode);
    // Of a socket that is yet to be met, everything is news.
    if (this.#sockets.has(inode)) this.#changed.add(inode);
  }

  #forget(holder: Holder): void {
    for (const inode of holder.descriptors.keys()) this.#release(holder.pid, inode);
    this.#holders.delete(holder.pid);
  }
}

const listOf = (pids: number | readonly number[] | undefined): readonly number[] =>
  pids === undefined ? [] : typeof pids === 'number' ? [pids] : pids;

const sameOwner = (a: Owner, b: Owner | undefined): boolean =>
  b !== undefined &&
  a.pid === b.pid &&
  a.startedAtMs === b.startedAtMs &&
  a.process === b.process &&
  a.command === b.command &&
  a.exe === b.exe &&
  a.user === b.user;
