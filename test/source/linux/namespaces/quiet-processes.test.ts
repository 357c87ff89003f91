import { beforeEach, expect, test } from 'vitest';
import { QuietProcesses } from '../../../../src/source/linux/namespaces/quiet-processes.ts';

let cpuNs: number | undefined;
let searches: number;
let quiet: QuietProcesses<number>;

beforeEach(() => {
  cpuNs = 1_234_567;
  searches = 0;
  quiet = new QuietProcesses({ cpuNsOf: () => cpuNs });
});

/** Runs a pass over one process: what it finds is the number of the search. */
function pass(pid: number): number {
  const known = quiet.find(pid);
  if (known === undefined) quiet.keep(pid, cpuNs, ++searches, 1);
  quiet.endPass([pid]);
  return known ?? searches;
}
const passes = (pid: number, count: number) => Array.from({ length: count }, () => pass(pid));

test('a process that does not run is searched in one pass of eight', () => {
  // Pass 0 is the first one; pid 19 is due in passes 5 and 13.
  expect(passes(19, 16)).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3]);
});

test('a process that has run is searched again', () => {
  passes(19, 2);
  cpuNs = 1_234_568;
  expect(passes(19, 2)).toEqual([2, 2]);
});

test('a process whose CPU time is unknown is searched in every pass', () => {
  passes(19, 2);
  cpuNs = undefined;
  expect(passes(19, 2)).toEqual([2, 3]);
});

test('a process that has ended is forgotten', () => {
  pass(19);
  quiet.endPass([]);
  expect(quiet.find(19)).toBeUndefined();
});

test('what is found in many processes is kept up to a bound, and there is room again when they have ended', () => {
  const pids = Array.from({ length: 150 }, (_, i) => 1000 + i);
  const keepAll = () => {
    for (const pid of pids) quiet.keep(pid, cpuNs, 1, 1000);
    // Those that are due in this pass are searched in any case.
    return pids.filter((pid, i) => i < 100 && pid % 8 !== 0 && quiet.find(pid) === undefined).length;
  };
  expect(keepAll()).toBe(0);
  expect(pids.slice(100).filter((pid) => quiet.find(pid) !== undefined)).toEqual([]);
  expect(keepAll()).toBe(0);
  for (let i = 0; i < 8; i++) quiet.endPass([]);
  quiet.keep(7, cpuNs, 2, 100_000);
  expect(quiet.find(7)).toBe(2);
});
