/** A socket or a network namespace that a descriptor refers to. */
export interface Target {
  readonly kind: 'socket' | 'net';
  readonly inode: number;
}

/** Descriptors of a process or thread as they were when the CPU time of the process was `cpuNs` (`Proc.cpuNsOf`). */
export interface DescriptorsRead {
  readonly cpuNs: number;
  /** Inodes of sockets by descriptor. */
  readonly inodes: readonly number[];
}

/** Descriptors that were read, by folder below /proc. */
export type SocketsRead = ReadonlyMap<string, DescriptorsRead>;

const TARGET = /^(socket|net):\[(\d+)\]$/;

/** Returns the socket or namespace in the link of a descriptor; undefined for anything else. */
export function parseTarget(link: string): Target | undefined {
  const [, kind, inode] = TARGET.exec(link) ?? [];
  return kind === undefined ? undefined : { kind: kind === 'net' ? 'net' : 'socket', inode: Number(inode) };
}

/** Returns the inode of the network namespace in a link (`ns/net`); undefined for anything else. */
export function namespaceInode(link: string): number | undefined {
  const target = parseTarget(link);
  return target?.kind === 'net' ? target.inode : undefined;
}
