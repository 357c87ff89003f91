import { MAX_WAITING_EVENTS } from '../../../model/bounds.ts';
import type { Protocol, Traffic } from '../../../model/socket.ts';
import {
  decodeAddresses,
  decodeTraffic,
  findInfo,
  INET,
  type InetAddresses,
  IPPROTO,
  sockIdAt,
} from './inet.ts';
import { ERRNO } from './native.ts';
import { cookieId } from './slots.ts';
import type { ClosesChannel } from './system.ts';
import { TCP_INFO } from './tcp-info.ts';
import {
  counterAt,
  eachAttribute,
  eachMessage,
  LITTLE_ENDIAN,
  type NetlinkBuffer,
  netlinkBuffer,
} from './wire.ts';

/** Attribute that tells the protocol, include/uapi/linux/inet_diag.h. */
const INET_DIAG_PROTOCOL = 10;

/** What is sent unasked has this number. */
const NOTIFICATION_SEQUENCE = 0;

/**
 * What the kernel says of a socket as it destroys it (net/core/sock_diag.c, sock_diag_broadcast_destroy). Inode and user
 * it leaves blank, which looks like root (net/ipv4/inet_diag.c, inet_diag_handler_get_info).
 */
export interface ClosedSocket {
  /** When the word came, on the clock of whoever received it. */
  readonly atMs: number;
  readonly id: string;
  readonly protocol: Protocol;
  /** Without a peer where the connection was reset from here: the kernel has forgotten it by then. */
  readonly addresses: InetAddresses;
  readonly interfaceIndex: number;
  /** Its endpoints as the kernel writes them. */
  readonly sockId: Uint8Array;
  /** Absent where the kernel had none, or has forgotten them. */
  readonly traffic?: Traffic;
  readonly end?: ConnectionEnd;
}

/** How a TCP connection ended that had been established. */
export interface ConnectionEnd {
  /** The peer acknowledged so much beside the payload: the SYN of the one who connects counts, and its FIN. */
  readonly synFinAcked: number;
  /** Segments with payload that came. */
  readonly dataSegmentsIn: number;
  /** The time since data last came or went, or since there was a connection; milliseconds, from the kernel's ticks. */
  readonly lifetimeMs: number;
  /** In one direction nothing went at all: the lifetime is all of it, not only the end of it. */
  readonly isFullLifetime: boolean;
}

/** Bytes that one message may have at most, by far. */
const BUFFER = netlinkBuffer(16 * 1024);

const INFO = { start: 0, end: 0 };

/** Decodes one message; `undefined` for one that is no socket of the Internet, or that makes no sense. */
export function decodeClosed(
  buffer: NetlinkBuffer,
  start: number,
  end: number,
  atMs: number,
  wallMs: number,
): ClosedSocket | undefined {
  const { bytes, view } = buffer;
  let number: number | undefined;
  eachAttribute(buffer, start + INET.length, end, (type, from, to) => {
    if (type === INET_DIAG_PROTOCOL && to > from) number = bytes[from];
  });
  const protocol = (['tcp', 'udp', 'udplite'] as const).find((it) => IPPROTO[it] === number);
  // Its attribute stands behind all that is read here.
  const addresses = protocol && decodeAddresses(buffer, start, protocol);
  if (protocol === undefined || addresses === undefined) return undefined;
  findInfo(buffer, start, end, INFO);
  const known =
    INFO.end > INFO.start && protocol === 'tcp' ? decodeEnd(buffer, INFO.start, INFO.end) : undefined;
  return {
    atMs,
    id: cookieId(buffer, start + INET.cookie),
    protocol,
    addresses,
    interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
    sockId: sockIdAt(buffer, start),
    ...(known && { traffic: decodeTraffic(buffer, start, INFO, wallMs), end: known }),
  };
}

/** @returns undefined for what never was a connection, or was reset from here, which forgets all (tcp_disconnect) */
function decodeEnd(buffer: NetlinkBuffer, start: number, end: number): ConnectionEnd | undefined {
  const { view } = buffer;
  const word = (offset: number): number =>
    start + offset + 4 <= end ? view.getUint32(start + offset, LITTLE_ENDIAN) : 0;
  const counter = (offset: number): number => counterAt(buffer, start + offset, end) ?? 0;
  // Every handshake measures the way to the peer.
  if (word(TCP_INFO.rttMicros) === 0) return undefined;
  const sent = counter(TCP_INFO.bytesSent) - counter(TCP_INFO.bytesRetrans);
  const dataSegmentsIn = word(TCP_INFO.dataSegsIn);
  return {
    synFinAcked: Math.max(0, counter(TCP_INFO.bytesAcked) - sent),
    dataSegmentsIn,
    // Both begin when the connection is established (tcp_finish_connect, tcp_rcv_state_process).
    lifetimeMs: Math.max(word(TCP_INFO.lastDataSentMs), word(TCP_INFO.lastDataRecvMs)),
    isFullLifetime: sent === 0 || dataSegmentsIn === 0,
  };
}

/** The sockets that a network namespace destroys, as the kernel tells of them. */
export class Closes {
  /** Messages that made no sense. */
  problems = 0;
  readonly #channel: ClosesChannel;
  readonly #maxWaiting: number;
  #closed: ClosedSocket[] = [];
  /** Messages lost, as the kernel counted them last; so many of those have been told. */
  #drops = 0;
  #lost = 0;
  #hasUncountedLoss = false;

  /**
   * @param most how many wait to be taken at most, each of which takes about 1 KB: further ones stay in the kernel's
   * buffer, which counts what does not fit
   */
  constructor(channel: ClosesChannel, maxWaiting = MAX_WAITING_EVENTS) {
    this.#maxWaiting = maxWaiting;
    this.#channel = channel;
    this.#drops = channel.drops() ?? 0;
  }

  /** Receives what there is. Throws nothing: what fails is passed over, and is there the next time. */
  collect(nowMs: number, wallMs: number): void {
    let isOverrun = false;
    let count = 0;
    for (; count < this.#maxWaiting && this.#closed.length < this.#maxWaiting; count++) {
      const length = this.#channel.receiveNow(BUFFER.bytes);
      // Told once for as long as there is no room, and then what is there is given all the same (netlink(7)).
      if (length === -ERRNO.ENOBUFS) isOverrun = true;
      else if (length > 0) this.#decodeDatagram(length, nowMs, wallMs);
      else if (length !== -ERRNO.EINTR) break;
    }
    if (count > 0) this.#countLost(isOverrun);
  }

  #decodeDatagram(length: number, nowMs: number, wallMs: number): void {
    const { problems } = eachMessage(BUFFER, length, NOTIFICATION_SEQUENCE, (_, start, end) => {
      const closed = decodeClosed(BUFFER, start, end, nowMs, wallMs);
      if (closed) this.#closed.push(closed);
      else this.problems++;
    });
    this.problems += problems;
  }

  /** What has been received since the last call. */
  take(): ClosedSocket[] {
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  /** Messages lost since the last call; undefined for some, where the kernel does not count them. */
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
