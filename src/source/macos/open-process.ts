import type { ProcessTarget } from '../../model/process.ts';
import type { ProcessHandle } from '../types.ts';
import { openMacProcess } from './act/processes.ts';
import { LibSystem } from './native/lib-system.ts';
import { processesWithCache } from './owners/process-cache.ts';

/** Opens a process of this machine, see `openProcess` in `source/processes.ts`. */
export async function openProcess(target: ProcessTarget): Promise<ProcessHandle> {
  return openMacProcess(target, {
    ...processesWithCache(await LibSystem.load()),
    ownPid: process.pid,
    kill: (pid, signal) => process.kill(pid, signal),
  });
}
