import { parseConfig } from '../../../src/cli/config/parse.ts';
import type { FileSettings } from '../../../src/cli/resolve.ts';

/** Finds no mistake in any query. */
export const anyQuery = (): undefined => undefined;

/** Parses the text of a configuration file named `f`. */
export const parse = (text: string, check: (text: string) => string | undefined = anyQuery): FileSettings =>
  parseConfig('f', text, check);
