import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  createWriteStream,
  fsync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { type Format, formatOf, formatNames } from '../export/formats.ts';
import type { Socket } from '../model/socket.ts';
import { codeOf } from '../model/error.ts';
import type { Account } from './config/account.ts';
import { pathText, reasonText } from './config/file.ts';
import { quoted } from './values.ts';

/** Mode of saved files: no other user may read them. Command lines may contain secrets, and connections are private. */
const MODE = 0o600;

/** The valid file extensions, for a message. */
const EXTENSIONS = formatNames()
  .toSorted()
  .map((name) => `.${name}`)
  .join(' or ');

/** Reasons for the user, by error code of Node.js. */
const REASONS: Readonly<Record<string, (directory: string) => string>> = {
  ENOENT: (directory) => `no such directory: ${directory}`,
  ENOTDIR: (directory) => `${directory} is not a directory`,
  EACCES: (directory) => `no permission to write to ${directory}`,
  EPERM: (directory) => `no permission to write to ${directory}`,
  EROFS: (directory) => `${directory} is read-only`,
  ENOSPC: () => 'the disk is full',
  EDQUOT: () => 'your disk quota is used up',
  ENAMETOOLONG: () => 'the file name is too long',
};

/** The account of the process. */
const OWN: Pick<Account, 'environment' | 'run'> = { environment: process.env, run: (act) => act() };

/** Error codes of link(2) on a file system without hard links, such as FAT. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Saves sockets as CSV or JSON, depending on the file extension. If it fails, no incomplete file is left.
 * @param name relative to the working directory; `~/` is the home directory. A `!` in front replaces an existing file.
 * @param account under sudo the user who called it, who owns the file wherever they may write; elsewhere root owns it
 * @param makeLink link(2); a test replaces it
 * @returns the absolute path
 * @throws Error, for the user, with the reason and the remedy
 */
export async function saveSockets(
  name: string,
  sockets: readonly Socket[],
  account: Pick<Account, 'environment' | 'run'> = OWN,
  makeLink: typeof linkSync = linkSync,
): Promise<string> {
  const mayReplace = name.startsWith('!');
  const fileName = (mayReplace ? name.slice(1) : name).trim();
  const format = formatOf(fileName);
  if (format === undefined)
    throw new Error(
      `the file name must end in ${EXTENSIONS}${fileName === '' ? '' : `, not ${quoted(fileName)}`}`,
    );
  const path = resolve(fileName.replace(/^~(?=\/)/, account.environment['HOME'] ?? homedir()));
  try {
    await write(path, format, sockets, account.run, (temporary) => {
      if (mayReplace) moveReplacing(temporary, path);
      else moveToNew(temporary, path, makeLink);
    });
  } catch (error) {
    const shownPath = pathText(path);
    const reason = REASONS[codeOf(error)]?.(dirname(shownPath));
    throw new Error(
      codeOf(error) === 'EEXIST'
        ? `file exists: ${shownPath}; use another name, or put ! before it to replace the file`
        : `not saved: ${reason ?? reasonText(error)} (${shownPath})`,
      { cause: error },
    );
  }
  return path;
}

/**
 * Writes to a temporary file in the same directory. When it is complete, calls `moveIntoPlace` to give it its final
 * name. Only steps that look up the path need rights; they are synchronous for `run`.
 */
async function write(
  path: string,
  format: Format,
  sockets: readonly Socket[],
  run: Account['run'],
  moveIntoPlace: (temporary: string) => void,
): Promise<void> {
  const temporary = join(dirname(path), `.netpane-${randomUUID()}`);
  const { fd, as } = openAs(temporary, run);
  try {
    try {
      await pipeline(format.pieces(sockets), createWriteStream(temporary, { fd, autoClose: false }));
      await promisify(fsync)(fd);
    } finally {
      closeSync(fd);
    }
    as(() => moveIntoPlace(temporary));
  } finally {
    as(() => rmSync(temporary, { force: true }));
  }
}

/** Creates a file as the user, or as root where the user may not write. Returns it, and `as` with these rights. */
function openAs(path: string, run: Account['run']): { readonly fd: number; readonly as: Account['run'] } {
  const open = () => openSync(path, 'wx', MODE);
  try {
    return { fd: run(open), as: run };
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(codeOf(error))) throw error;
    return { fd: open(), as: OWN.run };
  }
}

/**
 * Moves a file to a path where no file exists yet; throws EEXIST otherwise. Uses link(2), because rename(2) would
 * replace an existing file. The caller deletes `from`.
 */
function moveToNew(from: string, path: string, makeLink: typeof linkSync): void {
  try {
    makeLink(from, path);
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error;
    copyFileSync(from, path, constants.COPYFILE_EXCL);
  }
}

/** Moves a file to a path. Replaces a regular file there; throws for a directory, link or device. */
function moveReplacing(from: string, path: string): void {
  const existing = lstatSync(path, { throwIfNoEntry: false });
  if (existing && !existing.isFile()) throw new Error('not a regular file');
  renameSync(from, path);
}
