import { describe, expect, test } from 'vitest';
import { MAX_WAITING_EVENTS } from '../../src/model/bounds.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';
import { setUp } from './fake-sampler.ts';

describe('an event source with more events than one drain returns', () => {
  const appeared = (atMs: number, id = 'b'): KernelEvent => ({
    type: 'appeared',
    atMs,
    socket: socket({ id }),
    learntBy: 'trace',
  });

  test('is drained until it has no more, and onEvents gets the events of each drain', async () => {
    const { sampler, clock, system, received, drainsMs } = setUp({ hasEventSource: true, hasOnEvents: true });
    sampler.start();
    await clock.pass(10);
    system.atOnce = 1;
    system.kernelEvents = [appeared(5005), appeared(5006, 'c')];
    const drains = drainsMs.length;
    await clock.pass(60);
    expect(drainsMs.slice(drains)).toEqual([5050, 5050]);
    expect(received.map(({ event }) => event.type)).toEqual(['spawn', 'spawn']);
  });

  test('stops draining at the maximum while no batch is taken, and continues afterwards', async () => {
    const { sampler, clock, batches, system, drainsMs, onTake } = setUp({ hasEventSource: true });
    let taken = () => {};
    onTake(() => new Promise((resolve) => void (taken = resolve)));
    const gaps = Array.from({ length: 4000 }, (): KernelEvent => ({
      type: 'gap',
      atMs: 5000,
      learntBy: 'trace',
    }));
    sampler.start();
    await clock.pass(0);
    const drains = drainsMs.length;
    for (let i = 0; i < 20; i++) {
      system.kernelEvents = [...gaps];
      await clock.pass(50);
    }
    expect(drainsMs).toHaveLength(drains + 3);
    onTake(() => {});
    taken();
    await clock.pass(2000);
    expect(drainsMs.length).toBeGreaterThan(drains + 30);
    expect(batches.reduce((sum, it) => sum + it.events.length, 0)).toBe(16_000);
  });

  test('does not keep the sampler from polling for more than a second', async () => {
    const { sampler, clock, batches, system } = setUp({ hasEventSource: true, intervalMs: 2000 });
    sampler.start();
    await clock.pass(1990);
    // Each part takes longer than the kernel needs to report the next one.
    system.costMs = 30;
    system.atOnce = 1;
    system.kernelEvents = Array.from({ length: 500 }, (_, i) => appeared(6900, `id ${i}`));
    // A drain before the poll and one after it, each up to its maximum.
    await clock.pass(4000);
    expect(batches.length).toBeGreaterThan(1);
    expect(system.kernelEvents.length).toBeGreaterThan(200);
    await clock.pass(60_000);
    expect(system.kernelEvents).toEqual([]);
    expect(batches.reduce((sum, { events }) => sum + events.length, 0)).toBeGreaterThanOrEqual(500);
  });

  test('the source learns which drains are only for the rest of the one before', async () => {
    const { sampler, clock, system, drainsMs, nextPartsMs } = setUp({ hasEventSource: true });
    sampler.start();
    await clock.pass(10);
    system.atOnce = 1;
    system.kernelEvents = [appeared(5005), appeared(5006, 'c'), appeared(5007, 'd')];
    await clock.pass(90);
    expect(drainsMs).toEqual([5000, 5000, 5050, 5050, 5050, 5100]);
    expect(nextPartsMs).toEqual([5050, 5050]);
  });

  test('has the close of a socket that a poll missed, also if a drain ends before it', async () => {
    const { sampler, clock, batches, system, world } = setUp({ hasEventSource: true, intervalMs: 2000 });
    const a = socket({ id: 'a' });
    sampler.start();
    await clock.pass(1990);
    system.costMs = 30;
    system.atOnce = 1;
    const others = Array.from({ length: 50 }, (_, i) => appeared(6900, `id ${i}`));
    system.kernelEvents = [...others, { type: 'ended', atMs: 6950, socket: a, learntBy: 'destroy' }];
    world.sockets = snapshot([]);
    await clock.pass(10_000);
    expect(system.kernelEvents).toEqual([]);
    const closes = batches.flatMap(({ events }) => events.filter(({ type }) => type === 'close'));
    expect(closes.filter((it) => 'socket' in it && it.socket.id === 'a')).toMatchObject([
      { learntBy: 'destroy', atMs: NOON_MS + 1950 },
    ]);
  });

  test('stop drains all that the kernel has, however much', async () => {
    const { sampler, clock, system, received } = setUp({ hasEventSource: true, hasOnEvents: true });
    sampler.start();
    await clock.pass(10);
    system.atOnce = 1000;
    system.kernelEvents = Array.from({ length: 2 * MAX_WAITING_EVENTS }, (_, i) => appeared(5005, `id ${i}`));
    sampler.stop();
    expect(received).toHaveLength(2 * MAX_WAITING_EVENTS);
  });

  test('a gap follows if the kernel still has more after five seconds', async () => {
    const { sampler, clock, system, received, consumer } = setUp({ hasEventSource: true, hasOnEvents: true });
    sampler.start();
    await clock.pass(10);
    system.atOnce = 1;
    system.kernelEvents = Array.from({ length: MAX_WAITING_EVENTS + 100 }, (_, i) =>
      appeared(5005, `id ${i}`),
    );
    consumer.onEvent = () => clock.goTo(clock.now + 1);
    sampler.stop();
    expect(received.length).toBeLessThan(MAX_WAITING_EVENTS + 100);
    expect(received.at(-1)?.event).toMatchObject({ type: 'gap', learntBy: 'destroy' });
  });

  describe('that can wait', () => {
    /** Returns the times between drains while the kernel reports this many events per millisecond. */
    async function gapsAt(perMs: number, hasSmallBuffer: boolean): Promise<number[]> {
      const { sampler, clock, system, drainsMs, wakeUp } = setUp({
        hasEventSource: true,
        canWait: true,
        intervalMs: 60_000,
      });
      system.hasSmallBuffer = hasSmallBuffer;
      sampler.start();
      await clock.pass(1000);
      const before = drainsMs.length;
      for (let ms = 0; ms < 500; ms++) {
        for (let i = 0; i < perMs; i++) system.kernelEvents.push(appeared(clock.now, `${ms} ${i}`));
        wakeUp();
        await clock.pass(1);
      }
      // The first ones find the rate.
      return drainsMs.slice(before + 3).map((atMs, i) => atMs - (drainsMs[before + 2 + i] ?? 0));
    }

    test('is drained every 50 ms if its buffer is large, at any rate', async () => {
      expect(new Set(await gapsAt(10, false))).toEqual(new Set([50]));
    });

    test('is drained more often if its buffer is small and much happens', async () => {
      expect(new Set(await gapsAt(1, true))).toEqual(new Set([50]));
      for (const gap of await gapsAt(10, true)) expect(gap).toBeLessThanOrEqual(12);
      for (const gap of await gapsAt(100, true)) expect(gap).toBeGreaterThanOrEqual(5);
    });
  });
});
