import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type EventFormat, EventPrinter, MAX_WAITING } from '../../src/cli/printer.ts';
import type { GapEvent, LearntBy, SingleEvent, SocketEvent } from '../../src/model/event.ts';
import { EventFilter } from '../../src/cli/event-filter.ts';
import { parseQuery } from '../../src/query/query.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import { Sampler } from '../../src/sampler/sampler.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { NOON_MS, snapshot, socket } from '../helpers/fakes.ts';

/** Waits until all promises and streams are idle. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** A pipe that is read only by the test. */
class Pipe extends Writable {
  readonly writes: string[] = [];
  #taken: (() => void) | undefined;
  #isOpen = false;

  constructor() {
    // Full with the first byte.
    super({ highWaterMark: 1 });
  }

  override _write(chunk: Buffer, _: BufferEncoding, taken: () => void): void {
    this.writes.push(chunk.toString());
    if (this.#isOpen) taken();
    else this.#taken = taken;
  }

  /** Reads the current contents, and everything written from now on. */
  async read(): Promise<void> {
    this.#isOpen = true;
    this.#taken?.();
    await settle();
  }

  get lines(): string[] {
    return this.writes.join('').split('\n').slice(0, -1);
  }
}

const FORMAT: EventFormat = {
  events: (events) =>
    events.map((it) => (it.type === 'gap' ? `gap ${it.missed}\n` : `${it.type} ${it.socket.id}\n`)).join(''),
  unprinted: (gaps) =>
    gaps.map(({ atMs, missed, learntBy }) => `unprinted ${missed} ${learntBy} ${atMs}\n`).join(''),
};

const event = (id: string, fields: Partial<SocketEvent> = {}): SocketEvent => ({
  type: 'spawn',
  atMs: NOON_MS,
  socket: socket({ id }),
  learntBy: 'poll',
  ...fields,
});
const many = (count: number, learntBy: LearntBy = 'poll', from = 0): SocketEvent[] =>
  Array.from({ length: count }, (_, i) => event(String(from + i), { learntBy, atMs: from + i }));
const GAP: GapEvent = { type: 'gap', atMs: 7, missed: 3, learntBy: 'destroy' };

function setUp(text = '') {
  const parsed = parseQuery(text);
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  const filter = new EventFilter(parsed.query, NO_LOOKUPS, () => {});
  const pipe = new Pipe();
  return { pipe, printer: new EventPrinter(pipe, FORMAT, (event) => filter.matches(event)) };
}

test('prints one line per event, and events of one call in one write', async () => {
  const { pipe, printer } = setUp();
  await pipe.read();
  printer.print([event('a'), event('b', { type: 'close' })]);
  printer.print([GAP]);
  expect(pipe.writes).toEqual(['spawn a\nclose b\n', 'gap 3\n']);
});

test('writes nothing without events', async () => {
  const { pipe, printer } = setUp(':1');
  await pipe.read();
  printer.print([]);
  printer.print([event('a')]);
  expect(pipe.writes).toEqual([]);
});

test('filters events by their socket, but prints every gap', async () => {
  const { pipe, printer } = setUp('process:node');
  await pipe.read();
  printer.print([event('a'), GAP, event('b', { socket: socket({ id: 'b', process: 'node' }) })]);
  expect(pipe.lines).toEqual(['gap 3', 'spawn b']);
});

describe('a stdout that is not read', () => {
  test('events wait and are printed in order later', async () => {
    const { pipe, printer } = setUp();
    const all = many(MAX_WAITING);
    for (let i = 0; i < all.length; i += 100) printer.print(all.slice(i, i + 100));
    expect(pipe.lines.length).toBeLessThan(all.length);
    await pipe.read();
    expect(pipe.lines).toEqual(all.map(({ socket: { id } }) => `spawn ${id}`));
  });

  test('one call may exceed the maximum: the reader had no chance to read before', async () => {
    const { pipe, printer } = setUp();
    printer.print(many(3 * MAX_WAITING));
    await pipe.read();
    expect(pipe.lines).toHaveLength(3 * MAX_WAITING);
    expect(pipe.lines.at(-1)).toBe(`spawn ${3 * MAX_WAITING - 1}`);
  });

  test('further events are counted by how they were learnt, and the counts are printed in their place', async () => {
    const { pipe, printer } = setUp();
    printer.print(many(1));
    printer.print(many(MAX_WAITING, 'poll', 1));
    printer.print(many(30, 'destroy', 50_000));
    for (const learntBy of ['trace', 'destroy', 'trace'] as const) printer.print(many(5, learntBy, 60_000));
    await pipe.read();
    printer.print([event('after')]);
    expect(pipe.lines.slice(-4)).toEqual([
      `spawn ${MAX_WAITING}`,
      'unprinted 35 destroy 50000',
      'unprinted 10 trace 60000',
      'spawn after',
    ]);
    expect(pipe.lines).toHaveLength(MAX_WAITING + 4);
  });

  test('the count includes lost events, and is unknown if their number is', async () => {
    const { pipe, printer } = setUp();
    printer.print(many(1));
    printer.print(many(MAX_WAITING));
    printer.print([event('x', { learntBy: 'destroy' }), GAP]);
    const { missed: _, ...uncounted } = { ...GAP, learntBy: 'trace' } as const;
    printer.print([uncounted, event('y', { learntBy: 'trace' })]);
    await pipe.read();
    expect(pipe.lines.slice(-2)).toEqual([`unprinted 4 destroy ${NOON_MS}`, 'unprinted undefined trace 7']);
  });

  test('events that do not match the filter are not counted', async () => {
    const { pipe, printer } = setUp('process:node');
    printer.print(many(2 * MAX_WAITING));
    printer.print(many(1));
    printer.print([event('b', { socket: socket({ id: 'b', process: 'node' }) })]);
    await pipe.read();
    expect(pipe.lines).toEqual(['spawn b']);
  });

  test('memory is bounded however many events arrive', async () => {
    const { pipe, printer } = setUp();
    printer.print(many(1));
    for (let i = 0; i < 100; i++) printer.print(many(1000));
    expect(pipe.writableLength).toBeLessThan(100_000);
    await pipe.read();
    expect(pipe.lines).toHaveLength(1 + MAX_WAITING + 1);
    expect(pipe.lines.at(-1)).toMatch(/^unprinted 90000 poll/);
  });
});

describe('end', () => {
  test('calls back when all waiting events are written', async () => {
    const { pipe, printer } = setUp();
    printer.print(many(1));
    printer.print(many(MAX_WAITING, 'poll', 1));
    printer.print(many(2));
    let isDone = false;
    printer.end(() => (isDone = true));
    await settle();
    expect(isDone).toBe(false);
    await pipe.read();
    expect(isDone).toBe(true);
    expect(pipe.lines).toHaveLength(MAX_WAITING + 2);
    expect(pipe.lines.at(-1)).toBe('unprinted 2 poll 0');
  });

  test('calls back if nothing waits', async () => {
    const { pipe, printer } = setUp();
    await pipe.read();
    await new Promise<void>((resolve) => printer.end(resolve));
    expect(pipe.lines).toEqual([]);
  });

  test('calls back if the write fails', async () => {
    const failing = new Writable({ write: (_, __, taken) => setImmediate(taken, new Error('gone')) });
    failing.on('error', () => {});
    const printer = new EventPrinter(failing, FORMAT, () => true);
    printer.print([event('a')]);
    await new Promise<void>((resolve) => printer.end(resolve));
  });
});

describe('with a sampler', () => {
  /** Starts a sampler whose event source returns the kernel events that the test puts into `world.reported`. */
  async function start() {
    const { pipe, printer } = setUp();
    await pipe.read();
    const world = { sockets: [socket({ id: 'old' })], reported: [] as KernelEvent[], log: [] as string[] };
    let now = 1000;
    const timers: { delayMs: number; action: () => void }[] = [];
    const sampler = new Sampler({
      source: {
        name: 'fake',
        read: async () => snapshot(world.sockets),
        events: {
          coverage: { level: 'closes' },
          isPending: false,
          collect: () => {},
          drain: () => world.reported.splice(0),
        },
        close: () => world.log.push(`closed after ${pipe.lines.length}`),
      },
      clock: {
        wallMs: () => NOON_MS + now,
        monotonicMs: () => now,
        after: (delayMs, action) => {
          const timer = { delayMs, action };
          timers.push(timer);
          return () => void timers.splice(timers.indexOf(timer), 1);
        },
      },
      intervalMs: 1000,
      onBatch: () => {},
      onEvents: (events: readonly SingleEvent[]) => printer.print(events),
      onError: (error) => world.log.push(String(error)),
    });
    sampler.start();
    await settle();
    // The first poll covers everything up to this time.
    now += 1;
    const pass = async (ms: number) => {
      now += ms;
      for (const timer of timers.filter(({ delayMs }) => delayMs <= ms)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.action();
      }
      await settle();
    };
    return { pipe, sampler, world, pass, appeared: (id: string) => appeared(id, now) };
  }
  const appeared = (id: string, atMs: number): KernelEvent => ({
    type: 'appeared',
    atMs,
    socket: socket({ id }),
    learntBy: 'trace',
  });

  test('prints no event for a baseline socket, and a kernel event before the next poll', async () => {
    const { pipe, world, pass, appeared } = await start();
    expect(pipe.lines).toEqual([]);
    world.reported.push(appeared('new'));
    await pass(100);
    expect(pipe.lines).toEqual(['spawn new']);
  });

  test('prints pending kernel events when stopped, then closes the source', async () => {
    const { pipe, sampler, world, pass, appeared } = await start();
    world.reported.push(appeared('last'));
    sampler.stop();
    expect(pipe.lines).toEqual(['spawn last']);
    expect(world.log).toEqual(['closed after 1']);
    world.reported.push(appeared('later'));
    await pass(5000);
    expect(pipe.lines).toEqual(['spawn last']);
  });

  test('when stopped, closes a socket that the last poll missed, without a kernel event', async () => {
    const { pipe, sampler, world, pass } = await start();
    world.sockets = [];
    await pass(1000);
    expect(pipe.lines).toEqual([]);
    sampler.stop();
    expect(pipe.lines).toEqual(['close old']);
  });
});
