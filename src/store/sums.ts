import type { Mutable } from '../model/mutable.ts';
import { firstOwner, isEstablished, isListening, type Socket } from '../model/socket.ts';
import { lastParts } from '../model/text.ts';

/** A socket with its rates in the last tick, bytes per second; undefined when unknown. */
export interface Flow {
  readonly socket: Socket;
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
}

/** Sum over some sockets. Unknown counters and rates count as 0. */
export interface Sum {
  readonly sockets: number;
  /** Numbers of listeners, and of connections in the states that a group header names. */
  readonly listening: number;
  readonly established: number;
  readonly closeWait: number;
  readonly timeWait: number;
  /** Number of sockets with known byte counters. */
  readonly counted: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Bytes per second in the last tick. */
  readonly rxRate: number;
  readonly txRate: number;
}

/** Sum over the open sockets of one process. */
export interface ProcessSum extends Sum {
  readonly pid: number;
  /** Latest name of the program. Untrusted text. */
  readonly process: string | undefined;
  /** Its working directory, if known. Untrusted text. */
  readonly directory: string | undefined;
}

export type MutableSum = Mutable<Sum>;

export const emptySum = (): MutableSum => ({
  sockets: 0,
  listening: 0,
  established: 0,
  closeWait: 0,
  timeWait: 0,
  counted: 0,
  rxBytes: 0,
  txBytes: 0,
  rxRate: 0,
  txRate: 0,
});

/** Returns true for a socket with known byte counters. */
export const isCounted = ({ traffic }: Socket): boolean =>
  traffic?.rxBytes !== undefined || traffic?.txBytes !== undefined;

/** Adds a socket to a sum (1), or subtracts it (-1). */
export function addTo(sum: MutableSum, { socket, rxRate, txRate }: Flow, sign: 1 | -1): void {
  sum.sockets += sign;
  if (isListening(socket)) sum.listening += sign;
  else if (isEstablished(socket)) sum.established += sign;
  else if (socket.state === 'CLOSE_WAIT') sum.closeWait += sign;
  else if (socket.state === 'TIME_WAIT') sum.timeWait += sign;
  sum.rxRate += sign * (rxRate ?? 0);
  sum.txRate += sign * (txRate ?? 0);
  if (!isCounted(socket)) return;
  sum.counted += sign;
  sum.rxBytes += sign * (socket.traffic?.rxBytes ?? 0);
  sum.txBytes += sign * (socket.traffic?.txBytes ?? 0);
}

/** Maximum result of `directoryParts`. */
const MAX_PARTS = 8;

/** Maximum number of directories that `directoryParts` compares, at 1 µs each; with more it returns 1. */
const MAX_COMPARED = 1000;

/**
 * Sums over the open sockets of each process. A socket with several owners counts for the first. A change subtracts the
 * old values of the socket and adds the new ones; all are integers, so no rounding errors add up.
 */
export class Sums {
  readonly #processes = new Map<number, Mutable<ProcessSum>>();
  /** By name of a program: the number of processes in each directory. */
  readonly #directories = new Map<string, Map<string, number>>();
  /** Results of `directoryParts` until a directory is added or removed. */
  readonly #parts = new Map<string, number>();

  /** Sums by pid, of processes with open sockets only. */
  get processes(): ReadonlyMap<number, ProcessSum> {
    return this.#processes;
  }

  /**
   * Returns how many of the last parts of their directories distinguish the programs of this name: 1 for `/srv/a` and
   * `/srv/b`, 2 for `/srv/a/app` and `/srv/b/app`; 0 if they run in one directory.
   */
  directoryParts(process: string): number {
    const directories = this.#directories.get(process);
    if (directories === undefined || directories.size < 2) return 0;
    const known = this.#parts.get(process);
    if (known !== undefined) return known;
    if (directories.size > MAX_COMPARED) return 1;
    const all = [...directories.keys()];
    let parts = 1;
    while (parts < MAX_PARTS && new Set(all.map((it) => lastParts(it, parts))).size < all.length) parts++;
    this.#parts.set(process, parts);
    return parts;
  }

  /** Applies a socket that spawned (`before` is undefined), changed, or closed (`now` is undefined). */
  change(before: Flow | undefined, now: Flow | undefined): void {
    // Added before it is subtracted: otherwise the sum of a process with one socket is deleted and created again.
    if (now) this.#add(now, 1);
    if (before) this.#add(before, -1);
  }

  #add(flow: Flow, sign: 1 | -1): void {
    const { pid, process, directory } = firstOwner(flow.socket);
    if (pid === undefined) return;
    let sum = this.#processes.get(pid);
    if (sum === undefined) {
      sum = { pid, process, directory: undefined, ...emptySum() };
      this.#processes.set(pid, sum);
    }
    const isChanged = process !== sum.process || directory !== sum.directory;
    if (sign === 1 && isChanged) {
      this.#countDirectory(sum, -1);
      sum.process = process ?? sum.process;
      sum.directory = directory ?? sum.directory;
      this.#countDirectory(sum, 1);
    }
    addTo(sum, flow, sign);
    if (sum.sockets > 0) return;
    this.#countDirectory(sum, -1);
    this.#processes.delete(pid);
  }

  #countDirectory({ process, directory }: ProcessSum, sign: 1 | -1): void {
    if (process === undefined || directory === undefined) return;
    const counts = this.#directories.get(process) ?? new Map<string, number>();
    const before = counts.get(directory) ?? 0;
    const count = before + sign;
    if (before === 0 || count === 0) this.#parts.delete(process);
    if (count > 0) counts.set(directory, count);
    else counts.delete(directory);
    if (counts.size > 0) this.#directories.set(process, counts);
    else this.#directories.delete(process);
  }
}
