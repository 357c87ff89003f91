import type { Endpoint, Owner, Socket, Traffic } from '../../../model/socket.ts';
import type { Network } from '../namespaces/network.ts';
import { mayBeLeftOut, type NetworkPoll } from '../namespaces/socket-dumps.ts';
import type { TcpSurplus } from '../namespaces/tcp-surplus.ts';
import type { LedgerRecords, OpenRecord } from '../ledger/records.ts';
import type { Attribution, Listeners } from '../owners/attribution.ts';
import type { CountedTraffic } from './counted-traffic.ts';
import type { DiagMessages } from './diag-messages.ts';
import { interfaceOf, makeSocket, type SocketMessage, scoped, unscoped } from './make-socket.ts';
import { NewRecords } from './new-records.ts';
import type { OtherSockets } from './other-sockets.ts';
import { RollingMap } from '../../rolling-map.ts';
import { SlotTable } from './slot-table.ts';

const NO_OWNERS: readonly Owner[] = [];

/**
 * The sockets of all namespaces, updated with the messages of each poll. Each poll calls `changedInodes`, then `update`,
 * then `publish`.
 *
 *     closed slots ──▶ removed
 *     messages ──▶ owners ──▶ stored by slot ──▶ published by id
 *     changed owners, names and interfaces ──┘
 */
export class DiagSockets {
  readonly #attribution: Attribution;
  readonly #others: OtherSockets;
  readonly #surplus: TcpSurplus;
  readonly #newRecords: NewRecords;
  readonly #counted: CountedTraffic;
  readonly #table = new SlotTable();
  /** Slots of sockets without an inode, whose owners are those of their listener. */
  readonly #ownedByListener = new Set<number>();
  /** `version` of each namespace at the last poll: its sockets have the name and interfaces of that version. */
  readonly #versions = new WeakMap<Network, number>();
  readonly #sockets = new RollingMap<Socket>();
  #ended: Socket[] = [];
  /** Listeners of the last poll; undefined until needed. */
  #listeners: Listeners | undefined;
  /** True until the first poll has ended. */
  #isFirst = true;

  /** @param others sockets without a slot, which are part of the result */
  constructor(
    attribution: Attribution,
    others: OtherSockets,
    surplus: TcpSurplus,
    counted: CountedTraffic,
    records?: LedgerRecords,
  ) {
    this.#attribution = attribution;
    this.#others = others;
    this.#surplus = surplus;
    this.#newRecords = new NewRecords(records);
    this.#counted = counted;
  }

  /** See `Snapshot`. */
  get ended(): readonly Socket[] {
    return this.#ended;
  }

  /** Returns the listeners of the last poll. */
  readonly listeners = (): Listeners =>
    (this.#listeners ??= this.#attribution.listeners(this.#table.listening()));

  /** Returns the socket of a slot as of the last poll. */
  get(slot: number): Socket | undefined {
    return this.#table.get(slot);
  }

  /** Returns the namespace of the socket of a slot as of the last poll. */
  networkOf(slot: number): Network | undefined {
    return this.#table.networkOf(slot);
  }

  /** Returns true if the socket of a slot without a message may still be open: its dump was incomplete or did not ask for it. */
  mayBeOpen(slot: number, polls: ReadonlyMap<Network, NetworkPoll>): boolean {
    const network = this.#table.networkOf(slot);
    const socket = this.#table.get(slot);
    const poll = network && polls.get(network);
    return poll !== undefined && socket !== undefined && mayBeLeftOut(poll, socket);
  }

  /** Returns true if a socket of the last poll has the inode. */
  hasInode(inode: number): boolean {
    return this.#table.hasInode(inode);
  }

  /** Returns the namespaces in which a process holds a socket: they exist even without a process. */
  networksInUse(): ReadonlySet<Network> {
    const inUse = new Set<Network>();
    for (const { socket, network } of this.#table.entries()) {
      const knowledge = socket.owners[0]?.knowledge;
      if (knowledge === 'exact' || knowledge === 'pending' || knowledge === 'creator') inUse.add(network);
    }
    return inUse;
  }

  /** Returns the inodes that came and went since the last poll. */
  changedInodes(
    { changes }: DiagMessages,
    closedSlots: readonly number[],
  ): { added: number[]; removed: number[] } {
    const { added, removed } = this.#table.changedInodes(changes, closedSlots, this.#others.removed());
    return { added: [...this.#others.added, ...added], removed };
  }

  /**
   * Reads what the ledger has about the new sockets of this poll. Nearly all sockets of the first poll are older than it.
   * @returns the processes that probably hold them, see `NewRecords`
   */
  readNewRecords({ changes }: DiagMessages): ReadonlyMap<number, readonly number[]> {
    const before = (slot: number) => this.#table.get(slot);
    return this.#newRecords.read(this.#isFirst ? [] : changes, before, this.listeners);
  }

  /** Updates the sockets of the last poll with the messages of this one, and clears these. */
  update(messages: DiagMessages, closedSlots: readonly number[], networks: Iterable<Network>): void {
    this.#listeners = undefined;
    this.#ended = [];
    for (const slot of closedSlots) this.#removeSlot(slot);
    const stale = this.#staleSlots();
    for (const message of messages.changes) this.#applyMessage(message, stale);
    messages.clear();
    this.#newRecords.clear();
    this.#isFirst = false;
    this.#counted.read(
      (low, high) => messages.slotOf(low, high),
      (slot, traffic, readPeers) => this.#setTraffic(slot, traffic, readPeers),
    );
    for (const slot of stale) this.#updateOwners(slot);
    this.#relabelSockets(networks);
    for (const { id, socket, ended } of this.#others.buildSockets(this.listeners)) {
      if (socket) this.#sockets.set(id, socket);
      else this.#sockets.delete(id);
      if (ended) this.#ended.push(ended);
    }
  }

  /** Returns all sockets by id; the same map if nothing changed. It is valid until the call after the next one. */
  publish(): ReadonlyMap<string, Socket> {
    return this.#sockets.publish();
  }

  /** Stores the socket that a message describes. @param stale slots whose owners are determined later */
  #applyMessage(message: SocketMessage, stale: Set<number>): void {
    const { slot, network, addresses, inode } = message;
    const before = this.#table.get(slot);
    const record = before ? undefined : this.#newRecords.of(message.id);
    let owners = before?.owners ?? record?.creators ?? NO_OWNERS;
    // Without an inode, the owners are those of the listener, whose message may come later.
    if (addresses && inode === 0) stale.add(slot);
    else if (addresses) {
      owners = this.#attribution.ownersOf(
        {
          // Field by field instead of `...addresses`: V8 takes 4 µs to copy an object and then add fields to the copy.
          local: addresses.local,
          state: addresses.state,
          protocol: message.protocol,
          inode,
          netns: network.inode,
          creators: record?.creators,
          isAccepted: record?.opened === 'in',
        },
        before?.owners,
        this.listeners,
      );
      stale.delete(slot);
    }
    this.#table.setPlace(slot, network, message.interfaceIndex);
    this.#store(
      slot,
      makeSocket(before ? message : this.#completed(message, record), before, owners, this.#attribution),
    );
  }

