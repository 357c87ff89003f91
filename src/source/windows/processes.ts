import type { Owner } from '../../model/socket.ts';
import { ERROR, type WindowsApi } from './api.ts';
import { CallFailed, GrowingBuffer } from './growing-buffer.ts';
import { millisecondsOf } from './layout.ts';
import { type OnProcess, readProcessList, readServiceList } from './structures.ts';

/** Initial size of the process list, bytes. */
export const LIST_BYTES = 512 * 1024;
const SERVICES_BYTES = 64 * 1024;

/** The program that hosts services. Its sockets are shown with the name of their service. */
const SERVICE_HOST = 'svchost.exe';

/** A process: the fields of `Owner` that do not depend on a socket. */
export type Program = Omit<Owner, 'knowledge'>;

interface Entry {
  /** FILETIME of the start; with the pid it identifies the process. */
  readonly created: number;
  readonly program: Program;
  /** True if Windows let netpane open the process. */
  readonly isOpen: boolean;
  /** Names of the services in it. */
  readonly services: readonly string[];
  /** The program with the name of a service, by the tag of the service. */
  readonly byTag: Map<number, Program>;
  /** Number of the last process list that has it. */
  list: number;
}

/** Known facts of the process with a pid. */
export type Identity =
  | { readonly type: 'known'; readonly program: Program; readonly created: number }
  /** The process is not in the process list. */
  | { readonly type: 'ended' }
  /** The process is not read yet: the time was over, or the process list could not be read. */
  | { readonly type: 'pending' };

const ENDED: Identity = { type: 'ended' };
const PENDING: Identity = { type: 'pending' };

/**
 * Keeps the processes that have sockets. Each poll reads the list of all processes, with their names and start times, also of
 * those that netpane may not open. A pid that was given to another process has another start time. Everything else is read
 * once per process.
 */
export class Processes {
  readonly #api: WindowsApi;
  readonly #nowMs: () => number;
  readonly #list = new GrowingBuffer(LIST_BYTES);
  readonly #entries = new Map<number, Entry>();
  #pending: ReadonlySet<number> = new Set();
  #lists = 0;
  /** Why the list could not be read in the last poll, a clause; undefined if it could. */
  failure: string | undefined;
  /** Why the services could not be listed the last time, a clause; undefined if they could. */
  servicesFailure: string | undefined;

  constructor(api: WindowsApi, nowMs: () => number) {
    this.#api = api;
    this.#nowMs = nowMs;
  }

