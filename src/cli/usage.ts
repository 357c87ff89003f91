import type { Usage } from '../store/state.ts';

let lastPid: number | undefined;

/**
 * CPU and memory of a process, by pidusage; undefined when it has gone or cannot be looked at. Never rejects. The CPU
 * is that since the last call, if that was for the same pid: what pidusage says at first is over no time at all.
 */
export async function usageOf(pid: number): Promise<Usage | undefined> {
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
