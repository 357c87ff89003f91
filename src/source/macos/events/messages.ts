import { AF_INET, AF_INET6, networkOrder, type RawEndpoint } from '../table/decode.ts';

/*
 * Messages of the kernel control com.apple.network.statistics (bsd/net/ntstat.h, revision 9): each has a header with its
 * length, and a datagram has one or several. All numbers are offsets in bytes; every Mac is little-endian.
 */

/** Name of the kernel control. */
export const STATISTICS = 'com.apple.network.statistics';

/** nstat_provider_type_t */
export const PROVIDER = { tcp: 2, tcpOfUserSpace: 3, udp: 4, udpOfUserSpace: 5 } as const;
const PROTOCOLS: Readonly<Record<number, 'tcp' | 'udp'>> = {
  [PROVIDER.tcp]: 'tcp',
  [PROVIDER.tcpOfUserSpace]: 'tcp',
  [PROVIDER.udp]: 'udp',
  [PROVIDER.udpOfUserSpace]: 'udp',
};

const TYPE = { success: 0, error: 1, addAll: 1002, removed: 10_002, update: 10_006 } as const;

/** nstat_msg_hdr: 64 bits that an answer repeats, type, length, flags. */
export const HEADER = { context: 0, type: 8, length: 12, flags: 14 } as const;
const HEADER_BYTES = 16;
/** Set in the last message about a source. */
const FLAG_CLOSING = 1 << 2;
/** Set in the message about a removed source if its last values were lost. */
const FLAG_CLOSED_AFTER_DROP = 1 << 3;

/** nstat_msg_add_all_srcs */
export const ADD_ALL = { filter: 16, provider: 32 } as const;
export const ADD_ALL_BYTES = 56;
/** Leaves out messages about sources that exist or are added; a removed one is reported in one message, with its last values. */
const FILTER_SUPPRESS_SRC_ADDED = 0x10_0000;

/** nstat_msg_src_update: counts are nstat_counts. */
export const UPDATE = {
  rxBytes: 40,
  txBytes: 56,
  rxDuplicates: 112,
  txRetransmits: 120,
  rtt: 136,
  rttVar: 140,
  provider: 144,
} as const;
export const UPDATE_BYTES = 152;

/** nstat_tcp_descriptor and nstat_udp_descriptor, from the end of the update. */
export const DESCRIPTOR = {
  tcp: {
    started: 16,
    at: 24,
    state: 76,
    pid: 116,
    effectivePid: 120,
    local: 124,
    remote: 152,
    name: 196,
    uid: 328,
    bytes: 344,
  },
  udp: {
    started: 16,
    at: 24,
    state: undefined,
    pid: 128,
    effectivePid: 196,
    local: 56,
    remote: 84,
    name: 132,
    uid: 268,
    bytes: 280,
  },
} as const;
const NAME_BYTES = 64;

/** struct sockaddr_in and sockaddr_in6: length, family, port in network order. */
const SOCKADDR = { family: 1, port: 2, ipv4: 4, ipv6: 8, scope: 24 } as const;

/** A closed source, with its last values. */
export interface ClosedSource {
  readonly protocol: 'tcp' | 'udp';
  readonly local: RawEndpoint | undefined;
  readonly remote: RawEndpoint | undefined;
  /** Number of the state of TCP. */
  readonly state: number | undefined;
  readonly pid: number;
  readonly effectivePid: number;
  readonly processName: string;
  readonly uid: number;
  /** Payload bytes, without repeated ones. */
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Round-trip time, milliseconds / 32, and its mean deviation, milliseconds / 16; 0 if unknown. */
  readonly srtt: number;
  readonly rttvar: number;
  /** Start of the socket and time of the message, in ticks of mach_continuous_time. */
  readonly startedTicks: number;
  readonly atTicks: number;
}

/** Content of a datagram. */
export interface Decoded {
  readonly closed: readonly ClosedSource[];
  /** Number of sources whose last values were lost. */
  readonly lost: number;
  /** Number of messages that are too short. */
  readonly malformed: number;
  /** Answers to requests: their context, and an errno, 0 for success. */
  readonly answers: readonly { readonly context: number; readonly errno: number }[];
}

