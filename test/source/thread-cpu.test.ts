import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { threadCpuClock } from '../../src/source/thread-cpu.ts';
import { useFolders } from '../helpers/folder.ts';

const folder = useFolders();

test('the clock has the CPU time that Node reports for the thread, in milliseconds', () => {
  expect(threadCpuClock({ threadCpuUsage: () => ({ user: 1500, system: 500 }) })?.()).toBe(2);
});

test('the clock has the first number of schedstat where Node reports no CPU time', () => {
  const path = join(folder(), 'schedstat');
  writeFileSync(path, '4845983 10605190 4\n');
  const clock = threadCpuClock({}, path);
  expect(clock?.()).toBe(4.845983);
  writeFileSync(path, '9000000 10605190 4\n');
  expect(clock?.()).toBe(9);
});

test('there is no clock where schedstat is missing or malformed', () => {
  const path = join(folder(), 'schedstat');
  expect(threadCpuClock({}, path)).toBeUndefined();
  writeFileSync(path, 'none\n');
  expect(threadCpuClock({}, path)).toBeUndefined();
});

test.runIf(process.platform === 'linux')('the clock of this thread advances with its work', () => {
  const clock = threadCpuClock();
  const before = clock?.() ?? NaN;
  let now = before;
  while (now === before) now = clock?.() ?? NaN;
  expect(now).toBeGreaterThan(before);
});
