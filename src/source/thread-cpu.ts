import { readFileSync } from 'node:fs';

/** `process` of a newer Node: `threadCpuUsage` exists since 22.19. */
interface NewProcess {
  readonly threadCpuUsage?: () => { readonly user: number; readonly system: number };
}

/** CPU time of the calling thread, nanoseconds, is the first number: kernel/sched/stats.c, `proc_pid_schedstat`. */
const SCHEDSTAT = '/proc/thread-self/schedstat';

const readSchedstat = (path: string): number => parseInt(readFileSync(path, 'latin1'), 10) / 1e6;

/**
 * Returns a function that returns the CPU time of the calling thread, milliseconds: other programs do not lengthen it.
 * On Linux it may be late by a clock tick of the kernel. Undefined where no such time is known.
 */
export function threadCpuClock(
  { threadCpuUsage }: NewProcess = process as NewProcess,
  path = SCHEDSTAT,
): (() => number) | undefined {
  if (threadCpuUsage)
    return () => {
      const { user, system } = threadCpuUsage();
      return (user + system) / 1000;
    };
  try {
    return Number.isNaN(readSchedstat(path)) ? undefined : () => readSchedstat(path);
  } catch {
    return undefined;
  }
}
