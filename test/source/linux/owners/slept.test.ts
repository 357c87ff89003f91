import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { fake, IDLE_POLLS, names, proc, refresh, useOwners } from '../../../helpers/owners.ts';

useOwners();

let cpuNs: number;
/** Lets process 50 run. */
const run = () => proc.cpuNs.set(50, ++cpuNs);

/** Returns the files of process 50 that a poll reads. */
function readsIn(poll: () => void): string[] {
  proc.reads.length = 0;
  poll();
  return proc.reads.filter((path) => path.startsWith('50/'));
}

beforeEach(() => {
  cpuNs = 1_234_567;
  fake.start(50, { fds: { 3: 7 } });
  run();
  for (let i = 0; i < 3; i++) refresh(7);
});

test('a process that has not run is not read again until its turn', () => {
  const counts = Array.from({ length: IDLE_POLLS }, () => readsIn(() => refresh(7)).length);
  expect(counts.filter((count) => count > 0)).toHaveLength(1);
});

test('a process that has run is read again in the same poll', () => {
  run();
  expect(readsIn(() => refresh(7))).toContain('50/fd');
  fake.link('50/fd/4', 'socket:[8]');
  run();
  refresh(7, 8);
  expect(names(8)).toEqual(['prog-50']);
  fake.exec(50, 'server');
  fake.write('50/task/50/stat', readFileSync(`${fake.root}/50/stat`, 'utf8'));
  run();
  refresh(7, 8);
  expect(names(7)).toEqual(['server']);
});

test('a process that has run no longer holds a socket whose descriptor it has reused', () => {
  fake.start(60, { fds: { 3: 7 } });
  refresh(7);
  fake.remove('50/fd/3');
  fake.link('50/fd/3', 'pipe:[9]');
  run();
  refresh(7);
  expect(names(7)).toEqual(['prog-60']);
});

test('a socket is found in a process that has not run, whose table another process has filled', () => {
  fake.link('50/fd/4', 'socket:[8]');
  refresh(7, 8);
  expect(names(8)).toEqual(['prog-50']);
});

test('a descriptor that another process has closed is found in the turn of the process', () => {
  fake.start(60, { fds: { 3: 7 } });
  refresh(7);
  fake.remove('50/fd/3');
  fake.link('50/fd/3', 'pipe:[9]');
  for (let i = 0; i < IDLE_POLLS; i++) refresh(7);
  expect(names(7)).toEqual(['prog-60']);
});
