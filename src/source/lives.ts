import type { Degradation } from '../model/batch.ts';
import {
  type Endpoint,
  type Family,
  type Owner,
  type Protocol,
  sameEndpoint,
  type Socket,
  type SocketState,
} from '../model/socket.ts';
import { SocketLimiter, type SocketBounds } from './socket-limiter.ts';

/** What a source sees of one socket at one moment, before it is known whose life it continues. */
export interface Sighting {
  readonly protocol: Protocol;
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  readonly state?: SocketState | undefined;
  readonly inode?: number | undefined;
  readonly uid?: number | undefined;
  readonly user?: string | undefined;
}

interface Entry {
  readonly sighting: Sighting;
  poll: number;
  /** The socket that stands for the sighting; while `fresh`, the one it continues. */
  socket: Socket | undefined;
  fresh: boolean;
}

/** How far a connection has come: a life only ever moves to the right. */
const stage = (state: SocketState | undefined): number => {
  switch (state) {
    case 'SYN_SENT':
    case 'SYN_RECV':
    case 'NEW_SYN_RECV':
    case 'BOUND_INACTIVE':
      return 0;
    case 'ESTABLISHED':
    case 'LISTEN':
    case undefined:
      return 1;
    case 'TIME_WAIT':
    case 'CLOSE':
      return 3;
    default:
      return 2;
  }
};

/**
 * True when a sighting with the same protocol and endpoints as `socket` is a later moment of the same life. The
 * inode of a TCP socket is 0 before accept() and after the process lets go, so an unknown inode continues a known
 * one; two different inodes never do. A connection that went backwards (TIME_WAIT → SYN_SENT) is a new one.
 */
const continues = (socket: Socket, next: Sighting): boolean => {
  if (socket.inode !== undefined && next.inode !== undefined) return socket.inode === next.inode;
  // Only a connection not yet accepted goes from no inode to one; once let go, none ever comes back.
  if (socket.inode === undefined && next.inode !== undefined && stage(socket.state) > 1) return false;
  return stage(next.state) >= stage(socket.state);
};

const tupleOf = (it: Sighting | Socket): string =>
  `${it.protocol}${it.family === 'ipv6' ? '6' : ''} ${it.local.address}:${it.local.port} ${
    it.remote ? `${it.remote.address}:${it.remote.port}` : '*'
  }`;

const OWNER_FIELDS = ['knowledge', 'pid', 'process', 'command', 'exe', 'user', 'startedAtMs'] as const;

const sameOwners = (a: readonly Owner[], b: readonly Owner[]): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every((owner, i) => owner === b[i] || OWNER_FIELDS.every((field) => owner[field] === b[i]?.[field])));

const sameSocket = (a: Socket, b: Socket): boolean =>
  a.state === b.state &&
  a.inode === b.inode &&
  a.uid === b.uid &&
  a.user === b.user &&
  sameEndpoint(a.local, b.local) &&
  sameEndpoint(a.remote, b.remote) &&
  sameOwners(a.owners, b.owners);

const inodeKey = (it: Sighting | Socket): string => `${it.protocol} ${it.family} ${it.inode}`;

/** The sockets that were there at the last reading and are not as they were: each may be continued once. */
class Vanished {
  readonly #byTuple = new Map<string, Socket[]>();
  readonly #byInode = new Map<string, Socket>();
  readonly #taken = new Set<Socket>();

  put(socket: Socket): void {
    const tuple = tupleOf(socket);
    const same = this.#byTuple.get(tuple);
    if (same) same.push(socket);
    else this.#byTuple.set(tuple, [socket]);
    if (socket.inode !== undefined) this.#byInode.set(inodeKey(socket), socket);
  }

  /** The socket that `sighting` continues. The inode comes first: a UDP socket keeps it when it connects. */
  take(sighting: Sighting): Socket | undefined {
    const byInode = sighting.inode === undefined ? undefined : this.#byInode.get(inodeKey(sighting));
    const found =
      byInode && !this.#taken.has(byInode)
        ? byInode
        : this.#byTuple.get(tupleOf(sighting))?.find((it) => !this.#taken.has(it) && continues(it, sighting));
    if (found) this.#taken.add(found);
    return found;
  }
}

/**
 * Follows sockets from reading to reading where the system gives no cookie: decides which sighting continues which
 * socket, and keeps an unchanged socket the same object. A reading is `begin`, then for each socket `markSeen(key)`
 * and, where that is false, `add(key, sighting)`; then `finish`.
 *
 * `key` is any text that stays the same while nothing about the socket changes, such as its line in a table.
 */
