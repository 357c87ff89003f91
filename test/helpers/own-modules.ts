import { readFileSync } from 'node:fs';

/**
 * Returns true for a test file that replaces a module or adds a row to a table. Its modules are loaded for it alone; all
 * other files of a worker share theirs.
 */
export const hasOwnModules = (file: string): boolean =>
  /\bvi\.(?:mock|doMock)\(|\bObject\.assign\([A-Z]/.test(readFileSync(file, 'utf8'));
