import type { Owner } from '../../../model/socket.ts';
import type { Holder } from './holder.ts';

/** Progress of the search for the holder of a socket. */
interface SearchState {
  /** Number of finished searches. */
  searches: number;
  /** Clause for the user that names the places the last search covered; undefined until the first one has finished. */
  tried: string | undefined;
}

/** Maximum number of searches for the holder of a socket. The first one may miss processes that started during it. */
const MAX_SEARCHES = 2;

/** Holders by socket as read so far, and the sockets whose holder is still to be found. */
export class Holdings {
  /** By pid, or by tid for a thread with a descriptor table of its own. */
  readonly holders = new Map<number, Holder>();
  /** Inodes of all sockets of the last poll. Holders also have sockets of kinds that no poll reads (netlink(7)). */
  readonly sockets = new Set<number>();
  /** Inodes of sockets whose holder is to be searched for: not yet searched `MAX_SEARCHES` times. */
  readonly wanted = new Set<number>();
  /** Key of the holder of a socket, or keys of several. */
  readonly #keysByInode = new Map<number, number | Set<number>>();
  /** Owners of sockets that several processes hold, made when needed. */
  readonly #sharedByInode = new Map<number, readonly Owner[]>();
  /** Inodes of sockets without a known holder. */
  readonly #unowned = new Map<number, SearchState>();
  readonly #identify: (holder: Holder) => void;
  #changed = new Set<number>();

  /** @param identify reads the program of a holder, at most once per poll */
  constructor(identify: (holder: Holder) => void) {
    this.#identify = identify;
  }

  /** Inodes whose owners changed since `beginPoll`. */
  get changed(): ReadonlySet<number> {
    return this.#changed;
  }

  /** Clears `changed`. */
  beginPoll(): void {
    this.#changed = new Set();
  }

  /** See `Owners.of`. */
  of(inode: number): readonly Owner[] | undefined {
    const keys = this.#keysByInode.get(inode);
    if (keys === undefined) return undefined;
    if (typeof keys === 'number') {
      const holder = this.holders.get(keys);
      // A holder that ended before it was identified has no owner.
      return holder?.owner && holder.ownerList;
    }
    const known = this.#sharedByInode.get(inode);
    if (known) return known;
    // A thread with descriptors of its own is the same program as its process.
    const byPid = new Map<number, Owner>();
    for (const key of keys) {
      const holder = this.holders.get(key);
      if (holder?.owner) byPid.set(holder.pid, holder.owner);
    }
    if (byPid.size === 0) return undefined;
    const owners = [...byPid]
      // Pid 1 opens sockets for other programs and keeps them: the program that serves comes first.
      .sort(([a], [b]) => Number(a === 1) - Number(b === 1) || a - b)
      .map(([, owner]) => owner);
    this.#sharedByInode.set(inode, owners);
    return owners;
  }

