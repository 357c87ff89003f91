import type { ProcessTarget } from '../model/process.ts';
import type { ProcessHandle } from './types.ts';

/**
 * Opens a process to send signals to it.
 * @throws Error with a message for the user if it has ended, is another one than before, or cannot be held on to here
 */
export async function openProcess(target: ProcessTarget): Promise<ProcessHandle> {
  if (process.platform !== 'linux')
    throw new Error('netpane can send signals on Linux only: here a pid may mean another process by then');
  return (await import('./linux/open-process.ts')).openProcess(target);
}
