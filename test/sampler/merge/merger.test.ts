import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SocketEvent } from '../../../src/model/event.ts';
import { type Action, numberOf, type Poll, type Scene, type Delivery, type Truth, World } from './machine.ts';
import { diff } from '../../../src/sampler/diff.ts';
import { Merger } from '../../../src/sampler/merge/merger.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { byId, NOON_MS, ownersText, socket } from '../../helpers/fakes.ts';

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

/** Expects one spawn, then changes, then one close. */
function checkLife(truth: Truth, events: readonly SocketEvent[]): void {
  const types = events.map(({ type }) => type).join(' ');
  const hasEventSource = events.length > 0;
  if (truth.inFirstPoll) expect(types).toMatch(/^(change )*close$/);
  else if (hasEventSource) expect(types).toMatch(/^spawn (change )*close$/);
  // Only sockets of the first poll are baseline; an early kernel event may still report when they were made.
  if (!truth.inFirstPoll) expect(events.filter(({ isBaseline }) => isBaseline)).toEqual([]);
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
    // It is short only by the time before its spawn was seen.
    if (spawn && learntBy !== 'poll' && !isAtLeast)
      expect(lifetimeMs).toBeGreaterThanOrEqual(
        (truth.endedMs ?? NaN) - Math.max(truth.madeMs, spawn.atMs - NOON_MS),
      );
  }
  // Only the last message of the kernel has the counters.
  if (learntBy === 'destroy') {
    expect(socket.traffic?.rxBytes).toBe(truth.rxBytes);
    if (truth.n % 3 === 1)
      expect({ lifetimeMs, isAtLeast }).toEqual({ lifetimeMs: trueMs, isAtLeast: false });
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
            world.run(step);
            expect(world.faults).toEqual([]);
            const isStill =
              step.do === 'poll' && step.before.length + step.after.length + step.missesOneIn === 0;
            // The next poll corrects what lost or late events left wrong.
            if (isStill && world.isQuiet && (delivery === 'all' || delivery === 'nothing'))
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
            if (truth.inFirstPoll && (delivery === 'ends' || delivery === 'nothing'))
              expect(events.map(({ isBaseline }) => isBaseline)).toEqual(events.map(() => true));
            const [spawn] = events;
            const close = events.at(-1);
            if (close) checkClose(truth, close, spawn?.type === 'spawn' ? spawn : undefined);
            else expect(delivery === 'all' && !truth.isEarly).toBe(false);
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
    /** A drain between the reading of a poll and its application does not happen. */
    const withoutDrain = (actions: readonly Action[]) => actions.filter((it) => it.do !== 'drain');

    test('each connection is shown or counted, and only remnants of counted ones have no row', () => {
      let counted = 0;
      fc.assert(
        fc.property(scene(delivery), fc.nat(2), (it, maxShortLives) => {
          const world = new World({ ...it, maxShortLives });
          for (const step of it.steps)
            world.run(step.do === 'poll' ? { ...step, after: withoutDrain(step.after) } : step);
          world.settle();
          expect(world.faults).toEqual([]);
          const [shown, there] = [rowsOf(world), machineOf(world)];
          expect(there).toEqual(expect.arrayContaining(shown));
          const hidden = there.filter((row) => !shown.includes(row));
          expect(hidden.filter((row) => !row.endsWith('TIME_WAIT'))).toEqual([]);
          expect(world.countedRemnants).toBe(hidden.length);
          world.end();
          world.settle();
          expect([world.faults, rowsOf(world), world.countedRemnants]).toEqual([[], [], 0]);
          const isSilent = (truth: Truth) => {
            const events = world.events.filter(({ socket }) => numberOf(socket.id) === truth.n);
            checkLife(truth, events);
            // What ended before the first poll did is ignored.
            return events.length === 0 && (truth.endedMs ?? 0) > world.firstPollEndMs;
          };
          const silent = world.truths.filter(isSilent).length;
          if (delivery === 'some') expect(world.counted).toBeLessThanOrEqual(silent);
          else expect(world.counted).toBe(silent);
          counted += world.counted;
        }),
        { numRuns: 300 },
      );
      // Spawns that a source reports become lives at once.
      expect(counted).toBeGreaterThan(10);
    });
  },
);

