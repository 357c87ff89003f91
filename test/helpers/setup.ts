// Setup of every unit test file. The files share the process of a worker: each leaves it as it was.
import { afterAll, expect, vi } from 'vitest';
import { hasOwnModules } from './own-modules.ts';

// koffi reads process.platform when it is loaded, and Node keeps a module that failed: load it before a test pretends to be on
// another system. A missing koffi is left to the tests that need it.
await import('koffi').catch(() => undefined);

const { testPath = '' } = expect.getState();
const isAlone = hasOwnModules(testPath);
if (isAlone) vi.resetModules();

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  if (isAlone) vi.resetModules();
});
