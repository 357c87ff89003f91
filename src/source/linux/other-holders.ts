import { counted } from '../../model/text.ts';
import type { Holder } from './holder.ts';
import type { Proc } from './proc.ts';
import { parseStat } from './process.ts';

/*
 * A socket lives as long as anything refers to its file. Beside the descriptor tables of processes these do:
 *
 *     table of one thread   unshare(CLONE_FILES)           /proc/PID/task/TID/fd          the holder is proved
 *     mapped memory         mmap(2) of a packet socket     /proc/PID/maps                 the holder is proved
 *     io_uring              IORING_REGISTER_FILES          /proc/PID/fdinfo of the ring   proved since Linux 6.14
 *     Unix socket           SCM_RIGHTS, not yet received   /proc/PID/fdinfo: `scm_fds`    only counted: a candidate
 *
 * All of them cost much to read, so they are read only for a socket that no table of a process leads to, step by step.
 */

/** A holder that was found: a table of descriptors to be read, or a socket that a process holds without one. */
export type FoundHolder =
  | {
      readonly kind: 'table';
      readonly pid: number;
      readonly tid: number;
      readonly folder: string;
    }
  | { readonly kind: 'hold'; readonly holder: Holder; readonly inode: number };

/** Maximum number of descriptors read of tables of single threads, and of fdinfo files, in a search. */
const MOST_LINKS = 100_000;
const MOST_FDINFOS = 10_000;

/** Maximum number of bytes read of the mappings of a process, and of an io_uring. */
const MOST_BYTES = 2 ** 20;

/** Maximum number of candidates that a text names. */
const NAMED = 3;

/** Descriptors read between two looks at the clock. */
const BUNDLE = 256;

/**
 * `address perms offset device inode path` (proc(5)). The path of a file begins with a slash, so none is taken for a
 * socket.
 */
