import type { Socket } from '../model/socket.ts';

/** Optional fields that at least one socket has had. Their columns appear, and stay. */
export interface Seen {
  /** Byte counters. */
  readonly traffic: boolean;
  readonly queues: boolean;
  /** More than one network namespace. */
  readonly namespaces: boolean;
  readonly interfaces: boolean;
  /** Names of peers are asked for. */
  readonly names: boolean;
}

export const NOTHING_SEEN: Seen = {
  traffic: false,
  queues: false,
  namespaces: false,
  interfaces: false,
  names: false,
};

/** Notes the optional fields of all sockets. */
export class SeenFields {
  #seen = NOTHING_SEEN;
  #firstNetns: number | undefined;

  /** Optional fields seen so far. The same object until another field is seen. */
  get seen(): Seen {
    return this.#seen;
  }

  add({ traffic, netns, interface: name }: Socket): void {
    const { seen } = this;
    if (traffic !== undefined) {
      if (!seen.traffic && (traffic.rxBytes !== undefined || traffic.txBytes !== undefined))
        this.#seen = { ...this.#seen, traffic: true };
      if (!seen.queues && (traffic.recvQueue !== undefined || traffic.sendQueue !== undefined))
        this.#seen = { ...this.#seen, queues: true };
    }
    if (!seen.interfaces && name !== undefined) this.#seen = { ...this.#seen, interfaces: true };
    if (!seen.namespaces && netns !== undefined) {
      this.#firstNetns ??= netns.inode;
      if (netns.inode !== this.#firstNetns) this.#seen = { ...this.#seen, namespaces: true };
    }
  }
}
