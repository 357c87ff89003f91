import type { Owner, Socket } from '../../../model/socket.ts';
import { SocketLimiter } from '../../socket-limiter.ts';
import { AF_INET, AF_INET6, endpointsOf, flowKey, type InterfaceName, stateOf } from './decode.ts';
import { CHANGE, KeptWords } from './kept-words.ts';
import { INPCB, SOCKET, TCPCB } from './layout.ts';
import { ABSENT, Rows } from './rows.ts';
import { trafficOf } from './traffic.ts';

/** Fields of a row about the processes behind its socket. */
export interface RowHints {
  /**
   * `soi_so` of proc_pidfdinfo. Undefined for a user-space flow, a connection of a network stack outside the kernel: no
   * descriptor leads to it.
   */
  readonly handle: bigint | undefined;
  /** The last process that used it; 0 if only the kernel did. */
  readonly lastPid: number;
  /** The process on whose behalf it is used; 0 for none. */
  readonly effectivePid: number;
}

/** A socket of a table. */
export interface TableSocket {
  /** All but its owners, as of the last poll. */
  values: Omit<Socket, 'owners'>;
  hints: RowHints;
  /** The published socket; undefined before its owners are known. */
  socket: Socket | undefined;
  /** The owners that the hints alone give; undefined after the hints have changed. */
  hinted: readonly Owner[] | undefined;
}

/** Content of a table. */
export interface TableCounts {
  /** Number of sockets by its header. */
  readonly promised: number;
  /** Number of its sockets that were read. */
  readonly received: number;
  /** Number of its sockets that cannot be read. */
  readonly malformed: number;
  /** False if its end is missing. */
  readonly isComplete: boolean;
}

/** Facts of the machine that rows need. */
export interface TableContext {
  readonly interfaceName: InterfaceName;
  readonly userName: (uid: number) => string | undefined;
  /** Converts a time of the kernel's TCP clock to wall-clock time, both milliseconds; undefined if it cannot be known. */
  readonly wallMsOf: (tcpMs: number) => number | undefined;
  readonly limiter: SocketLimiter;
  /** True if remnants are left out. */
  readonly omitsRemnants: boolean;
  /** Returns the number of sockets kept of all tables, which the limiter bounds. */
  readonly keptSockets: () => number;
}

/** The sockets of one table from poll to poll. An unchanged row allocates nothing. */
export class TableSockets {
  /** New and changed sockets of the last poll. */
  readonly changed = new Set<TableSocket>();
  /** Sockets that the last poll no longer had. */
  readonly closed: TableSocket[] = [];
  readonly #protocol: 'tcp' | 'udp';
  readonly #context: TableContext;
  readonly #rows = new Rows();
  readonly #kept = new KeptWords();
  readonly #sockets: (TableSocket | undefined)[] = [];
  readonly #keys: (number | string)[] = [];
  readonly #slots = new Map<number | string, number>();
  readonly #free: number[] = [];
  /** By slot: number of the last poll that had its socket, by `#poll`. */
  #seen = new Int32Array(0);
  /** Slots in the order of the last poll, which the next one most likely has too. */
  #order = new Int32Array(0);
  /** Number of slots in `#order`. */
  #count = 0;
  /** By slot: its index in `#order`. */
  #placeOf = new Int32Array(0);
  /** The order of the poll that is being read. */
  #nextOrder = new Int32Array(0);
  #poll = 0;

  constructor(protocol: 'tcp' | 'udp', context: TableContext) {
    this.#protocol = protocol;
    this.#context = context;
  }

  /** Number of sockets. */
  get size(): number {
    return this.#slots.size;
  }

  *values(): Generator<TableSocket> {
    for (const slot of this.#slots.values()) {
      const socket = this.#sockets[slot];
      if (socket) yield socket;
    }
  }

  /** Keeps all sockets as they are: the table could not be read. */
  skip(): void {
    this.changed.clear();
    this.closed.length = 0;
  }

