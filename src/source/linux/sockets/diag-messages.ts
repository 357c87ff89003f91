import type { Protocol, SocketState } from '../../../model/socket.ts';
import type { NewSocketKind, SocketLimiter } from '../../socket-limiter.ts';
import type { Network } from '../namespaces/network.ts';
import { decodeDetails } from '../netlink/details.ts';
import { AF_INET, decodeAddresses, decodeTimer, INET, isRemnantAt, STATES } from '../netlink/inet.ts';
import { sockIdAt } from '../netlink/inet-requests.ts';
import { decodeTraffic } from '../netlink/traffic.ts';
import { decodeOpened } from '../netlink/opened.ts';
import { OTHERS } from '../netlink/others.ts';
import { cookieId } from '../netlink/cookie.ts';
import { CHANGE } from '../netlink/kept-numbers.ts';
import { Slots } from '../netlink/slots.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from '../netlink/wire.ts';
import type { SocketMessage } from './make-socket.ts';
import type { OtherSockets } from './other-sockets.ts';

/**
 * The messages of one poll of sock_diag. Each poll calls `beginPoll`, passes every message of a dump to `onSocket`, calls
 * `resolveRequests` after each namespace, then `endPoll`.
 *
 *     dump ──▶ onSocket ──▶ `Slots`: same? ──▶ decoded into `changes`
 *                │ └─ new SYN_RECV ──▶ resolveRequests ─┘
 *                └─ rare kinds ──▶ `OtherSockets`
 */
export class DiagMessages {
  readonly #others: OtherSockets;
  readonly #limiter: SocketLimiter;
  readonly #tcpDetails: boolean;
  readonly #slots = new Slots();
  /** Slots of sockets with an unknown state or family. */
  readonly #undecodable = new Set<number>();
  #changes: SocketMessage[] = [];
  /** New connection requests (SYN_RECV) of the namespace being read: see `resolveRequests`. */
  #connectionRequests: { readonly family: 'ipv4' | 'ipv6'; readonly sockId: Uint8Array }[] = [];
  #malformed = 0;
  #nowWallMs = 0;

  constructor(others: OtherSockets, limiter: SocketLimiter, tcpDetails: boolean) {
    this.#others = others;
    this.#limiter = limiter;
    this.#tcpDetails = tcpDetails;
  }

  /** Decoded messages of this poll about new and changed sockets. */
  get changes(): readonly SocketMessage[] {
    return this.#changes;
  }

  /** Number of sockets that cannot be decoded, and of malformed messages in this poll. */
  get problems(): number {
    return this.#malformed + this.#undecodable.size;
  }

  /** Returns the slot of a socket by the halves of its cookie; undefined if it has none. */
  slotOf(low: number, high: number): number | undefined {
    return this.#slots.slotOf(low, high);
  }

  /** @param nowWallMs wall-clock time of the poll, milliseconds since 1970 */
  beginPoll(nowWallMs: number): void {
    this.#nowWallMs = nowWallMs;
    this.#malformed = 0;
    this.#changes = [];
    this.#slots.beginPoll();
  }

  /**
   * Ends a poll.
   * @param isKept called for each slot without a message: true keeps its socket, because its dump was incomplete
   * @returns the slots of closed sockets
   */
  endPoll(isKept: (slot: number) => boolean): readonly number[] {
    const closedSlots = this.#slots.endPoll(isKept);
    for (const slot of closedSlots) this.#undecodable.delete(slot);
    return closedSlots;
  }

  /** Frees the memory of the messages: in the first poll there is one for every socket. */
  clear(): void {
    this.#changes = [];
  }

