import { Cache } from '../../../model/cache.ts';
import { startOf } from '../../../model/process.ts';
import type { Direction, Endpoint, Owner, SocketState, Traffic } from '../../../model/socket.ts';
import { toThousandths } from '../../../model/thousandths.ts';
import { aheadMs } from '../proc/clock.ts';
import { fullName } from '../proc/process.ts';
import type { Proc } from '../proc/proc.ts';
import type { Counters, LedgerEntry, LedgerProcess } from './entry.ts';
import type { Ledger } from './ledger.ts';
import { LedgerProcesses } from './ledger-processes.ts';

export interface RecordsOptions {
  readonly proc: Pick<Proc, 'names' | 'link' | 'latin1'>;
  /** Returns the current program of a process as an owner; undefined if the process has ended. */
  readonly identityOf: (pid: number) => Owner | undefined;
  /** Returns a text that changes with the program of a process; undefined if it cannot be read. Costs little. */
  readonly signatureOf: (pid: number) => string | undefined;
  readonly userOf: (uid: number) => string | undefined;
  /** Returns milliseconds on the sampler's monotonic clock. */
  readonly nowMs: () => number;
  /** Returns the wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Returns milliseconds of CLOCK_MONOTONIC, the clock of the ledger. */
  readonly monotonicMs: () => number;
}

/** Facts of the ledger about an open socket. */
export interface OpenRecord {
  /** The process that made it; undefined for an accepted socket, and if the process is in another pid namespace. */
  readonly creators: readonly Owner[] | undefined;
  readonly createdAtMs: number;
  readonly opened: Direction | undefined;
}

/** Facts of the ledger about a closed socket. */
export interface ClosedRecord {
  /**
   * The process that made it and the one that closed its last descriptor. `exact` if it was the same process: then it
   * held the socket from the first to the last moment.
   */
  readonly owners: readonly Owner[] | undefined;
  readonly uid: number | undefined;
  readonly createdAtMs: number;
  readonly opened: Direction | undefined;
  /** When it was made and when its last descriptor was closed, on the sampler's clock. */
  readonly bornMs: number;
  readonly releasedMs: number | undefined;
  readonly local: Endpoint | undefined;
  /** Null for a listener; undefined when unknown. */
  readonly remote: Endpoint | null | undefined;
  readonly isListener: boolean;
  /** Its TCP state when its last descriptor was closed; undefined when unknown. */
  readonly releasedState: SocketState | undefined;
}

/** Maximum number of processes whose program is kept. */
const MAX_PROGRAMS = 1000;

/** Maximum difference of two start times of a process, milliseconds: half a second of the wall clock may go unnoticed (`BootTime`). */
const START_TOLERANCE_MS = 1000;

/** Owners of the sockets of a process, made for a user and a program. */
interface ProcessOwners {
  readonly uid: number | undefined;
  readonly living: Owner | undefined;
  readonly owners: readonly Owner[];
}

const HIDDEN: readonly Owner[] = [{ knowledge: 'hidden' }];

/** Start of the names of the kernel's threads that close descriptors for other processes (fs/file_table.c, delayed_fput). */
const KERNEL_WORKER = 'kworker/';