  /**
   * Reads a table (see `layout.ts`). If its end is missing, sockets that it lacks stay.
   * @returns the counts of the table
   */
  read(words: Int32Array): TableCounts {
    const rows = this.#rows;
    const { omitsRemnants } = this.#context;
    this.skip();
    this.#poll++;
    let received = 0;
    let place = 0;
    let expected = 0;
    rows.begin(words);
    while (rows.next()) {
      received++;
      // Linux does not list an unbound socket either, and several of them cannot be distinguished.
      if (isUnbound(rows) || (omitsRemnants && isRemnant(rows))) continue;
      let slot = expected < this.#count ? (this.#order[expected] ?? ABSENT) : ABSENT;
      if (slot === ABSENT || !this.#kept.isSame(rows, slot)) {
        slot = this.#slotOf(rows);
        if (slot === ABSENT) continue;
        const before = this.#placeOf[slot] ?? ABSENT;
        // The kernel inserted a new socket: the row after it is most likely the one expected here.
        expected = before === ABSENT ? expected - 1 : before;
      }
      if (this.#seen[slot] === this.#poll) continue;
      this.#seen[slot] = this.#poll;
      this.#nextOrder[place] = slot;
      this.#placeOf[slot] = place++;
      expected++;
      this.#update(slot);
    }
    [this.#order, this.#nextOrder] = [this.#nextOrder, this.#order];
    this.#count = place;
    const { promised, malformed, isComplete } = rows;
    if (isComplete && place < this.#slots.size) this.#removeUnseen();
    return { promised, received, malformed, isComplete };
  }

  /** Returns the slot of the current row, a new one if its socket is new; `ABSENT` if it exceeds the bounds. */
  #slotOf(rows: Rows): number {
    const key = isControlBlock(rows) ? generationOf(rows) : flowKey(this.#protocol, rows);
    const found = this.#slots.get(key);
    if (found !== undefined) return found;
    const state = rows.tcpcb === ABSENT ? undefined : stateOf(rows.words[rows.tcpcb + TCPCB.state] ?? 0);
    const kind = state === 'TIME_WAIT' ? 'remnant' : state === 'LISTEN' ? 'listener' : 'connection';
    if (!this.#context.limiter.hasRoom(this.#context.keptSockets(), kind, key)) {
      this.#context.limiter.countOmitted(kind, key);
      return ABSENT;
    }
    const slot = this.#free.pop() ?? this.#sockets.length;
    if (slot >= this.#seen.length) this.#grow(Math.max(64, slot * 2));
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#sockets[slot] = undefined;
    this.#seen[slot] = 0;
    this.#placeOf[slot] = ABSENT;
    return slot;
  }

  #grow(slots: number): void {
    this.#kept.grow(slots);
    this.#seen = grown(this.#seen, slots);
    this.#order = grown(this.#order, slots);
    this.#placeOf = grown(this.#placeOf, slots);
    this.#nextOrder = grown(this.#nextOrder, slots);
  }

  /** Applies the current row to the socket of a slot. */
  #update(slot: number): void {
    const rows = this.#rows;
    const before = this.#sockets[slot];
    const change = before === undefined ? CHANGE.endpoints : this.#kept.compare(rows, slot);
    if (change === CHANGE.none) return;
    this.#kept.keep(rows, slot);
    const values = this.#valuesOf(rows, this.#keys[slot] ?? '', before?.values, change === CHANGE.endpoints);
    const hints = hintsOf(rows);
    if (before === undefined) {
      const socket: TableSocket = { values, hints, socket: undefined, hinted: undefined };
      this.#sockets[slot] = socket;
      this.changed.add(socket);
      return;
    }
    const { lastPid, effectivePid } = before.hints;
    if (hints.lastPid !== lastPid || hints.effectivePid !== effectivePid) before.hinted = undefined;
    before.values = values;
    before.hints = hints;
    this.changed.add(before);
  }

  #valuesOf(
    rows: Rows,
    key: number | string,
    before: TableSocket['values'] | undefined,
    hasNewEndpoints: boolean,
  ): TableSocket['values'] {
    const { words, inpcb, socket, tcpcb } = rows;
    const protocol = this.#protocol;
    const { family, local, remote } =
      before === undefined || hasNewEndpoints ? endpointsOf(rows, this.#context.interfaceName) : before;
    const state =
      protocol === 'udp'
        ? remote && 'ESTABLISHED'
        : tcpcb === ABSENT
          ? null
          : (stateOf(words[tcpcb + TCPCB.state] ?? 0) ?? null);
    // The kernel knows no user of a user-space flow, and writes 0.
    const isOfKernel = isKernelFamily(words[socket + SOCKET.family]);
    const uid = isOfKernel ? (words[socket + SOCKET.uid] ?? 0) >>> 0 : undefined;
    const user = uid === undefined ? undefined : this.#context.userName(uid);
    const createdAtMs = before?.createdAtMs ?? this.#createdAtMs(rows);
    return {
      id: before?.id ?? (typeof key === 'string' ? key : idOf(protocol, words, inpcb)),
      protocol,
      family,
      local,
      remote: state === 'LISTEN' ? null : remote,
      ...(state !== null && { state }),
      ...(uid !== undefined && { uid }),
      ...(user !== undefined && { user }),
      ...(createdAtMs !== undefined && { createdAtMs }),
      traffic: trafficOf(rows, state ?? undefined, before?.traffic),
    };
  }

  #createdAtMs({ words, socket, tcpcb }: Rows): number | undefined {
    if (tcpcb === ABSENT || !isKernelFamily(words[socket + SOCKET.family])) return undefined;
    const startTime = (words[tcpcb + TCPCB.startTime] ?? 0) >>> 0;
    return startTime === 0 ? undefined : this.#context.wallMsOf(startTime);
  }

  #removeUnseen(): void {
    for (const [key, slot] of this.#slots) {
      if (this.#seen[slot] === this.#poll) continue;
      this.#slots.delete(key);
      const socket = this.#sockets[slot];
      this.#sockets[slot] = undefined;
      this.#free.push(slot);
      if (socket) this.closed.push(socket);
    }
  }
}

function grown(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}

const isKernelFamily = (family: number | undefined): boolean => family === AF_INET || family === AF_INET6;

/** Returns false for a user-space flow. */
const isControlBlock = ({ words, inpcb }: Rows): boolean =>
  words[inpcb + INPCB.generation] !== 0 || words[inpcb + INPCB.generation + 1] !== 0;

/** Returns true for a socket without a local or remote port. */
const isUnbound = ({ words, inpcb }: Rows): boolean => words[inpcb + INPCB.ports] === 0;

const isRemnant = ({ words, tcpcb }: Rows): boolean =>
  tcpcb !== ABSENT && stateOf(words[tcpcb + TCPCB.state] ?? 0) === 'TIME_WAIT';

const generationOf = ({ words, inpcb }: Rows): number =>
  ((words[inpcb + INPCB.generation + 1] ?? 0) >>> 0) * 2 ** 32 +
  ((words[inpcb + INPCB.generation] ?? 0) >>> 0);

const bigAt = (words: Int32Array, at: number): bigint =>
  (BigInt((words[at + 1] ?? 0) >>> 0) << 32n) | BigInt((words[at] ?? 0) >>> 0);

/** Returns the id of a socket: the number of its control block, which is unique until the machine restarts. */
const idOf = (protocol: string, words: Int32Array, inpcb: number): string =>
  `${protocol} ${bigAt(words, inpcb + INPCB.generation)}`;

function hintsOf({ words, socket }: Rows): RowHints {
  const handle = bigAt(words, socket + SOCKET.socket);
  return {
    handle: handle === 0n ? undefined : handle,
    lastPid: words[socket + SOCKET.lastPid] ?? 0,
    effectivePid: words[socket + SOCKET.effectivePid] ?? 0,
  };
}
