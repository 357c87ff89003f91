import { beforeEach, expect, test } from 'vitest';
import type { Actor } from '../../../../src/source/linux/events/actor.ts';
import { ActorThreads } from '../../../../src/source/linux/events/actor-threads.ts';

const actor = (pid: number): Actor => ({
  pid,
  comm: 'curl',
  file: undefined,
  isKernelThread: false,
  parent: undefined,
  order: 0,
  owners: undefined,
});

let threads: ActorThreads;
beforeEach(() => {
  threads = new ActorThreads();
  const curl = actor(70);
  threads.set(70, curl);
  threads.set(71, curl);
});

test('keeps an ended thread for a second', () => {
  threads.end(71, false, 500);
  threads.removeExpired(1499);
  expect(threads.get(71)?.pid).toBe(70);
  threads.removeExpired(1500);
  expect([threads.get(71), threads.get(70)?.pid]).toEqual([undefined, 70]);
});

test.each([
  ['its last thread', 71, true, true],
  ['its first thread, if the kernel does not report the last one', 70, undefined, true],
  ['another thread, if the kernel does not report the last one', 71, undefined, false],
  ['its first thread before others', 70, false, false],
])('a process ends with %s', (_, tid, groupDead, isEnded) => {
  threads.end(tid, groupDead, 0);
  expect(threads.isEnded(70)).toBe(isEnded);
});

test('forgets the end of a process when its pid is reused', () => {
  threads.end(70, true, 0);
  threads.revive(70);
  threads.set(70, actor(70));
  threads.removeExpired(5000);
  expect([threads.isEnded(70), threads.get(70)?.pid]).toEqual([false, 70]);
});

test('removes all threads if there are more than any machine has', () => {
  const many = actor(80);
  for (let tid = 1000; tid < 201_000; tid++) threads.set(tid, many);
  threads.removeExpired(0);
  expect([threads.get(70), threads.get(1000)]).toEqual([undefined, undefined]);
});
