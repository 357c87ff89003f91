import { ERRNO } from '../netlink/errno.ts';
import { type BpfCalls, BpfError, MAP_TYPE, NO_PREALLOC, type OnValue } from './bpf.ts';
import type { Cgroup } from './cgroup.ts';
import type { Endpoint } from '../../../model/socket.ts';
import { type Counters, decodeCounters, decodeEntry, decodePeers, type LedgerEntry } from './entry.ts';
import type { Cookie } from '../netlink/cookie.ts';
import { COUNT, COUNTERS, ENTRY, SLOT, SLOTS } from './layout.ts';
import { ownerPrograms, type PidNamespace } from './owner-programs.ts';
import type { MapDescriptors, Program } from './program-parts.ts';
import { countAt, LedgerRoom } from './room.ts';
import { cookieIn, isFree, isOf, newSlot, slotOf } from './slot.ts';
import { trafficPrograms } from './traffic-programs.ts';

/**
 * Default and minimum number of sockets in the ledger. A closed socket stays until its close message comes, which a worker of
 * the kernel sends: seconds late with 15,000 connections a second and all processors busy.
 */
export const LEDGER_SOCKETS = { default: 262_144, min: 4096 } as const;

/** Maximum number of sockets whose traffic is counted. Each poll walks this map, also if it is empty. */
const COUNTED_SOCKETS = 131_072;

/** The kernel's memory for a socket in both maps: 256 bytes in each, and a slot in each hash table. */
export const LEDGER_ENTRY_BYTES = 544;

/** A part of the ledger is not available. The message gives the reason as a clause without a full stop. */
export class LedgerUnavailable extends Error {}

export interface LedgerOptions {
  readonly bpf: BpfCalls;
  /** Opens the control group whose sockets are recorded; undefined if there is none. */
  readonly openCgroup: () => Cgroup | undefined;
  /** Returns the cookies of the UDP sockets that are open now. */
  readonly readUdpCookies?: () => readonly Cookie[];
  /** The pid namespace of netpane if it is not the first one. */
  readonly pidNamespace?: PidNamespace | undefined;
  /** Maximum number of sockets kept, see `LEDGER_SOCKETS`. */
  readonly maxSockets?: number | undefined;
  readonly isRoot: boolean;
}

/**
 * The kernel's records for netpane about every new IP socket: who made and closed it and when, its endpoints, and the
 * traffic of sockets that have no counters of their own, with the last peers of those without a connection. Small BPF
 * programs on the root of cgroup v2 write them into maps under the socket's cookie. They and the maps vanish with their
 * descriptors, however netpane ends.
 *
 *     socket(2), accept, connect(2), listen(2), close(2) ──▶ entries ──▶ `entryOf`, `takeEntry`
 *     packets of UDP, UDP-Lite, ping and raw sockets ──▶ counters ──▶ `readCounters`, `takeCounters`
 *     packets of most UDP sockets ──▶ slots ─close(2)─▶ counters
 *
 * The kernel allocates an entry when it is made: to allocate all of them at the start takes 60 ms and 25 MB.
 */
export class Ledger {
  /** Why it does not record who makes a socket, as a clause; undefined if it does. Linux before 6.10 cannot. */
  readonly noOwnersReason: string | undefined;
  /** Why it does not count traffic, as a clause; undefined if it does. */
  readonly noTrafficReason: string | undefined;
  /** True if only the sockets of netpane's own container are recorded. */
  readonly isPartial: boolean;
  readonly #bpf: BpfCalls;
  readonly #maps: MapDescriptors;
  readonly #room: LedgerRoom;
  #descriptors: number[] = [];

  /**
   * Creates the maps and attaches the programs.
   * @throws LedgerUnavailable if neither owners nor traffic can be recorded
   */
  static open(options: LedgerOptions): Ledger {
    const cgroup = options.openCgroup();
    if (cgroup === undefined) throw new LedgerUnavailable('there is no cgroup v2');
    try {
      return new Ledger(options, cgroup);
    } finally {
      // The links hold the control group.
      cgroup.close();
    }
  }

