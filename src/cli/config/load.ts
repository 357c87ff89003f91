import { devNull } from 'node:os';
import { shortened } from '../../model/text.ts';
import type { FileSettings } from '../settings.ts';
import { UsageError } from '../values.ts';
import { FileProblem, isMissing, readText, whyNot } from './file.ts';
import { configPath, type Environment } from './paths.ts';
import type { CheckQuery } from './schema.ts';

/** The largest configuration file that is read, bytes. */
const MOST = 1024 * 1024;
/** The system takes no longer path (PATH_MAX). */
const MOST_NAME = 4096;

/**
 * What the configuration file says; undefined where there is none. What understands it is loaded only where there is.
 * @param file the one that was asked for, which has to be there; undefined for the usual one
 * @param check says what is wrong with a query
 * @throws UsageError with all that is wrong with the file
 */
export async function loadConfig(
  file: string | undefined,
  environment: Environment,
  check: CheckQuery,
): Promise<FileSettings | undefined> {
  const path = file ?? configPath(environment);
  // Asking for this one is how to do without.
  if (path === undefined || path === devNull) return undefined;
  const text = textOf(path, file !== undefined);
  if (text === undefined) return undefined;
  const { parseConfig } = await import('./parse.ts');
  return parseConfig(path, text, check);
}

function textOf(path: string, isWanted: boolean): string | undefined {
  try {
    return readText(path, MOST);
  } catch (error) {
    const name = shortened(path, MOST_NAME);
    if (error instanceof FileProblem) throw new UsageError(`${name} ${error.message}`);
    if (!isMissing(error)) throw new UsageError(`${name} cannot be read: ${whyNot(error)}`);
    if (isWanted) throw new UsageError(`${name} is not there: --config takes the name of a file`);
    return undefined;
  }
}