  /** Applies a message from the dump of a namespace. */
  readonly onSocket = (
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
  ): void => {
    if (protocol in OTHERS) {
      const message = OTHERS[protocol as keyof typeof OTHERS].decode(buffer, start, end);
      if (message) this.#others.add(message, network);
      else this.#malformed++;
      return;
    }
    if (end - start < INET.length) {
      this.#malformed++;
      return;
    }
    if (network.omitsRemnants && protocol === 'tcp' && isRemnantAt(buffer, start)) return;
    if (!this.#limiter.hasRoomForEveryKind(this.#slots.size) && this.#omitIfFull(buffer, start)) return;
    if (protocol === 'tcp' && stateAt(buffer, start) === 'SYN_RECV' && !this.#slots.has(buffer, start)) {
      const family = buffer.bytes[start + INET.family] === AF_INET ? 'ipv4' : 'ipv6';
      this.#connectionRequests.push({ family, sockId: sockIdAt(buffer, start) });
      return;
    }
    this.#applyMessage(network, protocol, buffer, start, end);
  };

  /** If a socket is new and beyond the bound, counts it as omitted and returns true. */
  #omitIfFull(buffer: NetlinkBuffer, start: number): boolean {
    const kind = kindAt(buffer, start);
    const key = this.#slots.keyOf(buffer, start);
    if (this.#limiter.hasRoom(this.#slots.size, kind, key) || this.#slots.has(buffer, start)) return false;
    this.#limiter.countOmitted(kind, key);
    return true;
  }

  /**
   * Looks up each new connection request by its endpoints, and applies the socket that has them now, because the cookie
   * in the dump may belong to no socket. The kernel assigns a cookie when it first reports a socket. When the handshake
   * ends, the kernel creates the connection with the cookie of its request (net/ipv4/inet_connection_sock.c,
   * inet_csk_clone_lock). If the dump reports the request only after that, the request gets a new cookie, which the
   * connection does not have.
   * @param onAnswer runs after each answer, for work that cannot wait for the end of the poll
   */
  resolveRequests(network: Network, onAnswer: () => void): void {
    for (const { family, sockId } of this.#connectionRequests) {
      network.findTcp(family, sockId, (buffer, start, end) => {
        // If the request is gone, the kernel returns the listener, which the dump contains anyway.
        if (stateAt(buffer, start) !== 'LISTEN') this.#applyMessage(network, 'tcp', buffer, start, end);
      });
      onAnswer();
    }
    this.#connectionRequests = [];
  }

  /**
   * Looks up connections that no dump of this poll lists, because the dumps leave out remnants. A process may still hold
   * such a connection after shutdown(2): its remnant then has its cookie, and the kernel reports the close only when the
   * process lets it go.
   * @param networkOf returns the namespace of a slot; undefined if no process can still hold its connection
   */
  findHeldRemnants(networkOf: (slot: number) => Network | undefined): void {
    const missing = new Map<Network, number[]>();
    for (const slot of this.#slots.missing()) {
      const network = networkOf(slot);
      if (network === undefined) continue;
      const slots = missing.get(network);
      if (slots) slots.push(slot);
      else missing.set(network, [slot]);
    }
    for (const [network, slots] of missing)
      network.findTcpSockets(
        slots.map((slot) => this.#slots.endpointsOf(slot)),
        (_, buffer, start, end) => {
          if (isRemnantAt(buffer, start) && this.#slots.has(buffer, start))
            this.#applyMessage(network, 'tcp', buffer, start, end);
        },
      );
  }

  #applyMessage(
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
  ): void {
    const change = this.#slots.applyMessage(buffer, start, end, this.#nowWallMs);
    if (change !== CHANGE.same)
      this.#decodeMessage(network, protocol, buffer, start, end, change === CHANGE.traffic);
  }

  /** Decodes a message about a new or changed socket into `#changes`. The next datagram overwrites the buffer. */
  #decodeMessage(
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
    isTrafficOnly: boolean,
  ): void {
    const { slot, info } = this.#slots;
    const { view } = buffer;
    const keepsAddresses = isTrafficOnly && !this.#undecodable.has(slot);
    const addresses = keepsAddresses ? undefined : decodeAddresses(buffer, start, protocol);
    if (addresses === undefined && !keepsAddresses) {
      this.#undecodable.add(slot);
      return;
    }
    this.#undecodable.delete(slot);
    const isTcp = protocol === 'tcp' || protocol === 'mptcp';
    this.#changes.push({
      slot,
      network,
      protocol,
      id: keepsAddresses ? '' : cookieId(buffer, start + INET.cookie),
      addresses,
      uid: view.getUint32(start + INET.uid, LITTLE_ENDIAN),
      inode: view.getUint32(start + INET.inode, LITTLE_ENDIAN),
      interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
      traffic: decodeTraffic(buffer, start, info, this.#nowWallMs),
      opened: protocol === 'tcp' ? decodeOpened(buffer, start, info) : undefined,
      timer: isTcp ? decodeTimer(buffer, start, this.#nowWallMs) : undefined,
      tcp: isTcp && this.#tcpDetails ? decodeDetails(buffer, start, end) : undefined,
    });
  }
}

const stateAt = ({ bytes }: NetlinkBuffer, start: number): SocketState | undefined =>
  STATES[bytes[start + INET.state] ?? 0];

/**
 * Returns the kind of a new socket. A UDP socket without a remote endpoint has the state CLOSE and counts as a
 * listener.
 */
function kindAt(buffer: NetlinkBuffer, start: number): NewSocketKind {
  if (isRemnantAt(buffer, start)) return 'remnant';
  const state = stateAt(buffer, start);
  return state === 'LISTEN' || state === 'CLOSE' ? 'listener' : 'connection';
}
