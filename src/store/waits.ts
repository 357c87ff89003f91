import type { Socket } from '../model/socket.ts';
import type { Limit, WaitRule } from './wait-rules.ts';

/** A socket that waits. */
interface Waiting {
  socket: Socket;
  group: string;
  sinceMs: number;
  isAtLeast: boolean;
}

/** The sockets of one group. */
interface Group {
  /** The longest wait first, unless `isUnsorted`. */
  waiting: Map<string, Waiting>;
  isUnsorted: boolean;
  bytes: number;
}

/** Sum of the sockets of a group. */
export interface WaitSum {
  readonly oldest: Readonly<Omit<Waiting, 'group'>>;
  readonly count: number;
  readonly bytes: number;
}

/**
 * The sockets that wait by a rule, by group. A new wait is the shortest of its group, so each group is sorted. A test
 * of a limit reads only the first few sockets, however many wait.
 */
export class Waits {
  readonly #rule: WaitRule;
  readonly #waiting = new Map<string, Waiting>();
  readonly #groups = new Map<string, Group>();

  constructor(rule: WaitRule) {
    this.#rule = rule;
  }

  /** Number of sockets that wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Applies a socket that spawned or changed. @param isBaseline it was opened before netpane started */
  take(socket: Socket, isNew: boolean, isBaseline: boolean, nowMs: number): void {
    const rule = this.#rule;
    const before = this.#waiting.get(socket.id);
    if (before === undefined) {
      if (rule.starts(socket))
        this.#add({
          socket,
          group: rule.groupOf(socket),
          sinceMs: nowMs,
          isAtLeast: isNew && isBaseline,
        });
      return;
    }
    if (!rule.lasts(socket)) {
      this.#remove(before);
      return;
    }
    const group = rule.groupOf(socket);
    if (rule.restarts?.(before.socket, socket)) {
      this.#remove(before);
      this.#add({ socket, group, sinceMs: nowMs, isAtLeast: false });
    } else if (group === before.group) {
      const of = this.#groups.get(group);
      if (of) of.bytes += this.#bytesOf(socket) - this.#bytesOf(before.socket);
      before.socket = socket;
    } else {
      // The owner was found late, or is another one.
      this.#remove(before);
      this.#add({ ...before, socket, group }).isUnsorted = true;
    }
  }

  /** Removes a socket that has closed. */
  drop(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting) this.#remove(waiting);
  }

  /** Names of all groups. */
  get groups(): Iterable<string> {
    return this.#groups.keys();
  }

  /** Returns the sum of a group if it reaches one of the limits. */
  sumOf(group: string, limits: readonly Limit[], nowMs: number): WaitSum | undefined {
    const of = this.#groups.get(group);
    if (of === undefined) return undefined;
    if (of.isUnsorted) sort(of);
    if (!limits.some((limit) => reaches(of, limit, nowMs))) return undefined;
    const [oldest] = of.waiting.values();
    return oldest && { oldest, count: of.waiting.size, bytes: of.bytes };
  }

  #add(waiting: Waiting): Group {
    this.#waiting.set(waiting.socket.id, waiting);
    let group = this.#groups.get(waiting.group);
    if (group === undefined) {
      group = { waiting: new Map(), isUnsorted: false, bytes: 0 };
      this.#groups.set(waiting.group, group);
    }
    group.waiting.set(waiting.socket.id, waiting);
    group.bytes += this.#bytesOf(waiting.socket);
    return group;
  }

  #remove(waiting: Waiting): void {
    const { socket, group: name } = waiting;
    this.#waiting.delete(socket.id);
    const group = this.#groups.get(name);
    if (group === undefined) return;
    group.waiting.delete(socket.id);
    group.bytes -= this.#bytesOf(socket);
    if (group.waiting.size === 0) this.#groups.delete(name);
  }

  #bytesOf(socket: Socket): number {
    return this.#rule.bytesOf?.(socket) ?? 0;
  }
}

function sort(group: Group): void {
  group.waiting = new Map([...group.waiting].sort(([, a], [, b]) => a.sinceMs - b.sinceMs));
  group.isUnsorted = false;
}

/** Returns true if the n-th longest wait is long enough: reads the first n sockets. */
function reaches({ waiting }: Group, { sockets, forMs }: Limit, nowMs: number): boolean {
  if (waiting.size < sockets) return false;
  let position = 0;
  for (const { sinceMs } of waiting.values()) if (++position >= sockets) return nowMs - sinceMs >= forMs;
  return false;
}
