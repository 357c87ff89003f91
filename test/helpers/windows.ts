// Answers as Windows gives them: tables and lists in its layouts, and an API that returns them.
import { parseIpv6 } from '../../src/model/address.ts';
import { ERROR, type ProcessDetails, type WindowsApi } from '../../src/source/windows/api.ts';
import {
  FIRST_ROW,
  PROCESS,
  ROWS,
  SERVICE,
  type StatisticsKind,
  type TableName,
} from '../../src/source/windows/layout.ts';
import { endpoint } from './fakes.ts';

/** A row of a table; texts are endpoints. */
export interface FakeRow {
  readonly table?: TableName;
  readonly local: string;
  readonly remote?: string;
  /** Number of the state; 5 (ESTABLISHED) by default. */
  readonly state?: number;
  readonly pid?: number;
  /** Milliseconds since 1970; 0 for an unknown time. */
  readonly createdAtMs?: number;
  readonly tag?: number;
  /** Scope of both addresses, IPv6 only. */
  readonly scope?: number;
}

export interface FakeProcess {
  readonly pid: number;
  readonly name?: string;
  readonly startedAtMs?: number;
  readonly parent?: number;
  /** Absent if Windows refuses to open it. */
  readonly details?: Omit<ProcessDetails, 'created'>;
}

/** Start of the processes and of the sockets in tests, unless they say otherwise. */
export const STARTED_MS = Date.UTC(2026, 0, 2, 12);
export const CREATED_MS = STARTED_MS + 60_000;

const UNIX_EPOCH = 116_444_736_000_000_000n;

/** Returns the FILETIME of milliseconds since 1970; 0 for 0. */
export const fileTime = (ms: number): bigint => (ms === 0 ? 0n : BigInt(ms) * 10_000n + UNIX_EPOCH);

function writeAddress(view: DataView, at: number, text: string): void {
  if (text.includes(':'))
    for (const [i, group] of (parseIpv6(text) ?? []).entries()) view.setUint16(at + 2 * i, group);
  else for (const [i, byte] of text.split('.').entries()) view.setUint8(at + i, Number(byte));
}

/** Returns a table with these rows as Windows would write it. */
export function tableBytes(table: TableName, rows: readonly FakeRow[]): Uint8Array {
  const layout = ROWS[table];
  const bytes = new Uint8Array(FIRST_ROW + rows.length * layout.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, rows.length, true);
  for (const [i, row] of rows.entries()) {
    const at = FIRST_ROW + i * layout.size;
    const { address, port } = endpoint(row.local);
    writeAddress(view, at + layout.localAddress, address);
    view.setUint16(at + layout.localPort, port);
    if ('connection' in layout) {
      const { connection } = layout;
      const remote = row.remote === undefined ? undefined : endpoint(row.remote);
      view.setUint32(at + connection.state, row.state ?? 5, true);
      if (remote) {
        writeAddress(view, at + connection.remoteAddress, remote.address);
        view.setUint16(at + connection.remotePort, remote.port);
      }
    }
    if ('scopes' in layout && row.scope !== undefined) {
      view.setUint32(at + layout.scopes.local, row.scope, true);
      if (layout.scopes.remote !== undefined) view.setUint32(at + layout.scopes.remote, row.scope, true);
    }
    view.setUint32(at + layout.pid, row.pid ?? 0, true);
    view.setBigUint64(at + layout.created, fileTime(row.createdAtMs ?? CREATED_MS), true);
    view.setUint32(at + layout.tag, row.tag ?? 0, true);
  }
  return bytes;
}

/** Address of every buffer of the fake. */
const ADDRESS = 0x10_0000n;

/** Returns the process list as Windows would write it at `ADDRESS`. */
export function processBytes(processes: readonly FakeProcess[]): Uint8Array {
  const parts = processes.map(({ pid, name = '', startedAtMs = STARTED_MS, parent = 0 }) => {
    const text = Buffer.from(name, 'utf16le');
    // The texts follow the structure and its threads.
    const start = PROCESS.size + 168;
    const bytes = new Uint8Array((start + text.length + 9) & ~7);
    bytes.set(text, start);
    const view = new DataView(bytes.buffer);
    view.setUint32(PROCESS.next, bytes.length, true);
    view.setBigUint64(PROCESS.created, fileTime(startedAtMs), true);
    view.setUint16(PROCESS.nameBytes, text.length, true);
    view.setUint32(PROCESS.pid, pid, true);
    view.setUint32(PROCESS.parent, parent, true);
    return { bytes, view, start };
  });
  let at = 0;
  for (const { bytes, view, start } of parts) {
    view.setBigUint64(PROCESS.nameAddress, ADDRESS + BigInt(at + start), true);
    at += bytes.length;
  }
  parts.at(-1)?.view.setUint32(PROCESS.next, 0, true);
  return Buffer.concat(parts.map(({ bytes }) => bytes));
}

