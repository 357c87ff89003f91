import { describe, expect, test } from 'vitest';
import type { KernelEvent } from '../../src/source/types.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';
import { setUp } from './fake-sampler.ts';

describe('a source with an event source', () => {
  const a = socket({ id: 'a' });
  const b = socket({ id: 'b', local: '192.0.2.10:40001' });

  const appeared = (atMs: number, it = b): KernelEvent => ({
    type: 'appeared',
    atMs,
    socket: it,
    learntBy: 'trace',
  });
  const ended = (atMs: number, it = b): KernelEvent => ({
    type: 'ended',
    atMs,
    socket: it,
    learntBy: 'destroy',
  });

  test('is drained before and after each poll, and every 50 ms', async () => {
    const { sampler, clock, world, drainsMs } = setUp({ hasEventSource: true, intervalMs: 100 });
    world.costMs = 10;
    sampler.start();
    await clock.pass(90);
    expect(drainsMs).toEqual([5000, 5010, 5060, 5100, 5110]);
  });

  describe('that can wait', () => {
    const waiting = { hasEventSource: true, hasOnEvents: true, canWait: true, intervalMs: 60_000 };

    test('is drained only around a poll while nothing happens', async () => {
      const { sampler, clock, drainsMs } = setUp(waiting);
      sampler.start();
      await clock.pass(59_000);
      expect(drainsMs).toEqual([5000, 5000]);
      expect(clock.pending).toBe(1);
    });

    test('is drained at once when it wakes up, and then every 50 ms as long as there is more', async () => {
      const { sampler, clock, system, wakeUp, drainsMs, received } = setUp(waiting);
      sampler.start();
      await clock.pass(1000);
      system.kernelEvents = [appeared(5999)];
      wakeUp();
      expect(received.map(({ atMs }) => atMs)).toEqual([6000]);
      wakeUp();
      await clock.pass(20);
      wakeUp();
      await clock.pass(80);
      wakeUp();
      expect(drainsMs.slice(2)).toEqual([6000, 6050, 6100]);
    });

    test('is drained without waking up while it has more to report', async () => {
      const { sampler, clock, system, wakeUp, drainsMs } = setUp(waiting);
      sampler.start();
      await clock.pass(1000);
      system.isPending = true;
      wakeUp();
      await clock.pass(100);
      system.isPending = false;
      await clock.pass(1000);
      expect(drainsMs.slice(2)).toEqual([6000, 6050, 6100, 6150]);
    });

    test('is drained until a socket that a poll missed is closed', async () => {
      const { sampler, clock, world, received } = setUp({ ...waiting, intervalMs: 1000 });
      world.sockets = snapshot([a, b]);
      sampler.start();
      await clock.pass(1000);
      world.sockets = snapshot([a, b, socket({ id: 'c' })]);
      await clock.pass(1000);
      world.sockets = snapshot([a, b]);
      await clock.pass(1200);
      expect(received.map(({ atMs, event }) => [event.type, atMs])).toEqual([
        ['spawn', 7000],
        ['close', 8100],
      ]);
    });

    test('is not drained after stop, even if it wakes up', async () => {
      const { sampler, clock, wakeUp, drainsMs } = setUp(waiting);
      sampler.start();
      await clock.pass(1000);
      sampler.stop();
      const drains = drainsMs.length;
      wakeUp();
      await clock.pass(1000);
      expect(drainsMs).toHaveLength(drains);
      expect(clock.pending).toBe(0);
    });
  });

  test('a socket that spawned and closed between two polls is in the next batch, with the coverage', async () => {
    const { sampler, clock, batches, system, coverage } = setUp({ hasEventSource: true });
    sampler.start();
    await clock.pass(500);
    system.kernelEvents = [appeared(5400), ended(5450)];
    await clock.pass(500);
    expect(batches.map((it) => it.coverage)).toEqual([coverage, coverage]);
    expect(batches[0]).toMatchObject({ spawned: [a], closed: [], events: [] });
    expect(batches[1]).toMatchObject({
      spawned: [b],
      changed: [],
      closed: ['b'],
      events: [
        { type: 'spawn', atMs: NOON_MS + 400, socket: b, learntBy: 'trace' },
        { type: 'close', atMs: NOON_MS + 450, socket: b, learntBy: 'destroy', lifetimeMs: 50 },
      ],
    });
  });

  test('kernel events during a poll are in the batch of that poll', async () => {
    const { sampler, clock, batches, answers, system } = setUp({ hasEventSource: true, auto: false });
    sampler.start();
    await clock.pass(0);
    answers[0]?.give(snapshot([a]));
    await clock.pass(1030);
    system.kernelEvents = [ended(6020, a)];
    answers[1]?.give(snapshot([a]));
    await clock.pass(0);
    expect(batches[1]).toMatchObject({
      spawned: [],
      closed: ['a'],
      events: [{ type: 'close', atMs: NOON_MS + 1020 }],
    });
  });

  test('onEvents gets each event at once, in order and only once', async () => {
    const { sampler, clock, batches, system, received } = setUp({ hasEventSource: true, hasOnEvents: true });
    sampler.start();
    await clock.pass(410);
    system.kernelEvents = [
      appeared(5410),
      { type: 'state', atMs: 5411, id: 'b', was: 'ESTABLISHED', now: 'CLOSE_WAIT', learntBy: 'trace' },
      { type: 'gap', atMs: 5412, missed: 3, learntBy: 'trace' },
      { type: 'state', atMs: 5413, id: 'b', was: 'CLOSE_WAIT', now: 'LAST_ACK', learntBy: 'trace' },
    ];
    await clock.pass(50);
    system.kernelEvents = [ended(5460)];
    await clock.pass(1000);
    expect(received.map(({ atMs, event }) => [atMs, event.type, event.atMs - NOON_MS])).toEqual([
      [5450, 'spawn', 410],
      [5450, 'change', 411],
      [5450, 'gap', 412],
      [5450, 'change', 413],
      [5500, 'close', 460],
    ]);
    expect(batches.flatMap((it) => it.events)).toEqual([]);
    expect(batches[1]).toMatchObject({ spawned: [{ id: 'b' }], closed: ['b'] });
  });

  describe('with more short lives than a batch shows', () => {
    const ports = [40_001, 40_002, 40_003, 40_004];
    const lives = ports.map((port) => socket({ id: `${port}`, local: `192.0.2.10:${port}` }));
    const ends = lives.map(
      (it, i): KernelEvent =>
        ({ ...ended(5400 + i, it), remnant: { id: `r${it.id}`, state: 'TIME_WAIT' } }) as KernelEvent,
    );

    test('the batch has the sum of the others, and polls omit new remnants as long as theirs may exist', async () => {
      const { sampler, clock, batches, omissions, system } = setUp({
        hasEventSource: true,
        maxShortLives: 1,
      });
      sampler.start();
      await clock.pass(500);
      system.kernelEvents = [...ends];
      await clock.pass(500);
      const batch = batches[1];
      expect(batch?.spawned.map(({ id }) => id)).toEqual(['40001']);
      expect(batch?.events.map((it) => [it.type, it.type === 'sum' && it.count, it.atMs - NOON_MS])).toEqual([
        ['spawn', false, 400],
        ['close', false, 400],
        ['sum', 3, 403],
      ]);
      expect(batch?.closed).toEqual(['40001']);
      // The last of them ended at 403 ms.
      await clock.pass(71_000);
      expect(omissions.slice(0, 3)).toEqual([false, true, true]);
      expect(omissions.indexOf(false, 1)).toBe(71);
    });

    test('onEvents gets each of them', async () => {
      const case_ = { hasEventSource: true, hasOnEvents: true, maxShortLives: 1 };
      const { sampler, clock, system, received } = setUp(case_);
      sampler.start();
      await clock.pass(500);
      system.kernelEvents = [...ends];
      await clock.pass(500);
      expect(received.filter(({ event }) => event.type === 'close')).toHaveLength(4);
    });
  });

  test('event times are wall-clock times, also after the clock has jumped', async () => {
    const { sampler, clock, batches, world, system } = setUp({ hasEventSource: true });
    sampler.start();
    await clock.pass(500);
    clock.wall -= 3_600_000;
    system.kernelEvents = [appeared(5490)];
    world.sockets = snapshot([a, b]);
    await clock.pass(500);
    world.sockets = snapshot([a, socket({ id: 'c' })]);
    await clock.pass(500);
    clock.wall += 7_200_000;
    system.kernelEvents = [ended(6495)];
    await clock.pass(500);
    const events = batches.map((it) => it.events.map(({ type, atMs }) => [type, atMs]));
    expect(events).toEqual([
      [],
      [['spawn', NOON_MS - 3_600_000 + 490]],
      [
        ['close', NOON_MS + 3_600_000 + 1495],
        ['spawn', NOON_MS + 3_600_000 + 2000],
      ],
    ]);
    const close = batches[2]?.events[0];
    expect(close).toMatchObject({ lifetimeMs: 1005 });
  });

  test('stop sends the last events, drains no more, and closes the source once', async () => {
    const { sampler, clock, batches, system, received, drainsMs } = setUp({
      hasEventSource: true,
      hasOnEvents: true,
    });
    sampler.start();
    await clock.pass(10);
    system.kernelEvents = [appeared(5005)];
    sampler.stop();
    sampler.stop();
    const drains = drainsMs.length;
    await clock.pass(1000);
    expect(received.map(({ event }) => event.type)).toEqual(['spawn']);
    expect(batches).toHaveLength(1);
    expect(drainsMs).toHaveLength(drains);
    expect(clock.pending).toBe(0);
    expect(system.closed).toBe(1);
  });

  test('stop from within onEvents: no drain and no batch follows', async () => {
    const { sampler, clock, batches, system, consumer } = setUp({ hasEventSource: true, hasOnEvents: true });
    consumer.onEvent = () => sampler.stop();
    sampler.start();
    await clock.pass(10);
    system.kernelEvents = [appeared(5005)];
    await clock.pass(1000);
    expect(batches).toHaveLength(1);
    expect(clock.pending).toBe(0);
    const other = setUp({ hasEventSource: true, hasOnEvents: true, auto: false });
    other.consumer.onEvent = () => other.sampler.stop();
    other.sampler.start();
    await other.clock.pass(0);
    other.answers[0]?.give(snapshot([a]));
    await other.clock.pass(1000);
    other.answers[1]?.give(snapshot([a, b]));
    await other.clock.pass(1000);
    expect(other.received).toHaveLength(1);
    expect(other.batches).toHaveLength(1);
    expect(other.clock.pending).toBe(0);
  });

  test('an error closes the source once and ends the draining', async () => {
    const { sampler, clock, answers, errors, system } = setUp({ hasEventSource: true, auto: false });
    sampler.start();
    await clock.pass(60);
    answers[0]?.fail(new Error('broken'));
    await clock.pass(1000);
    sampler.stop();
    expect(errors).toHaveLength(1);
    expect(system.closed).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test('a poll that fails because the source was closed is not an error', async () => {
    const { sampler, clock, answers, errors } = setUp({ auto: false });
    sampler.start();
    await clock.pass(0);
    sampler.stop();
    answers[0]?.fail(new Error('closed'));
    await clock.pass(1000);
    expect(errors).toEqual([]);
  });
});
