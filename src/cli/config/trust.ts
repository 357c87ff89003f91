import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';

/** Maximum number of symbolic links in a path, as in Linux (MAXSYMLINKS). */
const MAX_LINKS = 40;

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Another user can change a file, or replace it; the message gives the place and the reason. */
export class Untrusted extends Error {}

/** The user id of root. */
export const ROOT = 0;

/**
 * Throws Untrusted if a user other than root and `user` can write the file or directory.
 * @param path for the message
 * @param stat from fstat(2) on the opened file, so that it cannot have been replaced
 */
export function checkOwner(
  path: string,
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  user: number = ROOT,
): void {
  if (uid !== ROOT && uid !== user)
    throw new Untrusted(
      `${path} is owned by user ${uid}, not by root${user === ROOT ? '' : ` or user ${user}`}`,
    );
  if ((mode & OTHERS_WRITE) !== 0)
    throw new Untrusted(`${path} is writable by other users (mode ${(mode & 0o7777).toString(8)})`);
}

/** Throws Untrusted if a user other than root and `user` can replace their files in the directory. */
function checkDirectory(path: string, stat: Stats, user: number): void {
  // In a sticky directory (/tmp) a user cannot rename or remove the files of others.
  const mode = (stat.mode & STICKY) === 0 ? stat.mode : stat.mode & ~OTHERS_WRITE;
  checkOwner(path, { uid: stat.uid, mode }, user);
}

/**
 * Resolves all symbolic links of a path and checks that only root and `user` can change it: every directory and link on
 * the way belongs to them, and no directory is writable by others. Only they can change that later. The path is not
 * followed beyond a missing step. The last step is checked only if it is a link: open it with O_NOFOLLOW and pass the
 * result of fstat(2) to {@link checkOwner}.
 * @throws Untrusted naming the step; an error of the system with a code if a step cannot be read
 */
export function trustedPath(path: string, user: number = ROOT): string {
  const steps = resolve(path).split(sep).filter(Boolean).reverse();
  let at: string = sep;
  let links = 0;
  checkDirectory(at, lstatSync(at), user);
  for (let step; (step = steps.pop()) !== undefined;) {
    const next = join(at, step);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) return join(next, ...steps.reverse());
    if (stat.isSymbolicLink()) {
      // The mode of a link is 777 and means nothing.
      checkOwner(next, { uid: stat.uid, mode: 0 }, user);
      if (++links > MAX_LINKS) throw new Untrusted(`too many symbolic links in ${path}`);
      const target = readlinkSync(next);
      if (isAbsolute(target)) at = sep;
      steps.push(...target.split(sep).filter(Boolean).reverse());
      continue;
    }
    // A file in the middle of the path: opening the path will fail.
    if (steps.length > 0 && !stat.isDirectory()) return join(next, ...steps.reverse());
    if (steps.length > 0) checkDirectory(next, stat, user);
    at = next;
  }
  return at;
}