/** A merger to which a test applies polls and kernel events; its output is returned as text. */
function setUp({ hasEventSource = true, emitsEveryChange = true } = {}) {
  const merger = new Merger({ hasEventSource, emitsEveryChange });
  let previous: ReadonlyMap<string, Socket> = new Map();
  const take = (): readonly string[] => {
    const { spawned, changed, closed, events } = merger.take();
    return [
      ...spawned.map(({ id, state }) => `+ ${id} ${state}`),
      ...changed.map(({ id, state }) => `~ ${id} ${state}`),
      ...closed.map((id) => `- ${id}`),
      ...events.map((it) =>
        it.type === 'gap' || it.type === 'sum'
          ? it.type
          : `${it.type} ${it.socket.id} ${it.atMs - NOON_MS} ${it.learntBy}`,
      ),
    ];
  };
  const applyEvents = (nowMs: number, ...kernelEvents: readonly KernelEvent[]) => {
    merger.applyKernelEvents(kernelEvents, { wallMs: NOON_MS + nowMs, monotonicMs: nowMs });
  };
  const poll = (startMs: number, ...sockets: readonly Socket[]): readonly string[] => {
    const next = byId(sockets);
    const start = { wallMs: NOON_MS + startMs, monotonicMs: startMs };
    merger.applyPoll(diff(previous, next), next, start, startMs + 5);
    previous = next;
    return take();
  };
  return { merger, applyEvents, poll, take };
}

const a = socket({ id: 'a' });
const atEnd = (atMs: number, it = a): KernelEvent => ({
  type: 'ended',
  atMs,
  socket: it,
  learntBy: 'destroy',
});

