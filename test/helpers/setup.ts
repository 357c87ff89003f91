// Setup of every unit test file. The files share the process of a worker: each leaves it as it was.
import { afterAll, expect, vi } from 'vitest';
import { hasOwnModules } from './own-modules.ts';

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
