import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { shortened } from '../../model/text.ts';
import { codeOf } from '../../model/error.ts';
import { messageOf } from '../errors.ts';

/** A file that exists and cannot be used; the message gives the reason, without the file name. */
export class FileProblem extends Error {}

/**
 * Returns the text of a file, without a byte order mark.
 * @param maxBytes maximum size of the file
 * @param flags flags of open(2) in addition to O_RDONLY
 * @param check receives the result of fstat(2) and throws if the file must not be read
 * @throws FileProblem if it is not a regular file, is larger, or is not UTF-8; an error of the system with a code if it
 *   cannot be opened or read
 */
export function readText(
  path: string,
  maxBytes: number,
  flags = 0,
  check: (stat: Stats) => void = () => undefined,
): string {
  // O_NONBLOCK: otherwise open(2) waits for the writer of a pipe.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new FileProblem('is a directory, not a file');
    if (!stat.isFile()) throw new FileProblem('is not a regular file');
    check(stat);
    // The size is not reliable: files of /proc have size 0, and others grow.
    const piece = Buffer.alloc(Math.min(maxBytes, stat.size) + 1);
    const pieces: Buffer[] = [];
    let length = 0;
    for (let read; (read = readSync(fd, piece)) > 0; length += read) {
      if (length + read > maxBytes) throw new FileProblem(`is larger than ${maxBytes / 1024 / 1024} MiB`);
      pieces.push(Buffer.from(piece.subarray(0, read)));
    }
    const bytes = Buffer.concat(pieces);
    if (!isUtf8(bytes)) throw new FileProblem('is not UTF-8 text');
    return bytes.toString().replace(/^\uFEFF/, '');
  } finally {
    closeSync(fd);
  }
}

/** Maximum length of a path (PATH_MAX). */
const MAX_PATH = 4096;

/** Returns a path for a message, shortened. */
export const pathText = (path: string): string => shortened(path, MAX_PATH);

/** Returns the message of a system error without the path in it: `EACCES: permission denied`. */
export function reasonText(error: unknown): string {
  return messageOf(error).replace(/, \w+ '.*$/s, '');
}

/** Returns true for an error that means that no file exists at the path. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