  /** Returns the first message about a socket with what the ledger adds to it. */
  #completed(message: SocketMessage, record: OpenRecord | undefined): SocketMessage {
    const counted = this.#counted.ofNew(message.protocol);
    if (record === undefined && counted.rxBytes === undefined) return message;
    return {
      ...message,
      traffic: { ...message.traffic, ...counted },
      createdAtMs: record?.createdAtMs,
      opened: message.opened ?? record?.opened,
    };
  }

  /** Gives a socket the traffic that the ledger has counted, and its last peers. */
  #setTraffic(slot: number, traffic: Traffic, readPeers: () => readonly Endpoint[]): void {
    const socket = this.#table.get(slot);
    if (socket === undefined) return;
    const { rxSegments, txSegments } = socket.traffic ?? {};
    if (rxSegments === traffic.rxSegments && txSegments === traffic.txSegments) return;
    const peers = socket.remote === null ? readPeers() : [];
    this.#store(slot, {
      ...socket,
      traffic: { ...socket.traffic, ...traffic },
      ...(peers.length > 0 && { peers }),
    });
  }

  /** Determines the owners of a socket again. */
  #updateOwners(slot: number): void {
    const socket = this.#table.get(slot);
    const network = this.#table.networkOf(slot);
    if (!socket || !network) return;
    const lastKnown = socket.owners.length > 0 ? socket.owners : undefined;
    const owned = { ...socket, netns: network.inode };
    const owners = this.#attribution.ownersOf(owned, lastKnown, this.listeners);
    if (socket.inode === undefined && owners[0]?.knowledge !== 'inherited') this.#ownedByListener.add(slot);
    else this.#ownedByListener.delete(slot);
    if (owners !== socket.owners) this.#store(slot, { ...socket, owners });
  }

  #store(slot: number, socket: Socket): void {
    const before = this.#table.store(slot, socket);
    this.#surplus.update(before, socket);
    this.#counted.update(before, socket);
    this.#sockets.set(socket.id, socket);
  }

  #removeSlot(slot: number): void {
    const socket = this.#table.remove(slot);
    if (socket) {
      // After a malformed message, a socket of another kind may have the same id.
      const other = this.#others.get(socket.id);
      if (other) this.#sockets.set(other.id, other);
      else this.#sockets.delete(socket.id);
      const ended = this.#counted.ended(socket);
      if (ended) this.#ended.push(ended);
    }
    this.#surplus.update(socket, undefined);
    this.#counted.update(socket, undefined);
    this.#ownedByListener.delete(slot);
  }

  /** Returns the slots of sockets whose owners may have changed. */
  #staleSlots(): Set<number> {
    const { changed } = this.#attribution.owners;
    const slots = new Set<number>();
    for (const inode of changed) for (const slot of this.#table.slotsOf(inode)) slots.add(slot);
    if (changed.size > 0) for (const slot of this.#ownedByListener) slots.add(slot);
    return slots;
  }

  /** Updates the namespace name and interface name of sockets, in namespaces where these changed. */
  #relabelSockets(networks: Iterable<Network>): void {
    const relabelled = new Set<Network>();
    for (const network of networks) {
      const before = this.#versions.get(network);
      this.#versions.set(network, network.version);
      if (before !== undefined && before !== network.version) relabelled.add(network);
    }
    if (relabelled.size === 0) return;
    for (const { slot, socket, network } of this.#table.entries()) {
      if (!relabelled.has(network)) continue;
      const { interface: before, ...rest } = socket;
      const local = unscoped(socket.local);
      const name = interfaceOf(network, this.#table.interfaceIndexOf(slot), local.address);
      if (socket.netns === network.netns && before === name) continue;
      this.#store(slot, {
        ...rest,
        local: scoped(local, name),
        remote: socket.remote && scoped(unscoped(socket.remote), name),
        ...(network.netns && { netns: network.netns }),
        ...(name !== undefined && { interface: name }),
      });
    }
  }
}
