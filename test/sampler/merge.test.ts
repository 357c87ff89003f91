import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SocketEvent } from '../../src/model/event.ts';
import {
  type Action,
  numberOf,
  type Poll,
  type Scene,
  type Telling,
  type Truth,
  World,
} from './merge-machine.ts';
import { NOON_MS } from '../helpers/fakes.ts';

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
  before: fc.array(action, { maxLength: 3 }),
  after: fc.array(action, { maxLength: 3 }),
});

const scene = (telling: Telling): fc.Arbitrary<Scene> =>
  fc.record({
    telling: fc.constant(telling),
    tellsAll: fc.boolean(),
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

const rowsOf = (world: World) =>
  [...world.rows.values()].map((it) => `${numberOf(it.id)} ${it.state}`).sort();

const machineOf = (world: World) =>
  world.truths
    .filter((it) => !it.isGone)
    .map((it) => `${it.n} ${it.isRemnant ? 'TIME_WAIT' : it.path[it.stage]}`)
    .sort();

/** Spawn before changes before close, and no two of a kind. */
function checkLife(truth: Truth, events: readonly SocketEvent[]): void {
  const types = events.map(({ type }) => type).join(' ');
  const isTold = events.length > 0;
  if (truth.inFirstPoll) expect(types).toMatch(/^(change )*close$/);
  else if (isTold) expect(types).toMatch(/^spawn (change )*close$/);
  const times = events.map(({ atMs }) => atMs - NOON_MS);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const pids = events.map(({ socket }) => socket.owners[0]?.pid);
  const known = pids.findIndex((it) => it !== undefined);
  if (known >= 0) expect(pids.slice(known)).not.toContain(undefined);
}

function checkClose(truth: Truth, close: SocketEvent, spawn: SocketEvent | undefined): void {
  const { lifetimeMs, isAtLeast = false, learntBy, atMs, socket } = close;
  const trueMs = (truth.endedMs ?? NaN) - truth.madeMs;
  if (lifetimeMs !== undefined) {
    expect(lifetimeMs).toBeGreaterThanOrEqual(0);
    if (learntBy === 'poll') expect(lifetimeMs).toBeLessThanOrEqual(atMs - NOON_MS - truth.bornMs);
    else expect(lifetimeMs).toBeLessThanOrEqual((truth.endedMs ?? NaN) - truth.bornMs);
    // It is less than it was only by what no one could see of it.
    if (spawn && learntBy !== 'poll' && !isAtLeast)
      expect(lifetimeMs).toBeGreaterThanOrEqual(
        (truth.endedMs ?? NaN) - Math.max(truth.madeMs, spawn.atMs - NOON_MS),
      );
  }
  if (learntBy !== 'poll') {
    expect(socket.traffic?.rxBytes).toBe(truth.rxBytes);
    if (truth.n % 3 === 1)
      expect({ lifetimeMs, isAtLeast }).toEqual({ lifetimeMs: trueMs, isAtLeast: false });
  }
}

describe.each<Telling>(['all', 'some', 'ends', 'nothing'])('an event source that tells %s', (telling) => {
  test('each life is one, the lists fit together, and the rows are the sockets of the machine', () => {
    fc.assert(
      fc.property(scene(telling), (it) => {
        const world = new World(it);
        for (const step of it.steps) {
          world.run(step);
          expect(world.faults).toEqual([]);
          const isStill = step.do === 'poll' && step.before.length + step.after.length === 0;
          // What is lost, or late, comes in order with the next poll.
          if (isStill && world.isQuiet && (telling === 'all' || telling === 'nothing'))
            expect(rowsOf(world)).toEqual(machineOf(world));
        }
        world.settle();
        expect(world.faults).toEqual([]);
        expect(rowsOf(world)).toEqual(machineOf(world));
        world.end();
        world.settle();
        expect(world.faults).toEqual([]);
        expect(rowsOf(world)).toEqual([]);
        for (const truth of world.truths) {
          const events = world.events.filter(({ socket }) => numberOf(socket.id) === truth.n);
          checkLife(truth, events);
          const [spawn] = events;
          const close = events.at(-1);
          if (close) checkClose(truth, close, spawn?.type === 'spawn' ? spawn : undefined);
          else expect(telling === 'all' && !truth.isEarly).toBe(false);
        }
      }),
      { numRuns: 400 },
    );
  });
});
