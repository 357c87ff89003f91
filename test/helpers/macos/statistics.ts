import { parseIpv6 } from '../../../src/model/address.ts';
import { ERRNO, type ControlChannel } from '../../../src/source/macos/native/calls.ts';

/** A source whose close the kernel reports (bsd/net/ntstat.h, nstat_msg_src_update). */
export interface FakeSource {
  readonly protocol: 'tcp' | 'udp';
  /** nstat_provider_type_t. @default the one of the kernel */
  readonly provider?: number;
  readonly local?: readonly [address: string, port: number, scope?: number];
  readonly remote?: readonly [address: string, port: number, scope?: number];
  readonly state?: number;
  readonly pid?: number;
  readonly name?: string;
  readonly uid?: number;
  readonly rxBytes?: number;
  readonly txBytes?: number;
  readonly rxDuplicates?: number;
  readonly txRetransmits?: number;
  readonly srtt?: number;
  readonly rttvar?: number;
  readonly startedTicks?: number;
  readonly atTicks?: number;
  /** Flags of the header. @default NSTAT_MSG_HDR_FLAG_CLOSING */
  readonly flags?: number;
}

/** Offsets in the descriptors, from the end of the update. */
const DESCRIPTORS = {
  tcp: { bytes: 344, pid: 116, local: 124, remote: 152, name: 196, uid: 328 },
  udp: { bytes: 280, pid: 128, local: 56, remote: 84, name: 132, uid: 268 },
} as const;

/** Returns the message of a close. */
export function closeMessage(source: FakeSource): Buffer {
  const fields = DESCRIPTORS[source.protocol];
  const message = header(10_006, 152 + fields.bytes, source.flags ?? 4);
  const descriptor = message.subarray(152);
  message.writeBigUInt64LE(BigInt(source.rxBytes ?? 0), 40);
  message.writeBigUInt64LE(BigInt(source.txBytes ?? 0), 56);
  message.writeUInt32LE(source.rxDuplicates ?? 0, 112);
  message.writeUInt32LE(source.txRetransmits ?? 0, 120);
  message.writeUInt32LE(source.srtt ?? 0, 136);
  message.writeUInt32LE(source.rttvar ?? 0, 140);
  message.writeUInt32LE(source.provider ?? { tcp: 2, udp: 4 }[source.protocol], 144);
  descriptor.writeBigUInt64LE(BigInt(source.startedTicks ?? 0), 16);
  descriptor.writeBigUInt64LE(BigInt(source.atTicks ?? 0), 24);
  if (source.protocol === 'tcp') descriptor.writeUInt32LE(source.state ?? 4, 76);
  descriptor.writeUInt32LE(source.pid ?? 4242, fields.pid);
  writeAddress(descriptor, fields.local, source.local);
  writeAddress(descriptor, fields.remote, source.remote);
  descriptor.write(source.name ?? '', fields.name, 63);
  descriptor.writeUInt32LE(source.uid ?? 501, fields.uid);
  return message;
}

/** Returns the message that says that a source was removed. @param flags 8: its last values were lost */
export const removedMessage = (flags = 0): Buffer => header(10_002, 24, flags);

function header(type: number, length: number, flags: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(type, 8);
  bytes.writeUInt16LE(length, 12);
  bytes.writeUInt16LE(flags, 14);
  return bytes;
}

function writeAddress(bytes: Buffer, at: number, endpoint: FakeSource['local']): void {
  if (endpoint === undefined) return;
  const [address, port, scope = 0] = endpoint;
  const groups = parseIpv6(address);
  bytes[at] = groups ? 28 : 16;
  bytes[at + 1] = groups ? 30 : 2;
  bytes.writeUInt16BE(port, at + 2);
  if (groups === undefined) bytes.set(address.split('.').map(Number), at + 4);
  else groups.forEach((group, i) => bytes.writeUInt16BE(group, at + 8 + 2 * i));
  if (groups) bytes.writeUInt32LE(scope, at + 24);
}

/** A kernel control that answers each request. `waiting` has the datagrams that it receives, or an errno in place of one. */
export class FakeControl implements ControlChannel {
  readonly waiting: (Uint8Array | number)[] = [];
  readonly requests: Uint8Array[] = [];
  isClosed = false;
  /** Errno of the answer to a request, by its provider. */
  readonly #refused: Readonly<Record<number, number>>;

  constructor(refused: Readonly<Record<number, number>> = {}) {
    this.#refused = refused;
  }

  send(bytes: Uint8Array): number {
    this.requests.push(bytes);
    const provider = new DataView(bytes.buffer).getUint32(32, true);
    const errno = this.#refused[provider] ?? 0;
    const answer = errno === 0 ? header(0, 16, 0) : header(1, 24, 0);
    answer.set(bytes.subarray(0, 8));
    if (errno !== 0) answer.writeUInt32LE(errno, 16);
    this.waiting.push(answer);
    return bytes.length;
  }

  receive(into: Uint8Array): number {
    const next = this.waiting.shift() ?? ERRNO.EAGAIN;
    if (typeof next === 'number') return -next;
    into.set(next);
    return next.length;
  }

  close(): void {
    this.isClosed = true;
  }
}
