import type { Owner } from '../../../model/socket.ts';
import { LastRun } from '../proc/last-run.ts';

/** A descriptor table as read so far: of a process, or of a thread with a table of its own. */
export interface Holder {
  /** Pid of the process or tid of the thread; both share one number space. */
  readonly key: number;
  readonly pid: number;
  /**
   * Folder below /proc with its descriptors: `PID`, or `PID/task/TID` for a thread with its own table and for a process
   * whose first thread has ended, since /proc/PID/fd is empty then.
   */
  folder: string;
  /** Inode of the folder `fd`; a different one means that the pid was reused. */
  directory: number;
  /** Number of the poll that found it. */
  readonly firstPoll: number;
  /** Last poll in which it existed. */
  seenPoll: number;
  /** Last poll that listed its descriptors; 0 if none did. */
  listedPoll: number;
  /** Last poll that read its program; 0 if none did. */
  identifiedPoll: number;
  /** See `Identities.signatureOf`; a different one means another program or name. */
  signature: string | undefined;
  /**
   * Whether the process has run since its descriptors were last counted, since known ones were last read again, and since its
   * name was last read.
   */
  readonly runs: { readonly counted: LastRun; readonly reread: LastRun; readonly named: LastRun };
  /** Number of descriptors at the last check: the size of /proc/PID/fd since Linux 6.2, 0 before. */
  descriptorCount: number;
  /** False if its descriptors may not be read. */
  readable: boolean;
  /** True for a kernel thread, which opens no files: it is checked rarely, only because its pid may be reused. */
  isKernelThread: boolean;
  /** True if it holds a socket of the last poll. */
  hasSockets: boolean;
  /** Socket inode by descriptor; see `pseudoDescriptor` for negative ones. */
  readonly inodes: Map<number, number>;
  /** One descriptor of each socket, by the inode of the socket. */
  readonly descriptors: Map<number, number>;
  /** Further descriptors of a socket (dup(2)), by its inode. */
  readonly duplicates: Map<number, Set<number>>;
  /** Descriptors of io_uring(7), which may hold files without a descriptor. */
  readonly rings: Set<number>;
  /** Descriptors of closed sockets: the kernel allocates the lowest free number next. */
  freed: number[];
  /** Highest known descriptor. */
  highest: number;
  /** True if the number of descriptors differs from that of the known ones: they must be listed again. */
  isListOutdated: boolean;
  /** Listed descriptors that are not yet read; the next one is the last element. */
  unread: number[];
  /** True if a search has listed `unread`: only the search reads it, in the time that a search has per poll. */
  isInSearch: boolean;
  owner: Owner | undefined;
  /** `[owner]`, the same array for each of its sockets. */
  ownerList: readonly Owner[];
}

/** Returns a holder whose descriptors are not yet read. */
export const newHolder = (
  key: number,
  pid: number,
  folder: string,
  directory: number,
  poll: number,
): Holder => ({
  key,
  pid,
  folder,
  directory,
  firstPoll: poll,
  seenPoll: poll,
  listedPoll: 0,
  identifiedPoll: 0,
  signature: undefined,
  runs: { counted: new LastRun(), reread: new LastRun(), named: new LastRun() },
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
  isListOutdated: true,
  unread: [],
  isInSearch: false,
  owner: undefined,
  ownerList: [],
});

/** Returns the negative number used as the descriptor of a socket held without one: in io_uring, or mapped. */
export const pseudoDescriptor = (inode: number): number => -inode;
