/*
 * Layouts of 64-bit Windows (x64 and arm64), in bytes. `test/source/windows/layout.test.ts` compares them with the
 * headers of mingw-w64.
 */

/** Tables of GetExtendedTcpTable and GetExtendedUdpTable (class MODULE). */
export const TABLE_NAMES = ['tcp4', 'tcp6', 'udp4', 'udp6'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Offset of the first row; before it is the number of rows. */
export const FIRST_ROW = 8;

/** Where the fields of a row begin. Addresses and ports are big-endian, everything else is little-endian. */
export interface RowLayout {
  readonly protocol: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
  readonly size: number;
  readonly localAddress: number;
  readonly localPort: number;
  /** Absent for UDP, which has no remote endpoint and no state in these tables. */
  readonly connection?: {
    readonly remoteAddress: number;
    readonly remotePort: number;
    readonly state: number;
  };
  /** Scope ids, of IPv6 only. */
  readonly scopes?: { readonly local: number; readonly remote: number | undefined };
  readonly pid: number;
  /** FILETIME. */
  readonly created: number;
  /** First of 16 numbers that identify the module of the owner: the tag of a service. */
  readonly tag: number;
}

/** MIB_TCPROW_OWNER_MODULE, MIB_TCP6ROW_OWNER_MODULE, MIB_UDPROW_OWNER_MODULE, MIB_UDP6ROW_OWNER_MODULE. */
export const ROWS = {
  tcp4: {
    protocol: 'tcp',
    family: 'ipv4',
    size: 160,
    localAddress: 4,
    localPort: 8,
    connection: { remoteAddress: 12, remotePort: 16, state: 0 },
    pid: 20,
    created: 24,
    tag: 32,
  },
  tcp6: {
    protocol: 'tcp',
    family: 'ipv6',
    size: 192,
    localAddress: 0,
    localPort: 20,
    connection: { remoteAddress: 24, remotePort: 44, state: 48 },
    scopes: { local: 16, remote: 40 },
    pid: 52,
    created: 56,
    tag: 64,
  },
  udp4: {
    protocol: 'udp',
    family: 'ipv4',
    size: 160,
    localAddress: 0,
    localPort: 4,
    pid: 8,
    created: 16,
    tag: 32,
  },
  udp6: {
    protocol: 'udp',
    family: 'ipv6',
    size: 176,
    localAddress: 0,
    localPort: 20,
    scopes: { local: 16, remote: undefined },
    pid: 24,
    created: 32,
    tag: 48,
  },
} as const satisfies Record<TableName, RowLayout>;

/** Where the fields of the row that identifies one TCP connection begin. */
interface ConnectionLayout {
  readonly size: number;
  readonly state: number;
  readonly localAddress: number;
  readonly localPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  readonly scopes?: { readonly local: number; readonly remote: number };
}

/** MIB_TCPROW and MIB_TCP6ROW. */
export const CONNECTIONS = {
  ipv4: { size: 20, state: 0, localAddress: 4, localPort: 8, remoteAddress: 12, remotePort: 16 },
  ipv6: {
    size: 52,
    state: 0,
    localAddress: 4,
    localPort: 24,
    remoteAddress: 28,
    remotePort: 48,
    scopes: { local: 20, remote: 44 },
  },
} as const satisfies Record<'ipv4' | 'ipv6', ConnectionLayout>;

/** The state that SetTcpEntry sets to close a connection (MIB_TCP_STATE_DELETE_TCB). */
export const DELETE_TCB = 12;

/** TCP_ESTATS_TYPE, and size and fields of each kind of statistics (TCP_ESTATS_DATA_ROD_v0 and so on). */
export const STATISTICS = {
  data: { type: 1, size: 96, segmentsOut: 32, segmentsIn: 40, bytesAcked: 72, bytesReceived: 88 },
  path: { type: 3, size: 160, retransmits: 20, rttMs: 108, rttVarMs: 112, segmentBytes: 144 },
  congestion: { type: 2, size: 88, window: 60 },
  sendBuffer: { type: 4, size: 32, unacknowledged: 0, unsent: 16 },
  receiveBuffer: { type: 5, size: 72, unread: 48 },
} as const;
export type StatisticsKind = keyof typeof STATISTICS;

/** SYSTEM_PROCESS_INFORMATION: a list in which each process has the distance to the next one; 0 in the last. */
export const PROCESS = {
  next: 0,
  created: 32,
  nameBytes: 56,
  nameAddress: 64,
  pid: 80,
  parent: 88,
  /** Bytes up to the end of the last field that is read. */
  size: 96,
} as const;

/** ENUM_SERVICE_STATUS_PROCESSW. */
export const SERVICE = { name: 0, pid: 44, size: 56 } as const;

/** UNICODE_STRING. */
export const UNICODE_STRING = { bytes: 0, address: 8, size: 16 } as const;

/** A FILETIME counts 100 ns since 1601; this many are before 1970. */
const FILETIME_OF_1970 = 116_444_736_000_000_000;

/** Returns a FILETIME as milliseconds since 1970; undefined if it is earlier, such as 0 for an unknown time. */
export const millisecondsOf = (fileTime: number): number | undefined =>
  fileTime < FILETIME_OF_1970 ? undefined : Math.round((fileTime - FILETIME_OF_1970) / 10_000);

/** Returns the FILETIME of two 32-bit halves; exact to 1.6 µs. */
export const fileTimeOf = (low: number, high: number): number => high * 2 ** 32 + low;
