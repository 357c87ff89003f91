import { firstOwner, isEstablished, isListening, type Socket } from '../model/socket.ts';

/** A socket and what goes through it, bytes a second; undefined when unknown. */
export interface Flow {
  readonly socket: Socket;
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
}

/** What some sockets come to; what is unknown of a socket adds nothing. */
export interface Sum {
  readonly sockets: number;
  /** Those among them that listen, and that are connected. */
  readonly listening: number;
  readonly established: number;
  /** Those among them of which bytes are known. */
  readonly counted: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Bytes a second in the last tick. */
  readonly rxRate: number;
  readonly txRate: number;
}

/** What the open sockets of one process come to. */
export interface ProcessSum extends Sum {
  readonly pid: number;
  /** Name of the program, as it was last told. Hostile text. */
  readonly process: string | undefined;
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

export type OpenSum = Mutable<Sum>;

export const emptySum = (): OpenSum => ({
  sockets: 0,
  listening: 0,
  established: 0,
  counted: 0,
  rxBytes: 0,
  txBytes: 0,
  rxRate: 0,
  txRate: 0,
});

const isCounted = ({ traffic }: Socket): boolean =>
  traffic?.rxBytes !== undefined || traffic?.txBytes !== undefined;

/** Adds a socket to a sum, or takes it out again as it was. */
export function addTo(sum: OpenSum, { socket, rxRate, txRate }: Flow, sign: 1 | -1): void {
  sum.sockets += sign;
  if (isListening(socket)) sum.listening += sign;
  else if (isEstablished(socket)) sum.established += sign;
  sum.rxRate += sign * (rxRate ?? 0);
  sum.txRate += sign * (txRate ?? 0);
  if (!isCounted(socket)) return;
  sum.counted += sign;
  sum.rxBytes += sign * (socket.traffic?.rxBytes ?? 0);
  sum.txBytes += sign * (socket.traffic?.txBytes ?? 0);
}

/**
 * Sums over the open sockets of each process (of several that hold a socket the first). Kept by what changes: a tick
 * never looks at the sockets that stay as they are. Counters and rates are integers, so nothing is lost by it.
 */
export class Sums {
  readonly #processes = new Map<number, Mutable<ProcessSum>>();

  /** By pid; processes without an open socket are not there. */
  get processes(): ReadonlyMap<number, ProcessSum> {
    return this.#processes;
  }

  /** A socket has come (`before` is absent), has changed, or has gone (`now` is absent). */
  change(before: Flow | undefined, now: Flow | undefined): void {
    // The new one first, lest the sum of a process with one socket go and come again.
    if (now) this.#add(now, 1);
    if (before) this.#add(before, -1);
  }

  #add(flow: Flow, sign: 1 | -1): void {
    const { pid, process } = firstOwner(flow.socket);
    if (pid === undefined) return;
    let sum = this.#processes.get(pid);
    if (sum === undefined) {
      sum = { pid, process, ...emptySum() };
      this.#processes.set(pid, sum);
    }
    if (sign === 1) sum.process = process ?? sum.process;
    addTo(sum, flow, sign);
    if (sum.sockets === 0) this.#processes.delete(pid);
  }
}
