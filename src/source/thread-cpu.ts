import { openSync, readSync } from 'node:fs';

/** `process` of a newer Node: `threadCpuUsage` exists since 22.19. */
interface NewProcess {
  readonly threadCpuUsage?: () => { readonly user: number; readonly system: number };
}

/** CPU time of the calling thread, nanoseconds, is the first number: kernel/sched/stats.c, `proc_pid_schedstat`. */
const SCHEDSTAT = '/proc/thread-self/schedstat';

/** Maximum length of that number, bytes. */
const MAX_DIGITS = 20;

/**
 * Returns a function that reads the CPU time in a file like `SCHEDSTAT`, milliseconds. The file stays open: to open it costs
 * more than to read it.
 */
function schedstatReader(path: string): () => number {
  const descriptor = openSync(path, 'r');
  const text = Buffer.alloc(MAX_DIGITS);
  return () => parseInt(text.toString('latin1', 0, readSync(descriptor, text, 0, MAX_DIGITS, 0)), 10) / 1e6;
}

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
    const read = schedstatReader(path);
    return Number.isNaN(read()) ? undefined : read;
  } catch {
    return undefined;
  }
}