export class Lives {
  readonly #limiter: SocketLimiter;
  readonly #entries = new Map<string, Entry>();
  #sockets: ReadonlyMap<string, Socket> = new Map();
  #added: Entry[] = [];
  #poll = 0;
  #unchanged = 0;

  constructor(bounds?: SocketBounds) {
    this.#limiter = new SocketLimiter(bounds);
  }

  begin(): void {
    this.#limiter.begin();
    this.#poll++;
    this.#unchanged = 0;
    this.#added = [];
  }

  /** True when `key` was there at the last reading, or before in this one; it is then noted as there. */
  markSeen(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    // A table read in pieces may repeat a line: it is still one socket.
    if (entry.poll !== this.#poll) this.#unchanged++;
    entry.poll = this.#poll;
    return true;
  }

  add(key: string, sighting: Sighting): void {
    // A repeated line that was not known at the last reading: the first of it stands for the socket.
    if (this.#entries.has(key)) return;
    const { state, remote } = sighting;
    const kind = state === 'TIME_WAIT' ? 'remnant' : remote === null ? 'listener' : 'connection';
    if (!this.#limiter.hasRoom(this.#entries.size, kind)) {
      this.#limiter.countOmitted(kind);
      return;
    }
    const entry: Entry = { sighting, poll: this.#poll, socket: undefined, fresh: true };
    this.#entries.set(key, entry);
    this.#added.push(entry);
  }

  /** Keys of this reading that were there at the last one, and those that were not. */
  get counts(): { unchanged: number; added: number } {
    return { unchanged: this.#unchanged, added: this.#added.length };
  }

  /** Returns notices of the sockets left out of this reading, for which there was no room. */
  notices(): Degradation[] {
    return this.#limiter.notices();
  }

  /** Every sighting of this reading. */
  *sightings(): Generator<Sighting> {
    for (const entry of this.#entries.values()) if (entry.poll === this.#poll) yield entry.sighting;
  }

  /**
   * Ends a reading.
   * @param ownersOf the owners of a sighting now; `previous` is the socket it continues, if any
   * @param ownersChanged false when no answer of `ownersOf` differs from that at the last reading: where no line
   * differs either, nothing is asked
   * @returns every socket of this reading by id; the same map as before when nothing changed
   */
  finish(
    ownersOf: (sighting: Sighting, previous: Socket | undefined) => readonly Owner[],
    ownersChanged = true,
  ): ReadonlyMap<string, Socket> {
    let changed = this.#added.length > 0 || this.#unchanged !== this.#entries.size;
    if (!changed && !ownersChanged) return this.#sockets;
    if (changed) {
      const vanished = this.#removeUnseen();
      for (const entry of this.#added) entry.socket = vanished.take(entry.sighting);
    }
    const newIds = new Set<string>();
    for (const entry of this.#entries.values()) {
      const previous = entry.socket;
      const owners = ownersOf(entry.sighting, previous);
      if (previous && !entry.fresh && sameOwners(previous.owners, owners)) continue;
      const id = previous?.id ?? this.#newId(entry.sighting, newIds);
      const next = makeSocket(id, entry.sighting, previous, owners);
      entry.socket = previous && sameSocket(previous, next) ? previous : next;
      entry.fresh = false;
      changed = true;
    }
    if (changed) {
      const sockets = new Map<string, Socket>();
      for (const { socket } of this.#entries.values()) if (socket) sockets.set(socket.id, socket);
      this.#sockets = sockets;
    }
    return this.#sockets;
  }

  #removeUnseen(): Vanished {
    const vanished = new Vanished();
    for (const [key, entry] of this.#entries) {
      if (entry.poll === this.#poll) continue;
      this.#entries.delete(key);
      if (entry.socket) vanished.put(entry.socket);
    }
    return vanished;
  }

  #newId(sighting: Sighting, newIds: Set<string>): string {
    const base = `${tupleOf(sighting)} ${sighting.inode ?? 0}`;
    let id = base;
    // A tuple without an inode may live again (TIME_WAIT reused): each life has its own name.
    for (let n = 2; newIds.has(id) || this.#sockets.has(id); n++) id = `${base} ${n}`;
    newIds.add(id);
    return id;
  }
}

function makeSocket(
  id: string,
  sighting: Sighting,
  previous: Socket | undefined,
  owners: readonly Owner[],
): Socket {
  const { protocol, family, local, remote, state, inode } = sighting;
  // A socket that no process holds any more does not say whose it was: what was known before is still true.
  const uid = sighting.uid ?? previous?.uid;
  const user = sighting.user ?? previous?.user;
  return {
    id,
    protocol,
    family,
    local,
    remote,
    ...(state !== undefined && { state }),
    ...(inode !== undefined && { inode }),
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    owners,
  };
}
