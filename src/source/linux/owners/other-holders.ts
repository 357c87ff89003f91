import { counted } from '../../../model/text.ts';
import type { Holder } from './holder.ts';
import type { Proc } from '../proc/proc.ts';
import { parseStat } from '../proc/process.ts';

/*
 * A socket exists as long as anything refers to its file. Apart from the descriptor tables of processes these are:
 *
 *     table of one thread   unshare(CLONE_FILES)           /proc/PID/task/TID/fd          the holder is proved
 *     mapped memory         mmap(2) of a packet socket     /proc/PID/maps                 the holder is proved
 *     io_uring              IORING_REGISTER_FILES          /proc/PID/fdinfo of the ring   proved since Linux 6.14
 *     Unix socket           SCM_RIGHTS, not yet received   /proc/PID/fdinfo: `scm_fds`    only counted: a candidate
 *
 * All of them are expensive to read, so they are read only for a socket in no table of a process, step by step.
 */

/** A search result: a descriptor table of a thread, to be read, or a socket that a process holds without a descriptor. */
export type FoundHolder =
  | {
      readonly kind: 'table';
      readonly pid: number;
      readonly tid: number;
      readonly folder: string;
    }
  | { readonly kind: 'hold'; readonly holder: Holder; readonly inode: number };

/** Maximum number of descriptors of thread tables, and of fdinfo files, read per search. */
const MAX_LINKS = 100_000;
const MAX_FDINFOS = 10_000;

/** Maximum number of bytes read of the mappings of a process, and of the fdinfo of an io_uring. */
const MAX_BYTES = 2 ** 20;

/** Maximum number of candidates named in a text. */
const MAX_CANDIDATES = 3;

/** Descriptors read between two yields. */
const BATCH_SIZE = 256;

/**
 * Matches a line `address perms offset device inode path` (proc(5)) of a mapped socket. The path of a file starts with a
 * slash, so that no file matches.
 */
