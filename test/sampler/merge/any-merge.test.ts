import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SocketEvent } from '../../../src/model/event.ts';
import { World } from './machine.ts';
import { type Action, type Delivery, numberOf, type Poll, type Scene, type Truth } from './scenario.ts';
import { NOON_MS } from '../../helpers/fakes.ts';

const which = fc.nat(7);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('make' as const),
      path: fc.nat(1),
      hasOwner: fc.boolean(),
      isUdp: fc.integer({ min: 0, max: 4 }).map((it) => it === 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('go' as const, 'go' as const, 'own' as const), which }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('end' as const), which, leavesRemnant: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'drain' as const }) },
);

const poll: fc.Arbitrary<Poll> = fc.record({
  do: fc.constant('poll' as const),
  missesOneIn: fc.integer({ min: -6, max: 3 }).map((it) => Math.max(0, it)),
  before: fc.array(action, { maxLength: 3 }),
  after: fc.array(action, { maxLength: 3 }),
});

const scene = (delivery: Delivery): fc.Arbitrary<Scene> =>
  fc.record({
    delivery: fc.constant(delivery),
    emitsEveryChange: fc.boolean(),
    omitsRemnants: fc.boolean(),
    delays: fc.array(
      fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(90) }),
      { minLength: 1, maxLength: 20 },
    ),
    losses: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
    steps: fc.array(fc.oneof({ weight: 5, arbitrary: action }, { weight: 1, arbitrary: poll }), {
      minLength: 10,
      maxLength: 80,
    }),
  });

/** Returns a step without drains between the reading of a poll and its application, which do not happen in the sampler. */
const withoutDrain = (step: Action | Poll): Action | Poll =>
  step.do === 'poll' ? { ...step, after: step.after.filter((it) => it.do !== 'drain') } : step;

const rowsOf = (world: World) =>
  [...world.rows.values()].map((it) => `${numberOf(it.id)} ${it.state}`).sort();

const machineOf = (world: World) =>
  world.truths
    .filter((it) => !it.isGone)
    .map((it) => `${it.n} ${it.isRemnant ? 'TIME_WAIT' : it.path[it.stage]}`)
    .sort();

// These checks run some hundred thousand times: `expect` takes longer than all else, `assert` a tenth of it.

/** Expects one spawn, then changes, then one close. */
function checkLife(truth: Truth, events: readonly SocketEvent[]): void {
  const types = events.map(({ type }) => type).join(' ');
  const hasEventSource = events.length > 0;
  if (truth.inFirstPoll) assert.match(types, /^(change )*close$/);
  else if (hasEventSource) assert.match(types, /^spawn (change )*close$/);
  // Only sockets of the first poll are baseline; an early kernel event may still report when they were made.
  if (!truth.inFirstPoll)
    assert.ok(!events.some(({ isBaseline }) => isBaseline), 'baseline after the first poll');
  const times = events.map(({ atMs }) => atMs - NOON_MS);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  const pids = events.map(({ socket }) => socket.owners[0]?.pid);
  const known = pids.findIndex((it) => it !== undefined);
  if (known >= 0) assert.ok(!pids.includes(undefined, known), `the owner is forgotten: ${pids.join(' ')}`);
}

const expectAtMost = (actual: number, most: number): void => assert.ok(actual <= most, `${actual} > ${most}`);

function checkClose(truth: Truth, close: SocketEvent, spawn: SocketEvent | undefined): void {
  const { lifetimeMs, isAtLeast = false, learntBy, atMs, socket } = close;
  const trueMs = (truth.endedMs ?? NaN) - truth.madeMs;
  if (lifetimeMs !== undefined) {
    expectAtMost(0, lifetimeMs);
    if (learntBy === 'poll') expectAtMost(lifetimeMs, atMs - NOON_MS - truth.bornMs);
    else expectAtMost(lifetimeMs, (truth.endedMs ?? NaN) - truth.bornMs);
    // It lacks at most the time before the spawn.
    if (spawn && learntBy !== 'poll' && !isAtLeast)
      expectAtMost((truth.endedMs ?? NaN) - Math.max(truth.madeMs, spawn.atMs - NOON_MS), lifetimeMs);
  }
  // Only the last message of the kernel has the counters.
  if (learntBy === 'destroy') {
    assert.equal(socket.traffic?.rxBytes, truth.rxBytes);
    if (truth.n % 3 === 1)
      assert.deepEqual({ lifetimeMs, isAtLeast }, { lifetimeMs: trueMs, isAtLeast: false });
  }
}

