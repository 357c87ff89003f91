import type { Socket } from '../model/socket.ts';

const keyOf = ({ protocol, local, remote }: Socket): string =>
  // One flat string: V8 makes a tree of strings of a template, which takes three times the memory.
  [protocol, local.address, local.port, remote?.address, remote?.port].join(' ');

/** Returns true unless both sockets are known to be in different network namespaces. */
const mayShareNamespace = (one: Socket, other: Socket): boolean =>
  one.netns === undefined || other.netns === undefined || one.netns.inode === other.netns.inode;

/**
 * Finds a connection by its protocol and endpoints where its id is not enough: a connection and its remnant may have
 * different ids. Several entries may have the same endpoints: in another namespace, or because the port was used again.
 */
export class ByEndpoints<T> {
  readonly #entries = new Map<string, { readonly socket: Socket; readonly value: T }[]>();

  /** @returns what `delete` takes it out by */
  add(socket: Socket, value: T): string {
    const key = keyOf(socket);
    const entries = this.#entries.get(key);
    if (entries) entries.push({ socket, value });
    else this.#entries.set(key, [{ socket, value }]);
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
