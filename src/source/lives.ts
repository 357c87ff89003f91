import type { Degradation } from '../model/batch.ts';
import { sameOwners, sameSocket } from '../model/fields.ts';
import type { Endpoint, Family, Owner, Protocol, Socket, SocketState } from '../model/socket.ts';
import { SocketLimiter, type SocketBounds } from './socket-limiter.ts';

/** One socket as read by a poll, before it is matched with a life. */
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
  /** Number of the last poll that had this key. */
  poll: number;
  /** The socket made from this sighting. While `isNew`: the socket of the previous poll whose life it continues. */
  socket: Socket | undefined;
  /** True from `add` to `finish`. */
  isNew: boolean;
}

/** Stage of a connection: 0 opening, 1 open, 2 closing, 3 closed. It never decreases within one life. */
const STAGES: Readonly<Record<SocketState, number>> = {
  SYN_SENT: 0,
  SYN_RECV: 0,
  NEW_SYN_RECV: 0,
  BOUND_INACTIVE: 0,
  ESTABLISHED: 1,
  LISTEN: 1,
  FIN_WAIT1: 2,
  FIN_WAIT2: 2,
  CLOSE_WAIT: 2,
  CLOSING: 2,
  LAST_ACK: 2,
  TIME_WAIT: 3,
  CLOSE: 3,
};

/** Returns the stage; sockets without a state are open. */
export const stageOf = (state: SocketState | undefined): number => (state === undefined ? 1 : STAGES[state]);

/**
 * Returns true if a sighting with the same protocol and endpoints continues the life of `socket`. The inode of a TCP
 * socket is 0 before accept() and after the process closes it, so a sighting without an inode can continue a socket
 * with one; two different inodes never belong together. A connection whose stage decreased (TIME_WAIT → SYN_SENT) is a
 * new life.
 */
const continues = (socket: Socket, next: Sighting): boolean => {
  if (socket.inode !== undefined && next.inode !== undefined) return socket.inode === next.inode;
  // A connection gets its inode at accept(), also if its peer has closed before (CLOSE_WAIT). One that its process has closed
  // never gets an inode again: a sighting with an inode is another life then.
  const isClosed = stageOf(socket.state) > 1 && socket.state !== 'CLOSE_WAIT';
  if (socket.inode === undefined && next.inode !== undefined && isClosed) return false;
  return stageOf(next.state) >= stageOf(socket.state);
};

/** Returns protocol and endpoints as text. */
const tupleOf = (it: Sighting | Socket): string =>
  `${it.protocol}${it.family === 'ipv6' ? '6' : ''} ${it.local.address}:${it.local.port} ${
    it.remote ? `${it.remote.address}:${it.remote.port}` : '*'
  }`;

const inodeKey = (it: Sighting | Socket): string => `${it.protocol} ${it.family} ${it.inode}`;

/** Sockets of the previous poll whose key this poll lacks. A sighting of this poll may continue each of them, once. */
class UnmatchedSockets {
  readonly #byTuple = new Map<string, Socket[]>();
  readonly #byInode = new Map<string, Socket>();
  readonly #taken = new Set<Socket>();

  add(socket: Socket): void {
    const tuple = tupleOf(socket);
    const same = this.#byTuple.get(tuple);
    if (same) same.push(socket);
    else this.#byTuple.set(tuple, [socket]);
    if (socket.inode !== undefined) this.#byInode.set(inodeKey(socket), socket);
  }

  /**
   * Removes and returns the socket whose life `sighting` continues; undefined if there is none. Tries the inode before
   * the tuple: a UDP socket keeps its inode when connect() changes its endpoints.
   */
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
 * Tracks sockets from poll to poll if the source has no id for them: decides which sighting continues which life. An
 * unchanged socket stays the same object. Usage per poll: `begin`; for each socket `markSeen(key)` and, if that
 * returns false, `add(key, sighting)`; then `finish`.
 *
 * `key` is any text that stays the same while the socket is unchanged, such as its line in a file of /proc/net.
 */
export class Lives {
  readonly #limiter: SocketLimiter;
  readonly #entries = new Map<string, Entry>();
  #sockets: ReadonlyMap<string, Socket> = new Map();
  /** Entries that this poll added. */
  #added: Entry[] = [];
  /** Number of the current poll. */
  #poll = 0;
  /** Number of entries of the previous poll that this one has too. */
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

