import type { Owner } from '../../model/socket.ts';
import type { Holder } from './holder.ts';

/** Progress of the search for a socket without a known holder. */
interface Missing {
  searches: number;
  /** Where the last search looked; undefined before the first one has ended. */
  tried: string | undefined;
}

/** A socket is searched for twice: a process that was made during the first search has been passed over. */
const SEARCHES = 2;

/** Which holder has which socket, as far as it was read, and what is still to be searched for. */
export class Holdings {
  /** By the number of the process, or of the thread that has a table of its own. */
  readonly holders = new Map<number, Holder>();
  /** Inodes of the sockets that there are; descriptors lead to others too, of kinds that are not read. */
  readonly sockets = new Set<number>();
  /** Inodes without a known holder that are still to be searched for. */
  readonly wanted = new Set<number>();
  /** The holder of a socket, or all of them where there are several. */
  readonly #keysByInode = new Map<number, number | Set<number>>();
  /** Owners of sockets that several processes hold. */
  readonly #sharedByInode = new Map<number, readonly Owner[]>();
  /** Inodes without a known holder. */
  readonly #unowned = new Map<number, Missing>();
  readonly #identify: (holder: Holder) => void;
  #changed = new Set<number>();

  /** @param identify reads who a holder is now, unless that was done in this round */
  constructor(identify: (holder: Holder) => void) {
    this.#identify = identify;
  }

  /** Inodes about which something was learned since `begin`. */
  get changed(): ReadonlySet<number> {
    return this.#changed;
  }

  begin(): void {
    this.#changed = new Set();
  }

  /** See `Owners.of`. */
  of(inode: number): readonly Owner[] | undefined {
    const keys = this.#keysByInode.get(inode);
    if (keys === undefined) return undefined;
    if (typeof keys === 'number') {
      const holder = this.holders.get(keys);
      // A holder that ended before it was identified has no owner.
      return holder?.owner && holder.alone;
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
      // Pid 1 opens sockets for others and keeps them: the program that serves is the other one.
      .sort(([a], [b]) => Number(a === 1) - Number(b === 1) || a - b)
      .map(([, owner]) => owner);
    this.#sharedByInode.set(inode, owners);
    return owners;
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

  /** Takes note of a socket that there is. */
  meetSocket(inode: number): void {
    this.sockets.add(inode);
    const keys = this.#keysByInode.get(inode);
    if (keys === undefined) this.#miss(inode);
    for (const key of listOf(keys)) {
      const holder = this.holders.get(key);
      if (holder) holder.hasSockets = true;
    }
  }

  /** A socket is gone: its descriptors are free for others. */
  drop(inode: number): void {
    for (const key of listOf(this.#keysByInode.get(inode))) {
      const holder = this.holders.get(key);
      const first = holder?.descriptors.get(inode);
      if (!holder || first === undefined) continue;
      for (const descriptor of [first, ...(holder.duplicates.get(inode) ?? [])]) {
        holder.inodes.delete(descriptor);
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

  /** A descriptor holds a socket. */
  hold(holder: Holder, descriptor: number, inode: number): void {
    const before = holder.inodes.get(descriptor);
    if (before === inode) return;
    if (before !== undefined) this.letGo(holder, descriptor);
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
    // A program may have given itself another name since it was read: a new socket gets the name of now.
    this.#identify(holder);
    const keys = this.#keysByInode.get(inode);
    if (keys === undefined) this.#keysByInode.set(inode, holder.key);
    else if (typeof keys === 'number') this.#keysByInode.set(inode, new Set([keys, holder.key]));
    else keys.add(holder.key);
    this.#outdate(inode);
    if (this.#unowned.delete(inode)) this.wanted.delete(inode);
  }

  /** A descriptor holds its socket no more. */
  letGo(holder: Holder, descriptor: number): void {
    const inode = holder.inodes.get(descriptor);
    holder.inodes.delete(descriptor);
    if (inode === undefined) return;
    const duplicates = holder.duplicates.get(inode);
    duplicates?.delete(descriptor);
    if (holder.descriptors.get(inode) === descriptor) {
      const [second] = duplicates ?? [];
      if (second === undefined) {
        holder.descriptors.delete(inode);
        this.#release(holder.key, inode);
      } else {
        holder.descriptors.set(inode, second);
        duplicates?.delete(second);
      }
    }
    if (duplicates?.size === 0) holder.duplicates.delete(inode);
  }

  /** A holder is gone, with all that it held. */
  forget(holder: Holder): void {
    for (const inode of holder.descriptors.keys()) this.#release(holder.key, inode);
    this.holders.delete(holder.key);
  }

  /** Marks all sockets of a holder as changed: its owner differs. */
  outdate(holder: Holder): void {
    for (const inode of holder.descriptors.keys()) this.#outdate(inode);
  }

  /** Marks all sockets without a known holder as changed. */
  outdateUnowned(): void {
    for (const inode of this.#unowned.keys()) this.#changed.add(inode);
  }

  /** A search for some sockets has ended. @param tried where it looked, as a clause */
  endSearch(inodes: readonly number[], tried: string): void {
    for (const inode of inodes) {
      const missing = this.#unowned.get(inode);
      if (missing === undefined) continue;
      missing.searches++;
      missing.tried = tried;
      this.#changed.add(inode);
      if (missing.searches >= SEARCHES) this.wanted.delete(inode);
    }
  }

  /** Notes a socket without a known holder. */
  #miss(inode: number): void {
    this.#unowned.set(inode, { searches: 0, tried: undefined });
    this.wanted.add(inode);
  }

  #release(key: number, inode: number): void {
    const keys = this.#keysByInode.get(inode);
    if (typeof keys === 'object') keys.delete(key);
    if (keys === key || (typeof keys === 'object' && keys.size === 0)) {
      this.#keysByInode.delete(inode);
      // The socket is still there: somebody else may have it now.
      if (this.sockets.has(inode)) this.#miss(inode);
    }
    this.#outdate(inode);
  }

  #outdate(inode: number): void {
    this.#sharedByInode.delete(inode);
    // A socket that is yet to be met is new anyway.
    if (this.sockets.has(inode)) this.#changed.add(inode);
  }
}

const listOf = (keys: number | ReadonlySet<number> | undefined): Iterable<number> =>
  keys === undefined ? [] : typeof keys === 'number' ? [keys] : keys;
