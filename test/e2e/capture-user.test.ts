// Connections that live shorter than an interval, as an ordinary user: netpane reports each close, and counts those that it
// missed.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ProgramResult, Server } from './server.ts';
import {
  all,
  bytesOf,
  closeOf,
  countBy,
  endsOf,
  every,
  exactly,
  FAR_BYTES,
  MANY,
  NEAR_BYTES,
  nearBytesOf,
  noEvents,
  noStage,
  ONCE_EACH,
  ownerOf,
  seenByPollsToo,
  typesOf,
  why,
} from './short-lives.ts';
import { Stage } from './stage.ts';
import type { Watcher } from './watcher.ts';

const listening = (server: Server) => ({ ...exactly(server), knowledge: 'listener' });

/** Returns the number of reported and of missed closes of the connections of a client. */
function closesOf(watcher: Watcher, server: Server, { ports }: ProgramResult) {
  const own = new Set(ports);
  const closes = { reported: 0, missed: 0 };
  for (const { type, socket, missed, learntBy } of watcher.events) {
    if (type === 'gap') closes.missed += learntBy === 'destroy' ? (missed ?? NaN) : 0;
    // A close that a poll reports is left out: its kernel event is counted as missed. A socket that its owner has reset
    // has no remote endpoint any more, so its local port is compared.
    else if (
      learntBy !== 'poll' &&
      type === 'close' &&
      (socket.local.port === server.port || own.has(socket.local.port))
    )
      closes.reported++;
  }
  return closes;
}

describe.skipIf(noEvents !== undefined)(`as an ordinary user${why(noEvents)}`, () => {
  let stage: Stage;
  /** Opens sockets that only a poll finds, so that a test notices one. */
  let marker: Server;
  beforeAll(async () => {
    stage = await Stage.create({ isOrdinary: true });
    marker = await stage.serve();
  });

  describe('that polls only when the test says so', () => {
    let watcher: Watcher;
    beforeAll(async () => {
      watcher = await stage.watch(marker, { isByHand: true });
    });
    beforeEach(() => watcher.reset());
    // It would print the connections of the other tests too.
    afterAll(() => watcher.program.child.kill('SIGKILL'));

    test('reports the close of both ends of 1,000 connections between two polls, with bytes and lifetime', async () => {
      const server = await stage.serve();
      // Shows netpane the listener, and its user.
      await watcher.poll(marker);
      const startMs = Date.now();
      const client = await stage.run('visit', { port: server.port, count: MANY, endings: 'cs' });
      await watcher.closes(2 * MANY, server.port);
      const boundMs = Date.now() - startMs;
      await watcher.poll(marker);
      const { near, far } = endsOf(watcher, server, client);
      for (const ends of [near, far]) {
        expect(countBy(ends, typesOf)).toEqual(all(MANY, ONCE_EACH));
        expect(countBy(ends, (events) => closeOf(events)?.learntBy)).toEqual(all(MANY, 'destroy'));
        const lifetimes = ends.map((events) => closeOf(events)?.lifetimeMs ?? NaN);
        expect(lifetimes.filter((ms) => !(ms >= 0 && ms < boundMs))).toEqual([]);
      }
      // The kernel does not report the user of a closed socket. netpane takes that of the listener, and no other.
      const uidOf = (events: Parameters<typeof closeOf>[0]) => closeOf(events)?.socket.uid;
      expect(countBy(near, uidOf)).toEqual(all(MANY, undefined));
      expect(countBy(far, uidOf)).toEqual(all(MANY, stage.uid));
      expect(countBy(near, nearBytesOf)).toEqual(all(MANY, NEAR_BYTES));
      expect(countBy(far, bytesOf)).toEqual(all(MANY, FAR_BYTES));
      expect(countBy(near, ownerOf)).toEqual(all(MANY, { knowledge: 'gone' }));
      expect(countBy(far, ownerOf)).toEqual(all(MANY, listening(server)));
      expect(watcher.gaps).toEqual([]);
    });

    test('reports each connection and UDP socket once, whether polls, kernel events or both show it', async () => {
      const { server, client, near, far, sent } = await seenByPollsToo(stage, watcher, marker);
      expect([near, far].map(([events = []]) => typesOf(events))).toEqual([ONCE_EACH, ONCE_EACH]);
      // A poll has seen it while it was open.
      for (const [events = [], { pid, name }] of [
        [near[0], client],
        [far[0], server],
      ] as const)
        expect(closeOf(events)?.socket).toMatchObject({ uid: stage.uid, owners: [{ pid, process: name }] });
      expect(countBy(sent, typesOf)).toEqual(all(30, ONCE_EACH));
      expect(countBy(sent, ownerOf)).toEqual(all(30, { knowledge: 'gone' }));
    });
  });

  describe.skipIf(noStage !== undefined)(`a full event buffer${why(noStage)}`, () => {
    let watcher: Watcher;
    beforeAll(async () => {
      watcher = await stage.watch(marker, every('500ms', '--event-buffer', '4'));
    });
    beforeEach(() => watcher.reset());

    test.each([
      ['in a burst', false],
      ['while netpane is stopped', true],
    ])('reports or counts every close %s', async (_, isStopped) => {
      if (isStopped) watcher.program.child.kill('SIGSTOP');
      const client = await stage.run('visit', { port: marker.port, count: 3 * MANY, endings: 'csr' });
      watcher.program.child.kill('SIGCONT');
      await watcher.until('all closes', () => {
        const { reported, missed } = closesOf(watcher, marker, client);
        return reported + missed >= 6 * MANY;
      });
      await watcher.poll(marker);
      const { reported, missed } = closesOf(watcher, marker, client);
      expect(missed).toBeGreaterThan(0);
      expect(reported).toBeGreaterThan(0);
      expect(reported + missed).toBe(6 * MANY);
    });
  });
});