describe.each<Delivery>(['all', 'some', 'ends', 'gaps', 'nothing'])(
  'an event source that delivers %s',
  (delivery) => {
    test('each socket has one life, the lists are consistent, and the rows are the sockets of the machine', () => {
      fc.assert(
        fc.property(scene(delivery), (it) => {
          const world = new World(it);
          for (const step of it.steps) {
            world.run(it.omitsRemnants ? withoutDrain(step) : step);
            assert.deepEqual(world.faults, []);
            const isStill =
              step.do === 'poll' && step.before.length + step.after.length + step.missesOneIn === 0;
            // The next poll corrects what lost or late events left wrong.
            if (isStill && world.isQuiet && (delivery === 'all' || delivery === 'nothing'))
              assert.deepEqual(rowsOf(world), machineOf(world));
          }
          world.settle();
          assert.deepEqual(world.faults, []);
          assert.deepEqual(rowsOf(world), machineOf(world));
          world.end();
          world.settle();
          assert.deepEqual(world.faults, []);
          assert.deepEqual(rowsOf(world), []);
          for (const truth of world.truths) {
            const events = world.events.filter(({ socket }) => numberOf(socket.id) === truth.n);
            checkLife(truth, events);
            if (truth.inFirstPoll && (delivery === 'ends' || delivery === 'nothing'))
              assert.ok(
                events.every(({ isBaseline }) => isBaseline),
                'a socket of the first poll is no baseline',
              );
            const [spawn] = events;
            const close = events.at(-1);
            if (close) checkClose(truth, close, spawn?.type === 'spawn' ? spawn : undefined);
            else assert.ok(delivery !== 'all' || truth.isEarly, 'a socket without a close');
          }
        }),
        { numRuns: 400 },
      );
    });
  },
);

describe.each<Delivery>(['ends', 'some'])(
  'with few short lives and a source that delivers %s',
  (delivery) => {
    test('each connection is shown or counted, and only remnants that a poll leaves out have no row', () => {
      let counted = 0;
      fc.assert(
        fc.property(
          scene(delivery),
          fc.nat(2),
          fc.constantFrom([], [75_000], [45_000, 30_000]),
          (it, maxShortLives, waitsMs) => {
            const world = new World({ ...it, maxShortLives, omitsRemnants: false });
            for (const step of it.steps) world.run(withoutDrain(step));
            // Polls show new remnants again, but not those that others have left out.
            for (const ms of waitsMs) {
              world.run({ do: 'wait', ms });
              for (const step of it.steps) world.run(withoutDrain(step));
            }
            world.settle();
            assert.deepEqual(world.faults, []);
            const [shown, there] = [rowsOf(world), machineOf(world)];
            expect(there).toEqual(expect.arrayContaining(shown));
            const hidden = there.filter((row) => !shown.includes(row));
            expect(hidden.filter((row) => !row.endsWith('TIME_WAIT'))).toEqual([]);
            expect(world.omittedRemnants).toBe(hidden.length);
            world.end();
            world.settle();
            expect([world.faults, rowsOf(world), world.omittedRemnants]).toEqual([[], [], 0]);
            const isSilent = (truth: Truth) => {
              const events = world.events.filter(({ socket }) => numberOf(socket.id) === truth.n);
              checkLife(truth, events);
              // A socket that ended before the first poll ended is ignored.
              return events.length === 0 && (truth.endedMs ?? 0) > world.firstPollEndMs;
            };
            const silent = world.truths.filter(isSilent).length;
            if (delivery === 'some') expect(world.counted).toBeLessThanOrEqual(silent);
            else expect(world.counted).toBe(silent);
            counted += world.counted;
          },
        ),
        { numRuns: 300 },
      );
      // Spawns that a source reports become lives at once.
      expect(counted).toBeGreaterThan(0);
    });
  },
);

test('a connection that closes while polls leave out new remnants does not spawn again when they no longer do', () => {
  const world = new World({
    delivery: 'ends',
    emitsEveryChange: false,
    maxShortLives: 1,
    delays: [0],
    losses: [false],
    steps: [],
  });
  const poll: Poll = { do: 'poll', missesOneIn: 0, before: [], after: [] };
  const run = (...steps: readonly (Action | Poll)[]) => steps.forEach((step) => world.run(step));
  const connection: readonly Action[] = [
    { do: 'make', path: 0, hasOwner: true, isUdp: false },
    { do: 'end', which: 0, leavesRemnant: true },
  ];
  run(poll, ...connection, ...connection, poll);
  expect(world.counted).toBe(1);
  run({ do: 'wait', ms: 40_000 }, ...connection, poll, { do: 'wait', ms: 31_000 }, poll);
  expect([machineOf(world), rowsOf(world)]).toEqual([['2 TIME_WAIT'], []]);
  run(...connection, poll);
  expect(rowsOf(world)).toEqual(['3 TIME_WAIT']);
  const typesOf = (n: number) =>
    world.events.filter(({ socket }) => numberOf(socket.id) === n).map(({ type }) => type);
  expect([2, 3].map(typesOf)).toEqual([
    ['spawn', 'close'],
    ['spawn', 'close'],
  ]);
});
