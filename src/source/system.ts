import type { SystemFacts } from '../model/system.ts';
import { loadLibC } from './libc.ts';

/** Returns what the system allows netpane to do. Never rejects. */
export async function readSystem(): Promise<SystemFacts> {
  if (process.platform === 'linux') return (await import('./linux/read-system.ts')).readLinuxSystem();
  return { koffi: (await loadLibC()) ? true : 'the package koffi is not used here or cannot be loaded' };
}
