import type { ProcessTarget } from '../../model/process.ts';
import type { ProcessHandle } from '../types.ts';
import { openMacProcess } from './act/processes.ts';
import { LibSystem } from './native/lib-system.ts';
import { MacProcesses } from './native/processes.ts';
import { ProcessCache } from './owners/process-cache.ts';

/** Opens a process of this machine, see `openProcess` in `source/processes.ts`. */
export async function openProcess(target: ProcessTarget): Promise<ProcessHandle> {
  const calls = await LibSystem.load();
  const processes = new MacProcesses(calls);
  const ownUid = process.geteuid?.() ?? 0;
  const cache = new ProcessCache({
    processes,
    userName: (uid) => calls.userName(uid),
    ownUid,
    isRoot: ownUid === 0,
  });
  return openMacProcess(target, {
    processes,
    cache,
    ownPid: process.pid,
    kill: (pid, signal) => process.kill(pid, signal),
  });
}