/** Returns a request to report the closes of all sources of a provider. @param context repeated by the answer */
export function addAllRequest(provider: number, context: number): Uint8Array {
  const bytes = new Uint8Array(ADD_ALL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(HEADER.context, context, true);
  view.setUint32(HEADER.type, TYPE.addAll, true);
  view.setUint16(HEADER.length, ADD_ALL_BYTES, true);
  view.setBigUint64(ADD_ALL.filter, BigInt(FILTER_SUPPRESS_SRC_ADDED), true);
  view.setUint32(ADD_ALL.provider, provider, true);
  return bytes;
}

/** Decodes all messages of a datagram. Never reads past its end. */
export function decodeDatagram(bytes: Uint8Array): Decoded {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const closed: ClosedSource[] = [];
  const answers: { context: number; errno: number }[] = [];
  let [lost, malformed, at] = [0, 0, 0];
  while (at + HEADER_BYTES <= bytes.length) {
    const length = view.getUint16(at + HEADER.length, true);
    if (length < HEADER_BYTES || at + length > bytes.length) {
      malformed++;
      break;
    }
    const message = new DataView(bytes.buffer, bytes.byteOffset + at, length);
    const type = message.getUint32(HEADER.type, true);
    const flags = message.getUint16(HEADER.flags, true);
    const context = message.getUint32(HEADER.context, true);
    if (type === TYPE.success) answers.push({ context, errno: 0 });
    else if (type === TYPE.error && length >= HEADER_BYTES + 4)
      answers.push({ context, errno: message.getUint32(HEADER_BYTES, true) });
    else if (type === TYPE.removed && (flags & FLAG_CLOSED_AFTER_DROP) !== 0) lost++;
    else if (type === TYPE.update && (flags & FLAG_CLOSING) !== 0) {
      const source = decodeUpdate(message);
      if (source === undefined) malformed++;
      else if (source !== 'other') closed.push(source);
    }
    at += length;
  }
  return { closed, lost, malformed, answers };
}

/** Returns the source of an update; `other` for another kind of source, undefined if the message is too short. */
function decodeUpdate(message: DataView): ClosedSource | 'other' | undefined {
  if (message.byteLength < UPDATE_BYTES) return undefined;
  const protocol = PROTOCOLS[message.getUint32(UPDATE.provider, true)];
  if (protocol === undefined) return 'other';
  const fields = DESCRIPTOR[protocol];
  if (message.byteLength < UPDATE_BYTES + fields.bytes) return undefined;
  const descriptor = new DataView(message.buffer, message.byteOffset + UPDATE_BYTES, fields.bytes);
  const wide = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));
  const number = (at: number): number => descriptor.getUint32(at, true);
  const without = (at: number, repeated: number): number =>
    Math.max(0, wide(message, at) - message.getUint32(repeated, true));
  return {
    protocol,
    local: endpointAt(descriptor, fields.local),
    remote: endpointAt(descriptor, fields.remote),
    state: fields.state === undefined ? undefined : number(fields.state),
    pid: number(fields.pid),
    effectivePid: number(fields.effectivePid),
    processName: textAt(descriptor, fields.name),
    uid: number(fields.uid),
    rxBytes: without(UPDATE.rxBytes, UPDATE.rxDuplicates),
    txBytes: without(UPDATE.txBytes, UPDATE.txRetransmits),
    srtt: message.getUint32(UPDATE.rtt, true),
    rttvar: message.getUint32(UPDATE.rttVar, true),
    startedTicks: wide(descriptor, fields.started),
    atTicks: wide(descriptor, fields.at),
  };
}

/** Returns the address and port of a sockaddr; undefined for another family. */
function endpointAt(view: DataView, at: number): RawEndpoint | undefined {
  const family = view.getUint8(at + SOCKADDR.family);
  const port = view.getUint16(at + SOCKADDR.port, false);
  const word = (offset: number): number => view.getInt32(at + offset, true);
  if (family === AF_INET)
    return { family: 'ipv4', isIpv6: false, words: [0, 0, 0, word(SOCKADDR.ipv4)], port };
  if (family !== AF_INET6) return undefined;
  const [first, ...rest] = [0, 4, 8, 12].map((offset) => word(SOCKADDR.ipv6 + offset)) as [
    number,
    number,
    number,
    number,
  ];
  // The lists of sockets have the number of the interface in the second group of the address.
  const scope =
    first >>> 16 === 0 ? networkOrder(view.getUint32(at + SOCKADDR.scope, true) & 0xffff) << 16 : 0;
  return { family: 'ipv6', isIpv6: true, words: [first | scope, ...rest], port };
}

const UTF8 = new TextDecoder();

function textAt(view: DataView, at: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, NAME_BYTES);
  const nul = bytes.indexOf(0);
  return UTF8.decode(nul < 0 ? bytes : bytes.subarray(0, nul));
}