const MAPPED = /^[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ +socket:\[(\d+)\]$/gm;

/** Matches a socket in the table of files of an io_uring: `    0: socket:[123]` (io_uring/fdinfo.c). */
const RING_FILE = /^ *\d+: socket:\[(\d+)\]$/gm;
const RING_FILES = /^UserFiles:\t(\d+)$/m;
const IN_FLIGHT = /^scm_fds: (\d+)$/m;

/** Searches for holders of sockets in other places than the descriptor tables of processes. */
export class OtherHolders {
  readonly #proc: Proc;
  readonly #hasRingPaths: boolean;

  /**
   * @param hasRingPaths the kernel prints full paths of the files of an io_uring (Linux 6.14). Before, a file named like
   * a socket is indistinguishable from a socket.
   */
  constructor(proc: Proc, { hasRingPaths = true }: { readonly hasRingPaths?: boolean | undefined } = {}) {
    this.#proc = proc;
    this.#hasRingPaths = hasRingPaths;
  }

  /**
   * Searches all processes for some sockets. Yields after each step, with or without a result, so that the caller can
   * pause the search.
   * @param wanted inodes without a known holder; the caller removes the found ones
   * @param isSocket returns true for a socket that is shown, which most Unix sockets are not
   * @returns where it searched and which processes may hold the sockets, as a clause
   */
  *search(
    holders: readonly Holder[],
    wanted: ReadonlySet<number>,
    isSocket: (inode: number) => boolean,
  ): Generator<FoundHolder | undefined, string> {
    const report = new Report(holders.length);
    for (const holder of holders) {
      if (wanted.size === 0) break;
      yield* this.#searchThreads(holder, wanted, report);
      yield* this.#searchRings(holder, wanted, report);
    }
    for (const holder of holders) {
      if (wanted.size === 0) break;
      yield* this.#yieldWanted(holder, this.#mappedSockets(holder, report), wanted);
    }
    let fdinfos = 0;
    for (const holder of holders) {
      for (const [inode, descriptor] of holder.descriptors) {
        if (wanted.size === 0) return report.text;
        if (descriptor < 0 || isSocket(inode)) continue;
        if (++fdinfos > MAX_FDINFOS) report.skipped++;
        else {
          this.#countInFlight(holder, descriptor, report);
          yield undefined;
        }
      }
    }
    return report.text;
  }

  /** Returns true if a process still holds a socket without a descriptor. */
  isHeld(holder: Holder, inode: number): boolean {
    const report = new Report(1);
    for (const ring of holder.rings) if (this.#ringSockets(holder, ring, report).includes(inode)) return true;
    return this.#mappedSockets(holder, report).includes(inode);
  }

  /** Yields the threads of a process that have a wanted socket in a descriptor table of their own. */
  *#searchThreads(
    { pid, folder }: Holder,
    wanted: ReadonlySet<number>,
    report: Report,
  ): Generator<FoundHolder | undefined> {
    if (this.#proc.threadCount(pid) < 2) return;
    const listing = this.#proc.names(`${pid}/task`);
    if (!('value' in listing)) return;
    // A thread that shares the table of this one needs no search.
    const representative = Number(folder.slice(folder.lastIndexOf('/') + 1));
    for (const [i, name] of listing.value.entries()) {
      const tid = Number(name);
      report.threads++;
      if (i % BATCH_SIZE === 0) yield undefined;
      if (tid === representative || this.#proc.shareDescriptors(representative, tid) === true) continue;
      const path = `${pid}/task/${tid}`;
      if (yield* this.#hasWanted(path, wanted, report)) yield { kind: 'table', pid, tid, folder: path };
    }
  }

  /** Returns true if a descriptor in the folder refers to a wanted socket. Yields to pause. */
  *#hasWanted(
    folder: string,
    wanted: ReadonlySet<number>,
    report: Report,
  ): Generator<FoundHolder | undefined, boolean> {
    const listing = this.#proc.names(`${folder}/fd`);
    const descriptors = 'value' in listing ? listing.value.map(Number) : [];
    if (report.links + descriptors.length > MAX_LINKS) {
      report.skipped++;
      return false;
    }
    report.links += descriptors.length;
    for (let start = 0; start < descriptors.length; start += BATCH_SIZE) {
      const outcomes = this.#proc.socketInodes(folder, descriptors.slice(start, start + BATCH_SIZE));
      if (outcomes.some((outcome) => 'value' in outcome && wanted.has(outcome.value))) return true;
      yield undefined;
    }
    return false;
  }

  *#searchRings(
    holder: Holder,
    wanted: ReadonlySet<number>,
    report: Report,
  ): Generator<FoundHolder | undefined> {
    for (const ring of holder.rings)
      yield* this.#yieldWanted(holder, this.#ringSockets(holder, ring, report), wanted);
  }

  *#yieldWanted(
    holder: Holder,
    inodes: readonly number[],
    wanted: ReadonlySet<number>,
  ): Generator<FoundHolder | undefined> {
    for (const inode of inodes) if (wanted.has(inode)) yield { kind: 'hold', holder, inode };
    yield undefined;
  }

  /** Returns the sockets of an io_uring; adds its process as a candidate if it does not show them. */
  #ringSockets({ folder, pid, owner }: Holder, ring: number, report: Report): number[] {
    const text = this.#proc.latin1(`${folder}/fdinfo/${ring}`, MAX_BYTES);
    if (!('value' in text)) return [];
    if (text.isCut) report.skipped++;
    const sockets = this.#hasRingPaths ? inodesIn(text.value, RING_FILE) : [];
    const count = Number(RING_FILES.exec(text.value)?.[1] ?? 0);
    if (sockets.length === 0 && count > 0)
      report.addCandidate('io_uring', count, pid, owner?.process ?? this.#nameOf(pid));
    return sockets;
  }

  /** Returns the sockets that a process has mapped into memory. */
  #mappedSockets({ folder }: Holder, report: Report): number[] {
    const text = this.#proc.latin1(`${folder}/maps`, MAX_BYTES);
    if (!('value' in text)) return [];
    if (text.isCut) report.skipped++;
    return text.value.includes(' socket:[') ? inodesIn(text.value, MAPPED) : [];
  }

  /** Adds a process as a candidate if descriptors wait in its Unix socket. */
  #countInFlight({ folder, pid, owner }: Holder, descriptor: number, report: Report): void {
    const text = this.#proc.latin1(`${folder}/fdinfo/${descriptor}`);
    const count = 'value' in text ? Number(IN_FLIGHT.exec(text.value)?.[1] ?? 0) : 0;
    if (count > 0) report.addCandidate('in flight', count, pid, owner?.process ?? this.#nameOf(pid));
  }

  /** Returns the kernel's name of a process without sockets, which has no owner; undefined if it has ended. */
  #nameOf(pid: number): string | undefined {
    const text = this.#proc.text(`${pid}/stat`);
    return 'value' in text ? parseStat(text.value)?.comm : undefined;
  }
}

const inodesIn = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map(([, digits]) => Number(digits));

/** Counts what a search reads, and collects the processes that may hold the sockets it does not find. */
class Report {
  readonly #processes: number;
  threads = 0;
  /** Number of descriptors of threads read. */
  links = 0;
  /** Number of tables, mappings and sockets not read, or read in part, because they exceed a limit. */
  skipped = 0;
  readonly #candidates = new Map<string, string>();

  constructor(processes: number) {
    this.#processes = processes;
  }

  /** Adds a process that may hold a socket. @param count files or descriptors in that place */
  addCandidate(
    place: 'io_uring' | 'in flight',
    count: number,
    pid: number,
    process: string | undefined,
  ): void {
    const program = `${process ?? '?'} (pid ${pid})`;
    this.#candidates.set(
      `${place} ${pid}`,
      place === 'io_uring'
        ? `${program} has ${counted(count, 'file')} in an io_uring`
        : `${counted(count, 'descriptor')} in flight over a Unix socket to ${program}`,
    );
  }

  /** The places that the search covered and its candidates, as a clause. */
  get text(): string {
    const named = [...this.#candidates.values()].slice(0, MAX_CANDIDATES);
    const others = this.#candidates.size - named.length;
    return [
      `not found in the descriptors, mappings and io_urings of ${counted(this.#processes, 'process and its', 'processes and their')} threads`,
      ...named,
      ...(others > 0
        ? [`${counted(others, 'more process has', 'more processes have')} files in such places`]
        : []),
      ...(this.skipped > 0 ? [`${counted(this.skipped, 'place')} too large to search`] : []),
      ...(this.#candidates.size === 0 ? ['the kernel itself may have created it'] : []),
    ].join('; ');
  }
}
