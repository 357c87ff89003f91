import type { NetworkInterface } from '../../../model/batch.ts';
import type { NetworkNamespace, Protocol } from '../../../model/socket.ts';
import type { SourceOptions } from '../../types.ts';
import { InterfaceReader } from './interface-reader.ts';
import type { Interfaces } from './interfaces.ts';
import type { FoundNamespace } from './namespaces.ts';
import { Closes, MESSAGES_PER_EVENT } from '../netlink/closes.ts';
import { getMany, getOne, type LookupChannel } from '../netlink/dump.ts';
import { INET } from '../netlink/inet.ts';
import { type ClosableProtocol, tcpLookupRequest, udpLookupRequest } from '../netlink/inet-requests.ts';
import {
  type Channels,
  type CloseReceiver,
  isOutOfDescriptors,
  isSystemError,
  type NetlinkSystem,
} from '../netlink/system.ts';
import type { NetlinkBuffer } from '../netlink/wire.ts';
import { dumpRequests } from './dump-requests.ts';
import { closeSockets } from './socket-closing.ts';
import { type NetworkPoll, SocketDumps } from './socket-dumps.ts';

/** A namespace that `Namespaces` found, or netpane's own if /proc does not show its inode. */
export type OpenableNamespace = FoundNamespace | { readonly isOwn: true; readonly inode: undefined };

/** Handles a kernel message about one socket, from `start` to `end` in the buffer. A repeated dump calls it again. */
export type OnSocket = (
  network: Network,
  protocol: Protocol,
  buffer: NetlinkBuffer,
  start: number,
  end: number,
) => void;

/**
 * Number of polls between attempts to open netlink sockets that stay open. Until one succeeds, for lack of descriptors,
 * each poll opens and closes its own.
 */
const REOPEN_POLLS = 16;

/**
 * One network namespace with open netlink sockets. If descriptors run out, only the socket for close messages
 * stays open, or none; the others are opened for each poll.
 */
export class Network {
  /** True for the namespace that netpane runs in. */
  readonly isOwn: boolean;
  /** Inode and name; the same object until the name changes. Undefined for netpane's own if /proc does not show it. */
  netns: NetworkNamespace | undefined;
  /** Increases when the name or the interfaces change. */
  version = 0;
  /** Receives close messages, if requested and supported by the kernel. */
  closes: Closes | undefined;
  /** True if close messages are requested, but no descriptor is free for them. */
  lacksCloseReceiver = false;
  readonly #system: NetlinkSystem;
  readonly #options: Pick<SourceOptions, 'also' | 'tcpDetails' | 'omitsRemnants'>;
  readonly #wantsCloses: boolean;
  readonly #maxWaitingCloses: number | undefined;
  #namespace: OpenableNamespace;
  #channels: Channels | undefined;
  #closeReceiver: CloseReceiver | undefined;
  #dumps: SocketDumps;
  readonly #interfaces = new InterfaceReader();
  #pollCount = 0;

  /** Opens the netlink sockets. Throws if the namespace cannot be entered. */
  constructor(
    system: NetlinkSystem,
    found: OpenableNamespace,
    options: Pick<SourceOptions, 'also' | 'tcpDetails' | 'events' | 'omitsRemnants' | 'bounds'>,
  ) {
    this.#system = system;
    this.#options = options;
    this.#wantsCloses = options.events === true;
    const { waitingEvents } = options.bounds ?? {};
    this.#maxWaitingCloses = waitingEvents && MESSAGES_PER_EVENT * waitingEvents;
    this.#namespace = found;
    this.isOwn = found.isOwn;
    this.netns = netnsOf(found);
    this.#open();
    this.#dumps = this.#makeDumps();
  }

  /** Inode of the namespace; undefined for netpane's own if /proc does not show it. */
  get inode(): number | undefined {
    return this.netns?.inode;
  }

  /** True if polls leave out remnants, as requested: close messages report each close. */
  get omitsRemnants(): boolean {
    return this.#options.omitsRemnants === true && this.closes !== undefined;
  }