test('a socket that one poll misses and the next sees spawns again', () => {
  const { poll } = setUp({ hasEventSource: false });
  expect(poll(1000)).toEqual([]);
  expect(poll(2000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 2000 poll']);
  expect(poll(3000)).toEqual(['- a', 'close a 3000 poll']);
  expect(poll(4000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 4000 poll']);
  expect(poll(5000, { ...a, state: 'CLOSE_WAIT' })).toEqual(['~ a CLOSE_WAIT', 'change a 5000 poll']);
  expect(poll(6000)).toEqual(['- a', 'close a 6000 poll']);
});

test('waits 100 ms for the kernel event before it closes a socket that a poll missed', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  expect(poll(2000)).toEqual([]);
  expect(poll(2050, a)).toEqual([]);
  expect(poll(3000)).toEqual([]);
  applyEvents(3099);
  expect(take()).toEqual([]);
  applyEvents(3100);
  expect(take()).toEqual(['- a', 'close a 3000 poll']);
});

test('closes raw sockets and remnants that the next poll misses, without waiting for a kernel event', () => {
  const { poll } = setUp();
  const raw = socket({ id: 'raw', protocol: 'raw' });
  poll(1000, raw, { ...a, state: 'TIME_WAIT' });
  expect(poll(2000)).toEqual(['- raw', '- a', 'close raw 2000 poll', 'close a 2000 poll']);
});

test('a closed socket stays closed despite stale polls and late events, until two polls miss it', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  applyEvents(1500, atEnd(1500));
  expect(take()).toEqual(['~ a ESTABLISHED', '- a', 'close a 1500 destroy']);
  expect([poll(2000, a), poll(3000, { ...a, uid: 1 }), poll(4000, a)].flat()).toEqual([]);
  applyEvents(4500, atEnd(1500), {
    type: 'state',
    atMs: 1400,
    id: 'a',
    was: 'ESTABLISHED',
    now: 'FIN_WAIT1',
    learntBy: 'trace',
  });
  expect([take(), poll(5000), poll(6000)].flat()).toEqual([]);
  expect(poll(7000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 7000 poll']);
});

test('a poll corrects a state whose next kernel event was lost, even if the poll saw no change', () => {
  const { applyEvents, poll, take } = setUp();
  const it = socket({ id: 'l', state: 'LISTEN', remote: null });
  poll(1000, it);
  applyEvents(1500, { type: 'state', atMs: 1500, id: 'l', was: 'LISTEN', now: 'CLOSE', learntBy: 'trace' });
  expect(take()).toEqual(['~ l CLOSE', 'change l 1500 trace']);
  expect(poll(2000, it)).toEqual(['~ l LISTEN', 'change l 2000 poll']);
});

test('a remnant that a poll sees before any kernel event gets the owner and counters of its connection', () => {
  const { merger, applyEvents, poll } = setUp();
  const remnant = socket({ id: 'r', state: 'TIME_WAIT', owners: [{ knowledge: 'gone' }] });
  poll(1000);
  expect(poll(2000, remnant)).toEqual(['+ r TIME_WAIT', 'spawn r 2000 poll']);
  applyEvents(2010, { type: 'appeared', atMs: 1990, socket: a, learntBy: 'trace' }, {
    ...atEnd(1995, { ...a, traffic: { rxBytes: 7 } }),
    remnant: { id: 'r', state: 'TIME_WAIT' },
  } as KernelEvent);
  const { spawned, changed, closed, events } = merger.take();
  expect([spawned, closed]).toEqual([[], []]);
  expect(changed.map(ownersText)).toEqual(['inherited curl 100']);
  // The change is the owner, which became known.
  expect(events.map(({ type }) => type)).toEqual(['change', 'close']);
  expect(events.at(-1)).toMatchObject({ socket: { id: 'r', traffic: { rxBytes: 7 } }, lifetimeMs: 5 });
  expect(poll(3000)).toEqual(['- r']);
});

test('a process that the trace saw acting on a socket becomes its owner', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000, { ...a, owners: [{ knowledge: 'hidden' }] });
  const owners = [{ knowledge: 'exact', pid: 7, process: 'ssh' } as const];
  applyEvents(1500, {
    type: 'state',
    atMs: 1500,
    id: 'a',
    was: 'ESTABLISHED',
    now: 'FIN_WAIT1',
    owners,
    learntBy: 'trace',
  });
  expect(merger.take().changed.map(ownersText)).toEqual(['exact ssh 7']);
});

test('an owner that started another program keeps the name of the one that connected', () => {
  const { merger, applyEvents, poll } = setUp();
  const python = { knowledge: 'exact', pid: 7, process: 'python3', exe: '/usr/bin/python3' } as const;
  const sleep = { knowledge: 'exact', pid: 7, process: 'sleep', exe: '/usr/bin/sleep' } as const;
  const ownersOf = () => merger.take().events.at(-1);
  poll(1000);
  applyEvents(1500, { type: 'appeared', atMs: 1450, socket: { ...a, owners: [python] }, learntBy: 'trace' });
  merger.take();
  merger.applyPoll(
    { spawned: [{ ...a, owners: [sleep] }], changed: [], closed: [] },
    byId([a]),
    { wallMs: NOON_MS + 2000, monotonicMs: 2000 },
    2005,
  );
  expect(merger.take().changed.map(({ owners }) => owners)).toEqual([[{ ...python, nowProcess: 'sleep' }]]);
  applyEvents(2500, atEnd(2400, { ...a, owners: [sleep] }));
  expect(ownersOf()).toMatchObject({ socket: { owners: [{ process: 'python3', nowProcess: 'sleep' }] } });
});

test('kernel events during the first poll apply to the sockets that it saw, and to no others', () => {
  const { applyEvents, poll } = setUp();
  applyEvents(1003, atEnd(1002), atEnd(1002, socket({ id: 'unseen' })));
  expect(poll(1000, a)).toEqual(['+ a ESTABLISHED', '~ a ESTABLISHED', '- a', 'close a 1002 destroy']);
  expect(poll(2000)).toEqual([]);
});

test('a kernel event that is the first sighting of a socket and its end gives no lifetime', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000);
  applyEvents(1500, atEnd(1400));
  const [, close] = merger.take().events;
  expect(close).toEqual({
    type: 'close',
    atMs: NOON_MS + 1400,
    socket: { ...a, owners: a.owners },
    learntBy: 'destroy',
  });
});

