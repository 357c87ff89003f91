import type { Owner } from '../../model/socket.ts';
import type { Proc } from './proc.ts';
import { fullName, parseCommandLine, parseStat, startedAtMs } from './process.ts';

/** After this many rounds every descriptor of a process is read again, whatever its count says. */
const FULL_SCAN_ROUNDS = 30;

/** A process may become another program (execve) at any time; mostly it does so soon after its start. */
const YOUNG_ROUNDS = 5;

const SOCKET_LINK = /^socket:\[(\d+)\]$/;

/** What is known of one process. */
interface Holder {
  readonly pid: number;
  /** Inode of /proc/PID/fd: another number means another process under the same pid. */
  readonly directory: number;
  readonly bornRound: number;
  /** Round in which it was last seen alive, and in which its descriptors were last read. */
  aliveRound: number;
  scannedRound: number;
  /** Count of its descriptors at the last scan: the size of /proc/PID/fd since Linux 6.2, 0 before. */
  descriptorCount: number;
  readable: boolean;
  /** A thread of the kernel never opens anything: it is looked at only now and then, for its pid may be reused. */
  isKernelThread: boolean;
  /** Socket inode by descriptor. */
  sockets: Map<string, number>;
  owner: Owner | undefined;
  /** `[owner]`, the same array for each of its sockets. */
  alone: readonly Owner[];
}

/**
 * Which processes hold which socket, kept up with at little cost: a process is looked into again only when its
 * count of descriptors differs, and all of them only when a socket turns up that none is known to hold.
 */
export class Owners {
  readonly #proc: Proc;
  readonly #userOf: (uid: number) => string | undefined;
  readonly #bootTimeMs: number | undefined;
  readonly #holders = new Map<number, Holder>();
  readonly #pidsByInode = new Map<number, number[]>();
  readonly #ownersByInode = new Map<number, readonly Owner[]>();
  /** Inodes that nobody was found to hold, with the count of searches. */
  readonly #unowned = new Map<number, number>();
  #round = 0;
  #unseenProcesses = false;
  #changed = false;

  constructor(options: {
    proc: Proc;
    userOf: (uid: number) => string | undefined;
    /** Start of the machine, milliseconds since 1970; without it no process has a start time. */
    bootTimeMs: number | undefined;
  }) {
    this.#proc = options.proc;
    this.#userOf = options.userOf;
    this.#bootTimeMs = options.bootTimeMs;
  }

  /** True when some process could not be looked into, so that a socket without owner may be its. */
  get unseenProcesses(): boolean {
    return this.#unseenProcesses;
  }

  /** True when the last `refresh` found any answer of this class to differ from what it was before. */
  get changed(): boolean {
    return this.#changed;
  }

