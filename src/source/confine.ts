/**
 * Takes rights away from the calling thread that no source needs once it is open: to run programs, to connect, to change files.
 * Call it inside the gate of the thread. Other threads keep their rights, also those of libuv's pool.
 * @param mayChangeFiles true if the source still changes settings of the kernel, which are files
 * @returns true, or the reason why that is not possible here, as a clause
 */
export async function confineThread(mayChangeFiles: boolean): Promise<true | string> {
  if (process.platform !== 'linux') return 'this is not Linux';
  const { confineLinuxThread } = await import('./linux/confine-thread.ts');
  return confineLinuxThread(mayChangeFiles);
}