  /** Returns a descriptor of a socket, with the pid of its process; undefined if none is known. */
  descriptorOf(inode: number): { readonly pid: number; readonly descriptor: number } | undefined {
    for (const key of listOf(this.#keysByInode.get(inode))) {
      const holder = this.holders.get(key);
      const descriptor = holder?.descriptors.get(inode);
      if (holder && descriptor !== undefined && descriptor >= 0) return { pid: holder.pid, descriptor };
    }
    return undefined;
  }

  isHeld(inode: number): boolean {
    return this.#keysByInode.has(inode);
  }

  /** See `Owners.triedFor`. */
  triedFor(inode: number): string | undefined {
    return this.#unowned.get(inode)?.tried;
  }

  /** See `Owners.isPending`. */
  isPending(inode: number): boolean {
    return this.#unowned.get(inode)?.searches === 0;
  }

  /** Adds a socket of the current poll. */
  addSocket(inode: number): void {
    this.sockets.add(inode);
    const keys = this.#keysByInode.get(inode);
    if (keys === undefined) this.#addUnowned(inode);
    for (const key of listOf(keys)) {
      const holder = this.holders.get(key);
      if (holder) holder.hasSockets = true;
    }
  }

  /** Removes a closed socket; its descriptors become free. */
  removeSocket(inode: number): void {
    for (const key of listOf(this.#keysByInode.get(inode))) {
      const holder = this.holders.get(key);
      const first = holder?.descriptors.get(inode);
      if (!holder || first === undefined) continue;
      for (const descriptor of [first, ...(holder.duplicates.get(inode) ?? [])]) {
        holder.inodes.delete(descriptor);
        // A negative number is no descriptor (see `pseudoDescriptor`).
        if (descriptor >= 0) holder.freed.push(descriptor);
      }
      holder.descriptors.delete(inode);
      holder.duplicates.delete(inode);
    }
    this.sockets.delete(inode);
    this.#keysByInode.delete(inode);
    this.#sharedByInode.delete(inode);
    this.#unowned.delete(inode);
    this.wanted.delete(inode);
  }

  /** Adds a descriptor of a socket. */
  addDescriptor(holder: Holder, descriptor: number, inode: number): void {
    const before = holder.inodes.get(descriptor);
    if (before === inode) return;
    if (before !== undefined) this.removeDescriptor(holder, descriptor);
    holder.inodes.set(descriptor, inode);
    holder.highest = Math.max(holder.highest, descriptor);
    if (holder.descriptors.has(inode)) {
      const duplicates = holder.duplicates.get(inode);
      if (duplicates) duplicates.add(descriptor);
      else holder.duplicates.set(inode, new Set([descriptor]));
      return;
    }
    holder.descriptors.set(inode, descriptor);
    if (this.sockets.has(inode)) holder.hasSockets = true;
    // The process may have renamed itself since it was read; a new socket gets the current name.
    this.#identify(holder);
    const keys = this.#keysByInode.get(inode);
    if (keys === undefined) this.#keysByInode.set(inode, holder.key);
    else if (typeof keys === 'number') this.#keysByInode.set(inode, new Set([keys, holder.key]));
    else keys.add(holder.key);
    this.#markSocketChanged(inode);
    if (this.#unowned.delete(inode)) this.wanted.delete(inode);
  }

  /** Removes a descriptor that no longer holds its socket. */
  removeDescriptor(holder: Holder, descriptor: number): void {
    const inode = holder.inodes.get(descriptor);
    holder.inodes.delete(descriptor);
    if (inode === undefined) return;
    const duplicates = holder.duplicates.get(inode);
    duplicates?.delete(descriptor);
    if (holder.descriptors.get(inode) === descriptor) {
      const [second] = duplicates ?? [];
      if (second === undefined) {
        holder.descriptors.delete(inode);
        this.#removeHolderOf(holder.key, inode);
      } else {
        holder.descriptors.set(inode, second);
        duplicates?.delete(second);
      }
    }
    if (duplicates?.size === 0) holder.duplicates.delete(inode);
  }

  /** Removes a holder that has ended. */
  removeHolder(holder: Holder): void {
    for (const inode of holder.descriptors.keys()) this.#removeHolderOf(holder.key, inode);
    this.holders.delete(holder.key);
  }

  /** Marks all sockets of a holder as changed. */
  markChanged(holder: Holder): void {
    for (const inode of holder.descriptors.keys()) this.#markSocketChanged(inode);
  }

  /** Marks all sockets without a known holder as changed. */
  markUnownedChanged(): void {
    for (const inode of this.#unowned.keys()) this.#changed.add(inode);
  }

  /** Counts a finished search for the holders of some sockets. @param tried see `SearchState` */
  endSearch(inodes: readonly number[], tried: string): void {
    for (const inode of inodes) {
      const search = this.#unowned.get(inode);
      if (search === undefined) continue;
      search.searches++;
      search.tried = tried;
      this.#changed.add(inode);
      if (search.searches >= MAX_SEARCHES) this.wanted.delete(inode);
    }
  }

  /** Adds a socket without a known holder, to be searched for. */
  #addUnowned(inode: number): void {
    this.#unowned.set(inode, { searches: 0, tried: undefined });
    this.wanted.add(inode);
  }

  #removeHolderOf(key: number, inode: number): void {
    const keys = this.#keysByInode.get(inode);
    if (typeof keys === 'object') keys.delete(key);
    if (keys === key || (typeof keys === 'object' && keys.size === 0)) {
      this.#keysByInode.delete(inode);
      // The socket still exists: another process may hold it now.
      if (this.sockets.has(inode)) this.#addUnowned(inode);
    }
    this.#markSocketChanged(inode);
  }

  #markSocketChanged(inode: number): void {
    this.#sharedByInode.delete(inode);
    // A socket that is not in `sockets` is of a kind that no poll reads, or is new: then it is added later in this poll.
    if (this.sockets.has(inode)) this.#changed.add(inode);
  }
}

const listOf = (keys: number | ReadonlySet<number> | undefined): Iterable<number> =>
  keys === undefined ? [] : typeof keys === 'number' ? [keys] : keys;
