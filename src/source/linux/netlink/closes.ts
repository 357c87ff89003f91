import { MAX_WAITING_EVENTS } from '../../../model/bounds.ts';
import type { Protocol } from '../../../model/socket.ts';
import { decodeAddresses, findInfo, INET, type InetAddresses } from './inet.ts';
import { IPPROTO, sockIdAt } from './inet-requests.ts';
import { decodeTraffic, type MutableTraffic } from './traffic.ts';
import { ERRNO } from './errno.ts';
import { type Cookie, cookieId } from './cookie.ts';
import { DatagramQueue, type OnQueued } from './datagram-queue.ts';
import { MAX_AT_ONCE, type OnDatagram } from './datagrams.ts';
import type { ClosesChannel } from './system.ts';
import { TCP_INFO } from './tcp-info.ts';
import { counterAt, eachMessage, LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/** Attribute with the protocol number, include/uapi/linux/inet_diag.h. */
const INET_DIAG_PROTOCOL = 10;

const NONE: readonly Cookie[] = [];

/** Sequence number of close messages, which answer no request. */
const CLOSE_SEQUENCE = 0;

/**
 * A socket that the kernel has destroyed (net/core/sock_diag.c, sock_diag_broadcast_destroy). The message has neither
 * inode nor user: its uid field is 0, as for root (net/ipv4/inet_diag.c, inet_diag_handler_get_info).
 */
export interface ClosedSocket {
  /** Time of receipt, on the monotonic clock of the source, milliseconds. */
  readonly atMs: number;
  /** The kernel sent the message after this time; -Infinity when unknown. */
  readonly sinceMs: number;
  readonly id: string;
  readonly protocol: Protocol;
  /** Has no remote endpoint if this side reset the connection: the kernel has cleared it by then. */
  readonly addresses: InetAddresses;
  readonly interfaceIndex: number;
  /** Its endpoints as struct inet_diag_sockid, for a lookup of its remnant. */
  readonly sockId: Uint8Array;
  /** Undefined if the kernel had no counters or has cleared them. */
  readonly traffic: MutableTraffic | undefined;
  readonly end: ConnectionEnd | undefined;
}

/** End of a TCP connection that was established. */
export interface ConnectionEnd {
  /** Bytes that the peer acknowledged beyond the payload: 1 for the SYN if this side connected, 1 for a FIN. */
  readonly synFinAcked: number;
  /** Number of received segments with payload. */
  readonly dataSegmentsIn: number;
  /**
   * The longer of the times since data was last sent and last received, milliseconds; a direction without data counts
   * from the handshake. Its resolution is the kernel's tick.
   */
  readonly lifetimeMs: number;
  /** True if one direction carried no data: `lifetimeMs` then covers the whole connection. */
  readonly isFullLifetime: boolean;
}

/** Protocols whose closes the kernel reports, by number. */
const REPORTED = new Map((['tcp', 'udp', 'udplite'] as const).map((it) => [IPPROTO[it] as number, it]));

/** Scratch range of the struct tcp_info in the current message. */
const INFO = { start: 0, end: 0 };

/**
 * Decodes a message about a destroyed socket. Returns undefined for an unknown protocol or a malformed message.
 * @param atMs monotonic time of receipt
 * @param wallMs wall-clock time of receipt
 * @param sinceMs see `ClosedSocket`
 */
export function decodeClosed(
  buffer: NetlinkBuffer,
  start: number,
  end: number,
  atMs: number,
  wallMs: number,
  sinceMs = -Infinity,
): ClosedSocket | undefined {
  const protocol = REPORTED.get(protocolAt(buffer, start, end));
  // The fields read here come before the attributes: a message with this attribute is long enough for them.
  const addresses = protocol && decodeAddresses(buffer, start, protocol);
  if (protocol === undefined || addresses === undefined) return undefined;
  findInfo(buffer, start, end, INFO);
  const connectionEnd =
    INFO.end > INFO.start && protocol === 'tcp' ? decodeEnd(buffer, INFO.start, INFO.end) : undefined;
  return {
    atMs,
    sinceMs,
    id: cookieId(buffer, start + INET.cookie),
    protocol,
    addresses,
    interfaceIndex: buffer.view.getUint32(start + INET.interface, LITTLE_ENDIAN),
    sockId: sockIdAt(buffer, start),
    traffic: connectionEnd && decodeTraffic(buffer, start, INFO, wallMs),
    end: connectionEnd,
  };
}

/** Returns the number in INET_DIAG_PROTOCOL, which the kernel puts first; -1 without one. */
function protocolAt({ bytes, u16 }: NetlinkBuffer, start: number, end: number): number {
  for (let at = start + INET.length; at + 4 <= end;) {
    const size = u16[at >>> 1] ?? 0;
    if (size < 4 || at + size > end) break;
    if (u16[(at >>> 1) + 1] === INET_DIAG_PROTOCOL && size > 4) return bytes[at + 4] ?? -1;
    at += (size + 3) & ~3;
  }
  return -1;
}

/**
 * Decodes the end of a connection from its struct tcp_info. Returns undefined if there was no connection, or if this
 * side reset it, which clears all counters (tcp_disconnect).
 */
function decodeEnd(buffer: NetlinkBuffer, start: number, end: number): ConnectionEnd | undefined {
  const { view } = buffer;
  const u32 = (offset: number): number =>
    start + offset + 4 <= end ? view.getUint32(start + offset, LITTLE_ENDIAN) : 0;
  const counter = (offset: number): number => counterAt(buffer, start + offset, end) ?? 0;
  // Every completed handshake measures a round-trip time.
  if (u32(TCP_INFO.rttMicros) === 0) return undefined;
  const sent = counter(TCP_INFO.bytesSent) - counter(TCP_INFO.bytesRetrans);
  const dataSegmentsIn = u32(TCP_INFO.dataSegsIn);
  return {
    synFinAcked: Math.max(0, counter(TCP_INFO.bytesAcked) - sent),
    dataSegmentsIn,
    // Both start counting at the handshake (tcp_finish_connect, tcp_rcv_state_process).
    lifetimeMs: Math.max(u32(TCP_INFO.lastDataSentMs), u32(TCP_INFO.lastDataRecvMs)),
    isFullLifetime: sent === 0 || dataSegmentsIn === 0,
  };
}

/** Number of messages that may wait for each event that may wait: they take half a KB each. */
export const MESSAGES_PER_EVENT = 12;

/**
 * Receives the sockets that the kernel destroys in one network namespace. Messages are received as soon as possible, and
 * decoded later: while its buffer is half full, the kernel slows down the worker that sends them and frees the sockets
 * (net/netlink/af_netlink.c, netlink_broadcast_filtered).
 *
 *     kernel's buffer ── collect ──▶ `DatagramQueue` ── take ──▶ decoded
 *                           └─ full ──▶ counted as lost
 */
export class Closes {
  /** Number of malformed messages. */
  problems = 0;
  readonly #channel: ClosesChannel;
  readonly #maxWaiting: number;
  readonly #queue: DatagramQueue;
  #mayHaveMore = false;
  /** Last time at which no message was waiting in the kernel. */
  #emptiedMs = -Infinity;
  /** The kernel's count of lost messages when last read. */
  #drops = 0;
  /** Messages lost since the last `takeLost`. */
  #lost = 0;
  #hasUncountedLoss = false;
  #discarded: Cookie[] = [];

  /** @param maxWaiting maximum number of messages that wait for `take`; further ones are counted as lost */
  constructor(channel: ClosesChannel, maxWaiting = MESSAGES_PER_EVENT * MAX_WAITING_EVENTS) {
    this.#maxWaiting = maxWaiting;
    this.#queue = new DatagramQueue(maxWaiting);
    this.#channel = channel;
    this.#drops = channel.drops() ?? 0;
  }

  /** True if the kernel may soon have no room for further messages. */
  get hasSmallBuffer(): boolean {
    return this.#channel.hasSmallBuffer ?? false;
  }

  /** True if messages may be left for the next `collect` or `take`. */
  get hasMore(): boolean {
    return this.#mayHaveMore || this.#queue.length > 0;
  }

  /** Receives all waiting messages. Throws nothing: after an error the rest is received by the next call. */
  collect(nowMs: number, wallMs: number): void {
    this.#mayHaveMore = true;
    let isOverrun = false;
    let count = 0;
    const times = { atMs: nowMs, wallMs, sinceMs: this.#emptiedMs };
    const add: OnDatagram = (buffer, from, to) => {
      if (this.#queue.add(buffer, from, to, times)) return;
      this.#lost++;
      const note = (_: number, start: number, end: number) => this.#noteDiscarded(buffer, start, end);
      eachMessage(buffer, to, CLOSE_SEQUENCE, note, from);
    };
    // Bounded, because the kernel may send as fast as this receives.
    while (count < this.#maxWaiting) {
      const received = this.#channel.receiveWaiting(MAX_AT_ONCE, add);
      // ENOBUFS is reported once per overrun; the messages in the buffer follow (netlink(7)).
      if (received === -ERRNO.ENOBUFS) isOverrun = true;
      else if (received <= 0 && received !== -ERRNO.EINTR) {
        this.#mayHaveMore = false;
        if (received === -ERRNO.EAGAIN) this.#emptiedMs = nowMs;
        break;
      }
      count += Math.max(1, received);
    }
    if (count > 0) this.#countLost(isOverrun);
  }

  #noteDiscarded(buffer: NetlinkBuffer, start: number, end: number): void {
    if (protocolAt(buffer, start, end) !== IPPROTO.tcp) return;
    const [low = 0, high = 0] = buffer.u32.subarray((start + INET.cookie) >>> 2);
    this.#discarded.push({ low, high });
  }

  /** Returns the cookies of the TCP sockets whose messages came since the last call and found no room. */
  takeDiscarded(): readonly Cookie[] {
    if (this.#discarded.length === 0) return NONE;
    const discarded = this.#discarded;
    this.#discarded = [];
    return discarded;
  }

  /**
   * Decodes, removes and returns the sockets received first.
   * @param max number after which no further datagram is decoded: the kernel puts one socket into each
   */
  take(max = Infinity): ClosedSocket[] {
    const closed: ClosedSocket[] = [];
    const decode: OnQueued = (buffer, from, to, { atMs, wallMs, sinceMs }) => {
      const add = (_: number, start: number, end: number): void => {
        const socket = decodeClosed(buffer, start, end, atMs, wallMs, sinceMs);
        if (socket) closed.push(socket);
        else this.problems++;
      };
      const { problems } = eachMessage(buffer, to, CLOSE_SEQUENCE, add, from);
      this.problems += problems;
    };
    while (closed.length < max && this.#queue.take(decode));
    return closed;
  }

  /**
   * Returns the number of messages lost since the last call; undefined if some were lost and the kernel does not count.
   */
  takeLost(): number | undefined {
    const lost = this.#hasUncountedLoss ? undefined : this.#lost;
    this.#lost = 0;
    this.#hasUncountedLoss = false;
    return lost;
  }

  #countLost(isOverrun: boolean): void {
    const drops = this.#channel.drops();
    if (drops === undefined) this.#hasUncountedLoss ||= isOverrun;
    else {
      this.#lost += (drops - this.#drops) >>> 0;
      this.#drops = drops;
    }
  }
}
