import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    // Ignore the configuration of the user, and set a locale.
    env: { XDG_CONFIG_HOME: '/dev/null', LC_ALL: 'C.UTF-8' },
    // The end-to-end tests start real programs and wait for conditions, which takes time on a slow machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'units', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], maxWorkers: 2 },
      },
      {
        extends: true,
        // One file at a time, after the unit tests: these tests open and list sockets of the same machine.
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
