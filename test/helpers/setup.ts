// Setup of every unit test file. The files share the modules and the process of a worker: each leaves them as they were.
import { readFileSync } from 'node:fs';
import { afterAll, expect, vi } from 'vitest';

const { testPath = '' } = expect.getState();
/** A file that replaces a module, or adds a row to a table, has modules that no other file uses. */
const hasOwnModules = /\bvi\.(?:mock|doMock)\(|\bObject\.assign\([A-Z]/.test(readFileSync(testPath, 'utf8'));
if (hasOwnModules) vi.resetModules();

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  if (hasOwnModules) vi.resetModules();
});
