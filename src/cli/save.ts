import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Format, formatOf, formatNames } from '../export/formats.ts';
import type { Socket } from '../model/socket.ts';
import { codeOf } from '../model/error.ts';
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

/** Error codes of link(2) on a file system without hard links, such as FAT. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Saves sockets as CSV or JSON, depending on the file extension. If it fails, no incomplete file is left.
 * @param name relative to the working directory; `~/` is the home directory. A `!` in front replaces an existing file.
 * @param makeLink link(2); a test replaces it
 * @returns the absolute path
 * @throws Error, for the user, with the reason and the remedy
 */
export async function saveSockets(
  name: string,
  sockets: readonly Socket[],
  makeLink: typeof link = link,
): Promise<string> {
  const mayReplace = name.startsWith('!');
  const fileName = (mayReplace ? name.slice(1) : name).trim();
  const format = formatOf(fileName);
  if (format === undefined)
    throw new Error(
      `the file name must end in ${EXTENSIONS}${fileName === '' ? '' : `, not ${quoted(fileName)}`}`,
    );
  const path = resolve(fileName.replace(/^~(?=\/)/, homedir()));
  try {
    await write(path, format, sockets, (temporary) =>
      mayReplace ? moveReplacing(temporary, path) : moveToNew(temporary, path, makeLink),
    );
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
 * name.
 */
async function write(
  path: string,
  format: Format,
  sockets: readonly Socket[],
  moveIntoPlace: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.netpane-${randomUUID()}`);
  const file = await open(temporary, 'wx', MODE);
  try {
    try {
      await writeFile(file, format.pieces(sockets));
      await file.sync();
    } finally {
      await file.close();
    }
    await moveIntoPlace(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Moves a file to a path where no file exists yet; fails with EEXIST otherwise. Uses link(2), because rename(2) would
 * replace an existing file. The caller deletes `from`.
 */
async function moveToNew(from: string, path: string, makeLink: typeof link): Promise<void> {
  try {
    await makeLink(from, path);
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error;
    await copyFile(from, path, constants.COPYFILE_EXCL);
  }
}

/** Moves a file to a path. Replaces a regular file there; throws for a directory, link or device. */
async function moveReplacing(from: string, path: string): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing && !existing.isFile()) throw new Error('not a regular file');
  await rename(from, path);
}