test('without emitsEveryChange several changes are one event, at the time of the last', () => {
  const { applyEvents, poll, take } = setUp({ emitsEveryChange: false });
  poll(1000, a);
  const stateEvent = (atMs: number, was: Socket['state'], now: Socket['state']) =>
    ({ type: 'state', atMs, id: 'a', was, now, learntBy: 'trace' }) as KernelEvent;
  applyEvents(1500, stateEvent(1400, 'ESTABLISHED', 'FIN_WAIT1'), stateEvent(1450, 'FIN_WAIT1', 'FIN_WAIT2'));
  expect(take()).toEqual(['~ a FIN_WAIT2', 'change a 1450 trace']);
  const udp = socket({ id: 'u', protocol: 'udp' });
  const later: Socket = { ...a, state: 'FIN_WAIT2' };
  poll(2000, later, udp);
  expect(poll(3000, later, { ...udp, remote: { address: '192.0.2.9', port: 9 } })).toEqual([
    '~ u ESTABLISHED',
    'change u 3000 poll',
  ]);
});

test('late state events change nothing, and a late end with a remnant that the poll missed leaves no row', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  expect(poll(2000, { ...a, state: 'FIN_WAIT2' })).toEqual(['~ a FIN_WAIT2', 'change a 2000 poll']);
  const stateEvent = (atMs: number, was: Socket['state'], now: Socket['state']) =>
    ({ type: 'state', atMs, id: 'a', was, now, learntBy: 'trace' }) as KernelEvent;
  applyEvents(2010, stateEvent(1990, 'ESTABLISHED', 'FIN_WAIT1'), stateEvent(1995, 'FIN_WAIT1', 'FIN_WAIT2'));
  expect(take()).toEqual([]);
  expect(poll(3000)).toEqual([]);
  applyEvents(3010, { ...atEnd(2500), remnant: { id: 'a', state: 'TIME_WAIT' } } as KernelEvent);
  expect(take()).toEqual(['~ a FIN_WAIT2', '- a', 'close a 2500 destroy']);
});

test('events are in order of time, whatever reported them', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  applyEvents(2000, atEnd(1900), { type: 'gap', atMs: 1800, learntBy: 'trace' });
  expect(take().slice(2)).toEqual(['gap', 'close a 1900 destroy']);
});

/** Returns the events among the texts of `setUp`. */
const eventsOf = (texts: readonly string[]): string[] =>
  texts.filter((it) => /^(spawn|change|close) /.test(it));

const remnant = socket({ id: 'r', state: 'TIME_WAIT', netns: { inode: 4026531833 } });

test('a remnant that several polls missed returns as a row without an event', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000);
  applyEvents(1500, { ...atEnd(1400), remnant: { id: 'r', state: 'TIME_WAIT' } } as KernelEvent);
  expect(eventsOf(take())).toEqual(['spawn a 1400 destroy', 'close a 1400 destroy']);
  expect(poll(2000, remnant)).toEqual(['~ a TIME_WAIT']);
  expect([3000, 4000, 5000, 6000].flatMap((ms) => poll(ms))).toEqual(['- a']);
  expect(poll(7000, remnant)).toEqual(['+ a TIME_WAIT']);
  expect(poll(8000)).toEqual(['- a']);
  // The kernel keeps a remnant for a minute: after that the id belongs to another socket.
  expect([62_000, 63_000, 64_000].flatMap((ms) => poll(ms))).toEqual([]);
  expect(eventsOf(poll(65_000, remnant))).toEqual(['spawn r 65000 poll']);
});

test('the timer of a remnant limits how long it may return', () => {
  const { poll } = setUp();
  const dueAtMs = NOON_MS + 5500;
  const it: Socket = { ...remnant, timer: { kind: 'timewait', dueAtMs, retransmits: 0 } };
  poll(1000);
  expect(eventsOf(poll(2000, it))).toEqual(['spawn r 2000 poll']);
  expect(eventsOf([3000, 4000, 5000].flatMap((ms) => poll(ms)))).toEqual(['close r 3000 poll']);
  expect(eventsOf(poll(5400, it))).toEqual([]);
  expect(eventsOf([5600, 6700, 7800].flatMap((ms) => poll(ms)))).toEqual([]);
  expect(eventsOf(poll(9000, it))).toEqual(['spawn r 9000 poll']);
});