/** Returns the list of services as Windows would write it at `ADDRESS`: name and pid of each. */
export function serviceBytes(services: readonly (readonly [name: string, pid: number])[]): Uint8Array {
  const texts = services.map(([name]) => Buffer.from(`${name}\0`, 'utf16le'));
  const bytes = new Uint8Array(
    services.length * SERVICE.size + texts.reduce((sum, { length }) => sum + length, 0),
  );
  const view = new DataView(bytes.buffer);
  let end = services.length * SERVICE.size;
  for (const [i, [, pid]] of services.entries()) {
    const text = texts[i] as Buffer;
    view.setBigUint64(i * SERVICE.size + SERVICE.name, ADDRESS + BigInt(end), true);
    view.setUint32(i * SERVICE.size + SERVICE.pid, pid, true);
    bytes.set(text, end);
    end += text.length;
  }
  return bytes;
}

/** An API whose answers a test sets. */
export class FakeWindows implements WindowsApi {
  isElevated = false;
  rows: readonly FakeRow[] = [];
  processes: readonly FakeProcess[] = [];
  /** Error code that the call for the process list returns instead of an answer. */
  processesError: number | undefined;
  services: readonly (readonly [name: string, pid: number])[] = [];
  /** The answer for the interfaces; undefined if Windows refuses. */
  interfaces: Uint8Array | undefined;
  /** Error code that the call for the services returns instead of an answer. */
  servicesError: number | undefined;
  /** Names of services by pid and tag. */
  tags: Readonly<Record<string, string>> = {};
  /** Replaces the answer for a table. */
  answers: Partial<Record<TableName, Uint8Array>> = {};
  /** Error codes that calls for a table return instead of an answer. */
  tableErrors: Partial<Record<TableName, number>> = {};
  /** Error codes that the next calls for tables return instead of an answer. */
  errors: number[] = [];
  /** Number of rows that are added at each call for a table, before it is answered. */
  growth = 0;
  /** Statistics of every connection: offsets and values, of 32 bits (number) or 64 bits (bigint). */
  statistics: Partial<
    Record<StatisticsKind, readonly (readonly [offset: number, value: number | bigint])[]>
  > = {};
  startErrors: Partial<Record<StatisticsKind, number>> = {};
  closeError: number = ERROR.none;
  /** Kind and connection of each call that started to count. */
  readonly started: string[] = [];
  /** Connections that were closed, as hexadecimal bytes. */
  readonly closed: string[] = [];
  /** Called each time that statistics are read. */
  onRead: () => void = () => {};
  /** Pids that were opened. */
  readonly identified: number[] = [];
  /** Called with each process that is opened. */
  onIdentify: (pid: number) => void = () => {};

  readTable(table: TableName, into: Uint8Array, size: Uint32Array): number {
    const error = this.tableErrors[table] ?? this.errors.shift();
    if (error !== undefined) return error;
    for (let i = 0; i < this.growth; i++)
      this.rows = [...this.rows, { table: 'tcp4', local: `10.0.0.1:${this.rows.length}` }];
    const rows = this.rows.filter((row) => (row.table ?? 'tcp4') === table);
    return answer(this.answers[table] ?? tableBytes(table, rows), into, size, ERROR.insufficientBuffer);
  }

  startStatistics(connection: Uint8Array, kind: StatisticsKind): number {
    this.started.push(`${kind} ${Buffer.from(connection).toString('hex')}`);
    return this.startErrors[kind] ?? ERROR.none;
  }

  readStatistics(_connection: Uint8Array, kind: StatisticsKind, into: Uint8Array): number {
    this.onRead();
    const values = this.statistics[kind];
    if (values === undefined) return ERROR.notFound;
    const view = new DataView(into.buffer, into.byteOffset, into.length);
    for (const [offset, value] of values)
      if (typeof value === 'bigint') view.setBigUint64(offset, value, true);
      else view.setUint32(offset, value, true);
    return ERROR.none;
  }

  closeConnection(connection: Uint8Array): number {
    this.closed.push(Buffer.from(connection).toString('hex'));
    return this.closeError;
  }

  readProcesses(into: Uint8Array, size: Uint32Array): number {
    if (this.processesError !== undefined) return this.processesError;
    return answer(processBytes(this.processes), into, size, ERROR.lengthMismatch);
  }

  readServices(into: Uint8Array, size: Uint32Array, count: Uint32Array): number {
    if (this.servicesError !== undefined) return this.servicesError;
    count[0] = this.services.length;
    return answer(serviceBytes(this.services), into, size, ERROR.moreData);
  }

  readInterfaces(): Uint8Array | undefined {
    return this.interfaces;
  }

  addressOf(): bigint {
    return ADDRESS;
  }

  identify(pid: number): ProcessDetails | undefined {
    this.identified.push(pid);
    this.onIdentify(pid);
    const found = this.processes.find((it) => it.pid === pid);
    if (found?.details === undefined) return undefined;
    return { created: Number(fileTime(found.startedAtMs ?? STARTED_MS)), ...found.details };
  }

  serviceOfTag(pid: number, tag: number): string | undefined {
    return this.tags[`${pid} ${tag}`];
  }
}

/** Copies an answer if the memory is large enough for it. */
function answer(bytes: Uint8Array, into: Uint8Array, size: Uint32Array, tooSmall: number): number {
  size[0] = bytes.length;
  if (bytes.length > into.length) return tooSmall;
  into.set(bytes);
  return ERROR.none;
}
