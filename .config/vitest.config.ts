import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    // The end-to-end tests start real programs and wait for conditions; a slow machine may take its time.
    // The machine may have a configuration of its own, or no locale.
    env: { XDG_CONFIG_HOME: '/dev/null', LC_ALL: 'C.UTF-8' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'units', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], maxWorkers: 2 },
      },
      {
        extends: true,
        // One file at a time, after the others: all of them see, and open, the sockets of the same machine.
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
