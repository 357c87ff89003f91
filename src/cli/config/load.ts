import { constants, lstatSync } from 'node:fs';
import { devNull } from 'node:os';
import { codeOf } from '../../model/error.ts';
import type { FileSettings } from '../resolve.ts';
import { UsageError } from '../values.ts';
import { FileProblem, isMissing, readText, pathText, reasonText } from './file.ts';
import { configPath, type Environment } from './paths.ts';
import type { CheckQuery } from './schema.ts';
import {
  checkReadable,
  type FileOwner,
  type FileUser,
  processUser,
  trustedPath,
  Untrusted,
} from './trust.ts';

/** Maximum size of a configuration file, bytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * Returns the settings of the configuration file; undefined if there is none. Loads the parser only if there is a file.
 * As root it reads only a file that no third user can change (`trust.ts`): otherwise another user could decide what
 * root sees. A file given by --config is then an error. The default file is skipped with a message: sudo may have kept
 * the home of another user.
 * @param file the path given by --config, which must exist; undefined for the default path
 * @param check returns the mistake in a query
 * @param say receives the reason why the default file is skipped
 * @param user the user whose rights are used to read the file; a file given by --config may also be readable by root only
 * @throws UsageError with all mistakes in the file
 */
export async function loadConfig(
  file: string | undefined,
  environment: Environment,
  check: CheckQuery,
  say: (message: string) => void,
  user: FileUser = processUser(),
): Promise<FileSettings | undefined> {
  const path = file ?? configPath(environment);
  // `--config /dev/null` means no configuration file.
  if (path === undefined || path === devNull) return undefined;
  let text: string;
  try {
    text = textOf(path, user, file !== undefined);
  } catch (error) {
    const name = pathText(path);
    if (error instanceof Untrusted && file === undefined) {
      if (!user.run(() => mayExist(path))) return undefined;
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

/** Returns true if something exists at the path, or if that cannot be determined. */
function mayExist(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    return !isMissing(error);
  }
}

/** Returns the text of a file. @param mayBeRoots true to read it as root if the user may not */
function textOf(path: string, { owner, run }: FileUser, mayBeRoots: boolean): string {
  try {
    return run(() => (owner ? trustedText(path, owner) : readText(path, MAX_BYTES)));
  } catch (error) {
    const root = processUser();
    if (!mayBeRoots || codeOf(error) !== 'EACCES' || root.owner === undefined) throw error;
    return trustedText(path, root.owner);
  }
}

/** Returns the text of a file that only root and the owner can change. */
function trustedText(path: string, owner: FileOwner): string {
  const real = trustedPath(path, owner);
  return readText(real, MAX_BYTES, constants.O_NOFOLLOW, (stat) => checkReadable(real, stat, owner));
}
