import { type Koffi, loadKoffi } from '../koffi.ts';
import { ERROR, type WindowsApi } from './api.ts';
import { INTERFACE, MAX_INTERFACES } from './interfaces.ts';
import { CONNECTIONS, STATISTICS, type StatisticsKind, type TableName } from './layout.ts';
import { type Call, loaderOf, optional } from './native-library.ts';
import { NativeProcesses } from './native-processes.ts';

/** Address families and classes of GetExtendedTcpTable and GetExtendedUdpTable, ws2def.h and iprtrmib.h. */
const AF_INET = 2;
const AF_INET6 = 23;
const TCP_TABLE_OWNER_MODULE_ALL = 8;
const UDP_TABLE_OWNER_MODULE = 2;

const SC_MANAGER_ENUMERATE_SERVICE = 4;
const SC_ENUM_PROCESS_INFO = 0;
const SERVICE_WIN32 = 0x30;
const SERVICE_ACTIVE = 1;
/** I_QueryTagInformation, information class. */
const SERVICE_NAME_FROM_TAG = 1;

/** The calls of Windows, through koffi. */
export class NativeWindows extends NativeProcesses implements WindowsApi {
  readonly #koffi: Koffi;
  readonly #tcpTable: Call;
  readonly #udpTable: Call;
  /** For IPv4 and IPv6. Wine has only the first. */
  readonly #startStatistics: readonly (Call | undefined)[];
  readonly #readStatistics: readonly (Call | undefined)[];
  readonly #setEntry: Call | undefined;
  readonly #openServices: Call;
  readonly #enumerateServices: Call;
  readonly #closeServices: Call;
  readonly #queryTag: Call | undefined;
  readonly #interfaces: Call;
  readonly #freeTable: Call;
  readonly #move: Call;

  private constructor(koffi: Koffi) {
    super(koffi);
    this.#koffi = koffi;
    const iphlpapi = loaderOf(koffi, 'iphlpapi');
    const advapi32 = loaderOf(koffi, 'advapi32');
    const table = '(void *, void *, int, uint32, int, uint32)';
    this.#tcpTable = iphlpapi(`uint32 GetExtendedTcpTable${table}`);
    this.#udpTable = iphlpapi(`uint32 GetExtendedUdpTable${table}`);
    const forEach = (prototype: (version: string) => string) =>
      ['', '6'].map((version) => optional(() => iphlpapi(prototype(version))));
    this.#startStatistics = forEach(
      (version) => `uint32 SetPerTcp${version}ConnectionEStats(void *, int, void *, uint32, uint32, uint32)`,
    );
    this.#readStatistics = forEach(
      (version) =>
        `uint32 GetPerTcp${version}ConnectionEStats(void *, int, void *, uint32, uint32, void *, uint32, uint32, void *, uint32, uint32)`,
    );
    this.#setEntry = optional(() => iphlpapi('uint32 SetTcpEntry(void *)'));
    this.#interfaces = iphlpapi('uint32 GetIfTable2(void *)');
    this.#freeTable = iphlpapi('void FreeMibTable(intptr)');
    this.#move = loaderOf(koffi, 'ntdll')('void RtlMoveMemory(void *, intptr, size_t)');
    this.#openServices = advapi32('intptr OpenSCManagerW(void *, void *, uint32)');
    this.#closeServices = advapi32('int CloseServiceHandle(intptr)');
    this.#enumerateServices = advapi32(
      'int EnumServicesStatusExW(intptr, int, uint32, uint32, void *, uint32, void *, void *, void *, void *)',
    );
    this.#queryTag = optional(() =>
      loaderOf(koffi, 'sechost')('uint32 I_QueryTagInformation(void *, int, void *)'),
    );
  }

  /** Loads the libraries. Rejects with `SourceUnavailable` if koffi is missing, or one of them lacks a function. */
  static async load(): Promise<NativeWindows> {
    return loadKoffi((koffi) => new NativeWindows(koffi));
  }

  readTable(table: TableName, into: Uint8Array, size: Uint32Array): number {
    const family = table.endsWith('6') ? AF_INET6 : AF_INET;
    return table.startsWith('tcp')
      ? this.#tcpTable(into, size, 0, family, TCP_TABLE_OWNER_MODULE_ALL, 0)
      : this.#udpTable(into, size, 0, family, UDP_TABLE_OWNER_MODULE, 0);
  }

  startStatistics(connection: Uint8Array, kind: StatisticsKind): number {
    const call = this.#startStatistics[isIpv6(connection) ? 1 : 0];
    if (call === undefined) return ERROR.notSupported;
    // struct TCP_ESTATS_…_RW_v0: one byte, EnableCollection.
    return call(connection, STATISTICS[kind].type, Uint8Array.of(1), 0, 1, 0);
  }

  readStatistics(connection: Uint8Array, kind: StatisticsKind, into: Uint8Array): number {
    const call = this.#readStatistics[isIpv6(connection) ? 1 : 0];
    if (call === undefined) return ERROR.notSupported;
    return call(connection, STATISTICS[kind].type, null, 0, 0, null, 0, 0, into, 0, into.length);
  }

  closeConnection(connection: Uint8Array): number {
    return this.#setEntry?.(connection) ?? ERROR.notSupported;
  }

  readServices(into: Uint8Array, size: Uint32Array, count: Uint32Array): number {
    const manager = this.#openServices(null, null, SC_MANAGER_ENUMERATE_SERVICE);
    if (manager === 0) return ERROR.accessDenied;
    try {
      const needed = new Uint32Array(1);
      const resume = new Uint32Array(1);
      const isDone =
        this.#enumerateServices(
          manager,
          SC_ENUM_PROCESS_INFO,
          SERVICE_WIN32,
          SERVICE_ACTIVE,
          into,
          into.length,
          needed,
          count,
          resume,
          null,
        ) !== 0;
      if (isDone) return ERROR.none;
      // Windows returns how many bytes are missing, not how many it needs.
      const missing = needed[0] ?? 0;
      size[0] = into.length + missing;
      return missing > 0 ? ERROR.moreData : ERROR.accessDenied;
    } finally {
      this.#closeServices(manager);
    }
  }

  readInterfaces(): Uint8Array | undefined {
    const pointer = new BigInt64Array(1);
    if (this.#interfaces(pointer) !== 0) return undefined;
    const [address] = pointer;
    try {
      const count = new Uint32Array(1);
      this.#move(count, address, count.byteLength);
      const rows = Math.min(count[0] ?? 0, MAX_INTERFACES);
      const table = new Uint8Array(INTERFACE.firstRow + rows * INTERFACE.size);
      this.#move(table, address, table.length);
      return table;
    } finally {
      this.#freeTable(address);
    }
  }

  serviceOfTag(pid: number, tag: number): string | undefined {
    if (this.#queryTag === undefined) return undefined;
    // SC_SERVICE_TAG_QUERY: pid, tag, kind of service, address of the name.
    const query = new ArrayBuffer(24);
    const view = new DataView(query);
    view.setUint32(0, pid, true);
    view.setUint32(4, tag, true);
    if (this.#queryTag(null, SERVICE_NAME_FROM_TAG, new Uint8Array(query)) !== 0) return undefined;
    const address = view.getBigUint64(16, true);
    // Windows frees the name when the process ends; it is short, and asked for once per service.
    return address === 0n ? undefined : this.#koffi.decode.string16(address);
  }
}

const isIpv6 = (connection: Uint8Array): boolean => connection.length === CONNECTIONS.ipv6.size;