/** Turns entries of the ledger into owners and times as the rest of netpane has them. */
export class LedgerRecords {
  readonly ledger: Ledger;
  readonly #options: RecordsOptions;
  /** Sampler clock minus CLOCK_MONOTONIC, milliseconds. */
  readonly #offsetMs: number;
  /** Netpanes with a ledger. */
  readonly #netpanes: LedgerProcesses;
  /** Programs of processes by pid, each with its signature. */
  readonly #programs = new Cache<number, { readonly signature: string; readonly owner: Owner }>(MAX_PROGRAMS);
  /** Signatures that were read since the last `forgetProcesses`, by pid; undefined for ended processes. */
  readonly #signatures = new Map<number, string | undefined>();
  /** Programs that were checked since then, by pid; undefined for ended ones. */
  readonly #identities = new Map<number, Owner | undefined>();
  /** Owners by process, for each way of knowing them: the sockets of one process share a list. */
  readonly #owners = {
    exact: new Cache<LedgerProcess, ProcessOwners>(MAX_PROGRAMS),
    creator: new Cache<LedgerProcess, ProcessOwners>(MAX_PROGRAMS),
  };
  /** Wall-clock time minus CLOCK_MONOTONIC at the last `forgetProcesses`, milliseconds. */
  #wallOffsetMs: number;

  constructor(ledger: Ledger, options: RecordsOptions) {
    this.#netpanes = new LedgerProcesses(options.proc, ledger.descriptors);
    this.ledger = ledger;
    this.#options = options;
    this.#offsetMs = aheadMs(options.nowMs, options.monotonicMs);
    this.#wallOffsetMs = this.#readWallOffset();
  }

  /** Makes the next records check the programs of processes and the wall clock again: they may have changed since. */
  forgetProcesses(): void {
    this.#signatures.clear();
    this.#identities.clear();
    this.#wallOffsetMs = this.#readWallOffset();
  }

  #readWallOffset(): number {
    return aheadMs(this.#options.wallMs, this.#options.monotonicMs);
  }

  /** Checks processes again, and forgets closed sockets if the ledger is nearly full. */
  beginPoll(): void {
    this.forgetProcesses();
    this.ledger.makeRoom(this.#options.monotonicMs(), true);
  }

  /** Begins a part of a drain: forgets closed sockets if the ledger has filled. The first part checks processes again. */
  beginDrain(isNextPart: boolean): void {
    if (!isNextPart) this.forgetProcesses();
    this.ledger.makeRoom(this.#options.monotonicMs());
  }

  /** Returns the record of an open socket; undefined if it is older than the ledger. @param id `sk:` and the cookie */
  ofOpen(id: string): OpenRecord | undefined {
    const entry = this.ledger.entryOf(id);
    if (entry === undefined) return undefined;
    const { creator, bornMs } = entry;
    return {
      creators: creator && this.#ownersOf(creator, entry.uid, bornMs, 'creator'),
      createdAtMs: this.#wallOf(bornMs),
      opened: openedOf(entry),
    };
  }

  /** Returns and forgets the record of a closed socket; undefined if it is older than the ledger. */
  takeClosed(id: string): ClosedRecord | undefined {
    const entry = this.ledger.takeEntry(id);
    if (entry === undefined) return undefined;
    const { bornMs, releasedMs, tcp, uid } = entry;
    return {
      owners: this.#ownersOfClosed(entry),
      uid,
      createdAtMs: this.#wallOf(bornMs),
      opened: openedOf(entry),
      bornMs: bornMs + this.#offsetMs,
      releasedMs: releasedMs === undefined ? undefined : releasedMs + this.#offsetMs,
      local: tcp?.local,
      remote: tcp?.remote,
      isListener: tcp?.operation === 'listen',
      releasedState: tcp && entry.releasedState,
    };
  }

  /** Returns and forgets the traffic and peers of a closed socket that is not TCP; undefined if they are not counted. */
  takeTraffic(id: string): { readonly traffic: Traffic; readonly peers: readonly Endpoint[] } | undefined {
    if (this.ledger.noTrafficReason !== undefined) return undefined;
    const counted = this.ledger.takeCounters(id);
    return { traffic: trafficOf(counted?.counters), peers: counted?.peers ?? [] };
  }

  /** Returns wall-clock time, rounded to the microsecond. @param atMs milliseconds of CLOCK_MONOTONIC */
  #wallOf(atMs: number): number {
    return toThousandths(atMs + this.#wallOffsetMs);
  }

  /**
   * Returns true if the process that closed the last descriptor of a socket held the socket itself. A kernel thread did not.
   * A netpane held it only if it made it: it copies sockets of other processes for a moment (`Native.networkOfSocket`).
   */
  #isHolder({ pid, comm }: LedgerProcess, creator: LedgerProcess | undefined): boolean {
    if (comm.startsWith(KERNEL_WORKER)) return false;
    return pid === creator?.pid || !this.#netpanes.has(pid, (it) => this.#signatureOf(it));
  }

  #ownersOfClosed({ creator, releaser, uid, bornMs, releasedMs }: LedgerEntry): readonly Owner[] | undefined {
    // Both are processes of another pid namespace.
    if (creator === undefined && releaser === undefined && releasedMs !== undefined) return HIDDEN;
    const closer = releaser && this.#isHolder(releaser, creator) ? releaser : undefined;
    if (creator === undefined)
      return closer && this.#ownersOf(closer, undefined, releasedMs ?? bornMs, 'exact');
    if (closer?.pid === creator.pid) return this.#ownersOf(creator, uid, bornMs, 'exact');
    const made = this.#ownersOf(creator, uid, bornMs, 'creator');
    return closer ? [...made, ...this.#ownersOf(closer, undefined, releasedMs ?? bornMs, 'exact')] : made;
  }

  /** Returns a process as the only owner, with the name that it had at `atMs` (milliseconds of CLOCK_MONOTONIC). */
  #ownersOf(
    process: LedgerProcess,
    uid: number | undefined,
    atMs: number,
    knowledge: 'exact' | 'creator',
  ): readonly Owner[] {
    const { pid, tid, comm } = process;
    const identity = this.#identityOf(pid);
    const living =
      identity && (identity.startedAtMs ?? 0) <= atMs + this.#wallOffsetMs + START_TOLERANCE_MS
        ? identity
        : undefined;
    const known = this.#owners[knowledge].get(process);
    if (known && known.uid === uid && known.living === living) return known.owners;
    const owners = [
      living && isNameOf(living, tid === pid ? comm : undefined)
        ? { ...living, knowledge }
        : this.#ownerByName(pid, comm, uid, knowledge, living),
    ];
    this.#owners[knowledge].set(process, { uid, living, owners });
    return owners;
  }

  /** Returns an owner whose process has ended, or runs another program now. */
  #ownerByName(
    pid: number,
    comm: string,
    uid: number | undefined,
    knowledge: 'exact' | 'creator',
    living: Owner | undefined,
  ): Owner {
    const user = uid === undefined ? undefined : this.#options.userOf(uid);
    return {
      knowledge,
      pid,
      process: fullName(comm, undefined),
      ...(user !== undefined && { user }),
      ...startOf(living ?? {}),
    };
  }

  /** Returns the current program of a process, read again only if its signature has changed. */
  #identityOf(pid: number): Owner | undefined {
    if (!this.#identities.has(pid)) this.#identities.set(pid, this.#readIdentity(pid));
    return this.#identities.get(pid);
  }

  /** Returns the signature of a process, read once between two calls of `forgetProcesses`: it reads a file. */
  #signatureOf(pid: number): string | undefined {
    if (!this.#signatures.has(pid)) this.#signatures.set(pid, this.#options.signatureOf(pid));
    return this.#signatures.get(pid);
  }

  #readIdentity(pid: number): Owner | undefined {
    const signature = this.#signatureOf(pid);
    const known = this.#programs.get(pid);
    if (signature !== undefined && known?.signature === signature) return known.owner;
    // The command line waits for a lock of the process: it is read once for each program, not at each drain.
    const owner = this.#options.identityOf(pid);
    if (owner && signature !== undefined) this.#programs.set(pid, { signature, owner });
    return owner;
  }
}

/** Returns true if a program has this name of a first thread. @param comm undefined for the name of another thread */
const isNameOf = ({ process, exe, command }: Owner, comm: string | undefined): boolean =>
  comm === undefined || fullName(comm, exe, command?.split(' ', 2)) === process;

function openedOf({ tcp }: LedgerEntry): Direction | undefined {
  if (tcp?.operation === 'accepted') return 'in';
  return tcp?.operation === 'connect' ? 'out' : undefined;
}

/** Returns counters as traffic: all 0 for a socket that the ledger has not counted. */
export const trafficOf = (counters: Counters | undefined): Traffic => ({
  rxBytes: counters?.rxBytes ?? 0,
  txBytes: counters?.txBytes ?? 0,
  rxSegments: counters?.rxPackets ?? 0,
  txSegments: counters?.txPackets ?? 0,
});
