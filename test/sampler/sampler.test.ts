import { describe, expect, test } from 'vitest';
import { PART_SIZE } from '../../src/sampler/parts.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';
import { setUp } from './fake-sampler.ts';

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

test('the next poll comes soon while it is not known who owns a socket', async () => {
  const { sampler, clock, world, startsMs } = setUp({ intervalMs: 60_000 });
  const pending = socket({ id: 'a', owners: [{ knowledge: 'pending' }] });
  world.sockets = snapshot([pending]);
  sampler.start();
  await clock.pass(2500);
  world.sockets = snapshot([socket({ id: 'a' })]);
  await clock.pass(100_000);
  expect(startsMs).toEqual([5000, 6000, 7000, 8000, 68_000]);
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

  test('on a busy machine lengthen nothing: only their CPU time counts', async () => {
    const { sampler, clock, startsMs, world } = setUp();
    clock.cpuMs = () => 0;
    world.costMs = 900;
    sampler.start();
    await clock.pass(4000);
    expect(startsMs).toEqual([5000, 6000, 7000, 8000, 9000]);
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
