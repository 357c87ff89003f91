import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { shortened } from '../../model/text.ts';
import { codeOf } from '../../model/error.ts';
import { messageOf } from '../errors.ts';

/** A file that is there and cannot be used; the message says why, without the name of the file. */
export class FileProblem extends Error {}

/**
 * The text of a file, without a byte order mark.
 * @param most bytes
 * @param flags of open(2) beside O_RDONLY
 * @param check is given what fstat(2) says, and throws where that is not to be read
 * @throws FileProblem where it is not a file of UTF-8 text, or larger; an error of the system with a code where it
 *   cannot be opened or read
 */
export function readText(
  path: string,
  most: number,
  flags = 0,
  check: (stat: Stats) => void = () => undefined,
): string {
  // A pipe that nobody writes to would be waited for, at open(2) already.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new FileProblem('is a directory, not a file');
    if (!stat.isFile()) throw new FileProblem('is not a regular file');
    check(stat);
    // The size is no promise: files of /proc have none, and others grow.
    const piece = Buffer.alloc(Math.min(most, stat.size) + 1);
    const pieces: Buffer[] = [];
    let length = 0;
    for (let read; (read = readSync(fd, piece)) > 0; length += read) {
      if (length + read > most) throw new FileProblem(`is larger than ${most / 1024 / 1024} MiB`);
      pieces.push(Buffer.from(piece.subarray(0, read)));
    }
    const bytes = Buffer.concat(pieces);
    if (!isUtf8(bytes)) throw new FileProblem('is not UTF-8 text');
    return bytes.toString().replace(/^\uFEFF/, '');
  } finally {
    closeSync(fd);
  }
}

/** The system takes no longer path (PATH_MAX). */
const MAX_PATH = 4096;

/** Returns a path as a message shows it. */
export const pathText = (path: string): string => shortened(path, MAX_PATH);

/** Why the system refused something, without the path that it names: `EACCES: permission denied`. */
export function reasonText(error: unknown): string {
  return messageOf(error).replace(/, \w+ '.*$/s, '');
}

/** Nothing is there, nor can be by this path. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
