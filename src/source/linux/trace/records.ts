import type { SocketState } from '../../../model/socket.ts';

/** Fields of every trace record. Texts in records come from programs and are not sanitized. */
interface RecordBase {
  /** Milliseconds of CLOCK_MONOTONIC, with nanoseconds as the fraction: the clock of `process.hrtime()`. */
  readonly atMs: number;
  /** The running thread: its tid in the initial pid namespace. */
  readonly tid: number;
  /** True if that thread caused the event; false if an interrupt during its run did. */
  readonly inProcess: boolean;
}

/** A TCP socket changes its state. The local port of a connecting socket is 0 up to SYN_SENT. */
export interface StateRecord extends RecordBase {
  readonly type: 'state';
  /** The low 48 bits of the socket's address in kernel memory, which is reused once the socket is destroyed. */
  readonly sk: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly localPort: number;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly was: SocketState;
  readonly now: SocketState;
}

/** A TCP socket is destroyed. */
export interface DestroyRecord extends RecordBase {
  readonly type: 'destroy';
  readonly sk: number;
  /** Its cookie, as `cookieId` writes it: `sk:…`. */
  readonly id: string;
}

/** The running thread creates a thread of its process, or a process. */
export interface TaskRecord extends RecordBase {
  readonly type: 'task';
  readonly child: number;
  readonly isThread: boolean;
  /** The child starts in a new network namespace. */
  readonly hasOwnNetwork: boolean;
  readonly comm: string;
}

/** A process executes another program. */
export interface ExecRecord extends RecordBase {
  readonly type: 'exec';
  readonly pid: number;
  /** Tid of the thread that called execve(2), before it took over the pid. */
  readonly oldPid: number;
  readonly filename: string;
}

/** A thread is renamed, also by each exec. The name of the first thread is that of the process. */
export interface RenameRecord extends RecordBase {
  readonly type: 'rename';
  /** Tid of the thread. */
  readonly pid: number;
  readonly was: string;
  readonly now: string;
}

/** A thread ends. */
export interface ExitRecord extends RecordBase {
  readonly type: 'exit';
  /** Tid of the thread. */
  readonly pid: number;
  /**
   * True if it was the last living thread of its process; the first thread, whose tid is the pid, may have ended earlier.
   * Undefined if the kernel does not report it.
   */
  readonly groupDead: boolean | undefined;
}

/** A route lookup for UDP, when a socket sends or connects. Unknown ports and addresses are zero. */
export interface RouteRecord extends RecordBase {
  readonly type: 'route';
  readonly localPort: number;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly remoteAddress: string;
}

export type TraceRecord =
  | StateRecord
  | DestroyRecord
  | TaskRecord
  | ExecRecord
  | RenameRecord
  | ExitRecord
  | RouteRecord;
