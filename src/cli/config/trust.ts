import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';

/** As many as Linux follows (MAXSYMLINKS). */
const MAX_LINKS = 40;

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Another user than root may write a file, or choose what is there; the message says where and why. */
export class Untrusted extends Error {}

/**
 * Throws where another user than root may write a file or directory.
 * @param path for the message
 * @param stat of what has been opened, so that it cannot be another by now
 */
export function checkOwnedByRoot(path: string, { uid, mode }: Pick<Stats, 'uid' | 'mode'>): void {
  if (uid !== 0) throw new Untrusted(`${path} is owned by user ${uid}, not by root`);
  if ((mode & OTHERS_WRITE) !== 0)
    throw new Untrusted(`${path} is writable by other users (mode ${(mode & 0o7777).toString(8)})`);
}

/** Throws where another user may put something else in the place of what root has in a directory. */
function checkDirectory(path: string, stat: Stats): void {
  // In a sticky one (/tmp) others may not rename or remove what is root's.
  const mode = (stat.mode & STICKY) === 0 ? stat.mode : stat.mode & ~OTHERS_WRITE;
  checkOwnedByRoot(path, { uid: stat.uid, mode });
}

/**
 * Returns the path without symbolic links, each step of which only root can have made: every directory on the way, and
 * every link, is root's, and no directory may be written by others. It stays so, since only root could change it.
 * Behind a step that is missing the path is not followed. The last step itself is checked only if it is a link: open it
 * with O_NOFOLLOW, and give what fstat(2) says to {@link checkOwnedByRoot}.
 * @throws Untrusted naming the step; an error of the system with a code where a step cannot be looked at
 */
export function trustedPath(path: string): string {
  const steps = resolve(path).split(sep).filter(Boolean).reverse();
  let at: string = sep;
  let links = 0;
  checkDirectory(at, lstatSync(at));
  for (let step; (step = steps.pop()) !== undefined;) {
    const next = join(at, step);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) return join(next, ...steps.reverse());
    if (stat.isSymbolicLink()) {
      if (stat.uid !== 0) checkOwnedByRoot(next, stat);
      if (++links > MAX_LINKS) throw new Untrusted(`too many symbolic links in ${path}`);
      const target = readlinkSync(next);
      if (isAbsolute(target)) at = sep;
      steps.push(...target.split(sep).filter(Boolean).reverse());
      continue;
    }
    // Nothing is below a file: opening it says so.
    if (steps.length > 0 && !stat.isDirectory()) return join(next, ...steps.reverse());
    if (steps.length > 0) checkDirectory(next, stat);
    at = next;
  }
  return at;
}
