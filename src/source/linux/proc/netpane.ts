import { readlinkSync } from 'node:fs';

/**
 * Returns the pid of this netpane in a proc file system. It differs from `process.pid` in a pid namespace without a /proc of
 * its own (`unshare --pid`): system calls there take other pids than /proc shows. If it cannot be read, returns `process.pid`.
 */
export function ownPidIn(root: string): number {
  try {
    return Number(readlinkSync(`${root}/self`)) || process.pid;
  } catch {
    return process.pid;
  }
}

let ownPid: number | undefined;

/**
 * Returns true for this netpane itself. To find namespaces it copies descriptors of other processes for a moment
 * (`Native.networkOfSocket`). If that process closes its descriptor meanwhile, netpane closes the socket with its copy, but is
 * not an owner of the socket.
 * @param pid as /proc has it
 */
export const isNetpane = (pid: number | undefined): boolean => pid === (ownPid ??= ownPidIn('/proc'));
