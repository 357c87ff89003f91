import type { Koffi } from '../koffi.ts';
import { AccountNames } from './account-names.ts';
import type { EndingApi, ProcessDetails } from './api.ts';
import { fileTimeOf } from './layout.ts';
import { type Call, loaderOf, optional } from './native-library.ts';
import { unicodeString } from './structures.ts';

/** Information classes, winternl.h. */
const SYSTEM_PROCESS_INFORMATION = 5;
const PROCESS_COMMAND_LINE_INFORMATION = 60;

const PROCESS_TERMINATE = 1;
const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
const SYNCHRONIZE = 0x10_0000;
/** WaitForSingleObject, winbase.h: the process has ended. */
const WAIT_OBJECT_0 = 0;
/** Exit code of a process that netpane ends: the same as the task manager uses. */
const EXIT_CODE = 1;
const TOKEN_QUERY = 8;
const TOKEN_USER = 1;
const TOKEN_ELEVATION = 20;
/** The process itself, as GetCurrentProcess returns it. */
const CURRENT_PROCESS = -1;
/** SeDebugPrivilege, which lets an administrator open the processes of other accounts. */
const SE_DEBUG_PRIVILEGE = 20;

/** Size of SID_AND_ATTRIBUTES, which precedes the SID in the answer about a token. */
const SID_START = 16;

/** Maximum length of a path, UTF-16 units. */
const MAX_PATH = 32_768;

const UTF16 = new TextDecoder('utf-16le');

/** The calls of Windows about processes, through koffi. */
export class NativeProcesses implements EndingApi {
  /** See `WindowsApi`. */
  readonly isElevated: boolean;
  readonly #koffi: Koffi;
  readonly #querySystem: Call;
  readonly #queryProcess: Call;
  readonly #openProcess: Call;
  readonly #closeHandle: Call;
  readonly #imageName: Call;
  readonly #times: Call;
  readonly #openToken: Call;
  readonly #tokenInformation: Call;
  readonly #lookupAccount: Call;
  readonly #wait: Call;
  readonly #terminate: Call;
  readonly #isCritical: Call | undefined;
  readonly #accounts = new AccountNames(
    (sid) => this.#accountOf(sid),
    () => performance.now(),
  );
  readonly #text = new Uint8Array(2 * MAX_PATH);

  /** Throws if a library lacks a function. */
  constructor(koffi: Koffi) {
    this.#koffi = koffi;
    const kernel32 = loaderOf(koffi, 'kernel32');
    const advapi32 = loaderOf(koffi, 'advapi32');
    const ntdll = loaderOf(koffi, 'ntdll');
    this.#querySystem = ntdll('uint32 NtQuerySystemInformation(int, void *, uint32, void *)');
    this.#queryProcess = ntdll('uint32 NtQueryInformationProcess(intptr, int, void *, uint32, void *)');
    this.#openProcess = kernel32('intptr OpenProcess(uint32, int, uint32)');
    this.#closeHandle = kernel32('int CloseHandle(intptr)');
    this.#imageName = kernel32('int QueryFullProcessImageNameW(intptr, uint32, void *, void *)');
    this.#times = kernel32('int GetProcessTimes(intptr, void *, void *, void *, void *)');
    this.#wait = kernel32('uint32 WaitForSingleObject(intptr, uint32)');
    this.#terminate = kernel32('int TerminateProcess(intptr, uint32)');
    this.#isCritical = optional(() => kernel32('int IsProcessCritical(intptr, void *)'));
    this.#openToken = advapi32('int OpenProcessToken(intptr, uint32, void *)');
    this.#tokenInformation = advapi32('int GetTokenInformation(intptr, int, void *, uint32, void *)');
    this.#lookupAccount = advapi32(
      'int LookupAccountSidW(void *, void *, void *, void *, void *, void *, void *)',
    );
    this.isElevated =
      this.#withToken(CURRENT_PROCESS, (token) => this.#tokenUint32(token, TOKEN_ELEVATION)) === 1;
    if (!this.isElevated) return;
    const adjust = ntdll('uint32 RtlAdjustPrivilege(uint32, uint8, uint8, void *)');
    adjust(SE_DEBUG_PRIVILEGE, 1, 0, new Uint8Array(1));
  }

  readProcesses(into: Uint8Array, size: Uint32Array): number {
    return this.#querySystem(SYSTEM_PROCESS_INFORMATION, into, into.length, size);
  }

  addressOf(bytes: Uint8Array): bigint {
    return this.#koffi.address(bytes);
  }

  identify(pid: number): ProcessDetails | undefined {
    const handle = this.#openProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
    if (handle === 0) return undefined;
    try {
      const created = this.createdOf(handle);
      if (created === undefined) return undefined;
      return {
        created,
        exe: this.#pathOf(handle),
        command: this.#commandOf(handle),
        user: this.#withToken(handle, (token) => this.#userOf(token)),
      };
    } finally {
      this.#closeHandle(handle);
    }
  }

  createdOf(handle: number): number | undefined {
    const [created = new Uint32Array(2), ...others] = Array.from({ length: 4 }, () => new Uint32Array(2));
    if (this.#times(handle, created, ...others) === 0) return undefined;
    return fileTimeOf(created[0] ?? 0, created[1] ?? 0);
  }

  openForEnd(pid: number): number {
    return this.#openProcess(PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE, 0, pid);
  }

  closeHandle(handle: number): void {
    this.#closeHandle(handle);
  }

  hasEnded(handle: number): boolean {
    return this.#wait(handle, 0) === WAIT_OBJECT_0;
  }

  isCritical(handle: number): boolean {
    const critical = new Int32Array(1);
    return this.#isCritical !== undefined && this.#isCritical(handle, critical) !== 0 && critical[0] !== 0;
  }

  terminate(handle: number): boolean {
    return this.#terminate(handle, EXIT_CODE) !== 0;
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
    return this.#accounts.of(answer.subarray(SID_START));
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
