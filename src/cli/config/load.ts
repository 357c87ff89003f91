import { constants, lstatSync } from 'node:fs';
import { devNull } from 'node:os';
import type { FileSettings } from '../settings.ts';
import { UsageError } from '../values.ts';
import { FileProblem, isMissing, readText, pathText, reasonText } from './file.ts';
import { configPath, type Environment } from './paths.ts';
import type { CheckQuery } from './schema.ts';
import { checkOwnedByRoot, trustedPath, Untrusted } from './trust.ts';

/** The largest configuration file that is read, bytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * What the configuration file says; undefined where there is none. What understands it is loaded only where there is.
 * As root the file and its place have to be root's (`trust.ts`): otherwise another user could say what root sees. One
 * that was asked for is then an error; without the usual one, which may come with a home that sudo has kept, netpane
 * goes on.
 * @param file the one that was asked for, which has to be there; undefined for the usual one
 * @param check says what is wrong with a query
 * @param say hears why the usual one is not read
 * @param isRoot whether only what is root's is to be trusted
 * @throws UsageError with all that is wrong with the file
 */
export async function loadConfig(
  file: string | undefined,
  environment: Environment,
  check: CheckQuery,
  say: (message: string) => void,
  isRoot: boolean = process.geteuid?.() === 0,
): Promise<FileSettings | undefined> {
  const path = file ?? configPath(environment);
  // Asking for this one is how to do without.
  if (path === undefined || path === devNull) return undefined;
  let text: string;
  try {
    text = isRoot ? trustedText(path) : readText(path, MAX_BYTES);
  } catch (error) {
    const name = pathText(path);
    if (error instanceof Untrusted && file === undefined) {
      if (!isThere(path)) return undefined;
      say(`configuration file ignored: ${error.message}`);
      return undefined;
    }
    if (error instanceof Untrusted)
      throw new UsageError(`${name} is not safe to read as root: ${error.message}`);
    if (error instanceof FileProblem) throw new UsageError(`${name} ${error.message}`);
    if (!isMissing(error)) throw new UsageError(`cannot read ${name}: ${reasonText(error)}`);
    if (file !== undefined) throw new UsageError(`--config: no such file: ${name}`);
    return undefined;
  }
  const { parseConfig } = await import('./parse.ts');
  return parseConfig(path, text, check);
}

/** True where something is at the path; also where that cannot be found out. */
function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

/** Returns the text of a file that only root can have written. */
function trustedText(path: string): string {
  const real = trustedPath(path);
  return readText(real, MAX_BYTES, constants.O_NOFOLLOW, (stat) => checkOwnedByRoot(real, stat));
}
