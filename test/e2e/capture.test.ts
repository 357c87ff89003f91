// What happens between two looks: every connection is told, however short, with all that is known of it; and what could
// not be told is counted.
import { describe, expect, test } from 'vitest';
import { type Done, noNetwork, type Server, Stage, type Told, type Watcher } from './brief.ts';
import { hasNetlink, isRoot } from './netpane.ts';

const MANY = 1000;
/** So many bytes go one way and the other; see brief.mjs. */
const [QUESTION, ANSWER] = [5, 3];

/** Longer than any of these tests: the first look is the only one, unless one is asked for. */
const LONG = ['--interval', '5s'];

/** What is told of both ends of each connection that a program made. */
function endsOf(watcher: Watcher, server: Server, { ports }: Done) {
  const all = watcher.bySocket();
  return {
    near: ports.map((port) => all.get(`${port}→${server.port}`) ?? []),
    far: ports.map((port) => all.get(`${server.port}→${port}`) ?? []),
  };
}

/** A value as the name of its count. */
const asText = (what: unknown) => JSON.stringify([what]);

/** What is said of many things, counted: that a failure is read at a glance. */
function countBy<T>(items: readonly T[], say: (item: T) => unknown): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const text = asText(say(item));
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

const all = (count: number, what: unknown) => ({ [asText(what)]: count });

const typesOf = (events: readonly Told[]) =>
  events.map(({ type }) => type).filter((type) => type !== 'change');

const closeOf = (events: readonly Told[]) => events.find(({ type }) => type === 'close');

/** The owner that is told with the close. */
function ownerOf(events: readonly Told[]) {
  const { pid, process, knowledge } = closeOf(events)?.socket.owners[0] ?? {};
  return { pid, process, knowledge };
}

const bytesOf = (events: readonly Told[]) => {
  const { rxBytes, txBytes } = closeOf(events)?.socket ?? {};
  return { rxBytes, txBytes };
};

const why = (reason: string | undefined) => (reason === undefined ? '' : ` (skipped: ${reason})`);
const noEvents = hasNetlink ? undefined : 'netlink cannot be used here';
const noTrace = noEvents ?? (isRoot ? undefined : 'the trace of the kernel takes root');
const noPlace = noEvents ?? noNetwork;

describe.skipIf(noTrace !== undefined)(`as root${why(noTrace)}`, () => {
  test('1,000 connections between two looks: both ends of each, with program, bytes and lifetime', async () => {
    const stage = await Stage.set();
    const server = await stage.serve();
    const watcher = await stage.watch(server, ...LONG);
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    // What the kernel keeps of them for a while is no connection.
    await watcher.look(server);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) {
      expect(countBy(ends, typesOf)).toEqual(all(MANY, ['spawn', 'close']));
      const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
      expect(lifetimes.filter((ms) => !(ms > 0 && ms < boundMs))).toEqual([]);
      expect(countBy(ends, (events) => closeOf(events)?.isAtLeast)).toEqual(all(MANY, undefined));
      expect(new Set(ends.flatMap((events) => events.map(({ socket }) => socket.id))).size).toBe(MANY);
      for (const { learntBy } of ends.flat()) expect(learntBy).not.toBe('poll');
    }
    expect(countBy(near, bytesOf)).toEqual(all(MANY, { rxBytes: ANSWER, txBytes: QUESTION }));
    expect(countBy(far, bytesOf)).toEqual(all(MANY, { rxBytes: QUESTION, txBytes: ANSWER }));
    const { pid, name: process } = client;
    expect(countBy(near, ownerOf)).toEqual(all(MANY, { pid, process, knowledge: 'exact' }));
    expect(
      countBy(far, (events) => {
        const { pid, process, knowledge } = ownerOf(events);
        return { pid, process, isKnown: knowledge === 'exact' || knowledge === 'listener' };
      }),
    ).toEqual(all(MANY, { pid: server.pid, process: server.name, isKnown: true }));
    expect(watcher.gaps).toEqual([]);
  });
});

describe.skipIf(noEvents !== undefined)(`as an ordinary user${why(noEvents)}`, () => {
  test('1,000 connections between two looks: the close of each end, with bytes and lifetime', async () => {
    const stage = await Stage.set({ isOrdinary: true });
    const server = await stage.serve();
    const watcher = await stage.watch(server, ...LONG);
    const startMs = Date.now();
    const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
    await watcher.closes(2 * MANY, server.port);
    const boundMs = Date.now() - startMs;
    await watcher.look(server);
    const { near, far } = endsOf(watcher, server, client);
    for (const ends of [near, far]) {
      expect(countBy(ends, typesOf)).toEqual(all(MANY, ['spawn', 'close']));
      expect(countBy(ends, (events) => closeOf(events)?.learntBy)).toEqual(all(MANY, 'destroy'));
      // The kernel does not say whose it was, and nobody is made of that.
      expect(countBy(ends, (events) => closeOf(events)?.socket.uid)).toEqual(all(MANY, undefined));
      const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
      expect(lifetimes.filter((ms) => !(ms >= 0 && ms < boundMs))).toEqual([]);
    }
    expect(countBy(near, bytesOf)).toEqual(all(MANY, { rxBytes: ANSWER, txBytes: QUESTION }));
    expect(countBy(far, bytesOf)).toEqual(all(MANY, { rxBytes: QUESTION, txBytes: ANSWER }));
    expect(countBy(near, ownerOf)).toEqual(all(MANY, { knowledge: 'gone' }));
    const { pid, name: process } = server;
    expect(countBy(far, ownerOf)).toEqual(all(MANY, { pid, process, knowledge: 'listener' }));
    expect(watcher.gaps).toEqual([]);
  });

  test.skipIf(noPlace !== undefined)(
    `more at once than there is room for: closes told and closes missed are all${why(noPlace)}`,
    async () => {
      const stage = await Stage.set({ isOrdinary: true });
      const server = await stage.serve();
      const watcher = await stage.watch(server, ...LONG, '--event-buffer', '4');
      const client = await stage.run('visit', { port: server.port, count: 3 * MANY, endings: 'csr' });
      const counted = () => {
        let sum = 0;
        for (const { type, socket, missed, learntBy } of watcher.told) {
          if (type === 'gap' && learntBy === 'destroy') sum += missed ?? NaN;
          else if (
            type === 'close' &&
            (socket.local.port === server.port || client.ports.includes(socket.local.port))
          )
            sum++;
        }
        return sum;
      };
      await watcher.until('all', () => counted() >= 6 * MANY);
      await watcher.look(server);
      expect(watcher.gaps.length).toBeGreaterThan(0);
      expect(counted()).toBe(6 * MANY);
    },
  );
});
