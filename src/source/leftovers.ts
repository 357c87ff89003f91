import { closeSync, readlinkSync, rmdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { FolderLeftovers, Leftovers } from './types.ts';
import { stopLeftSession } from './windows/etw/stop.ts';

/**
 * Removes the kernel objects that a source leaves in the system. Any thread of the program may call it, also more than once.
 * Never throws: an object that cannot be removed stays.
 */
export function removeLeftovers(left: Leftovers): void {
  if ('session' in left) attempt(() => stopLeftSession(left));
  else removeFolder(left);
}

/** Closes the descriptors and removes the folder. */
function removeFolder({ path, descriptors }: FolderLeftovers): void {
  for (const descriptor of descriptors) {
    attempt(() => {
      // The number may refer to another file by now.
      if (readlinkSync(`/proc/self/fd/${descriptor}`).includes(`/${basename(path)}/`)) closeSync(descriptor);
    });
  }
  attempt(() => rmdirSync(path));
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // The object cannot be removed, so it stays.
  }
}
