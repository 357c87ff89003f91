import { type Koffi, loadKoffi } from '../koffi.ts';
import { insideGate } from '../native-gate.ts';
import { ERROR, type ProcessDetails, type WindowsApi } from './api.ts';
import { CONNECTIONS, fileTimeOf, STATISTICS, type StatisticsKind, type TableName } from './layout.ts';
import { unicodeString } from './structures.ts';

type Call = (...args: readonly unknown[]) => number;

/** Address families and classes of GetExtendedTcpTable and GetExtendedUdpTable, ws2def.h and iprtrmib.h. */
const AF_INET = 2;
const AF_INET6 = 23;
const TCP_TABLE_OWNER_MODULE_ALL = 8;
const UDP_TABLE_OWNER_MODULE = 2;

/** Information classes, winternl.h. */
const SYSTEM_PROCESS_INFORMATION = 5;
const PROCESS_COMMAND_LINE_INFORMATION = 60;

const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const TOKEN_QUERY = 8;
const TOKEN_USER = 1;
const TOKEN_ELEVATION = 20;
/** The process itself, as GetCurrentProcess returns it. */
const CURRENT_PROCESS = -1;
/** SeDebugPrivilege, which lets an administrator open the processes of other accounts. */
const SE_DEBUG_PRIVILEGE = 20;

const SC_MANAGER_ENUMERATE_SERVICE = 4;
const SC_ENUM_PROCESS_INFO = 0;
const SERVICE_WIN32 = 0x30;
const SERVICE_ACTIVE = 1;
/** I_QueryTagInformation, information class. */
const SERVICE_NAME_FROM_TAG = 1;

/** Size of SID_AND_ATTRIBUTES, which precedes the SID in the answer about a token. */
const SID_START = 16;

/** Maximum length of a path, UTF-16 units. */
const MAX_PATH = 32_768;

const UTF16 = new TextDecoder('utf-16le');

/** The calls of Windows, through koffi. */
export class NativeWindows implements WindowsApi {
  readonly isElevated: boolean;
  readonly #koffi: Koffi;
  readonly #tcpTable: Call;
  readonly #udpTable: Call;
  readonly #startStatistics: readonly Call[];
  readonly #readStatistics: readonly Call[];
  readonly #setEntry: Call;
  readonly #querySystem: Call;
  readonly #queryProcess: Call;
  readonly #openProcess: Call;
  readonly #closeHandle: Call;
  readonly #imageName: Call;
  readonly #times: Call;
  readonly #openToken: Call;
  readonly #tokenInformation: Call;
  readonly #lookupAccount: Call;
  readonly #openServices: Call;
  readonly #enumerateServices: Call;
  readonly #closeServices: Call;
  readonly #queryTag: Call | undefined;
  readonly #lastError: Call;
  /** Names of accounts by SID. A name may come from a server of the domain, so each is asked for once. */
  readonly #accounts = new Map<string, string | undefined>();
  readonly #text = new Uint8Array(2 * MAX_PATH);

