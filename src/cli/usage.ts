import type { Usage } from '../store/state.ts';

let lastPid: number | undefined;
/** The last call. Calls run one after the other: until its first answer, pidusage starts `getconf` twice in each call. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Resolves to CPU and memory of a process, by pidusage; undefined if the process is gone or unreadable. Never rejects.
 * CPU is the usage since the last call, and absent unless that call was for the same pid: the first value of pidusage
 * covers no time.
 */
export function usageOf(pid: number): Promise<Usage | undefined> {
  const usage = last.then(() => readUsage(pid));
  last = usage;
  return usage;
}

async function readUsage(pid: number): Promise<Usage | undefined> {
  const again = pid === lastPid;
  lastPid = pid;
  try {
    const { default: pidusage } = await import('pidusage');
    const { cpu, memory } = await pidusage(pid);
    return { pid, memoryBytes: memory, ...(again && { cpuPercent: cpu }) };
  } catch {
    return undefined;
  }
}
