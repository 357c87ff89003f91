import type { Target } from '../proc/descriptor-target.ts';
import type { Proc } from '../proc/proc.ts';

/** Maximum number of references kept of one process; one with more is read in each pass. */
export const MAX_KEPT = 1000;

/** A socket or network namespace that a process or thread refers to: by a descriptor, or as the namespace that a thread is in. */
export interface Reference {
  readonly pid: number;
  /** Folder of the process or thread below /proc. */
  readonly folder: string;
  /** Undefined for the namespace of a thread. */
  readonly descriptor: number | undefined;
  readonly target: Target;
}

/** Findings of a search in a process. */
export interface Found {
  /** Link to its mount namespace; undefined if it cannot be read. */
  readonly mountNamespace: string | undefined;
  readonly references: readonly Reference[];
}

/** Returns the threads of a process that has several, or whose main thread has ended; none if they cannot be listed; else undefined. */
export function threadsOf(
  proc: Pick<Proc, 'threadCount' | 'link' | 'names'>,
  pid: number,
): readonly string[] | undefined {
  if (proc.threadCount(pid) <= 1 && 'value' in proc.link(`${pid}/ns/net`)) return undefined;
  const threads = proc.names(`${pid}/task`);
  return 'value' in threads ? threads.value : [];
}

/** Returns the path of a reference, and a function that returns true while the path leads to the same target. */
export function linkOf(
  proc: Pick<Proc, 'link' | 'pathOf'>,
  { folder, descriptor, target: { kind, inode } }: Reference,
): { readonly path: string; readonly isValid: () => boolean } {
  const path = descriptor === undefined ? `${folder}/ns/net` : `${folder}/fd/${descriptor}`;
  const isValid = (): boolean => {
    const link = proc.link(path);
    return 'value' in link && link.value === `${kind}:[${inode}]`;
  };
  return { path: proc.pathOf(path), isValid };
}
