import type { Endpoint, Family, Protocol, SocketState } from '../../../model/socket.ts';
import { STATES } from './inet.ts';
import { SOCK_DIAG_BY_FAMILY } from './inet-requests.ts';
import { cookieId } from './cookie.ts';
import { dumpRequest, eachAttribute, LITTLE_ENDIAN, type NetlinkBuffer, textAt } from './wire.ts';

/*
 * Families of sock_diag other than IP. Each has its own request and message. Their sockets are few, so each poll
 * decodes all of them.
 */

/** A decoded socket of such a family, identified by its cookie. */
export interface OtherMessage {
  readonly id: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  readonly state?: SocketState | undefined;
  readonly inode?: number | undefined;
  readonly uid?: number | undefined;
  /** Index of the interface that it is bound to. */
  readonly interfaceIndex?: number | undefined;
  readonly recvQueue?: number | undefined;
  readonly sendQueue?: number | undefined;
  /** Inode of a Unix socket's peer. */
  readonly peerInode?: number | undefined;
}

const AF_UNIX = 1;
const AF_PACKET = 17;
const AF_VSOCK = 40;

const ALL_STATES = 0xffffffff;

/** Details requested from unix_diag: name, peer, queues, user (include/uapi/linux/unix_diag.h). */
const UNIX_SHOW = 0x1 | 0x4 | 0x10 | 0x40;
const UNIX_DIAG = { name: 0, peer: 2, queue: 4, uid: 7 } as const;

/** Details requested from packet_diag: general information with the user, memory (include/uapi/linux/packet_diag.h). */
const PACKET_SHOW = 0x1 | 0x10;
const PACKET_DIAG = { info: 0, uid: 5, memory: 6 } as const;
/** Offsets into the memory counters of a socket (SK_MEMINFO_*, include/uapi/linux/sock_diag.h), bytes. */
const MEMORY = { received: 0, sent: 8, length: 12 } as const;

function request(family: number, length: number, fields: readonly (readonly [number, number])[]): Uint8Array {
  const payload = new Uint8Array(length);
  payload[0] = family;
  const view = new DataView(payload.buffer);
  for (const [at, value] of fields) view.setUint32(at, value, LITTLE_ENDIAN);
  return dumpRequest(SOCK_DIAG_BY_FAMILY, payload);
}

/** struct unix_diag_req: family, protocol, padding, states, inode, show, cookie. */
const unixRequest = (): Uint8Array =>
  request(AF_UNIX, 24, [
    [4, ALL_STATES],
    [12, UNIX_SHOW],
  ]);

/** struct packet_diag_req: family, protocol, padding, inode, show, cookie. */
const packetRequest = (): Uint8Array => request(AF_PACKET, 20, [[8, PACKET_SHOW]]);

/** struct vsock_diag_req: family, protocol, padding, states, inode, show, cookie. */
const vsockRequest = (): Uint8Array => request(AF_VSOCK, 24, [[4, ALL_STATES]]);

/** Matches a relative path that resembles an abstract name, an address or a wildcard. */
const AMBIGUOUS_PATH = /^(?:@|\*$|::$|[\d.]+$)/;

/**
 * Returns the name of a Unix socket as text. An abstract name starts with a NUL; all its NULs become `@`, as in ss. An
 * ambiguous path is prefixed with `./`.
 */
function unixName(buffer: NetlinkBuffer, start: number, end: number): string {
  if (buffer.bytes[start] !== 0) {
    const path = textAt(buffer, start, end);
    return AMBIGUOUS_PATH.test(path) ? `./${path}` : path;
  }
  const name = new TextDecoder().decode(buffer.bytes.subarray(start, end));
  return name.replace(/\0/g, '@');
}

