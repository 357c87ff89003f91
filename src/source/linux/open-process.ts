import type { ProcessTarget } from '../../model/process.ts';
import type { ProcessHandle } from '../types.ts';
import { openLinuxProcess } from './act/processes.ts';
import { Native } from './netlink/native.ts';
import { ownPidIn } from './proc/netpane.ts';
import { Proc } from './proc/proc.ts';

/** Opens a process of this machine, see `openProcess` in `source/processes.ts`. */
export async function openProcess(target: ProcessTarget): Promise<ProcessHandle> {
  return openLinuxProcess(target, {
    native: await Native.load(),
    proc: new Proc('/proc'),
    passwdPath: '../etc/passwd',
    ownPid: ownPidIn('/proc'),
  });
}
