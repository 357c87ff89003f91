import type { SystemFacts } from '../model/system.ts';
import { loadKoffi } from './koffi.ts';
import { SourceUnavailable } from './types.ts';

/** Returns the rights that the system gives netpane. Rejects only on a mistake in netpane. */
export async function readSystem(): Promise<SystemFacts> {
  if (process.platform === 'linux') return (await import('./linux/read-system.ts')).readLinuxSystem();
  try {
    return { koffi: await loadKoffi((): true => true) };
  } catch (error) {
    if (error instanceof SourceUnavailable) return { koffi: error.message };
    throw error;
  }
}
