import type { Socket } from '../model/socket.ts';

const keyOf = ({ protocol, local, remote }: Socket): string =>
  // One flat string: V8 makes a tree of strings of a template, which takes three times the memory.
  [protocol, local.address, local.port, remote?.address, remote?.port].join(' ');

/**
 * Maximum number of entries with the same endpoints. One port can be used again thousands of times a second, while the
 * kernel has at most one remnant of it in each namespace.
 */
const MOST_ALIKE = 256;

/** Returns true unless both sockets are known to be in different network namespaces. */
const mayShareNamespace = (one: Socket, other: Socket): boolean =>
  one.netns === undefined || other.netns === undefined || one.netns.inode === other.netns.inode;

/**
 * Finds a connection by its protocol and endpoints where its id is not enough: a connection and its remnant may have
 * different ids. Several entries may have the same endpoints: in another namespace, or because the port was used again.
 */
export class ByEndpoints<T> {
  readonly #entries = new Map<string, { readonly socket: Socket; readonly value: T }[]>();

  /** Adds an entry; the oldest of too many with these endpoints is dropped. @returns what `delete` takes it out by */
  add(socket: Socket, value: T): string {
    const key = keyOf(socket);
    const entries = this.#entries.get(key);
    if (entries === undefined) this.#entries.set(key, [{ socket, value }]);
    else {
      entries.push({ socket, value });
      if (entries.length > MOST_ALIKE) entries.shift();
    }
    return key;
  }

  /**
   * Returns the value added last for these endpoints and namespace that is accepted. A socket without a namespace is
   * looked for in all of them: the namespace may not have been known when the end of the socket was told.
   */
  find(socket: Socket, isAccepted: (value: T) => boolean): T | undefined {
    const entries = this.#entries.get(keyOf(socket));
    return entries?.findLast((it) => mayShareNamespace(it.socket, socket) && isAccepted(it.value))?.value;
  }

  delete(key: string, value: T): void {
    const left = this.#entries.get(key)?.filter((it) => it.value !== value) ?? [];
    if (left.length > 0) this.#entries.set(key, left);
    else this.#entries.delete(key);
  }
}
