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
  if (known === undefined) quiet.keep(pid, cpuNs, ++searches);
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
