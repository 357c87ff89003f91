import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { hasOwnModules } from '../test/helpers/own-modules.ts';

/** End-to-end tests that other tests would disturb, or that would disturb others. */
const ALONE = [
  // Thousands of ports, by which other tests find their sockets, and all sockets of the machine.
  'big',
  // All events of the machine: the trace and the ledger record those of other tests too, and may lose some.
  'capture',
  'capture-screen',
  'capture-trace',
  'capture-user',
  // All descriptors of netpane, which has some for each namespace of other tests.
  'churn',
  // Ten thousand sockets, which every netpane of root reads in each poll.
  'fidelity',
  // All BPF programs of the machine.
  'ledger',
  // The number of sockets of the machine, which must not change in a poll.
  'hidden-namespaces',
].map((name) => `test/e2e/${name}.test.ts`);

/** Unit tests that make objects in the kernel for a moment. End-to-end tests count these, so both never run at once. */
const ON_KERNEL = ['ledger', 'netlink', 'trace'].map((room) => `test/source/linux/${room}/kernel.test.ts`);

/** Steps before and after each test file. */
const SETUP = new URL('../test/helpers/setup.ts', import.meta.url).pathname;
const E2E_SETUP = new URL('../test/e2e/setup.ts', import.meta.url).pathname;

/** Finds out what this machine lets the end-to-end tests do. */
const PROBE = new URL('../test/e2e/probe.ts', import.meta.url).pathname;

/** Runs the files with their own modules last: the files after them would load all modules again. */
class OwnModulesLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLast = new Map(sorted.map((file) => [file, hasOwnModules(file.moduleId)]));
    return sorted.toSorted((one, other) => Number(isLast.get(one)) - Number(isLast.get(other)));
  }
}

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    // Ignore the configuration of the user, and set a locale and a time zone. No certificates: Node reads those of
    // NODE_EXTRA_CA_CERTS at the start of every process, which takes 70 ms, half as long as all else.
    env: { XDG_CONFIG_HOME: '/dev/null', LC_ALL: 'C.UTF-8', TZ: 'UTC', NODE_EXTRA_CA_CERTS: '' },
    // The end-to-end tests start real programs and wait for conditions, which takes time on a slow machine.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Starting a process and loading every module again for each file would take a third of the time of the unit tests.
    isolate: false,
    sequence: { sequencer: OwnModulesLast },
    // One project after the other: the end-to-end tests measure times, and see the sockets of the whole machine. Only
    // beside those that run alone `npm test` runs the unit tests, at the lowest priority (test.mjs).
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/wine/**', ...ON_KERNEL],
          setupFiles: SETUP,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          exclude: ALONE,
          setupFiles: E2E_SETUP,
          globalSetup: PROBE,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e-alone',
          include: [...ALONE, ...ON_KERNEL],
          setupFiles: E2E_SETUP,
          globalSetup: PROBE,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
