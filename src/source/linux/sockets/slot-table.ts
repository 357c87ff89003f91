import type { Socket } from '../../../model/socket.ts';
import type { Network } from '../namespaces/network.ts';
import type { OwnedSocket } from '../owners/attribution.ts';
import { InodeSlots } from './inode-slots.ts';
import type { SocketMessage } from './make-socket.ts';

/** A socket with its slot and namespace. */
export interface SlotSocket {
  readonly slot: number;
  readonly socket: Socket;
  readonly network: Network;
}

/** The sockets of the last poll by slot (see `Slots`), with their namespace and interface. */
export class SlotTable {
  readonly #sockets: (Socket | undefined)[] = [];
  readonly #networks: (Network | undefined)[] = [];
  /** By slot: index of the interface that the socket is bound to, 0 for none. */
  readonly #interfaceIndexes: number[] = [];
  /** By slot: inode in the last message of this poll, -1 once `changedInodes` has handled it. */
  readonly #newInodes: number[] = [];
  readonly #slotsOfInode = new InodeSlots();
  /** Slots of the sockets in state LISTEN. */
  readonly #listening = new Set<number>();

  get(slot: number): Socket | undefined {
    return this.#sockets[slot];
  }

  networkOf(slot: number): Network | undefined {
    return this.#networks[slot];
  }

  /** Returns the index of the interface that the socket of a slot is bound to, 0 for none. */
  interfaceIndexOf(slot: number): number {
    return this.#interfaceIndexes[slot] ?? 0;
  }

  /** Returns true if a socket has the inode. */
  hasInode(inode: number): boolean {
    return this.#slotsOfInode.count(inode) > 0;
  }

  /** Returns the slots of the sockets with an inode. */
  slotsOf(inode: number): Iterable<number> {
    return this.#slotsOfInode.of(inode);
  }

  *entries(): Generator<SlotSocket> {
    for (const [slot, socket] of this.#sockets.entries()) {
      const network = this.#networks[slot];
      if (socket && network) yield { slot, socket, network };
    }
  }

  /** Yields the sockets in state LISTEN except those of SCTP, with the inode of their namespace. */
  *listening(): Generator<OwnedSocket> {
    for (const slot of this.#listening) {
      const socket = this.#sockets[slot];
      if (socket && socket.protocol !== 'sctp') yield { ...socket, netns: this.#networks[slot]?.inode };
    }
  }

  /** Stores the namespace and interface of a slot, from a message. */
  setPlace(slot: number, network: Network, interfaceIndex: number): void {
    this.#networks[slot] = network;
    this.#interfaceIndexes[slot] = interfaceIndex;
  }

  /** Stores a new version of the socket of a slot. @returns the version before */
  store(slot: number, socket: Socket): Socket | undefined {
    const before = this.#sockets[slot];
    if (before?.inode !== socket.inode) {
      if (before?.inode !== undefined) this.#slotsOfInode.delete(before.inode, slot);
      if (socket.inode !== undefined) this.#slotsOfInode.add(socket.inode, slot);
    }
    if (before?.state !== socket.state) {
      if (socket.state === 'LISTEN') this.#listening.add(slot);
      else this.#listening.delete(slot);
    }
    this.#sockets[slot] = socket;
    return before;
  }

  /** Removes and returns the socket of a slot; undefined if it has none. */
  remove(slot: number): Socket | undefined {
    const socket = this.#sockets[slot];
    if (socket?.inode !== undefined) this.#slotsOfInode.delete(socket.inode, slot);
    this.#listening.delete(slot);
    this.#sockets[slot] = undefined;
    this.#networks[slot] = undefined;
    return socket;
  }

  /**
   * Returns the inodes that sockets have gained and lost since the last poll. Call it before the messages are applied.
   * @param alsoRemoved removed inodes of the sockets that are not in this table (see `OtherSockets`)
   */
  changedInodes(
    messages: readonly Pick<SocketMessage, 'slot' | 'inode'>[],
    closedSlots: readonly number[],
    alsoRemoved: readonly number[],
  ): { added: number[]; removed: number[] } {
    const gained: number[] = [];
    const lost = new Map<number, number>();
    const countLost = (inode: number | undefined): void => {
      if (inode !== undefined) lost.set(inode, (lost.get(inode) ?? 0) + 1);
    };
    for (const slot of closedSlots) countLost(this.#sockets[slot]?.inode);
    // If a poll has several messages about a socket, the last one counts.
    for (const { slot, inode } of messages) this.#newInodes[slot] = inode;
    for (const { slot } of messages) {
      const inode = this.#newInodes[slot] ?? 0;
      const before = this.#sockets[slot]?.inode;
      this.#newInodes[slot] = -1;
      if (inode < 0 || (before ?? 0) === inode) continue;
      countLost(before);
      if (inode > 0) gained.push(inode);
    }
    const removed = new Set<number>(alsoRemoved);
    // An inode is gone when every slot that had it lost it.
    for (const [inode, count] of lost) if (this.#slotsOfInode.count(inode) <= count) removed.add(inode);
    // A removed inode that is also gained belongs to another socket now: the kernel reuses inodes.
    const added = gained.filter((inode) => this.#slotsOfInode.count(inode) === 0 || removed.has(inode));
    return { added, removed: [...removed] };
  }
}
