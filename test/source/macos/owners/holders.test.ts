import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { Holders } from '../../../../src/source/macos/owners/holders.ts';

/** Returns holders on a machine whose every process has one socket with its pid as handle; a search of one takes 1 ms. */
function holdersOf(hidden: ReadonlySet<number> = new Set()) {
  let nowMs = 0;
  const searched: number[] = [];
  const holders = new Holders(
    {
      socketDescriptors: (pid) => {
        nowMs++;
        searched.push(pid);
        return hidden.has(pid) ? -constants.errno.EPERM : Int32Array.of(3);
      },
      socketHandle: (pid) => BigInt(pid),
    },
    { of: (pid) => ({ pid, process: `p${pid}` }) },
    () => nowMs,
  );
  /** Searches for as long as this many processes take. @returns their pids */
  const search = (pids: readonly number[], count: number, suspects: readonly number[] = []): number[] => {
    searched.length = 0;
    holders.search(pids, { suspects: new Set(suspects), deadlineMs: nowMs + count - 1 });
    return [...searched];
  };
  return { holders, search };
}

test('a search that runs out of time goes on there at the next poll, after the suspects', () => {
  const { holders, search } = holdersOf();
  const pids = [1, 2, 3, 4, 5];
  expect(search(pids, 2)).toEqual([1, 2]);
  expect(holders.isComplete).toBe(false);
  expect(search(pids, 3, [1])).toEqual([1, 3, 4]);
  expect(search(pids, 2)).toEqual([5, 1]);
  expect([1, 2, 3, 4, 5].map((handle) => holders.of(BigInt(handle))[0]?.process)).toEqual([
    'p1',
    'p2',
    'p3',
    'p4',
    'p5',
  ]);
  expect(search(pids, 9)).toEqual([2, 3, 4, 5, 1]);
  expect(holders.isComplete).toBe(true);
  expect(search(pids, 9)).toEqual([1, 2, 3, 4, 5]);
});

test('processes that may not be read stay known while a search runs out of time', () => {
  const { holders, search } = holdersOf(new Set([4, 5]));
  search([1, 2, 3, 4, 5], 9);
  expect(holders.unreadable).toBe(2);
  search([1, 2, 3, 4, 5], 2);
  expect(holders.unreadable).toBe(2);
});
