import type { Snapshot } from '../model/batch.ts';
import type { CloseResult, SocketToClose } from '../model/close.ts';
import { SOURCE_FAILED } from '../model/error.ts';
import type { Coverage, GapEvent, LearntBy } from '../model/event.ts';
import type { ProcessFacts, Scope, SignalName, SignalResult } from '../model/process.ts';
import type { Progress } from '../model/progress.ts';
import type { Owner, Socket, SocketState } from '../model/socket.ts';
import type { ConsumerData, StartConsumer } from './consumer-thread.ts';
import type { SocketBounds } from './socket-limiter.ts';

export type { ConsumerData };

/** Reads the sockets of one system. One poll at a time: the caller waits for `read` before it calls it again. */
export interface Source {
  /** Name shown on the screen: where the data comes from. */
  readonly name: string;
  /**
   * Returns every current socket; `degradations` list what cannot be seen. Rejects only if nothing can be read at all.
   * A socket that is unchanged since the previous poll is the same object. The map is valid until the poll after the
   * next one.
   */
  read(options?: PollOptions): Promise<Snapshot>;
  /** Reports kernel events between two polls; absent if this source can only poll. */
  readonly events?: EventSource;
  /**
   * Closes sockets of other programs, which get an error at their next use. Absent if this source cannot. Never throws.
   */
  readonly closeSockets?: (sockets: readonly SocketToClose[]) => CloseResult;
  /** Returns the facilities of the kernel that it has used since the last poll; absent if they cannot vary. */
  readonly facilities?: () => Facilities;
  /** Kernel objects that remain if the program ends without `close`. */
  readonly leftovers?: Leftovers | undefined;
  /** True if polls run other programs, whose CPU time is not that of this thread. */
  readonly runsPrograms?: true;
  /** Gives memory that is free, in all threads, back to the system. Absent if the source cannot. */
  releaseMemory?(): void;
  /** Releases all system resources. */
  close?(): void;
}

/** Options of one poll. A source without kernel events needs none of them. */
export interface PollOptions {
  /** Count new remnants (TIME_WAIT) and return none: their connections were only counted too. */
  readonly omitsNewRemnants?: boolean;
}

/** Facilities of the kernel: `true` if a source uses it, else the reason why not, a clause without a full stop. */
export interface Facilities {
  readonly closeMessages: true | string;
  readonly ledger: true | string;
  readonly trace: true | string;
  /** Number of network namespaces whose sockets it reads. */
  readonly namespaces: number;
}

/** Kernel objects that outlive the program unless the screen's thread removes them: see `removeLeftovers`. */
export type Leftovers = FolderLeftovers | SessionLeftovers;

/** A session of Event Tracing for Windows, which outlives the program. */
export interface SessionLeftovers {
  /** Name of the session. */
  readonly session: string;
  /** Memory of the ring that its consumer thread writes to. */
  readonly ring: SharedArrayBuffer;
}

/** A tracefs folder that can be removed once these descriptors of the program are closed. */
export interface FolderLeftovers {
  readonly path: string;
  /** Descriptors of files in the folder. */
  readonly descriptors: readonly number[];
}

/** Reads what the kernel reports between two polls. */
export interface EventSource {
  readonly coverage: Coverage;
  /**
   * Calls back once as soon as a drain may find kernel events; a drain in between does not end the wait. One call at a
   * time. Absent while the source cannot wait: it must be drained at intervals.
   */
  readonly wait?: ((onReady: () => void) => void) | undefined;
  /** True if a later drain has kernel events even if no further message arrives: drain again instead of only waiting. */
  readonly isPending: boolean;
  /** Moves kernel events out of the kernel's buffers before these overflow. Cheap; never throws. */
  collect(): void;
  /**
   * Returns the kernel events since the last call, in order of time; not all if `hasMore` is true afterwards. Never throws.
   * @param isNextPart true to get only the events that the previous call, made just before, has left (`hasMore`)
   */
  drain(isNextPart?: boolean): readonly KernelEvent[];
  /** True if the last drain may have left kernel events for the next one. */
  readonly hasMore?: boolean;
  /** True if the kernel's buffers may overflow within the usual time between two drains. */
  readonly hasSmallBuffer?: boolean;
}

/**
 * A decoded message of an event source. Ids are those of the snapshots; times are milliseconds on the monotonic clock
 * of the sampler.
 */
