import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';

/*
 * Reading files that an ordinary user may control. Nothing here throws.
 */

/** Maximum size of a file, bytes. A file of Docker has some kilobytes, a list of containers about 1 kB for each. */
const SIZE_LIMIT = 1024 * 1024;

/** Version of a file, to detect a change. */
export interface Version {
  readonly mtimeMs: number;
  readonly size: number;
}

interface ReadOptions {
  /** The version that is cached: if the file still has it, the text is not read. */
  readonly cached?: Version | undefined;
  /** Returns false for an owner whose file must be ignored. */
  readonly isOwner?: ((uid: number) => boolean) | undefined;
}

/**
 * Reads a file that an ordinary user may control: root reads files in the homes of users. Does not follow a link at the
 * end of the path, and does not wait for the writer of a pipe. A folder in the path may be a link: see `isOwner`.
 * @returns the version and the text; the text is undefined if the cached version is current; undefined on any error
 */
export function readGuarded(
  path: string,
  { cached, isOwner }: ReadOptions = {},
): { version: Version; text: string | undefined } | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    const stat = fstatSync(fd);
    const { mtimeMs, size } = stat;
    if (!stat.isFile() || size > SIZE_LIMIT || isOwner?.(stat.uid) === false) return undefined;
    const version = { mtimeMs, size };
    if (cached?.mtimeMs === mtimeMs && cached.size === size) {
      return { version, text: undefined };
    }
    const buffer = Buffer.allocUnsafe(size);
    let length = 0;
    for (let count = -1; count !== 0 && length < size; length += count) {
      count = readSync(fd, buffer, length, size - length, length);
    }
    return { version, text: buffer.toString('utf8', 0, length) };
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Returns the names in a folder; none on any error. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** Returns the value of a JSON text; undefined if it is invalid. */
export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the value of a key of an object; undefined for anything else. */
export const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