test('an end from the trace, without a namespace, closes the remnant that a poll saw', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000);
  expect(eventsOf(poll(2000, remnant))).toEqual(['spawn r 2000 poll']);
  applyEvents(2200, { type: 'ended', atMs: 1950, socket: a, learntBy: 'trace' });
  expect(eventsOf(take())).toEqual(['close r 2000 trace']);
  expect(eventsOf([poll(3000, remnant), poll(4000)].flat())).toEqual([]);
});

test('a connection closed by a poll does not spawn again when its remnant is seen', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  poll(2000);
  applyEvents(2100);
  expect(eventsOf(take())).toEqual(['close a 2000 poll']);
  expect(eventsOf([3000, 4000, 5000].flatMap((ms) => poll(ms)))).toEqual([]);
  expect(poll(6000, { ...a, state: 'TIME_WAIT' })).toEqual(['+ a TIME_WAIT']);
});

test('the same endpoints in two namespaces are two connections', () => {
  const { applyEvents, poll, take } = setUp();
  const there = socket({ id: 'q', state: 'TIME_WAIT', netns: { inode: 4026532000 } });
  poll(1000);
  expect(eventsOf(poll(2000, remnant, there))).toEqual(['spawn r 2000 poll', 'spawn q 2000 poll']);
  applyEvents(2100, atEnd(1990, { ...a, netns: { inode: 4026531833 } }));
  expect(eventsOf(take())).toEqual(['close r 2000 destroy']);
  expect(eventsOf(poll(3000))).toEqual(['close q 3000 poll']);
});

test('a late kernel event after short polls belongs to the closed life', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000);
  applyEvents(1010, { type: 'appeared', atMs: 1007, socket: a, learntBy: 'trace' });
  for (const ms of [1100, 1200, 1300]) poll(ms);
  applyEvents(1310);
  take();
  poll(1320);
  applyEvents(1330, { type: 'ended', atMs: 1080, socket: a, learntBy: 'trace' });
  expect(eventsOf(take())).toEqual([]);
});

test('a socket is as old as the kernel says, however late a poll saw it', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000);
  poll(2000, { ...a, createdAtMs: NOON_MS + 1500 });
  applyEvents(2950, atEnd(2900, a));
  const close = merger.take().events.find(({ type }) => type === 'close');
  expect(close).toMatchObject({ lifetimeMs: 1400, socket: { createdAtMs: NOON_MS + 1500 } });
});

describe('the lifetime of a socket that was bound before it listened', () => {
  const bound = socket({ id: 'l', state: 'BOUND_INACTIVE', remote: null });
  const listening: Socket = { ...bound, state: 'LISTEN' };
  const listenEvent = (atMs: number): KernelEvent => ({
    type: 'appeared',
    atMs,
    socket: listening,
    learntBy: 'trace',
  });
  const closed = { ...atEnd(8000, listening), lifetimeMs: 2000, isAtLeast: false } as KernelEvent;
  const closeOf = (merger: Merger) => merger.take().events.find(({ type }) => type === 'close');

  test('starts at its first sighting by a poll', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000);
    poll(3600, bound);
    applyEvents(6050, listenEvent(6000));
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 4400 });
  });

  test('is a lower bound when it is part of the baseline', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000, bound);
    poll(2000, bound);
    applyEvents(6050, listenEvent(6000));
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 7000, isAtLeast: true });
  });

  test('starts at its first sighting when only its end has a kernel event', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000);
    poll(3600, bound);
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 4400 });
  });

  test('starts at the kernel event when the first sighting may be of the same moment', () => {
    const { merger, applyEvents, poll } = setUp();
    poll(1000);
    poll(5998, listening);
    applyEvents(6050, listenEvent(6000));
    applyEvents(8050, closed);
    expect(closeOf(merger)).toMatchObject({ lifetimeMs: 2000 });
  });
});

test('a change event has the replaced values', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000, a);
  applyEvents(1500, {
    type: 'state',
    atMs: 1500,
    id: 'a',
    was: 'ESTABLISHED',
    now: 'CLOSE_WAIT',
    learntBy: 'trace',
  });
  expect(merger.take().events).toMatchObject([{ type: 'change', was: { state: 'ESTABLISHED' } }]);
});
