import { readlinkSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { parseLost, type Trace } from '../../../../src/source/linux/trace/trace.ts';
import { event, exitEvent, fixture, pageOf } from './fake.ts';
import { exits, fake, native, open, pids, put, setNow, useTraceScene } from './trace-scene.ts';

vi.mock('node:fs', async () => (await import('./fake.ts')).withFake(() => fake));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  cpus: () => Array.from({ length: 2 }),
}));

useTraceScene();

describe('draining', () => {
  test('merges processors by time', () => {
    const trace = open();
    put(0, exits(901, 905), exits(906));
    put(1, exits(900, 902, 907));
    expect(pids(trace.drain())).toEqual([900, 901, 902, 905, 906, 907]);
    expect(trace.drain()).toEqual([]);
  });

  test('keeps records newer than the call for the next one, in order', () => {
    const trace = open();
    put(0, exits(999, 1001, 1003));
    expect(pids(trace.drain())).toEqual([999]);
    setNow(1002);
    put(1, exits(1000, 1002));
    expect(pids(trace.drain())).toEqual([1000, 1001, 1002]);
    setNow(1003);
    expect(pids(trace.drain())).toEqual([1003]);
  });

  test('keeps the order of records with the same time', () => {
    const trace = open();
    put(0, pageOf(900_000_000n, [event(exitEvent(1)), event(exitEvent(2)), event(exitEvent(3))]));
    expect(pids(trace.drain())).toEqual([1, 2, 3]);
  });

  test('ends although a buffer is written faster than read', () => {
    const trace = open();
    put(0, exits(999), exits(1001), exits(1002));
    trace.drain();
    expect(native.pipes.get(0)).toHaveLength(1);
  });

  test('reads only pipes with data', () => {
    const trace = open();
    trace.drain();
    expect([native.polls, native.reads]).toEqual([1, 0]);
    put(1, exits(900));
    trace.drain();
    // The page, and a read that returns nothing.
    expect([native.polls, native.reads]).toEqual([2, 2]);
  });

  test('does not wait for a processor that has never been online', () => {
    const trace = open();
    const pipes = trace.waitable();
    expect(pipes.map((pipe) => readlinkSync(`/proc/self/fd/${pipe}`).slice(-19))).toEqual([
      'cpu0/trace_pipe_raw',
      'cpu1/trace_pipe_raw',
    ]);
    native.offline.add(0);
    expect(trace.waitable()).toEqual(pipes.slice(1));
  });

  test('is pending while it keeps a record for the next drain', () => {
    const trace = open();
    put(0, exits(999, 1001));
    trace.drain();
    expect(trace.isPending).toBe(true);
    setNow(1002);
    trace.drain();
    expect(trace.isPending).toBe(false);
  });

  test('accepts an empty pipe that returns 0', () => {
    const trace = open();
    put(0, 0, exits(900));
    expect(trace.drain()).toEqual([]);
    expect(pids(trace.drain())).toEqual([900]);
    expect(trace.failure).toBeUndefined();
  });

  test('counts invalid events and pages, and continues', () => {
    const trace = open();
    put(0, pageOf(0n, [event(exitEvent(1, { id: 1 })), event(exitEvent(2))]), pageOf(0n, [], 4081), exits(3));
    expect(pids(trace.drain())).toEqual([2, 3]);
    expect(trace.problems).toBe(2);
  });
});

describe('lost events', () => {
  const stats = (overrun: number) => fixture('stats.txt').replace('\noverrun: 0', `\noverrun: ${overrun}`);
  const setStats = (trace: Trace, processor: number, text: string) =>
    fake.put(`${trace.leftovers.path}/per_cpu/cpu${processor}/stats`, text);

  test('are the sum of all counters', () => {
    expect(parseLost(fixture('stats.txt'))).toBe(0);
    const text = fixture('stats.txt')
      .replace('\noverrun: 0', '\noverrun: 5')
      .replace('commit overrun: 0', 'commit overrun: 70')
      .replace('dropped events: 0', 'dropped events: 900');
    expect(parseLost(text)).toBe(975);
    expect(parseLost('')).toBe(0);
  });

  test('are reported once and summed over processors', () => {
    const trace = open({ bufferKiB: 4 });
    setStats(trace, 0, stats(7));
    setStats(trace, 1, stats(100));
    put(0, exits(900));
    put(1, exits(900));
    trace.drain();
    expect([trace.takeLost(), trace.takeLost()]).toEqual([107, 0]);
    setStats(trace, 0, stats(9));
    put(0, exits(901));
    put(0, exits(902));
    trace.drain();
    trace.drain();
    expect(trace.takeLost()).toBe(2);
  });

  test('are read only for a buffer that may have been full: after half of its size was read', () => {
    const trace = open({ bufferKiB: 64 });
    setStats(trace, 0, stats(7));
    put(0, ...Array.from({ length: 7 }, (_, i) => exits(900 + i)));
    trace.drain();
    expect(trace.takeLost()).toBe(0);
    put(0, exits(910));
    trace.drain();
    expect(trace.takeLost()).toBe(7);
    setStats(trace, 0, stats(9));
    put(0, exits(911));
    trace.drain();
    expect(trace.takeLost()).toBe(0);
  });
});
