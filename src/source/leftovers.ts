import { closeSync, readlinkSync, rmdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { Leftovers } from './types.ts';

/**
 * Closes the descriptors and removes the folder. Any thread of the program may call it, also more than once. Never
 * throws: a folder that cannot be removed stays.
 */
export function removeLeftovers({ path, descriptors }: Leftovers): void {
  for (const descriptor of descriptors) {
    attempt(() => {
      // The number may belong to another file by now.
      if (readlinkSync(`/proc/self/fd/${descriptor}`).includes(`/${basename(path)}/`)) closeSync(descriptor);
    });
  }
  attempt(() => rmdirSync(path));
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // See removeLeftovers.
  }
}
