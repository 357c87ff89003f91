import { describe, expect, test } from 'vitest';
import type { Batch, Snapshot } from '../../src/model/batch.ts';
import type { Coverage, Event } from '../../src/model/event.ts';
import { PART_SIZE } from '../../src/sampler/parts.ts';
import { type Clock, Sampler } from '../../src/sampler/sampler.ts';
import type { Socket } from '../../src/model/socket.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';

/** A clock that the test advances. */
class FakeClock implements Clock {
  wall = NOON_MS;
  now = 5000;
  readonly #timers = new Set<{ atMs: number; action: () => void }>();

  wallMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.now;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.now + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Advances to this time; never goes back. */
  goTo(nowMs: number): void {
    const ms = Math.max(0, nowMs - this.now);
    this.now += ms;
    this.wall += ms;
  }

  /** Advances by `ms`, runs due timers, and lets all promises settle. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter((it) => it.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.goTo(due.atMs);
      due.action();
      await settle();
    }
    this.goTo(end);
  }
}

/** Waits until all promises have settled. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

interface Case {
  readonly intervalMs?: number;
  readonly maxShare?: number;
  readonly auto?: boolean;
  /** The source has an event source. */
  readonly hasEventSource?: boolean;
  /** The event source can wait. */
  readonly canWait?: boolean;
  /** The sampler has `onEvents`. */
  readonly hasOnEvents?: boolean;
  /** See `SamplerOptions`. */
  readonly maxShortLives?: number;
}

/** A sampler of a source whose polls cost `world.costMs` and resolve at once, or (`auto: false`) through `answers`. */
function setUp({
  intervalMs = 1000,
  maxShare,
  auto = true,
  hasEventSource = false,
  canWait = false,
  hasOnEvents = false,
  maxShortLives,
}: Case = {}) {
  const clock = new FakeClock();
  const startsMs: number[] = [];
  const batches: Batch[] = [];
  const errors: unknown[] = [];
  const answers: { give: (it: Snapshot) => void; fail: (error: Error) => void }[] = [];
  const world = { sockets: snapshot([socket({ id: 'a' })]), costMs: 0, nextCostsMs: [] as number[] };
  let take: () => Promise<void> | void = () => {};
  const drainsMs: number[] = [];
  /** Kernel events to drain next, and how often the source was closed. */
  const system = { kernelEvents: [] as KernelEvent[], isPending: false, closed: 0 };
  /** Calls back for the current wait; undefined if there is none. */
  let wake: (() => void) | undefined;
  const received: { readonly atMs: number; readonly event: Event }[] = [];
  const consumer = { onEvent: () => {} };
  const coverage: Coverage = { level: 'changes' };
  const sampler = new Sampler({
    source: {
      name: 'fake',
      read: () => {
        startsMs.push(clock.now);
        clock.goTo(clock.now + (world.nextCostsMs.shift() ?? world.costMs));
        return auto
          ? Promise.resolve(world.sockets)
          : new Promise((give, fail) => answers.push({ give, fail }));
      },
      close: () => {
        system.closed++;
      },
      ...(hasEventSource && {
        events: {
          coverage,
          ...(canWait && {
            wait: (onReady: () => void) => {
              expect(wake).toBeUndefined();
              wake = onReady;
            },
          }),
          get isPending() {
            return system.isPending;
          },
          collect: () => {},
          drain: () => {
            drainsMs.push(clock.now);
            return system.kernelEvents.splice(0);
          },
        },
      }),
    },
    clock,
    intervalMs,
    ...(maxShare !== undefined && { maxShare }),
    maxShortLives,
    onBatch: (batch) => {
      batches.push(batch);
      return take();
    },
    ...(hasOnEvents && {
      onEvents: (events: readonly Event[]) => {
        for (const event of events) received.push({ atMs: clock.now, event });
        consumer.onEvent();
      },
    }),
    onError: (error) => errors.push(error),
  });
  const onTake = (action: typeof take) => {
    take = action;
  };
  const wakeUp = () => {
    const onReady = wake;
    wake = undefined;
    onReady?.();
  };
  return {
    clock,
    startsMs,
    batches,
    errors,
    answers,
    world,
    sampler,
    onTake,
    drainsMs,
    wakeUp,
    system,
    received,
    consumer,
    coverage,
  };
}

