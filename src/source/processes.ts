import type { ProcessTarget } from '../model/process.ts';
import type { ProcessHandle } from './types.ts';

/**
 * Opens a process to send signals to it.
 * @throws Error with a message for the user if it has ended, another process has its pid, or the system cannot open it
 */
export async function openProcess(target: ProcessTarget): Promise<ProcessHandle> {
  switch (process.platform) {
    case 'linux':
      return (await import('./linux/open-process.ts')).openProcess(target);
    case 'darwin':
      return (await import('./macos/open-process.ts')).openProcess(target);
    case 'win32':
      return (await import('./windows/open-process.ts')).openProcess(target);
    default:
      throw new Error(
        'netpane sends signals on Linux, macOS and Windows only: on this system another process may get the pid meanwhile',
      );
  }
}