export type KernelEvent =
  | {
      /** A socket was created. It still exists, or an `ended` event follows. */
      readonly type: 'appeared';
      readonly atMs: number;
      readonly socket: Socket;
      readonly learntBy: LearntBy;
    }
  | {
      /** A socket changed its TCP state. */
      readonly type: 'state';
      readonly atMs: number;
      readonly id: string;
      readonly was: SocketState;
      readonly now: SocketState;
      /** The processes that changed the state; absent when unknown. */
      readonly owners?: readonly Owner[];
      readonly learntBy: LearntBy;
    }
  | {
      /** A socket was destroyed. */
      readonly type: 'ended';
      readonly atMs: number;
      /** Last known version of the socket. */
      readonly socket: Socket;
      /** Lifetime of a socket that was not seen before, milliseconds; absent when unknown. */
      readonly lifetimeMs?: number;
      /** True if `lifetimeMs` is a lower bound. */
      readonly isAtLeast?: boolean;
      /** The remnant that the kernel keeps for a while; its id may differ from that of the socket. */
      readonly remnant?: { readonly id: string; readonly state: SocketState };
      readonly learntBy: LearntBy;
    }
  | GapEvent;

/** Kinds of sockets that are read only on request (`--also`). */
export const EXTRA_KINDS = ['unix', 'sctp', 'mptcp', 'vsock'] as const;
export type ExtraKind = (typeof EXTRA_KINDS)[number];

/**
 * Takes capture sockets: they receive the packets of a network namespace that name hosts. A descriptor belongs to the
 * receiver, which closes it when its namespace has ended.
 */
export interface CaptureReceiver {
  /** True once the receiver itself has ended: all descriptors that it had belong to their opener again. */
  readonly hasEnded: boolean;
  opened(descriptor: number): void;
  /** The namespace of a socket has ended. */
  ended(descriptor: number): void;
}

/** Message from a thread to the receiver of its capture sockets. */
export interface CaptureMessage {
  readonly type: 'opened' | 'ended';
  readonly descriptor: number;
}

/** Reads packets from capture sockets, whose descriptors belong to it from `add` on. */
export interface PacketReader {
  /** Number of packets that were lost because a socket's buffer was full. */
  readonly lost: number;
  add(descriptor: number): void;
  /** Closes a socket. */
  remove(descriptor: number): void;
  /** Calls back once when a packet waits. One call at a time. */
  wait(onReady: () => void): void;
  /** Reads the packets that wait, each from its IP header on. A packet is valid until the function returns. */
  drain(onPacket: (packet: Uint8Array) => void): void;
}

/** Rights that a confined thread keeps. */
export interface KeptRights {
  /** True if the thread changes settings of the kernel, which are files. */
  readonly changesFiles: boolean;
  /** True if the thread opens capture sockets. */
  readonly captures: boolean;
}

/** Options of a source. A source that does not support one of them reports a degradation. */
export interface SourceOptions {
  /** Further kinds of sockets to read. */
  readonly also: readonly ExtraKind[];
  /** Fill in `Socket.tcp`. */
  readonly tcpDetails: boolean;
  /** Stores what is being read, for another thread. */
  readonly progress?: Progress | undefined;
  /**
   * Maximum time that the search for owners may take in one poll, milliseconds. An owner that is not found by then is
   * `pending`; the result comes as a change.
   */
  readonly ownerBudgetMs: number;
  /** Report kernel events between two polls, if possible. */
  readonly events?: boolean;
  /**
   * Size of the kernel's event buffers, KiB per processor (trace) and per network namespace (closed sockets); undefined
   * for the default size.
   */
  readonly eventBufferKiB?: number | undefined;
  /**
   * Leave out the remnants of connections (TIME_WAIT) where the kernel reports each close, except those that a process
   * still holds. A remnant has no events of its own.
   */
  readonly omitsRemnants?: boolean | undefined;
  /** Opens capture sockets for this receiver; undefined for none. */
  readonly captures?: CaptureReceiver | undefined;
  /** Starts the thread that waits for events, where the source needs one; by default the source itself does. */
  readonly startConsumer?: StartConsumer | undefined;
  /** Maximum number of sockets kept; undefined for all. */
  readonly bounds?: SocketBounds | undefined;
}

/**
 * An open process. A signal reaches this process or none, even if another one has got its pid. macOS cannot guarantee this:
 * netpane compares the start of the process just before the signal, and the pid could be reused in between.
 */
export interface ProcessHandle {
  /** Facts of the process when it was opened. */
  readonly facts: ProcessFacts;
  /** True once the process has ended. */
  readonly hasEnded: boolean;
  /** Sends a signal. A scope that the facts do not have reaches no process. Never throws. */
  signal(name: SignalName, scope: Scope): SignalResult;
  /** Releases the process. May be called again; a later signal reaches no process. */
  close(): void;
}

/** Thrown if a source cannot work on this machine. The message is a clause without a full stop. */
export class SourceUnavailable extends Error {}

/** Thrown if the sockets of this machine cannot be read. The message is enough for the user. */
export class SourceFailed extends Error {
  /** Errors that pass between threads lose their class, and keep this. */
  readonly code = SOURCE_FAILED;
}