  private constructor(options: LedgerOptions, cgroup: Cgroup) {
    const { bpf, pidNamespace, readUdpCookies, maxSockets = LEDGER_SOCKETS.default, isRoot } = options;
    this.#bpf = bpf;
    this.isPartial = !cgroup.isRoot;
    try {
      const bySocket = (valueLength: number, maxEntries: number) =>
        this.#keep(
          bpf.createMap({
            type: MAP_TYPE.hash,
            keyLength: 8,
            valueLength,
            maxEntries,
            flags: NO_PREALLOC,
          }),
        );
      const array = (valueLength: number, maxEntries: number) =>
        this.#keep(bpf.createMap({ type: MAP_TYPE.array, keyLength: 4, valueLength, maxEntries, flags: 0 }));
      this.#maps = {
        entries: bySocket(ENTRY.length, maxSockets),
        counters: bySocket(COUNTERS.length, Math.min(maxSockets, COUNTED_SOCKETS)),
        counts: array(8, COUNT.length),
        slots: array(SLOT.length, SLOTS),
      };
    } catch (error) {
      this.close();
      throw new LedgerUnavailable(reasonOf(error, isRoot));
    }
    this.#room = new LedgerRoom(bpf, this.#maps, maxSockets);
    this.noOwnersReason = this.#attach(ownerPrograms(this.#maps, pidNamespace), cgroup, isRoot);
    // Only the programs about owners free a slot again.
    if (this.noOwnersReason === undefined && readUdpCookies) this.#giveSlots(readUdpCookies());
    this.noTrafficReason = this.#attach(trafficPrograms(this.#maps), cgroup, isRoot);
    if (this.noOwnersReason !== undefined && this.noTrafficReason !== undefined) {
      this.close();
      throw new LedgerUnavailable(this.noOwnersReason);
    }
  }

  /** Attaches all of these programs or none. @returns the reason if that is not possible */
  #attach(programs: readonly Program[], cgroup: Cgroup, isRoot: boolean): string | undefined {
    const links: number[] = [];
    try {
      for (const program of programs) {
        const descriptor = this.#bpf.loadProgram(program);
        try {
          links.push(this.#bpf.attach(descriptor, cgroup.descriptor, program.attachType));
        } finally {
          // The link holds the program.
          this.#bpf.close(descriptor);
        }
      }
    } catch (error) {
      for (const link of links) this.#bpf.close(link);
      return reasonOf(error, isRoot);
    }
    for (const link of links) this.#keep(link);
    return undefined;
  }

  /**
   * Gives open sockets those of their slots that are free. No packet has been counted yet, so no socket has counters in both
   * places. Two races are harmless, because a socket without a slot has its counters in the hash map: a new socket may lose
   * its slot to one of these, and one that is closed meanwhile keeps its slot.
   */
  #giveSlots(cookies: readonly Cookie[]): void {
    const { slots } = this.#maps;
    for (const [index, cookie] of new Map(cookies.map((it) => [slotOf(it), it]))) {
      const slot = this.#bpf.valueAt(slots, index);
      if (slot && isFree(slot)) this.#bpf.setValueAt(slots, index, newSlot(cookie));
    }
  }

  #keep(descriptor: number): number {
    this.#descriptors.push(descriptor);
    return descriptor;
  }

  /** Descriptors of the maps and of the attached programs. */
  get descriptors(): readonly number[] {
    return this.#descriptors;
  }

  /** Removes maps and programs from the kernel. */
  close(): void {
    for (const descriptor of this.#descriptors) this.#bpf.close(descriptor);
    this.#descriptors = [];
  }

  /**
   * Sum of two numbers: how often there was no room for a socket or for the counters of a packet, and how many sockets were
   * forgotten whose close message may still come.
   */
  get lost(): number {
    return countAt(this.#bpf, this.#maps, COUNT.refused) + this.#room.forgotten;
  }

  /** Notes that close messages were lost, see `LedgerRoom.noteMissed`. */
  noteMissed(count: number, known: readonly Cookie[] = []): void {
    if (this.#descriptors.length > 0) this.#room.noteMissed(count, known);
  }

  /** Forgets closed sockets if the ledger is nearly full, see `LedgerRoom.make`. */
  makeRoom(nowMs: number, isPoll = false): void {
    if (this.#descriptors.length > 0) this.#room.make(nowMs, isPoll);
  }

  /** Returns what is known of an open socket; undefined if it is older than the ledger. @param id `sk:` and the cookie */
  entryOf(id: string): LedgerEntry | undefined {
    const value = this.#lookUp(this.#maps.entries, id, false);
    return value && decodeEntry(value);
  }

  /** Returns what is known of a closed socket, and forgets it. */
  takeEntry(id: string): LedgerEntry | undefined {
    const value = this.#lookUp(this.#maps.entries, id, true);
    if (value === undefined) return undefined;
    const entry = decodeEntry(value);
    this.#room.noteTaken(entry.releasedMs);
    return entry;
  }

  /** Returns the final traffic of a closed socket, and forgets it; undefined if it had none. */
  takeCounters(id: string): CountedSocket | undefined {
    const value = this.#lookUp(this.#maps.counters, id, true);
    return value && countedIn(value);
  }

  /** Returns the traffic of an open socket; undefined if it had none. */
  countersOf(cookie: Cookie): CountedSocket | undefined {
    const value = this.#countersIn(cookie);
    return value && countedIn(value);
  }

  /** Returns the counters of an open socket, where they are; undefined if it had no traffic. */
  #countersIn(cookie: Cookie): DataView | undefined {
    if (this.#descriptors.length === 0) return undefined;
    const slot = this.#bpf.valueAt(this.#maps.slots, slotOf(cookie));
    if (slot && isOf(slot, cookie)) return slot;
    return this.#bpf.lookUp(this.#maps.counters, cookie.low, cookie.high, false);
  }

  /** Calls a function for each of these open sockets that has had traffic, with two system calls for each. */
  readCountersOf(ids: Iterable<string>, onCounters: OnCounters): void {
    for (const id of ids) {
      const cookie = cookieOf(id);
      const value = cookie && this.#countersIn(cookie);
      if (value) onCounters(cookie.low, cookie.high, decodeCounters(value), () => decodePeers(value));
    }
  }

  /**
   * Calls a function for each socket with counted traffic, also closed ones. Takes as long as two hundred sockets of
   * `readCountersOf`: the kernel walks the whole maps.
   */
  readCounters(onCounters: OnCounters): void {
    if (this.noTrafficReason !== undefined || this.#descriptors.length === 0) return;
    const onValue: OnValue = (low, high, value) =>
      onCounters(low, high, decodeCounters(value), () => decodePeers(value));
    // Slots first: a socket that is closed meanwhile moves to the counters. It is read twice rather than not at all.
    const onSlot: OnValue = (_low, _high, value) => {
      const { low, high } = cookieIn(value);
      onValue(low, high, value);
    };
    this.#bpf.readAll(this.#maps.slots, SLOT.length, onSlot, SLOT.cookie);
    this.#bpf.readAll(this.#maps.counters, COUNTERS.length, onValue);
  }

  #lookUp(map: number, id: string, isTaken: boolean): DataView | undefined {
    const cookie = this.#descriptors.length === 0 ? undefined : cookieOf(id);
    return cookie && this.#bpf.lookUp(map, cookie.low, cookie.high, isTaken);
  }
}

/**
 * Takes the counters of a socket, with its cookie in two halves. It may call `readPeers`, which returns the last peers, until
 * it returns.
 */
export type OnCounters = (
  low: number,
  high: number,
  counters: Counters,
  readPeers: () => readonly Endpoint[],
) => void;

/** Traffic of a socket since the ledger was opened, and its last peers (`decodePeers`). */
export interface CountedSocket {
  readonly counters: Counters;
  readonly peers: readonly Endpoint[];
}

const countedIn = (value: DataView): CountedSocket => ({
  counters: decodeCounters(value),
  peers: decodePeers(value),
});

/** Start of the id of a socket with a cookie; see `cookieId`. */
const ID_PREFIX = 'sk:';

/** Returns the cookie in an id; undefined if the id has none. */
export function cookieOf(id: string): Cookie | undefined {
  if (!id.startsWith(ID_PREFIX)) return undefined;
  const digits = id.slice(ID_PREFIX.length);
  return {
    low: parseInt(digits.slice(-8), 16),
    high: digits.length > 8 ? parseInt(digits.slice(0, -8), 16) : 0,
  };
}

/** Returns the reason as a clause. EINVAL of BPF_PROG_LOAD: programs of this type cannot call a function in this kernel. */
function reasonOf(error: unknown, isRoot: boolean): string {
  if (!(error instanceof BpfError)) throw error;
  const { errno, log } = error;
  if (errno === ERRNO.EPERM || errno === ERRNO.EACCES) {
    if (log !== '') return `the kernel refuses it: ${lastLine(log)}`;
    return isRoot ? 'access to bpf(2) denied' : 'it needs root';
  }
  if (errno === ERRNO.ENOSYS) return 'this kernel has no bpf(2)';
  if (/unknown func|cannot use helper|invalid bpf_context access/.test(log) || errno === ERRNO.EINVAL)
    return 'this kernel is too old';
  return `bpf(2) fails with error ${errno}${log === '' ? '' : `: ${lastLine(log)}`}`;
}

/** Returns the last line of the verifier's log that is not about its own work. */
const lastLine = (log: string): string =>
  log
    .split('\n')
    .filter((line) => line !== '' && !/^(?:processed|verification time|stack depth)/.test(line))
    .at(-1) ?? '';
