import { isAnyAddress, unmapped } from '../../../model/address.ts';
import type { Endpoint, Owner } from '../../../model/socket.ts';

/** A listener in the trace, with the processes that opened it. */
interface TracedListener {
  readonly local: Endpoint;
  readonly owners: readonly Owner[] | undefined;
}

/** Listeners that the trace saw and that no poll may have seen yet, by namespace, address and port. */
export class NewListeners {
  readonly #namespaceOf: (pid: number) => number | undefined;
  readonly #byKey = new Map<string, TracedListener>();
  readonly #keys = new Map<TracedListener, string>();

  /** @param namespaceOf returns the inode of the network namespace of a process; undefined when unknown */
  constructor(namespaceOf: (pid: number) => number | undefined) {
    this.#namespaceOf = namespaceOf;
  }

  /** Adds a listener, unless the namespace of its process is unknown. */
  add(listener: TracedListener): void {
    const pid = listener.owners?.[0]?.pid;
    const netns = pid === undefined ? undefined : this.#namespaceOf(pid);
    if (netns === undefined) return;
    const key = keyOf(netns, listener.local);
    const before = this.#byKey.get(key);
    if (before) this.#keys.delete(before);
    this.#byKey.set(key, listener);
    this.#keys.set(listener, key);
  }

  delete(listener: TracedListener): void {
    const key = this.#keys.get(listener);
    if (key === undefined) return;
    this.#keys.delete(listener);
    this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
    this.#keys.clear();
  }

  /**
   * Returns the owners of the listener that accepts connections at an endpoint; undefined if none is known.
   * @param netns inode of the network namespace
   */
  ownersOf(netns: number | undefined, local: Endpoint): readonly Owner[] | undefined {
    const listener =
      this.#byKey.get(keyOf(netns, local)) ??
      this.#byKey.get(keyOf(netns, { address: '0.0.0.0', port: local.port }));
    return listener?.owners;
  }
}

/** Returns the key of a listener. @param netns inode of its network namespace */
const keyOf = (netns: number | undefined, { address, port }: Endpoint): string =>
  `${netns} ${isAnyAddress(address) ? '*' : unmapped(address)} ${port}`;
