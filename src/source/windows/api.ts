import type { StatisticsKind, TableName } from './layout.ts';

/** The calls that end a process. While a handle of a process is open, no other process gets its pid. */
export interface EndingApi extends Pick<
  WindowsApi,
  'isElevated' | 'readProcesses' | 'addressOf' | 'identify'
> {
  /** Returns a handle with the right to end the process; 0 if Windows refuses, or it has ended. */
  openForEnd(pid: number): number;
  closeHandle(handle: number): void;
  /** Returns the FILETIME of the start; undefined if Windows refuses. */
  createdOf(handle: number): number | undefined;
  hasEnded(handle: number): boolean;
  /** True if the whole system stops when this process ends. */
  isCritical(handle: number): boolean;
  /** Ends the process (TerminateProcess). Returns false if Windows refuses. */
  terminate(handle: number): boolean;
}

/** Error codes, winerror.h and ntstatus.h. */
export const ERROR = {
  none: 0,
  fileNotFound: 2,
  accessDenied: 5,
  notSupported: 50,
  insufficientBuffer: 122,
  /** There are no rows. */
  noData: 232,
  moreData: 234,
  /** SetTcpEntry without elevation; ERROR_MR_MID_NOT_FOUND. */
  notElevated: 317,
  notFound: 1168,
  lengthMismatch: 0xc000_0004,
} as const;

/** Facts of a process that netpane may open. */
export interface ProcessDetails {
  /** FILETIME of the start. */
  readonly created: number;
  /** Path of the program. */
  readonly exe?: string | undefined;
  readonly command?: string | undefined;
  /** Name of the account, without its domain. */
  readonly user?: string | undefined;
}

/**
 * The calls of Windows that the source `iphlpapi` makes. `native.ts` makes them through koffi; tests have fakes. No call
 * throws.
 *
 * Calls that fill a buffer read its length from `size`, store the needed or written length there, and return a code of
 * `ERROR`.
 */
export interface WindowsApi {
  /** True if netpane runs elevated: with the rights of an administrator. */
  readonly isElevated: boolean;
  /** GetExtendedTcpTable or GetExtendedUdpTable with the class MODULE. */
  readTable(table: TableName, into: Uint8Array, size: Uint32Array): number;
  /**
   * Makes Windows count for a connection until it ends (SetPerTcpConnectionEStats); needs elevation.
   * @param connection its row, MIB_TCPROW or MIB_TCP6ROW
   */
  startStatistics(connection: Uint8Array, kind: StatisticsKind): number;
  /** Reads the counters of a kind (GetPerTcpConnectionEStats). @param into as long as the structure of the kind */
  readStatistics(connection: Uint8Array, kind: StatisticsKind, into: Uint8Array): number;
  /** Closes a connection over IPv4 (SetTcpEntry). @param connection MIB_TCPROW with the state DELETE_TCB */
  closeConnection(connection: Uint8Array): number;
  /** NtQuerySystemInformation(SystemProcessInformation): every process, also those that netpane may not open. */
  readProcesses(into: Uint8Array, size: Uint32Array): number;
  /** EnumServicesStatusExW: the running services. @param count receives their number */
  readServices(into: Uint8Array, size: Uint32Array, count: Uint32Array): number;
  /** Returns a copy of MIB_IF_TABLE2 (GetIfTable2), at most `MAX_INTERFACES` rows; undefined if Windows refuses. */
  readInterfaces(): Uint8Array | undefined;
  /** Returns the address of a buffer. Structures in it refer to their texts by address. */
  addressOf(bytes: Uint8Array): bigint;
  /** Returns the details of a process; undefined if it has ended or netpane may not open it. */
  identify(pid: number): ProcessDetails | undefined;
  /** Returns the name of the service with this tag in a process (I_QueryTagInformation); undefined if there is none. */
  serviceOfTag(pid: number, tag: number): string | undefined;
}