  #makeDumps(): SocketDumps {
    const { also, tcpDetails } = this.#options;
    const requests = dumpRequests(also, { details: tcpDetails, omitsTimeWait: this.omitsRemnants });
    return new SocketDumps(requests, { offset: this.inode, asksDetails: tcpDetails });
  }

  /** Interfaces as of the last successful read. */
  get interfaces(): Interfaces {
    return this.#interfaces.interfaces;
  }

  /** Reason why the last read of the interfaces failed; undefined if it succeeded. */
  get interfacesFailure(): string | undefined {
    return this.#interfaces.failure;
  }

  /**
   * Applies a new name and path of the namespace. Every `REOPEN_POLLS` polls, also tries to open netlink sockets that
   * stay open, if there are none. Throws if the namespace cannot be entered.
   */
  update(found: FoundNamespace): void {
    this.#namespace = found;
    if (this.#channels === undefined && this.#pollCount % REOPEN_POLLS === 0) {
      this.#open();
      this.#dumps = this.#makeDumps();
    }
    if (this.netns !== undefined && this.netns.name === found.name) return;
    this.netns = netnsOf(found);
    this.version++;
  }

  close(): void {
    this.#channels?.close();
    this.#closeReceiver?.close();
    this.#channels = undefined;
    this.#closeReceiver = undefined;
  }

  /** Calls a function while this thread is in the namespace. Throws if it cannot be entered. */
  inside<T>(act: () => T): T {
    return this.#namespace.isOwn ? act() : this.#system.inside(this.#namespace, act);
  }

  /** Opens the netlink sockets for which there are descriptors. Throws if the namespace cannot be entered. */
  #open(): void {
    const namespace = this.#namespace;
    try {
      const channels = this.#system.open(
        namespace.isOwn ? undefined : namespace,
        this.#wantsCloses && !this.closes,
      );
      this.#channels = channels;
      if (channels.closes) this.closes = new Closes(channels.closes, this.#maxWaitingCloses);
      this.lacksCloseReceiver = false;
    } catch (error) {
      if (namespace.isOwn || !isOutOfDescriptors(error)) throw error;
      if (this.closes === undefined && this.#wantsCloses) this.#openCloseReceiver(namespace);
    }
  }

  #openCloseReceiver(namespace: FoundNamespace): void {
    try {
      this.#closeReceiver = this.#system.openCloseReceiver(namespace);
      if (this.#closeReceiver.closes)
        this.closes = new Closes(this.#closeReceiver.closes, this.#maxWaitingCloses);
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error;
      this.lacksCloseReceiver = true;
    }
  }

  /**
   * Calls a function with netlink sockets of the namespace: the open ones, or temporary ones. Throws if temporary ones
   * cannot be opened.
   */
  #withChannels<T>(act: (channels: Channels) => T): T {
    if (this.#channels) return act(this.#channels);
    const channels = this.#system.open(this.#namespace.isOwn ? undefined : this.#namespace, false, true);
    try {
      return act(channels);
    } finally {
      channels.close();
    }
  }

  /**
   * Dumps all sockets. Failures of system calls are part of the result, not thrown.
   * @param onDatagram runs after each datagram, for work that cannot wait for the end of the poll
   * @param socketCount of netpane's own namespace, see `QuietKinds`; undefined if unknown
   */
  readSockets(onSocket: OnSocket, onDatagram?: () => void, socketCount?: string): NetworkPoll {
    this.#pollCount++;
    try {
      return this.#withChannels((channels) =>
        this.#dumps.read(
          channels,
          this,
          this.#pollCount,
          onSocket,
          onDatagram,
          this.isOwn ? socketCount : undefined,
        ),
      );
    } catch (error) {
      // Temporary netlink sockets could not be opened: `dumpStable` catches the failures of open ones.
      if (!isSystemError(error)) throw error;
      return this.#dumps.failed(error.message);
    }
  }

  /** See `SocketDumps`. */
  get hasNoTableSockets(): boolean {
    return this.#dumps.hasNoTableSockets;
  }

  /** See `SocketDumps`. */
  askForAll(): void {
    this.#dumps.askForAll();
  }

  /** See `SocketDumps`. */
  noteEmptyTables(): void {
    this.#dumps.noteEmptyTables();
  }

  /**
   * Looks up the socket that has the endpoints of a TCP connection now (see `tcpLookupRequest`).
   * @param onMessage not called if there is no such socket or the lookup fails
   */
  findTcp(
    family: 'ipv4' | 'ipv6',
    sockId: Uint8Array,
    onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
  ): void {
    this.#lookUp(tcpLookupRequest(family, sockId), onMessage);
  }

  /**
   * Looks up the sockets that have the endpoints of several TCP connections now, with few system calls.
   * @param onMessage gets the index of the connection; not called if there is no such socket or the lookup fails
   */
  findTcpSockets(
    connections: readonly { readonly family: 'ipv4' | 'ipv6'; readonly sockId: Uint8Array }[],
    onMessage: (index: number, buffer: NetlinkBuffer, start: number, end: number) => void,
  ): void {
    if (connections.length === 0) return;
    const requests = connections.map(({ family, sockId }) => tcpLookupRequest(family, sockId));
    this.#lookUpWith((diag) =>
      getMany(diag, requests, (index, buffer, start, end) => {
        if (end - start >= INET.length) onMessage(index, buffer, start, end);
      }),
    );
  }

  /** Returns true if a UDP socket receives datagrams for these endpoints now. */
  hasUdp(family: 'ipv4' | 'ipv6', sockId: Uint8Array): boolean {
    let isThere = false;
    this.#lookUp(udpLookupRequest(family, sockId), () => (isThere = true));
    return isThere;
  }

  #lookUp(request: Uint8Array, onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void): void {
    this.#lookUpWith((diag) =>
      getOne(diag, request, (buffer, start, end) => {
        if (end - start >= INET.length) onMessage(buffer, start, end);
      }),
    );
  }

  #lookUpWith(lookUp: (diag: LookupChannel) => void): void {
    try {
      this.#withChannels(({ diag }) => lookUp(diag));
    } catch (error) {
      // The kernel refused, or temporary netlink sockets could not be opened: counts as not found. The namespace may have ended.
      if (!isSystemError(error)) throw error;
    }
  }

  /** Closes sockets, see `closeSockets`. @throws NativeError if that cannot be asked for */
  closeSockets(protocol: ClosableProtocol, ids: ReadonlySet<string>): ReadonlyMap<string, number> {
    return this.#withChannels(({ diag }) => closeSockets(diag, protocol, ids));
  }

  /** Reads and returns the interfaces with counters and addresses; the previous ones if that fails. */
  readInterfaces(): NetworkInterface[] {
    const { key } = this.interfaces;
    this.#interfaces.read(this.#pollCount, (act) => this.#withChannels(({ route }) => act(route)));
    if (this.interfaces.key !== key) this.version++;
    return this.#interfaces.list(this.netns);
  }
}

/** Returns the inode and name of a namespace, for its sockets; undefined without an inode. */
const netnsOf = (found: OpenableNamespace): NetworkNamespace | undefined =>
  found.inode === undefined
    ? undefined
    : {
        inode: found.inode,
        ...(found.name !== undefined && { name: found.name }),
        ...(found.claimedBy !== undefined && { claimedBy: found.claimedBy }),
        ...(found.isOwn && { own: true as const }),
      };
