import { parseIpv6 } from '../../../src/model/address.ts';

/** A socket of a synthetic table of net.inet.tcp.pcblist_n or net.inet.udp.pcblist_n. */
export interface PcbRow {
  readonly generation?: number;
  readonly pcb?: bigint;
  /** xso_so; 0 for a user-space flow. */
  readonly handle?: bigint;
  /** AF_INET 2, AF_INET6 30; 0 for a user-space flow. */
  readonly family?: number;
  readonly vflag?: number;
  readonly local?: readonly [address: string, port: number];
  readonly remote?: readonly [address: string, port: number];
  readonly uid?: number;
  readonly lastPid?: number;
  readonly effectivePid?: number;
  readonly queueLength?: number;
  readonly queueLimit?: number;
  readonly received?: number;
  readonly unsent?: number;
  readonly rxBytes?: number;
  readonly txBytes?: number;
  /** Absent for a table of UDP. */
  readonly tcp?: TcpRow;
}

export interface TcpRow {
  /** A number of bsd/netinet/tcp_fsm.h. */
  readonly state: number;
  readonly sndUna?: number;
  readonly iss?: number;
  readonly irs?: number;
  readonly rcvNxt?: number;
  readonly cwnd?: number;
  readonly startTime?: number;
  readonly maxSegment?: number;
  readonly srtt?: number;
  readonly rttvar?: number;
}

export interface TableShape {
  /** Structures of macOS before 13: a shorter xsocket_n. */
  readonly isOld?: boolean;
  /** Number of sockets that the header promises. @default the number of rows */
  readonly promised?: number;
  /** Cuts the record of each socket, as another layout might. */
  readonly hasShortSockets?: boolean;
  /** Adds a record of an unknown kind to each row. */
  readonly hasUnknownRecords?: boolean;
  /** @default true */
  readonly hasTrailer?: boolean;
}

/** Kinds of records (bsd/sys/socketvar.h, bsd/netinet/in_pcb.h, bsd/netinet/tcp_var.h) with their lengths in macOS 27. */
const RECORD = {
  inpcb: [0x10, 104],
  socket: [1, 104],
  oldSocket: [1, 76],
  receiveBuffer: [2, 32],
  sendBuffer: [4, 32],
  stats: [8, 136],
  tcpcb: [0x20, 204],
  unknown: [0x40, 44],
} as const;

/** A socket without a port would be left out. */
const DEFAULT_LOCAL = ['192.0.2.1', 1000] as const;

/** Returns a table as the kernel writes it (bsd/netinet/in_pcblist.c, get_pcblist_n). */
export function pcbTable(rows: readonly PcbRow[], shape: TableShape = {}): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(24, 0);
  header.writeUInt32LE(shape.promised ?? rows.length, 4);
  const trailer = shape.hasTrailer === false ? [] : [header];
  return Buffer.concat([header, ...rows.flatMap((row) => recordsOf(row, shape)), ...trailer]);
}

/** Returns a table in words, as the decoder reads it. */
export const pcbWords = (rows: readonly PcbRow[], shape?: TableShape): Int32Array =>
  wordsOf(pcbTable(rows, shape));

/** Returns a copy of the bytes as 32-bit words; a rest of less than a word is left out. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const words = new Int32Array(bytes.length >>> 2);
  new Uint8Array(words.buffer).set(bytes.subarray(0, words.length * 4));
  return words;
}

function recordsOf(row: PcbRow, { isOld, hasShortSockets, hasUnknownRecords }: TableShape): Buffer[] {
  const inpcb = record('inpcb');
  inpcb.writeBigUInt64LE(row.pcb ?? 0xabcd_0000n + BigInt(row.generation ?? 0), 8);
  const { local = DEFAULT_LOCAL, remote = ['0.0.0.0', 0] } = row;
  inpcb.writeUInt16BE(remote[1], 16);
  inpcb.writeUInt16BE(local[1], 18);
  inpcb.writeBigUInt64LE(BigInt(row.generation ?? 0), 28);
  inpcb[44] = row.vflag ?? (local[0].includes(':') ? 2 : 1);
  writeAddress(inpcb, 48, remote[0]);
  writeAddress(inpcb, 64, local[0]);
  const socket = record(isOld ? 'oldSocket' : 'socket');
  socket.writeBigUInt64LE(row.handle ?? 0xfeed_0000n + BigInt(row.generation ?? 0), 8);
  socket.writeInt32LE(row.tcp ? 6 : 17, 36);
  socket.writeInt32LE(row.family ?? (local[0].includes(':') ? 30 : 2), 40);
  socket.writeInt16LE(row.queueLength ?? 0, 44);
  socket.writeInt16LE(row.queueLimit ?? 0, 48);
  socket.writeUInt32LE(row.uid ?? 501, 64);
  socket.writeInt32LE(row.lastPid ?? 4242, 68);
  socket.writeInt32LE(row.effectivePid ?? 0, 72);
  const [receiveBuffer, sendBuffer, stats] = [record('receiveBuffer'), record('sendBuffer'), record('stats')];
  receiveBuffer.writeUInt32LE(row.received ?? 0, 8);
  sendBuffer.writeUInt32LE(row.unsent ?? 0, 8);
  stats.writeBigUInt64LE(BigInt(row.rxBytes ?? 0), 16);
  stats.writeBigUInt64LE(BigInt(row.txBytes ?? 0), 32);
  return [
    inpcb,
    ...(hasUnknownRecords ? [record('unknown')] : []),
    hasShortSockets ? shortened(socket, 40) : socket,
    receiveBuffer,
    sendBuffer,
    stats,
    ...(row.tcp ? [tcpRecord(row.tcp)] : []),
  ];
}

function tcpRecord(tcp: TcpRow): Buffer {
  const tcpcb = record('tcpcb');
  tcpcb.writeInt32LE(tcp.state, 36);
  const fields = [
    [48, tcp.sndUna],
    [72, tcp.iss],
    [76, tcp.irs],
    [80, tcp.rcvNxt],
    [100, tcp.cwnd],
    [116, tcp.startTime],
    [132, tcp.maxSegment],
    [136, tcp.srtt],
    [140, tcp.rttvar],
  ] as const;
  for (const [offset, value = 0] of fields) tcpcb.writeUInt32LE(value >>> 0, offset);
  return tcpcb;
}

/** Returns a record with its length and kind, padded to 8 bytes. */
function record(name: keyof typeof RECORD): Buffer {
  const [kind, length] = RECORD[name];
  const bytes = Buffer.alloc(Math.ceil(length / 8) * 8);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(kind, 4);
  return bytes;
}

/** Returns the first bytes of a record, with their number as its length. */
function shortened(record: Buffer, length: number): Buffer {
  const bytes = Buffer.from(record.subarray(0, length));
  bytes.writeUInt32LE(length, 0);
  return bytes;
}

function writeAddress(record: Buffer, at: number, address: string): void {
  const groups = parseIpv6(address);
  if (groups === undefined) record.set(address.split('.').map(Number), at + 12);
  else groups.forEach((group, i) => record.writeUInt16BE(group, at + 2 * i));
}
