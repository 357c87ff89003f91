import type { SumEvent, SumPart } from '../../model/event.ts';
import { firstOwner, type Socket } from '../../model/socket.ts';
import { toThousandths } from '../../model/thousandths.ts';
import { TIMEWAIT_MS } from './life.ts';

/**
 * Maximum numbers of sums in one batch, for the keys of `keysOf`. Up to the first, a new sum is for a program and peer;
 * up to the second, for a program; beyond it, for a protocol and direction, of which there are few.
 */
const MAX_SUMS = [100, 150, Infinity] as const;

/** Maximum time by which a timer of the kernel is late after a minute, milliseconds (kernel/time/timer.c), rounded up. */
const LATE_TIMER_MS = 10_000;

/** Connections that are counted together. */
interface Sum {
  count: number;
  socket: Socket;
  atMs: number;
  readonly differs: Set<SumPart>;
  rxBytes: number | undefined;
  txBytes: number | undefined;
}

/**
 * Connections that no poll has seen and that are closed already. A few in each batch become lives like any other. In a
 * storm the others are only counted, by program and peer: their events would be too many to read.
 *
 *     takeRoom ─▶ true: the caller makes a life
 *        └─▶ false: add ─▶ sums ─▶ take
 */
export class ShortLives {
  readonly #maxShown: number;
  #shown = 0;
  readonly #sums = new Map<string, Sum>();
  /** Time of the last close of a TCP connection that was only counted, on the monotonic clock. */
  #lastMs = -Infinity;

  /** @param maxShown maximum number of connections in each batch that become lives */
  constructor(maxShown: number) {
    this.#maxShown = maxShown;
  }

  /** Returns true if one more connection of this batch may become a life. */
  takeRoom(): boolean {
    return this.#shown++ < this.#maxShown;
  }

  /** Counts a connection. @param atMs time of its close, on the monotonic clock */
  add(socket: Socket, atMs: number): void {
    // Sockets of UDP leave no remnants.
    if (socket.protocol === 'tcp') this.#lastMs = Math.max(this.#lastMs, atMs);
    const sum = this.#sumOf(socket);
    sum.count++;
    sum.atMs = Math.max(sum.atMs, atMs);
    const { rxBytes, txBytes } = socket.traffic ?? {};
    sum.rxBytes = added(sum.rxBytes, rxBytes);
    sum.txBytes = added(sum.txBytes, txBytes);
    noteDifferences(sum.differs, sum.socket, socket);
    sum.socket = socket;
  }

  /** Returns the sum of a connection: the closest that exists or that there is room for. */
  #sumOf(socket: Socket): Sum {
    const keys = keysOf(socket);
    const isFound = (key: string, i: number) => this.#sums.has(key) || this.#sums.size < (MAX_SUMS[i] ?? 0);
    const key = keys.find(isFound) ?? '';
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = { count: 0, socket, atMs: -Infinity, differs: new Set(), rxBytes: 0, txBytes: 0 };
      this.#sums.set(key, sum);
    }
    return sum;
  }

  /**
   * Returns true while the kernel may still have remnants of connections that were only counted.
   * @param nowMs time on the monotonic clock
   */
  mayHaveRemnants(nowMs: number): boolean {
    return nowMs < this.#lastMs + TIMEWAIT_MS + LATE_TIMER_MS;
  }

  /** Ends a batch. Returns its sums, in order of time. @param wallOffsetMs wall-clock time minus the monotonic clock */
  take(wallOffsetMs: number): SumEvent[] {
    this.#shown = 0;
    const sums = [...this.#sums.values()].sort((one, other) => one.atMs - other.atMs);
    this.#sums.clear();
    return sums.map(({ count, socket, atMs, differs, rxBytes, txBytes }) => ({
      type: 'sum',
      atMs: toThousandths(atMs + wallOffsetMs),
      count,
      socket,
      differs: [...differs],
      ...(rxBytes !== undefined && { rxBytes }),
      ...(txBytes !== undefined && { txBytes }),
    }));
  }
}

const added = (sum: number | undefined, more: number | undefined): number | undefined =>
  sum === undefined || more === undefined ? undefined : sum + more;

/** Returns the keys of the sums that a connection may be part of, the closest first. */
function keysOf(socket: Socket): readonly string[] {
  const { protocol, opened, local, remote } = socket;
  const { process, knowledge, user } = firstOwner(socket);
  const program = [process ?? knowledge, process === undefined ? socket.uid : user, protocol, opened].join(
    ' ',
  );
  // The key has only the port of the service: the other port is ephemeral. If the direction is unknown, the lower port
  // is more likely that of the service.
  const isIn = opened === 'in' || (opened === undefined && local.port < (remote?.port ?? Infinity));
  const service = isIn ? `in ${local.port}` : `out ${remote?.port}`;
  return [`${program} ${service} ${remote?.address}`, program, `${protocol} ${opened}`];
}

/** Adds the parts in which two connections differ. */
function noteDifferences(differs: Set<SumPart>, one: Socket, other: Socket): void {
  if (one === other) return;
  if (one.owners !== other.owners) {
    const [owner, otherOwner] = [firstOwner(one), firstOwner(other)];
    if (owner.process !== otherOwner.process) differs.add('program');
    if (owner.pid !== otherOwner.pid) differs.add('pid');
  }
  if (one.local.port !== other.local.port) differs.add('localPort');
  if (one.remote?.address !== other.remote?.address) differs.add('remoteAddress');
  if (one.remote?.port !== other.remote?.port) differs.add('remotePort');
}