test('polls at once, and then at each interval', async () => {
  const { sampler, clock, startsMs, batches } = setUp();
  sampler.start();
  await clock.pass(3500);
  expect(startsMs).toEqual([5000, 6000, 7000, 8000]);
  expect(batches.map(({ baseline, monotonicMs }) => [baseline, monotonicMs])).toEqual([
    [true, 5000],
    [false, 6000],
    [false, 7000],
    [false, 8000],
  ]);
});

test('the first batch is the baseline with all sockets; the next has the difference', async () => {
  const { sampler, clock, world, batches } = setUp();
  const [a, b] = [socket({ id: 'a' }), socket({ id: 'b' })];
  world.sockets = {
    ...snapshot([a]),
    interfaces: [{ name: 'lo', isUp: true, rxBytes: 1, txBytes: 1, addresses: [] }],
    degradations: [{ code: 'c', text: 't', short: 's' }],
    socketsMs: 3,
    ownersMs: 4,
  };
  sampler.start();
  await clock.pass(10);
  world.sockets = snapshot([b]);
  await clock.pass(1000);
  expect(batches[0]).toEqual({
    baseline: true,
    partial: false,
    host: 'local',
    source: 'fake',
    spawned: [a],
    changed: [],
    closed: [],
    takenAtMs: NOON_MS,
    monotonicMs: 5000,
    pacedIntervalMs: 1000,
    interfaces: [{ name: 'lo', isUp: true, rxBytes: 1, txBytes: 1, addresses: [] }],
    degradations: [{ code: 'c', text: 't', short: 's' }],
    events: [],
    coverage: { level: 'polls', why: 'fake only polls' },
    cost: { socketsMs: 3, ownersMs: 4, diffMs: 0 },
  });
  expect(batches[1]).toMatchObject({
    baseline: false,
    spawned: [b],
    changed: [],
    closed: ['a'],
    events: [
      { type: 'spawn', atMs: NOON_MS + 1000, socket: b, learntBy: 'poll' },
      { type: 'close', atMs: NOON_MS + 1000, socket: a, learntBy: 'poll', lifetimeMs: 1000, isAtLeast: true },
    ],
  });
});

