import type { Owner } from '../../model/socket.ts';

/** One table of descriptors as far as it is known: that of a process, or of a thread with a table of its own. */
export interface Holder {
  /** Number of the process or of the thread: in a pid namespace both come from the same numbers. */
  readonly key: number;
  readonly pid: number;
  /**
   * Folder below /proc where the descriptors are: `PID`, or `PID/task/TID` for a thread with its own table and for a
   * process whose first thread has ended, of which /proc/PID/fd is empty.
   */
  folder: string;
  /** Inode of the folder `fd`: another number means another process under the same pid. */
  directory: number;
  readonly bornRound: number;
  aliveRound: number;
  listedRound: number;
  /** Round in which it was read last who it is. */
  identifiedRound: number;
  /** See `Identities.signatureOf`: another one means another program, or another name. */
  signature: string | undefined;
  /** Count of its descriptors when they were listed last: the size of /proc/PID/fd since Linux 6.2, 0 before. */
  descriptorCount: number;
  readable: boolean;
  /** A thread of the kernel never opens anything: it is looked at only now and then, for its pid may be reused. */
  isKernelThread: boolean;
  /** It holds one of the sockets that there are. */
  hasSockets: boolean;
  /** Socket inode by descriptor, and a descriptor by socket inode. See `pseudoDescriptor` for negative ones. */
  readonly inodes: Map<number, number>;
  readonly descriptors: Map<number, number>;
  /** Further descriptors of a socket (dup(2)), by its inode. */
  readonly duplicates: Map<number, Set<number>>;
  /** Descriptors of io_uring(7): each may hold files that have no descriptor. */
  readonly rings: Set<number>;
  /** Descriptors of sockets that closed: the kernel gives the lowest free number to what is opened next. */
  freed: number[];
  highest: number;
  /** Its descriptors differ, by their count, from those known. */
  unlisted: boolean;
  /** Descriptors listed and not yet read, the next one last. */
  unread: number[];
  /** They were listed by a search, which goes on with them: a search has less time a round than a reading. */
  isSwept: boolean;
  owner: Owner | undefined;
  /** `[owner]`, the same array for each of its sockets. */
  alone: readonly Owner[];
}

/** A holder of which nothing is known but where its descriptors are. */
export const newHolder = (
  key: number,
  pid: number,
  folder: string,
  directory: number,
  round: number,
): Holder => ({
  key,
  pid,
  folder,
  directory,
  bornRound: round,
  aliveRound: round,
  listedRound: 0,
  identifiedRound: 0,
  signature: undefined,
  descriptorCount: 0,
  readable: true,
  isKernelThread: false,
  hasSockets: false,
  inodes: new Map(),
  descriptors: new Map(),
  duplicates: new Map(),
  rings: new Set(),
  freed: [],
  highest: 0,
  unlisted: true,
  unread: [],
  isSwept: false,
  owner: undefined,
  alone: [],
});

/** Stands in the place of a descriptor for a socket that a process holds without one: in io_uring, or mapped. */
export const pseudoDescriptor = (inode: number): number => -inode;
