import { expect, test } from 'vitest';
import type { Batch, Snapshot } from '../../src/model/batch.ts';
import { type Clock, Sampler } from '../../src/sampler/sampler.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';

/** A clock that goes when it is told to. */
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

  /** Goes on by `ms`, running what falls due, and lets all promises settle. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter((it) => it.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.now = Math.max(this.now, due.atMs);
      due.action();
      await settle();
    }
    this.now = end;
    this.wall += ms;
  }
}

/** Waits until no promise has anything left to do. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** A sampler on a source that answers when it is told to, or at once. */
function setUp({ intervalMs = 1000, auto = true }: { intervalMs?: number; auto?: boolean } = {}) {
  const clock = new FakeClock();
  const startsMs: number[] = [];
  const batches: Batch[] = [];
  const errors: unknown[] = [];
  const answers: { give: (it: Snapshot) => void; fail: (error: Error) => void }[] = [];
  const world = { sockets: snapshot([socket({ id: 'a' })]) };
  let take: () => Promise<void> | void = () => {};
  const sampler = new Sampler({
    source: {
      name: 'fake',
      read: () => {
        startsMs.push(clock.now);
        return auto
          ? Promise.resolve(world.sockets)
          : new Promise((give, fail) => answers.push({ give, fail }));
      },
    },
    clock,
    intervalMs,
    onBatch: (batch) => {
      batches.push(batch);
      return take();
    },
    onError: (error) => errors.push(error),
  });
  const onTake = (action: typeof take) => {
    take = action;
  };
  return { clock, startsMs, batches, errors, answers, world, sampler, onTake };
}

test('it reads at once, and then at each interval', async () => {
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

test('the first batch is the baseline with everything; the next tells what differs', async () => {
  const { sampler, clock, world, batches } = setUp();
  const [a, b] = [socket({ id: 'a' }), socket({ id: 'b' })];
  world.sockets = {
    ...snapshot([a]),
    degradations: [{ code: 'c', text: 't', short: 's' }],
    sampleMs: 3,
    ownersMs: 4,
  };
  sampler.start();
  await clock.pass(10);
  world.sockets = snapshot([b]);
  await clock.pass(1000);
  expect(batches[0]).toEqual({
    baseline: true,
    source: 'fake',
    spawned: [a],
    changed: [],
    closed: [],
    takenAtMs: NOON_MS,
    monotonicMs: 5000,
    intervalMs: 1000,
    degradations: [{ code: 'c', text: 't', short: 's' }],
    cost: { sampleMs: 3, ownersMs: 4, diffMs: 0 },
  });
  expect(batches[1]).toMatchObject({ baseline: false, spawned: [b], changed: [], closed: ['a'] });
});

test('the interval is from start to start, whatever a reading takes', async () => {
  const { sampler, clock, startsMs, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(300);
  answers[0]?.give(snapshot([]));
  await clock.pass(1000);
  expect(startsMs).toEqual([5000, 6000]);
});

test('a slow reading is followed by one at once, and never by two', async () => {
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

test('it waits until a batch was taken', async () => {
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

test('another interval counts from the last start', async () => {
  const { sampler, clock, startsMs, batches } = setUp();
  sampler.start();
  await clock.pass(400);
  sampler.setInterval(500);
  await clock.pass(100);
  expect(startsMs).toEqual([5000, 5500]);
  expect(batches.at(-1)?.intervalMs).toBe(500);
  sampler.setInterval(2000);
  await clock.pass(1999);
  expect(startsMs).toEqual([5000, 5500]);
  await clock.pass(1);
  expect(startsMs).toEqual([5000, 5500, 7500]);
});

test('another interval that is over already: a reading at once, and one only', async () => {
  const { sampler, clock, startsMs } = setUp({ intervalMs: 60_000 });
  sampler.start();
  await clock.pass(10_000);
  sampler.setInterval(1000);
  sampler.setInterval(1000);
  await clock.pass(0);
  expect(startsMs).toEqual([5000, 15_000]);
  expect(clock.pending).toBe(1);
});

test('another interval while it reads starts no second reading', async () => {
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

test('a wall clock that jumps shows in the time of a batch and in nothing else', async () => {
  const { sampler, clock, startsMs, batches } = setUp();
  sampler.start();
  await clock.pass(500);
  clock.wall = NOON_MS - 86_400_000;
  await clock.pass(1000);
  expect(startsMs).toEqual([5000, 6000]);
  expect(batches[1]?.monotonicMs).toBe(6000);
  expect(batches[1]?.takenAtMs).toBeLessThan(NOON_MS);
});

test('an error of the source ends it, and is told once', async () => {
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

test('stopped: no further reading, and what is being read is not told', async () => {
  const { sampler, clock, startsMs, batches, answers } = setUp({ auto: false });
  sampler.start();
  await clock.pass(0);
  sampler.stop();
  answers[0]?.give(snapshot([]));
  await clock.pass(10_000);
  expect(batches).toEqual([]);
  expect(startsMs).toEqual([5000]);
});

test('stopped between two readings', async () => {
  const { sampler, clock, startsMs } = setUp();
  sampler.start();
  await clock.pass(500);
  sampler.stop();
  await clock.pass(10_000);
  expect(startsMs).toEqual([5000]);
  expect(clock.pending).toBe(0);
});