test('a batch has the start time of its poll and the costs of the snapshot', async () => {
  const { sampler, clock, batches, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(300);
  answers[0]?.give({ ...snapshot([]), socketsMs: 250, ownersMs: 50 });
  await clock.pass(0);
  expect(batches).toMatchObject([
    { monotonicMs: 5000, takenAtMs: NOON_MS, cost: { socketsMs: 250, ownersMs: 50, diffMs: 0 } },
  ]);
});

test('the interval is from start to start, however long a poll takes', async () => {
  const { sampler, clock, startsMs, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(300);
  answers[0]?.give(snapshot([]));
  await clock.pass(1000);
  expect(startsMs).toEqual([5000, 6000]);
});

test('one poll, not two, follows at once after a slow poll', async () => {
  const { sampler, clock, startsMs, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(5300);
  expect(startsMs).toEqual([5000]);
  answers[0]?.give(snapshot([]));
  await clock.pass(0);
  expect(startsMs).toEqual([5000, 10_300]);
  answers[1]?.give(snapshot([]));
  await clock.pass(999);
  expect(startsMs).toEqual([5000, 10_300]);
  await clock.pass(1);
  expect(startsMs).toEqual([5000, 10_300, 11_300]);
});

test('waits until a batch is taken', async () => {
  const { sampler, clock, startsMs, onTake } = setUp();
  let taken = () => {};
  onTake(() => new Promise((resolve) => void (taken = resolve)));
  sampler.start();
  await clock.pass(60_000);
  expect(startsMs).toEqual([5000]);
  expect(clock.pending).toBe(0);
  taken();
  await clock.pass(0);
  expect(startsMs).toEqual([5000, 65_000]);
});

test('a new interval counts from the start of the last poll', async () => {
  const { sampler, clock, startsMs, batches } = setUp();
  sampler.start();
  await clock.pass(400);
  sampler.setInterval(500);
  await clock.pass(100);
  expect(startsMs).toEqual([5000, 5500]);
  expect(batches.at(-1)?.pacedIntervalMs).toBe(500);
  sampler.setInterval(2000);
  await clock.pass(1999);
  expect(startsMs).toEqual([5000, 5500]);
  await clock.pass(1);
  expect(startsMs).toEqual([5000, 5500, 7500]);
});

test('a new interval that has already passed starts one poll at once', async () => {
  const { sampler, clock, startsMs } = setUp({ intervalMs: 60_000 });
  sampler.start();
  await clock.pass(10_000);
  sampler.setInterval(1000);
  sampler.setInterval(1000);
  await clock.pass(0);
  expect(startsMs).toEqual([5000, 15_000]);
  expect(clock.pending).toBe(1);
});

test('a new interval during a poll starts no second poll', async () => {
  const { sampler, clock, startsMs, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(100);
  sampler.setInterval(200);
  await clock.pass(5000);
  expect(startsMs).toEqual([5000]);
  answers[0]?.give(snapshot([]));
  await clock.pass(0);
  expect(startsMs).toEqual([5000, 10_100]);
});

test('a jump of the wall clock changes only `takenAtMs`', async () => {
  const { sampler, clock, startsMs, batches } = setUp();
  sampler.start();
  await clock.pass(500);
  clock.wall = NOON_MS - 86_400_000;
  await clock.pass(1000);
  expect(startsMs).toEqual([5000, 6000]);
  expect(batches[1]?.monotonicMs).toBe(6000);
  expect(batches[1]?.takenAtMs).toBeLessThan(NOON_MS);
});

test('an error of the source stops the sampler and is reported once', async () => {
  const { sampler, clock, startsMs, errors, answers, batches } = setUp({ auto: false });
  const broken = new Error('broken');
  sampler.start();
  await clock.pass(0);
  answers[0]?.fail(broken);
  await clock.pass(10_000);
  expect(errors).toEqual([broken]);
  expect(startsMs).toEqual([5000]);
  expect(batches).toEqual([]);
  sampler.setInterval(100);
  await clock.pass(10_000);
  expect(startsMs).toEqual([5000]);
});

test('stop during a poll: no batch and no further poll', async () => {
  const { sampler, clock, startsMs, batches, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(0);
  sampler.stop();
  answers[0]?.give(snapshot([]));
  await clock.pass(10_000);
  expect(batches).toEqual([]);
  expect(startsMs).toEqual([5000]);
});

test('stop between two polls: no further poll', async () => {
  const { sampler, clock, startsMs } = setUp();
  sampler.start();
  await clock.pass(500);
  sampler.stop();
  await clock.pass(10_000);
  expect(startsMs).toEqual([5000]);
  expect(clock.pending).toBe(0);
});

describe('a batch of several parts', () => {
  const many = (count: number) =>
    snapshot(Array.from({ length: count }, (_, i) => socket({ id: `id ${i}` })));

  /** A sampler whose first batch has two and a half parts, which the test takes one by one. */
  function setUpParts() {
    const it = setUp();
    const consumer = { take: () => {} };
    it.onTake(() => new Promise((resolve) => void (consumer.take = resolve)));
    it.world.sockets = many(PART_SIZE * 2.5);
    const take = async (afterMs: number) => {
      await it.clock.pass(afterMs);
      consumer.take();
      await it.clock.pass(0);
    };
    const sent = () => it.batches.map(({ spawned, partial }) => [spawned.length, partial]);
    return { ...it, take, sent };
  }

  test('sends each part after the one before was taken, and polls again after the last', async () => {
    const { sampler, clock, startsMs, batches, take, sent } = setUpParts();
    sampler.start();
    await clock.pass(10_000);
    expect(sent()).toEqual([[PART_SIZE, true]]);
    await take(0);
    await clock.pass(10_000);
    expect(sent()).toEqual([
      [PART_SIZE, true],
      [PART_SIZE, true],
    ]);
    await take(0);
    expect(sent().at(-1)).toEqual([PART_SIZE / 2, false]);
    expect(startsMs).toEqual([5000]);
    await take(0);
    expect(startsMs).toEqual([5000, 25_000]);
    expect(batches.map(({ baseline, monotonicMs, takenAtMs }) => [baseline, monotonicMs, takenAtMs])).toEqual(
      [...Array.from({ length: 3 }, () => [true, 5000, NOON_MS]), [false, 25_000, NOON_MS + 20_000]],
    );
  });

  test('stop between two parts: no further part and no further poll', async () => {
    const { sampler, clock, startsMs, take, sent } = setUpParts();
    sampler.start();
    await clock.pass(0);
    sampler.stop();
    await take(0);
    await clock.pass(10_000);
    expect(sent()).toEqual([[PART_SIZE, true]]);
    expect(startsMs).toEqual([5000]);
    expect(clock.pending).toBe(0);
  });

  test('a slow consumer does not count as cost of polling', async () => {
    const { sampler, clock, batches, take } = setUpParts();
    sampler.start();
    await clock.pass(0);
    for (let i = 0; i < 12; i++) await take(900);
    expect(batches.length).toBeGreaterThan(8);
    expect(new Set(batches.map((it) => it.pacedIntervalMs))).toEqual(new Set([1000]));
  });
});

describe('polls that take too much of the time', () => {
  const LIMITED = { code: 'c', text: 't', short: 's' };

  test('lengthen the interval with a notice after those of the source, until polls are cheap again', async () => {
    const { sampler, clock, startsMs, batches, world } = setUp();
    world.sockets = { ...world.sockets, degradations: [LIMITED] };
    world.costMs = 500;
    sampler.start();
    await clock.pass(7000);
    // The first poll does not count, and one more is not enough.
    expect(startsMs).toEqual([5000, 6000, 7000, 9500, 12_000]);
    expect(batches.map((it) => it.pacedIntervalMs)).toEqual([1000, 1000, 2500, 2500, 2500]);
    expect(batches[1]?.degradations).toEqual([LIMITED]);
    expect(batches[2]?.degradations).toEqual([
      LIMITED,
      {
        code: 'paced',
        text: 'interval is 2.5 s instead of 1 s: one poll takes 500 ms',
        short: 'slowed to 2.5 s',
      },
    ]);
    world.costMs = 10;
    await clock.pass(7000);
    expect(startsMs.slice(5)).toEqual([14_500, 17_000, 18_000, 19_000]);
    expect(batches.at(-1)).toMatchObject({ pacedIntervalMs: 1000, degradations: [LIMITED] });
  });

  test('change nothing when only the first poll and single later ones are slow', async () => {
    const { sampler, clock, startsMs, batches, world } = setUp();
    world.nextCostsMs = [950, 950, 10, 10, 950];
    sampler.start();
    await clock.pass(6000);
    expect(startsMs).toEqual([5000, 6000, 7000, 8000, 9000, 10_000, 11_000]);
    expect(batches.flatMap((it) => it.degradations)).toEqual([]);
  });

  test('are those above the maximum share', async () => {
    const { sampler, clock, batches, world } = setUp({ maxShare: 0.5 });
    world.costMs = 500;
    sampler.start();
    await clock.pass(4000);
    expect(batches.at(-1)).toMatchObject({ pacedIntervalMs: 1000, degradations: [] });
    world.costMs = 501;
    await clock.pass(4000);
    expect(batches.at(-1)?.pacedIntervalMs).toBe(1250);
  });

  test('follow a new requested interval at once, in the timer and in the batches', async () => {
    const { sampler, clock, startsMs, batches, world } = setUp();
    world.costMs = 500;
    sampler.start();
    await clock.pass(2500);
    expect(startsMs).toEqual([5000, 6000, 7000]);
    sampler.setInterval(4000);
    await clock.pass(4000);
    expect(startsMs.slice(3)).toEqual([11_000]);
    expect(batches.at(-1)).toMatchObject({ pacedIntervalMs: 4000, degradations: [] });
    sampler.setInterval(2000);
    await clock.pass(2500);
    expect(startsMs.slice(4)).toEqual([13_500]);
    expect(batches.at(-1)?.pacedIntervalMs).toBe(2500);
  });
});

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
    const remnants = lives.map((it): Socket => ({ ...it, id: `r${it.id}`, state: 'TIME_WAIT' }));

    test('the batch has the sum of the others, and a notice counts their remnants', async () => {
      const { sampler, clock, batches, world, system } = setUp({ hasEventSource: true, maxShortLives: 1 });
      sampler.start();
      await clock.pass(500);
      system.kernelEvents = [...ends];
      world.sockets = snapshot([a, ...remnants]);
      await clock.pass(500);
      const batch = batches[1];
      expect(batch?.spawned.map(({ id }) => id)).toEqual(['40001']);
      expect(batch?.events.map((it) => [it.type, it.type === 'sum' && it.count, it.atMs - NOON_MS])).toEqual([
        ['spawn', false, 400],
        ['close', false, 400],
        ['sum', 3, 403],
      ]);
      expect(batch?.degradations.map(({ text }) => text)).toEqual([
        '3 sockets in TIME_WAIT not shown: the connections were only counted',
      ]);
      world.sockets = snapshot([a]);
      await clock.pass(1000);
      expect(batches[2]).toMatchObject({ spawned: [], closed: ['40001'], events: [], degradations: [] });
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
});