const MAPPED = /^[0-9a-f]+-[0-9a-f]+ \S+ [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ \d+ +socket:\[(\d+)\]$/gm;

/** An entry of the table of files of an io_uring: `    0: socket:[123]` (io_uring/fdinfo.c). */
const RING_FILE = /^ *\d+: socket:\[(\d+)\]$/gm;
const RING_FILES = /^UserFiles:\t(\d+)$/m;
const IN_FLIGHT = /^scm_fds: (\d+)$/m;

/** Searches the places beside the descriptor tables of processes where a socket may be held. */
export class OtherHolders {
  readonly #proc: Proc;
  readonly #hasRingPaths: boolean;

  /**
   * @param hasRingPaths the kernel prints whole paths of the files of an io_uring (Linux 6.14): before, a file with the
   * name of a socket looks as a socket does
   */
  constructor(proc: Proc, { hasRingPaths = true }: { readonly hasRingPaths?: boolean | undefined } = {}) {
    this.#proc = proc;
    this.#hasRingPaths = hasRingPaths;
  }

  /**
   * Searches all processes for some sockets. It yields after each step, with what it found, so that the caller can stop
   * there and go on later.
   * @param wanted inodes that no process is known to hold; the caller removes those that were found
   * @param isSocket true for a socket that is shown: Unix sockets mostly are not
   * @returns where it searched and which processes may hold them, as a clause
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
      yield* this.#found(holder, this.#mapped(holder, report), wanted);
    }
    let fdinfos = 0;
    for (const holder of holders) {
      for (const [inode, descriptor] of holder.descriptors) {
        if (wanted.size === 0) return report.text;
        if (descriptor < 0 || isSocket(inode)) continue;
        if (++fdinfos > MOST_FDINFOS) report.leftOut++;
        else {
          this.#countInFlight(holder, descriptor, report);
          yield undefined;
        }
      }
    }
    return report.text;
  }

  /** True while a process holds a socket in one of the ways that `search` yields as `hold`. */
  isHeld(holder: Holder, inode: number): boolean {
    const report = new Report(1);
    for (const ring of holder.rings) if (this.#ringSockets(holder, ring, report).includes(inode)) return true;
    return this.#mapped(holder, report).includes(inode);
  }

  /** Finds the threads of a process that have a table of their own, and yields those in which a wanted socket is. */
  *#searchThreads(
    { pid, folder }: Holder,
    wanted: ReadonlySet<number>,
    report: Report,
  ): Generator<FoundHolder | undefined> {
    if (this.#proc.threadCount(pid) < 2) return;
    const listing = this.#proc.names(`${pid}/task`);
    if (!('value' in listing)) return;
    // One of the threads that share a table is enough.
    const representative = Number(folder.slice(folder.lastIndexOf('/') + 1));
    for (const [i, name] of listing.value.entries()) {
      const tid = Number(name);
      report.threads++;
      if (i % BUNDLE === 0) yield undefined;
      if (tid === representative || this.#proc.shareDescriptors(representative, tid) === true) continue;
      const path = `${pid}/task/${tid}`;
      if (yield* this.#hasWanted(path, wanted, report)) yield { kind: 'table', pid, tid, folder: path };
    }
  }

  *#hasWanted(
    folder: string,
    wanted: ReadonlySet<number>,
    report: Report,
  ): Generator<FoundHolder | undefined, boolean> {
    const listing = this.#proc.names(`${folder}/fd`);
    const descriptors = 'value' in listing ? listing.value.map(Number) : [];
    if (report.links + descriptors.length > MOST_LINKS) {
      report.leftOut++;
      return false;
    }
    report.links += descriptors.length;
    for (let start = 0; start < descriptors.length; start += BUNDLE) {
      const outcomes = this.#proc.socketInodes(folder, descriptors.slice(start, start + BUNDLE));
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
      yield* this.#found(holder, this.#ringSockets(holder, ring, report), wanted);
  }

  *#found(
    holder: Holder,
    inodes: readonly number[],
    wanted: ReadonlySet<number>,
  ): Generator<FoundHolder | undefined> {
    for (const inode of inodes) if (wanted.has(inode)) yield { kind: 'hold', holder, inode };
    yield undefined;
  }

  #ringSockets({ folder, pid, owner }: Holder, ring: number, report: Report): number[] {
    const text = this.#proc.latin1(`${folder}/fdinfo/${ring}`, MOST_BYTES);
    if (!('value' in text)) return [];
    if (text.isCut) report.leftOut++;
    const sockets = this.#hasRingPaths ? inodesIn(text.value, RING_FILE) : [];
    const count = Number(RING_FILES.exec(text.value)?.[1] ?? 0);
    if (sockets.length === 0 && count > 0)
      report.name('io_uring', count, pid, owner?.process ?? this.#nameOf(pid));
    return sockets;
  }

  #mapped({ folder }: Holder, report: Report): number[] {
    const text = this.#proc.latin1(`${folder}/maps`, MOST_BYTES);
    if (!('value' in text)) return [];
    if (text.isCut) report.leftOut++;
    return text.value.includes(' socket:[') ? inodesIn(text.value, MAPPED) : [];
  }

  #countInFlight({ folder, pid, owner }: Holder, descriptor: number, report: Report): void {
    const text = this.#proc.latin1(`${folder}/fdinfo/${descriptor}`);
    const count = 'value' in text ? Number(IN_FLIGHT.exec(text.value)?.[1] ?? 0) : 0;
    if (count > 0) report.name('in flight', count, pid, owner?.process ?? this.#nameOf(pid));
  }

  /** Name of a process that holds no socket; of one that does it is known already. */
  #nameOf(pid: number): string | undefined {
    const text = this.#proc.text(`${pid}/stat`);
    return 'value' in text ? parseStat(text.value)?.comm : undefined;
  }
}

const inodesIn = (text: string, pattern: RegExp): number[] =>
  [...text.matchAll(pattern)].map(([, digits]) => Number(digits));

/** Counts the places that a search looks at, and names the processes that may hold what it does not find. */
class Report {
  readonly #processes: number;
  threads = 0;
  /** Descriptors of threads that were read. */
  links = 0;
  /** Tables, mappings and sockets that were left out, or read in part, for there are too many. */
  leftOut = 0;
  readonly #candidates = new Map<string, string>();

  constructor(processes: number) {
    this.#processes = processes;
  }

  name(place: 'io_uring' | 'in flight', count: number, pid: number, process: string | undefined): void {
    const program = `${process ?? '?'} (pid ${pid})`;
    this.#candidates.set(
      `${place} ${pid}`,
      place === 'io_uring'
        ? `${program} keeps ${counted(count, 'file')} in an io_uring`
        : `${counted(count, 'descriptor waits', 'descriptors wait')} in a Unix socket for ${program}`,
    );
  }

  get text(): string {
    const named = [...this.#candidates.values()].slice(0, NAMED);
    const others = this.#candidates.size - named.length;
    return [
      `not among the descriptors, mappings and io_urings of ${counted(this.#processes, 'process and its', 'processes and their')} threads`,
      ...named,
      ...(others > 0
        ? [`${counted(others, 'more process keeps', 'more processes keep')} files in such places`]
        : []),
      ...(this.leftOut > 0 ? [`${counted(this.leftOut, 'place')} too large to be searched`] : []),
      ...(this.#candidates.size === 0 ? ['the kernel itself may have made it'] : []),
    ].join('; ');
  }
}
