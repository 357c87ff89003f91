import type { KeptRights } from './types.ts';

/**
 * Takes away from the calling thread the rights that no source needs once it is open: to run programs, to connect, to change
 * files.
 * Call it inside the gate of the thread (`native-gate.ts`). Other threads keep their rights, also those of libuv's pool.
 * @param kept undefined for a thread that only reads from descriptors that it has: it may not even open a file
 * @returns true, or the reason why that is not possible here, as a clause
 */
export async function confineThread(kept: KeptRights | undefined): Promise<true | string> {
  if (process.platform !== 'linux') return 'this is not Linux';
  const { confineLinuxThread } = await import('./linux/confine-thread.ts');
  return confineLinuxThread(kept);
}
