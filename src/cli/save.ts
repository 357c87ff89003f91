import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, lstat, open, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Format, formatOf, FORMATS } from '../export/formats.ts';
import type { Socket } from '../model/socket.ts';
import { codeOf } from '../model/error.ts';
import { pathText, reasonText } from './config/file.ts';
import { quoted } from './values.ts';

/** Mode of saved files: for the user only. Command lines hold secrets, and connections are private. */
const MODE = 0o600;

const EXTENSIONS = Object.keys(FORMATS)
  .map((name) => `.${name}`)
  .join(' or ');

/** Messages by error code of the system. */
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

/** Error codes of a file system without hard links (FAT). */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * Writes sockets to a file, completely or not at all: CSV or JSON, by its extension. Only the user can read the file.
 * @param name relative to the working directory; `~/` is the home directory. A `!` in front replaces an existing file.
 * @param makeLink for tests
 * @returns the absolute path
 * @throws Error, for the user, with the reason and the remedy
 */
export async function saveSockets(
  name: string,
  sockets: readonly Socket[],
  makeLink: typeof link = link,
): Promise<string> {
  const replace = name.startsWith('!');
  const wanted = (replace ? name.slice(1) : name).trim();
  const format = formatOf(wanted);
  if (format === undefined)
    throw new Error(
      `the file name must end in ${EXTENSIONS}${wanted === '' ? '' : `, not ${quoted(wanted)}`}`,
    );
  const path = resolve(wanted.replace(/^~(?=\/)/, homedir()));
  try {
    await write(path, format, sockets, (from) =>
      replace ? move(from, path) : publish(from, path, makeLink),
    );
  } catch (error) {
    const name = pathText(path);
    const reason = REASONS[codeOf(error)]?.(dirname(name));
    throw new Error(
      codeOf(error) === 'EEXIST'
        ? `file exists: ${name}; use another name, or put ! before it to replace the file`
        : `not saved: ${reason ?? reasonText(error)} (${name})`,
      { cause: error },
    );
  }
  return path;
}

/** Writes to a temporary file in the same directory, and calls `finish` to move it when it is complete. */
async function write(
  path: string,
  format: Format,
  sockets: readonly Socket[],
  finish: (from: string) => Promise<void>,
): Promise<void> {
  const part = join(dirname(path), `.netpane-${randomUUID()}`);
  const file = await open(part, 'wx', MODE);
  try {
    try {
      await writeFile(file, format.pieces(sockets));
      await file.sync();
    } finally {
      await file.close();
    }
    await finish(part);
  } finally {
    await rm(part, { force: true });
  }
}

/** Gives the file its final name unless a file has it; rename(2) would replace that file. */
async function publish(from: string, path: string, makeLink: typeof link): Promise<void> {
  try {
    await makeLink(from, path);
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error;
    await copyFile(from, path, constants.COPYFILE_EXCL);
  }
}

/** Gives the file its final name. Replaces a regular file, but nothing else. */
async function move(from: string, path: string): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (existing && !existing.isFile()) throw new Error('not a regular file');
  await rename(from, path);
}
