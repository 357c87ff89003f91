import type { Owner } from '../../../model/socket.ts';
import { Descriptors } from './descriptors.ts';
import { HolderSearch } from './holder-search.ts';
import { Holdings } from './holdings.ts';
import { Identities, type IdentityOptions } from './identity.ts';
import { OtherHolders } from './other-holders.ts';
import type { SocketsRead } from '../proc/descriptor-target.ts';
import { OwnerPoll } from './owner-poll.ts';
import { IDLE_POLLS, Processes } from './processes.ts';
import { Programs } from './programs.ts';

/** Share of the budget reserved for reading descriptors, however long the list of processes took. */
const MIN_SEARCH_SHARE = 1 / 4;

/**
 * Maximum number of descriptors of a process that is listed at every change. A larger one is listed when it is due, or
 * when it may hold a socket without an owner.
 */
const SMALL_TABLE = 256;

/**
 * The holders of each socket, updated at each poll. While every socket has a known holder, almost nothing is read.
 *
 *     `Processes` (new ones, other counts of descriptors) ──▶ `Descriptors` ──▶ `Holdings` ──▶ owners of an inode
 *                                                              `Programs` ───────┘
 *
 * Order of the search for the holder of a new socket:
 *
 *     the process that made it, if known ──▶ likely descriptors (freed ones, those above the highest)
 *     ──▶ processes with another count of descriptors ──▶ all processes ──▶ other places (`OtherHolders`)
 *
 * `HolderSearch` does the last two steps.
 */
export class Owners {
  readonly #poll: OwnerPoll;
  readonly #identities: Identities;
  readonly #holdings: Holdings;
  readonly #programs: Programs;
  readonly #processes: Processes;
  readonly #descriptors: Descriptors;
  readonly #search: HolderSearch;

  constructor(
    options: IdentityOptions & {
      /** Returns milliseconds on a monotonic clock, for the budget. */
      readonly nowMs: () => number;
      readonly hasRingPaths?: boolean | undefined;
    },
  ) {
    const { proc, nowMs } = options;
    this.#poll = new OwnerPoll(nowMs);
    this.#identities = new Identities(options);
    this.#holdings = new Holdings((holder) => this.#programs.ensure(holder));
    this.#programs = new Programs(this.#holdings, this.#identities, this.#poll);
    this.#processes = new Processes(proc, this.#holdings, this.#programs, this.#poll);
    const others = new OtherHolders(proc, options);
    this.#descriptors = new Descriptors(proc, this.#holdings, this.#identities, others, this.#poll);
    this.#search = new HolderSearch(proc, this.#holdings, this.#descriptors, others, this.#poll);
  }

  /** True if some process could not be read: it may hold the sockets without an owner. */
  get hasUnseenProcesses(): boolean {
    return this.#poll.hasUnseenProcesses;
  }

  /** Inodes whose owners the last `refresh` changed. */
  get changed(): ReadonlySet<number> {
    return this.#holdings.changed;
  }

  /** Pids of all processes at the last `refresh`, unordered. */
  get pids(): readonly number[] {
    return this.#processes.pids;
  }

  /** Returns the processes that hold a socket, the lowest pid first and pid 1 last; undefined if none is known. */
  of(inode: number): readonly Owner[] | undefined {
    return this.#holdings.of(inode);
  }

  /** Returns a descriptor of a socket, with the pid of its process; undefined if none is known. */
  descriptorOf(inode: number): { readonly pid: number; readonly descriptor: number } | undefined {
    return this.#holdings.descriptorOf(inode);
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

  /** See `Identities.signatureOf`. */
  signatureOf(pid: number): string | undefined {
    return this.#identities.signatureOf(pid);
  }

  /**
   * Updates the holders from /proc.
   * @param added inodes of sockets that are new since the last call
   * @param removed inodes of sockets that closed since the last call
   * @param budgetMs time limit, milliseconds; the next call continues
   * @param likely processes that probably hold new sockets: their inodes by pid
   * @param read descriptors that were read in this poll before
   */
  refresh(
    added: readonly number[],
    removed: readonly number[],
    budgetMs: number,
    likely: ReadonlyMap<number, readonly number[]> = new Map(),
    read: SocketsRead = new Map(),
  ): void {
    this.#poll.begin(budgetMs, read);
    this.#holdings.beginPoll();
    for (const inode of removed) this.#holdings.removeSocket(inode);
    const unseenBefore = this.#poll.hasUnseenProcesses;
    for (const [pid, inodes] of likely) {
      if (this.#poll.isOverBudget) break;
      const holder = this.#processes.checkOne(pid);
      if (holder) this.#descriptors.searchIn(holder, inodes, SMALL_TABLE);
    }
    this.#processes.list(added.some((inode) => !this.#holdings.isHeld(inode)));
    this.#descriptors.checkKnown();
    this.#programs.checkNames();
    this.#poll.extendTo(budgetMs * MIN_SEARCH_SHARE);
    this.#descriptors.readOutdated(
      (holder) =>
        holder.descriptorCount <= SMALL_TABLE ||
        holder.firstPoll === this.#poll.number ||
        this.#poll.isTurnOf(holder.key, IDLE_POLLS),
    );
    // New sockets are added this late because most have a holder by now; at the first poll nearly all have one.
    for (const inode of added) this.#holdings.addSocket(inode);
    if (this.#holdings.wanted.size > 0) this.#descriptors.probeLikely();
    if (this.#holdings.wanted.size > 0) this.#descriptors.readOutdated(() => true);
    if (this.#holdings.wanted.size > 0) this.#search.step();
    // A socket without a holder counts as hidden if some process could not be read.
    if (this.#poll.hasUnseenProcesses !== unseenBefore) this.#holdings.markUnownedChanged();
  }
}
