import type { Usage } from '../store/state.ts';

/**
 * CPU and memory of a process, by pidusage; undefined when it has gone or cannot be looked at. Never rejects. The CPU
 * is that since the last call for the same pid; since the start of the process at the first.
 */
export async function usageOf(pid: number): Promise<Usage | undefined> {
  try {
    const { default: pidusage } = await import('pidusage');
    const { cpu, memory } = await pidusage(pid);
    return { pid, cpuPercent: cpu, memoryBytes: memory };
  } catch {
    return undefined;
  }
}
