import type { Socket } from '../../model/socket.ts';

const keyOf = ({ protocol, local, remote }: Socket): string =>
  // `join` makes one flat string. V8 keeps a template as a tree of strings, which takes three times the memory.
  [protocol, local.address, local.port, remote?.address, remote?.port].join(' ');

/**
 * Maximum number of entries with the same endpoints. The kernel keeps at most one remnant of a pair of endpoints in
 * each namespace, but connections can use the pair thousands of times a second.
 */
const MAX_SAME_ENDPOINTS = 256;

/** Returns true unless both sockets are known to be in different network namespaces. */
const mayShareNamespace = (one: Socket, other: Socket): boolean =>
  one.netns === undefined || other.netns === undefined || one.netns.inode === other.netns.inode;

/**
 * Index of values by protocol and endpoints, to match a connection with its remnant when their ids differ. Several
 * entries can have the same endpoints: in different namespaces, or when a connection reuses those of an ended one.
 */
export class ByEndpoints<T> {
  readonly #entries = new Map<string, { readonly socket: Socket; readonly value: T }[]>();

  /**
   * Adds an entry, and drops the oldest one with these endpoints if there are too many. Returns the key for `delete`.
   */
  add(socket: Socket, value: T): string {
    const key = keyOf(socket);
    const entries = this.#entries.get(key);
    if (entries === undefined) this.#entries.set(key, [{ socket, value }]);
    else {
      entries.push({ socket, value });
      if (entries.length > MAX_SAME_ENDPOINTS) entries.shift();
    }
    return key;
  }

  /**
   * Returns the latest accepted value with these endpoints and this namespace. A socket without a namespace matches any
   * namespace: a kernel event may report the end of a socket before its namespace is known.
   */
  find(socket: Socket, isAccepted: (value: T) => boolean): T | undefined {
    const entries = this.#entries.get(keyOf(socket));
    return entries?.findLast((it) => mayShareNamespace(it.socket, socket) && isAccepted(it.value))?.value;
  }

  /** Removes all entries with this value; `key` is from `add`. */
  delete(key: string, value: T): void {
    const left = this.#entries.get(key)?.filter((it) => it.value !== value) ?? [];
    if (left.length > 0) this.#entries.set(key, left);
    else this.#entries.delete(key);
  }
}