  private constructor(koffi: Koffi) {
    this.#koffi = koffi;
    const [iphlpapi, kernel32, advapi32, ntdll] = ['iphlpapi', 'kernel32', 'advapi32', 'ntdll'].map(
      (name) => {
        const library = koffi.load(`${name}.dll`);
        return (prototype: string) => insideGate(() => library.func(prototype) as Call);
      },
    ) as [Loader, Loader, Loader, Loader];
    const table = '(void *, void *, int, uint32, int, uint32)';
    this.#tcpTable = iphlpapi(`uint32 GetExtendedTcpTable${table}`);
    this.#udpTable = iphlpapi(`uint32 GetExtendedUdpTable${table}`);
    const versions = ['', '6'];
    this.#startStatistics = versions.map((version) =>
      iphlpapi(`uint32 SetPerTcp${version}ConnectionEStats(void *, int, void *, uint32, uint32, uint32)`),
    );
    this.#readStatistics = versions.map((version) =>
      iphlpapi(
        `uint32 GetPerTcp${version}ConnectionEStats(void *, int, void *, uint32, uint32, void *, uint32, uint32, void *, uint32, uint32)`,
      ),
    );
    this.#setEntry = iphlpapi('uint32 SetTcpEntry(void *)');
    this.#querySystem = ntdll('uint32 NtQuerySystemInformation(int, void *, uint32, void *)');
    this.#queryProcess = ntdll('uint32 NtQueryInformationProcess(intptr, int, void *, uint32, void *)');
    this.#openProcess = kernel32('intptr OpenProcess(uint32, int, uint32)');
    this.#closeHandle = kernel32('int CloseHandle(intptr)');
    this.#imageName = kernel32('int QueryFullProcessImageNameW(intptr, uint32, void *, void *)');
    this.#times = kernel32('int GetProcessTimes(intptr, void *, void *, void *, void *)');
    this.#lastError = kernel32('uint32 GetLastError()');
    this.#openToken = advapi32('int OpenProcessToken(intptr, uint32, void *)');
    this.#tokenInformation = advapi32('int GetTokenInformation(intptr, int, void *, uint32, void *)');
    this.#lookupAccount = advapi32(
      'int LookupAccountSidW(void *, void *, void *, void *, void *, void *, void *)',
    );
    this.#openServices = advapi32('intptr OpenSCManagerW(void *, void *, uint32)');
    this.#closeServices = advapi32('int CloseServiceHandle(intptr)');
    this.#enumerateServices = advapi32(
      'int EnumServicesStatusExW(intptr, int, uint32, uint32, void *, uint32, void *, void *, void *, void *)',
    );
    this.#queryTag = optional(() =>
      insideGate(
        () => koffi.load('sechost.dll').func('uint32 I_QueryTagInformation(void *, int, void *)') as Call,
      ),
    );
    this.isElevated =
      this.#withToken(CURRENT_PROCESS, (token) => this.#tokenUint32(token, TOKEN_ELEVATION)) === 1;
    if (!this.isElevated) return;
    const adjust = ntdll('uint32 RtlAdjustPrivilege(uint32, uint8, uint8, void *)');
    adjust(SE_DEBUG_PRIVILEGE, 1, 0, new Uint8Array(1));
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
    const call = this.#startStatistics[isIpv6(connection) ? 1 : 0] as Call;
    // struct TCP_ESTATS_…_RW_v0: one byte, EnableCollection.
    return call(connection, STATISTICS[kind].type, Uint8Array.of(1), 0, 1, 0);
  }

  readStatistics(connection: Uint8Array, kind: StatisticsKind, into: Uint8Array): number {
    const call = this.#readStatistics[isIpv6(connection) ? 1 : 0] as Call;
    return call(connection, STATISTICS[kind].type, null, 0, 0, null, 0, 0, into, 0, into.length);
  }

  closeConnection(connection: Uint8Array): number {
    return this.#setEntry(connection);
  }

  readProcesses(into: Uint8Array, size: Uint32Array): number {
    return this.#querySystem(SYSTEM_PROCESS_INFORMATION, into, into.length, size);
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
      const error = this.#lastError();
      // The number of missing bytes, not of all.
      size[0] = into.length + (needed[0] ?? 0);
      return error === ERROR.none ? ERROR.accessDenied : error;
    } finally {
      this.#closeServices(manager);
    }
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#koffi.address(bytes);
  }

  identify(pid: number): ProcessDetails | undefined {
    const handle = this.#openProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
    if (handle === 0) return undefined;
    try {
      const created = new Uint32Array(2);
      const others = [0, 1, 2].map(() => new Uint32Array(2));
      if (this.#times(handle, created, ...others) === 0) return undefined;
      return {
        created: fileTimeOf(created[0] ?? 0, created[1] ?? 0),
        exe: this.#pathOf(handle),
        command: this.#commandOf(handle),
        user: this.#withToken(handle, (token) => this.#userOf(token)),
      };
    } finally {
      this.#closeHandle(handle);
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

  #pathOf(handle: number): string | undefined {
    const length = new Uint32Array([MAX_PATH]);
    if (this.#imageName(handle, 0, this.#text, length) === 0) return undefined;
    return this.#textOf(length[0] ?? 0);
  }

  #commandOf(handle: number): string | undefined {
    const status = this.#queryProcess(
      handle,
      PROCESS_COMMAND_LINE_INFORMATION,
      this.#text,
      this.#text.length,
      new Uint32Array(1),
    );
    if (status !== 0) return undefined;
    return unicodeString({ bytes: this.#text, address: this.addressOf(this.#text) })?.trim();
  }

  /** Calls back with the token of a process, and returns the result; undefined if it cannot be opened. */
  #withToken<T>(process: number, use: (token: number) => T): T | undefined {
    const token = new BigInt64Array(1);
    if (this.#openToken(process, TOKEN_QUERY, token) === 0) return undefined;
    const handle = Number(token[0]);
    try {
      return use(handle);
    } finally {
      this.#closeHandle(handle);
    }
  }

  #tokenUint32(token: number, kind: number): number | undefined {
    const value = new Uint32Array(1);
    return this.#tokenInformation(token, kind, value, 4, new Uint32Array(1)) === 0 ? undefined : value[0];
  }

  #userOf(token: number): string | undefined {
    // SID_AND_ATTRIBUTES, then the SID, which has at most 68 bytes.
    const answer = new Uint8Array(128);
    const length = new Uint32Array(1);
    if (this.#tokenInformation(token, TOKEN_USER, answer, answer.length, length) === 0) return undefined;
    const sid = answer.subarray(SID_START);
    const key = Buffer.from(sid).toString('hex');
    if (!this.#accounts.has(key)) this.#accounts.set(key, this.#accountOf(sid));
    return this.#accounts.get(key);
  }

  /** Returns the name of an account without its domain; undefined if Windows does not know it. */
  #accountOf(sid: Uint8Array): string | undefined {
    const domain = new Uint8Array(1024);
    const nameLength = new Uint32Array([512]);
    const domainLength = new Uint32Array([512]);
    const kind = new Uint32Array(1);
    const found = this.#lookupAccount(null, sid, this.#text, nameLength, domain, domainLength, kind);
    return found === 0 ? undefined : this.#textOf(nameLength[0] ?? 0);
  }

  /** Returns the text that the last call wrote. @param length in UTF-16 units */
  #textOf(length: number): string | undefined {
    return length === 0 ? undefined : UTF16.decode(this.#text.subarray(0, 2 * Math.min(length, MAX_PATH)));
  }
}

const isIpv6 = (connection: Uint8Array): boolean => connection.length === CONNECTIONS.ipv6.size;

type Loader = (prototype: string) => Call;

/** Returns the result; undefined if it throws: an older Windows may lack the function. */
function optional<T>(load: () => T): T | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}
