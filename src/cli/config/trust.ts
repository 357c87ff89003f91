import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';

/** Maximum number of symbolic links in a path, as in Linux (MAXSYMLINKS). */
const MAX_LINKS = 40;

/** Write permission for the group and for all other users. */
const OTHERS_WRITE = 0o022;
const GROUP_WRITES = 0o020;
const OTHERS_READ = 0o004;
const STICKY = 0o1000;

/** Another user can change or replace a file. The message gives the path and the reason. */
export class Untrusted extends Error {}

/** The user id of root. */
export const ROOT = 0;

/** The user who may change a file, besides root. */
export interface FileOwner {
  readonly uid: number;
  /** The user's own group, which has no other member: it may change the file too. */
  readonly ownGid?: number;
}

const ROOT_ONLY: FileOwner = { uid: ROOT };

/** The user whose files netpane uses, with the rights of this user. */
export interface FileUser {
  /**
   * The owner of the files: netpane uses only those that no user but this one and root can change. Undefined if netpane
   * does not run as root: it then uses any file.
   */
  readonly owner: FileOwner | undefined;
  /** Runs a synchronous action on files with the rights of the user. */
  readonly run: <T>(act: () => T) => T;
}

/** Returns the user that netpane runs as. */
export const processUser = (uid: number | undefined = process.geteuid?.()): FileUser => ({
  owner: uid === ROOT ? ROOT_ONLY : undefined,
  run: (act) => act(),
});

/** Properties of a file that decide who can change it. */
type Ownership = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/**
 * Throws Untrusted if a user other than root and the owner can write the file or directory.
 * @param path for the message
 * @param stat from fstat(2) on the opened file, so that it cannot have been replaced
 */
export function checkOwner(path: string, { uid, gid, mode }: Ownership, owner: FileOwner = ROOT_ONLY): void {
  if (uid !== ROOT && uid !== owner.uid)
    throw new Untrusted(
      `${path} is owned by user ${uid}, not by root${owner.uid === ROOT ? '' : ` or user ${owner.uid}`}`,
    );
  const writers = gid === owner.ownGid ? OTHERS_WRITE & ~GROUP_WRITES : OTHERS_WRITE;
  if ((mode & writers) !== 0)
    throw new Untrusted(`${path} is writable by other users (mode ${(mode & 0o7777).toString(8)})`);
}

/** As `checkOwner`; also throws Untrusted if the owner may not read the file, because messages may quote its text. */
export function checkReadable(path: string, stat: Ownership, owner: FileOwner): void {
  checkOwner(path, stat, owner);
  // netpane keeps the groups of root, with which it could open files that the owner may not read.
  if (owner.uid !== ROOT && stat.uid === ROOT && (stat.mode & OTHERS_READ) === 0)
    throw new Untrusted(`${path} belongs to root and is not readable by all users`);
}

/** Throws Untrusted if a user other than root and the owner can replace their files in the directory. */
function checkDirectory(path: string, stat: Ownership, owner: FileOwner): void {
  // In a sticky directory (/tmp) a user cannot rename or remove the files of others.
  const mode = (stat.mode & STICKY) === 0 ? stat.mode : stat.mode & ~OTHERS_WRITE;
  checkOwner(path, { uid: stat.uid, gid: stat.gid, mode }, owner);
}

/**
 * Resolves all symbolic links of a path and checks that only root and the owner can change it: every directory and link on
 * the way belongs to them, and no directory is writable by others, so no other user can change the path later. The path
 * is not followed beyond a missing step. The last step is checked only if it is a link: open it with O_NOFOLLOW and pass
 * the result of fstat(2) to {@link checkOwner}.
 * @throws Untrusted naming the step; an error of the system with a code if a step cannot be read
 */
export function trustedPath(path: string, owner: FileOwner = ROOT_ONLY): string {
  const steps = resolve(path).split(sep).filter(Boolean).reverse();
  let at: string = sep;
  let links = 0;
  checkDirectory(at, lstatSync(at), owner);
  for (let step; (step = steps.pop()) !== undefined;) {
    const next = join(at, step);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat === undefined) return join(next, ...steps.reverse());
    if (stat.isSymbolicLink()) {
      // The mode of a link is 777 and means nothing.
      checkOwner(next, { uid: stat.uid, gid: stat.gid, mode: 0 }, owner);
      if (++links > MAX_LINKS) throw new Untrusted(`too many symbolic links in ${path}`);
      const target = readlinkSync(next);
      if (isAbsolute(target)) at = sep;
      steps.push(...target.split(sep).filter(Boolean).reverse());
      continue;
    }
    // A file in the middle of the path: opening the path will fail.
    if (steps.length > 0 && !stat.isDirectory()) return join(next, ...steps.reverse());
    if (steps.length > 0) checkDirectory(next, stat, owner);
    at = next;
  }
  return at;
}