  /** Marks a key as seen in this poll. Returns false if the key is new: then call `add`. */
  markSeen(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    // A file of /proc/net that is read in several calls may repeat a line: count the socket once.
    if (entry.poll !== this.#poll) this.#unchanged++;
    entry.poll = this.#poll;
    return true;
  }

  /** Adds a socket whose key is new. A socket beyond the bounds is only counted. */
  add(key: string, sighting: Sighting): void {
    // A key that was added in this poll already: keep the first sighting.
    if (this.#entries.has(key)) return;
    const { state, remote } = sighting;
    const kind = state === 'TIME_WAIT' ? 'remnant' : remote === null ? 'listener' : 'connection';
    if (!this.#limiter.hasRoom(this.#entries.size, kind)) {
      this.#limiter.countOmitted(kind);
      return;
    }
    const entry: Entry = { sighting, poll: this.#poll, socket: undefined, isNew: true };
    this.#entries.set(key, entry);
    this.#added.push(entry);
  }

  /** Number of keys of this poll that the previous poll had too, and of new keys. */
  get counts(): { unchanged: number; added: number } {
    return { unchanged: this.#unchanged, added: this.#added.length };
  }

  /** Returns notices about sockets that exceeded the bounds in this poll. */
  notices(): Degradation[] {
    return this.#limiter.notices();
  }

  /** Yields every sighting of this poll. */
  *sightings(): Generator<Sighting> {
    for (const entry of this.#entries.values()) if (entry.poll === this.#poll) yield entry.sighting;
  }

  /**
   * Ends a poll.
   * @param ownersOf Returns the current owners of a sighting; `previous` is the socket that it continues, if any.
   * @param ownersChanged False if `ownersOf` would return the same owners as in the previous poll. Then `ownersOf` is
   * called only if any key was added or is missing.
   * @returns Every socket of this poll by id; the same map as before if nothing changed.
   */
  finish(
    ownersOf: (sighting: Sighting, previous: Socket | undefined) => readonly Owner[],
    ownersChanged = true,
  ): ReadonlyMap<string, Socket> {
    let changed = this.#added.length > 0 || this.#unchanged !== this.#entries.size;
    if (!changed && !ownersChanged) return this.#sockets;
    if (changed) {
      const unmatched = this.#removeUnseen();
      for (const entry of this.#added) entry.socket = unmatched.take(entry.sighting);
    }
    const newIds = new Set<string>();
    for (const entry of this.#entries.values()) {
      const previous = entry.socket;
      const owners = ownersOf(entry.sighting, previous);
      if (previous && !entry.isNew && sameOwners(previous.owners, owners)) continue;
      const id = previous?.id ?? this.#newId(entry.sighting, newIds);
      const next = makeSocket(id, entry.sighting, previous, owners);
      entry.socket = previous && sameSocket(previous, next) ? previous : next;
      entry.isNew = false;
      changed = true;
    }
    if (changed) {
      const sockets = new Map<string, Socket>();
      for (const { socket } of this.#entries.values()) if (socket) sockets.set(socket.id, socket);
      this.#sockets = sockets;
    }
    return this.#sockets;
  }

  /** Removes the entries that this poll did not mark as seen, and returns their sockets. */
  #removeUnseen(): UnmatchedSockets {
    const unmatched = new UnmatchedSockets();
    for (const [key, entry] of this.#entries) {
      if (entry.poll === this.#poll) continue;
      this.#entries.delete(key);
      if (entry.socket) unmatched.add(entry.socket);
    }
    return unmatched;
  }

  #newId(sighting: Sighting, newIds: Set<string>): string {
    const base = `${tupleOf(sighting)} ${sighting.inode ?? 0}`;
    let id = base;
    // A new connection can reuse the tuple of one in TIME_WAIT, which has no inode: each life gets its own id.
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
  // The kernel reports no uid for a socket that no process holds: keep the last known uid.
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