  /** The processes that hold a socket, the oldest pid first and pid 1 last; undefined when none is known to. */
  of(inode: number): readonly Owner[] | undefined {
    const known = this.#ownersByInode.get(inode);
    if (known) return known;
    const holders = (this.#pidsByInode.get(inode) ?? []).flatMap((pid) => this.#holders.get(pid) ?? []);
    const [only] = holders;
    if (only === undefined) return undefined;
    const owners =
      holders.length === 1
        ? only.alone
        : // Pid 1 opens sockets for others and keeps them: the program that serves is the other one.
          holders
            .sort((a, b) => Number(a.pid === 1) - Number(b.pid === 1) || a.pid - b.pid)
            .flatMap((holder) => holder.owner ?? []);
    // A holder that died before it said who it was is nobody known.
    if (owners.length === 0) return undefined;
    this.#ownersByInode.set(inode, owners);
    return owners;
  }

  /** True when more than one full search found nobody who holds the socket. */
  isHeldByNobody(inode: number): boolean {
    return (this.#unowned.get(inode) ?? 0) > 1;
  }

  /**
   * Catches up with the processes of now.
   * @param newInodes inodes of sockets that were not there the last time
   * @param present inodes of all sockets now; called only when it is needed
   */
  refresh(newInodes: readonly number[], present: () => ReadonlySet<number>): void {
    this.#round++;
    const listing = this.#proc.names('');
    const names = 'value' in listing ? listing.value : [];
    const unseenBefore = this.#unseenProcesses;
    this.#changed = false;
    this.#unseenProcesses = !names.includes('1');
    for (const name of names) {
      const first = name.charCodeAt(0);
      if (first >= 48 && first <= 57) this.#visit(Number(name), present);
    }
    for (const holder of this.#holders.values()) {
      if (holder.aliveRound !== this.#round) this.#forget(holder);
    }
    this.#findUnowned(newInodes, present);
    if (this.#unseenProcesses !== unseenBefore) this.#changed = true;
  }

  #visit(pid: number, present: () => ReadonlySet<number>): void {
    const due = (this.#round + pid) % FULL_SCAN_ROUNDS === 0;
    const known = this.#holders.get(pid);
    if (known?.isKernelThread && !due) {
      known.aliveRound = this.#round;
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
    if (holder === undefined) {
      holder = {
        pid,
        directory: ino,
        bornRound: this.#round,
        aliveRound: this.#round,
        scannedRound: 0,
        descriptorCount: 0,
        readable: true,
        isKernelThread: false,
        sockets: new Map(),
        owner: undefined,
        alone: [],
      };
      this.#holders.set(pid, holder);
    }
    holder.aliveRound = this.#round;
    if (holder.scannedRound === 0 || due || (holder.readable && holder.descriptorCount !== size)) {
      holder.descriptorCount = size;
      this.#scan(holder, present, due);
    } else if (holder.sockets.size > 0 && this.#round - holder.bornRound < YOUNG_ROUNDS) {
      this.#identify(holder);
    }
    if (!holder.readable) this.#unseenProcesses = true;
  }

  /** Reads the descriptors of a process; unless `all`, only those that may have changed since the last scan. */
  #scan(holder: Holder, present: () => ReadonlySet<number>, all: boolean): void {
    holder.scannedRound = this.#round;
    const listing = this.#proc.names(`${holder.pid}/fd`);
    if (!('value' in listing)) {
      holder.readable = listing.failed === 'gone';
      return;
    }
    holder.readable = true;
    if (listing.value.length === 0) {
      const stat = this.#proc.text(`${holder.pid}/stat`);
      holder.isKernelThread = 'value' in stat && (parseStat(stat.value)?.isKernelThread ?? false);
    }
    const before = holder.sockets;
    const sockets = new Map<string, number>();
    for (const descriptor of listing.value) {
      const known = before.get(descriptor);
      // A descriptor whose socket is still there is taken to hold it still; `all` corrects the rare mistake.
      const inode =
        known !== undefined && !all && present().has(known) ? known : this.#socketInode(holder, descriptor);
      if (inode !== undefined) sockets.set(descriptor, inode);
    }
    holder.sockets = sockets;
    const held = new Set(sockets.values());
    const heldBefore = new Set(before.values());
    for (const inode of heldBefore) if (!held.has(inode)) this.#release(holder.pid, inode);
    if (held.size === 0) return;
    this.#identify(holder);
    for (const inode of held) if (!heldBefore.has(inode)) this.#hold(holder.pid, inode);
  }

  #socketInode(holder: Holder, descriptor: string): number | undefined {
    const link = this.#proc.link(`${holder.pid}/fd/${descriptor}`);
    if ('value' in link) {
      const digits = SOCKET_LINK.exec(link.value)?.[1];
      return digits === undefined ? undefined : Number(digits);
    }
    // Some processes let even root list their descriptors and read none of them.
    if (link.failed === 'forbidden') holder.readable = false;
    return undefined;
  }

  /** Reads who the process is; a change is passed on to all its sockets. */
  #identify(holder: Holder): void {
    const owner = this.#readOwner(holder.pid);
    if (owner === undefined || sameOwner(owner, holder.owner)) return;
    holder.owner = owner;
    holder.alone = [owner];
    for (const inode of holder.sockets.values()) this.#outdate(inode);
  }

  #readOwner(pid: number): Owner | undefined {
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

  #hold(pid: number, inode: number): void {
    const pids = this.#pidsByInode.get(inode);
    if (pids) pids.push(pid);
    else this.#pidsByInode.set(inode, [pid]);
    this.#outdate(inode);
    this.#unowned.delete(inode);
  }

  #release(pid: number, inode: number): void {
    const pids = (this.#pidsByInode.get(inode) ?? []).filter((other) => other !== pid);
    if (pids.length > 0) this.#pidsByInode.set(inode, pids);
    else this.#pidsByInode.delete(inode);
    this.#outdate(inode);
  }

  #outdate(inode: number): void {
    this.#ownersByInode.delete(inode);
    this.#changed = true;
  }

  #forget(holder: Holder): void {
    for (const inode of new Set(holder.sockets.values())) this.#release(holder.pid, inode);
    this.#holders.delete(holder.pid);
  }

  /** Searches every process for sockets that none is known to hold: the new ones, and once more those before. */
  #findUnowned(newInodes: readonly number[], present: () => ReadonlySet<number>): void {
    for (const inode of newInodes) if (!this.#pidsByInode.has(inode)) this.#unowned.set(inode, 0);
    const wanted = [...this.#unowned].filter(([, searches]) => searches < 2);
    if (wanted.length === 0) return;
    this.#changed = true;
    for (const holder of this.#holders.values()) {
      if (holder.readable && holder.scannedRound !== this.#round) this.#scan(holder, present, false);
    }
    for (const [inode, searches] of wanted)
      if (this.#unowned.has(inode)) this.#unowned.set(inode, searches + 1);
    for (const inode of this.#unowned.keys()) if (!present().has(inode)) this.#unowned.delete(inode);
  }
}

const sameOwner = (a: Owner, b: Owner | undefined): boolean =>
  b !== undefined &&
  a.pid === b.pid &&
  a.startedAtMs === b.startedAtMs &&
  a.process === b.process &&
  a.command === b.command &&
  a.exe === b.exe &&
  a.user === b.user;
