import type { ProcessTarget } from '../../model/process.ts';
import type { ProcessHandle } from '../types.ts';
import { NativeWindows } from './native.ts';
import { openWindowsProcess } from './process-handle.ts';

/** Opens a process of this machine, see `openProcess` in `source/processes.ts`. */
export async function openProcess(target: ProcessTarget): Promise<ProcessHandle> {
  return openWindowsProcess(target, await NativeWindows.load(), process.pid);
}