  /**
   * Reads the processes with these pids.
   * @param budgetMs time for those that are new, milliseconds; at least one is read, the others are pending
   * @returns the pids whose identity changed
   */
  refresh(pids: ReadonlySet<number>, budgetMs: number): ReadonlySet<number> {
    const changed = new Set<number>();
    const found: { pid: number; created: number; name: string | undefined }[] = [];
    this.#lists++;
    this.failure = undefined;
    try {
      this.#readList((pid, created, name) => {
        if (!pids.has(pid)) return;
        const entry = this.#entries.get(pid);
        if (entry?.created === created) entry.list = this.#lists;
        else found.push({ pid, created, name: name() });
      });
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      // Known processes stay as they are. The others are read from a later list.
      this.failure = error.message;
      this.#setPending(new Set([...pids].filter((pid) => !this.#entries.has(pid))), changed);
      return changed;
    }
    for (const [pid, { list }] of this.#entries) {
      if (list === this.#lists) continue;
      this.#entries.delete(pid);
      changed.add(pid);
    }
    this.#identify(found, budgetMs, changed);
    return changed;
  }

  /** Reads the details of new processes, within the time. */
  #identify(
    found: readonly { pid: number; created: number; name: string | undefined }[],
    budgetMs: number,
    changed: Set<number>,
  ): void {
    const pending = new Set<number>();
    const endMs = this.#nowMs() + budgetMs;
    let services: ReadonlyMap<number, readonly string[]> | undefined;
    for (const [i, { pid, created, name }] of found.entries()) {
      if (i > 0 && this.#nowMs() > endMs) {
        pending.add(pid);
        continue;
      }
      services ??= this.#readServices();
      this.#entries.set(pid, this.#entryOf(pid, created, name, services.get(pid) ?? []));
      changed.add(pid);
    }
    this.#setPending(pending, changed);
  }

  /** Replaces the pending pids. @param changed gets those that were not pending before, and those that no longer are */
  #setPending(pending: ReadonlySet<number>, changed: Set<number>): void {
    for (const pid of pending) if (!this.#pending.has(pid)) changed.add(pid);
    for (const pid of this.#pending) if (!pending.has(pid)) changed.add(pid);
    this.#pending = pending;
  }

  #entryOf(pid: number, created: number, listed: string | undefined, services: readonly string[]): Entry {
    const opened = this.#api.identify(pid);
    // Between the list and the opening the pid may have been given to another process.
    const details = opened?.created === created ? opened : undefined;
    const process = listed ?? baseName(details?.exe);
    const startedAtMs = millisecondsOf(created);
    const program: Program = {
      pid,
      ...(process !== undefined && { process }),
      ...(details?.command !== undefined && { command: details.command }),
      ...(details?.exe !== undefined && { exe: details.exe }),
      ...(details?.user !== undefined && { user: details.user }),
      ...(startedAtMs !== undefined && { startedAtMs }),
    };
    const isOpen = details !== undefined;
    return { created, program, isOpen, services, byTag: new Map(), list: this.#lists };
  }

  /** Returns the process with a pid that `refresh` was called with. @param tag of the service that made its socket */
  identityOf(pid: number, tag: number): Identity {
    const entry = this.#entries.get(pid);
    if (entry === undefined) return this.#pending.has(pid) ? PENDING : ENDED;
    return { type: 'known', program: this.#programOf(entry, tag), created: entry.created };
  }

  /** Number of processes with sockets that Windows did not let netpane open. System (pid 4) does not count. */
  get closedCount(): number {
    let count = 0;
    for (const { isOpen, program } of this.#entries.values())
      if (!isOpen && program.pid !== SYSTEM_PID) count++;
    return count;
  }

  /** Returns the program, with the name of its service if it is `SERVICE_HOST` or has several services. */
  #programOf(entry: Entry, tag: number): Program {
    const { program, services } = entry;
    const isHost = services.length > 1 || program.process?.toLowerCase() === SERVICE_HOST;
    if (services.length === 0 || !isHost) return program;
    const known = entry.byTag.get(tag);
    if (known !== undefined) return known;
    const tagged = tag === 0 ? undefined : this.#api.serviceOfTag(program.pid ?? 0, tag);
    // The services were listed when the process was first seen: another one may have started since.
    const service = tagged ?? (services.length === 1 ? services[0] : undefined);
    const named =
      service === undefined ? program : { ...program, process: `${program.process ?? ''} (${service})` };
    entry.byTag.set(tag, named);
    return named;
  }

  #readList(onProcess: OnProcess): void {
    listProcesses(this.#api, this.#list, onProcess);
  }

  /** Returns the names of the running services by pid; empty if Windows refuses. */
  #readServices(): ReadonlyMap<number, readonly string[]> {
    const api = this.#api;
    const memory = new GrowingBuffer(SERVICES_BYTES);
    const count = new Uint32Array(1);
    try {
      memory.fill(
        'the list of services',
        (into, size) => api.readServices(into, size, count),
        ERROR.moreData,
      );
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      this.servicesFailure = error.message;
      return new Map();
    }
    this.servicesFailure = undefined;
    return readServiceList({ bytes: memory.bytes, address: api.addressOf(memory.bytes) }, count[0] ?? 0);
  }
}

/** The process that holds the sockets of Windows itself. */
export const SYSTEM_PID = 4;

/** Returns the name of the file of a path; undefined if there is none. */
const baseName = (path: string | undefined): string | undefined =>
  path === undefined ? undefined : path.slice(path.lastIndexOf('\\') + 1);

/** Calls back with each process of the machine. @param memory for the list @throws CallFailed */
export function listProcesses(
  api: Pick<WindowsApi, 'readProcesses' | 'addressOf'>,
  memory: GrowingBuffer,
  onProcess: OnProcess,
): void {
  memory.fill('the list of processes', (into, size) => api.readProcesses(into, size), ERROR.lengthMismatch);
  readProcessList({ bytes: memory.bytes, address: api.addressOf(memory.bytes) }, onProcess);
}