/** Decodes struct unix_diag_msg: family, type, state, padding, inode, cookie; then attributes. */
function decodeUnix(buffer: NetlinkBuffer, start: number, end: number): OtherMessage | undefined {
  const { bytes, view } = buffer;
  if (end - start < 16) return undefined;
  const word = (at: number) => view.getUint32(at, LITTLE_ENDIAN);
  let name = '';
  let peerInode: number | undefined;
  let uid: number | undefined;
  let queues: { recvQueue: number; sendQueue: number } | undefined;
  eachAttribute(buffer, start + 16, end, (type, from, to) => {
    if (type === UNIX_DIAG.name && to > from) name = unixName(buffer, from, to);
    // A peer that is not accepted yet has inode 0.
    else if (type === UNIX_DIAG.peer && to >= from + 4) peerInode = word(from) || undefined;
    else if (type === UNIX_DIAG.uid && to >= from + 4) uid = word(from);
    else if (type === UNIX_DIAG.queue && to >= from + 8)
      queues = { recvQueue: word(from), sendQueue: word(from + 4) };
  });
  const state = STATES[bytes[start + 2] ?? 0];
  return {
    id: cookieId(buffer, start + 8),
    protocol: 'unix',
    family: 'unix',
    local: { address: name, port: 0 },
    remote: null,
    state: state === 'CLOSE' ? undefined : state,
    inode: word(start + 4) || undefined,
    uid,
    peerInode,
    ...queues,
  };
}

/** Decodes struct packet_diag_msg: family, type, protocol, inode, cookie; then attributes. */
function decodePacket(buffer: NetlinkBuffer, start: number, end: number): OtherMessage | undefined {
  const { view } = buffer;
  if (end - start < 16) return undefined;
  const word = (at: number) => view.getUint32(at, LITTLE_ENDIAN);
  let interfaceIndex = 0;
  let uid: number | undefined;
  let queues: { recvQueue: number; sendQueue: number } | undefined;
  eachAttribute(buffer, start + 16, end, (type, from, to) => {
    if (type === PACKET_DIAG.info && to >= from + 4) interfaceIndex = word(from);
    else if (type === PACKET_DIAG.uid && to >= from + 4) uid = word(from);
    else if (type === PACKET_DIAG.memory && to >= from + MEMORY.length)
      queues = { recvQueue: word(from + MEMORY.received), sendQueue: word(from + MEMORY.sent) };
  });
  const protocol = view.getUint16(start + 2, LITTLE_ENDIAN);
  return {
    id: cookieId(buffer, start + 8),
    protocol: 'packet',
    family: 'packet',
    local: { address: '*', port: 0, ...(protocol !== 0 && { protocol }) },
    remote: null,
    inode: word(start + 4) || undefined,
    uid,
    interfaceIndex: interfaceIndex || undefined,
    ...queues,
  };
}

/** VMADDR_CID_ANY and VMADDR_PORT_ANY, include/uapi/linux/vm_sockets.h. */
const VSOCK_ANY = 0xffffffff;

/** Decodes struct vsock_diag_msg: family, type, state, shutdown, source and destination (cid, port), inode, cookie. */
function decodeVsock(buffer: NetlinkBuffer, start: number, end: number): OtherMessage | undefined {
  const { bytes, view } = buffer;
  if (end - start < 32) return undefined;
  const word = (at: number) => view.getUint32(at, LITTLE_ENDIAN);
  const endpoint = (at: number): Endpoint => ({
    address: word(at) === VSOCK_ANY ? '*' : String(word(at)),
    port: word(at + 4) === VSOCK_ANY ? 0 : word(at + 4),
  });
  const state = STATES[bytes[start + 2] ?? 0];
  const isOpen = state !== 'LISTEN' && word(start + 12) !== VSOCK_ANY;
  return {
    id: cookieId(buffer, start + 24),
    protocol: 'vsock',
    family: 'vsock',
    local: endpoint(start + 4),
    remote: isOpen ? endpoint(start + 12) : null,
    state: state === 'CLOSE' ? undefined : state,
    inode: word(start + 20) || undefined,
  };
}

/** Request and decoder for each family other than IP. Decoders return undefined for a malformed message. */
export const OTHERS = {
  packet: { request: packetRequest, decode: decodePacket },
  unix: { request: unixRequest, decode: decodeUnix },
  vsock: { request: vsockRequest, decode: decodeVsock },
} as const satisfies Partial<
  Record<
    Protocol,
    {
      readonly request: () => Uint8Array;
      readonly decode: (buffer: NetlinkBuffer, start: number, end: number) => OtherMessage | undefined;
    }
  >
>;
