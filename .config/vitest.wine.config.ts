import { defineConfig } from 'vitest/config';

/** The tests under Wine, which `npm run test:windows` prepares and runs. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/wine/*.test.ts'],
    // A program under Wine takes seconds to start.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 1,
    fileParallelism: false,
  },
});
