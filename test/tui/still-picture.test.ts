import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import { REGIONS } from '../../src/view/screen.ts';
import { FakeApp } from '../helpers/app.ts';
import { baseline, batch, endpoint, LINGER_MS, listener, NOON_MS, socket } from '../helpers/fakes.ts';
import { anyChanges, OpenSockets } from '../helpers/random-changes.ts';

// A batch that changes nothing on the screen is not painted.

const apps: FakeApp[] = [];
function start(): FakeApp {
  const app = new FakeApp(140, 20);
  apps.push(app);
  return app;
}
afterEach(() => {
  for (const app of apps.splice(0)) app.close();
});

const IDS = Array.from({ length: 30 }, (_, i) => `sk:${i}`);
const OLD = IDS.slice(0, 12).map((id, i) => listener({ id, local: `10.0.0.1:${1000 + i}` }));
const TRAFFIC = { rxBytes: 1000, txBytes: 0 };
const withTraffic = socket({ id: 'sk:t', remote: '192.0.2.1:443', traffic: TRAFFIC });

/** Returns an app that has shown these sockets for a minute. */
async function resting(sockets: readonly Socket[] = OLD): Promise<FakeApp> {
  const app = start();
  await app.take(baseline(sockets));
  for (let at = 1000; at <= 61_000; at += 10_000) await app.take(batch({ monotonicMs: at }));
  return app;
}

/** Counts the paints. */
function countPaints(): () => number {
  const lines = vi.spyOn(REGIONS.header, 'lines');
  lines.mockClear();
  return () => lines.mock.calls.length;
}
afterEach(() => void vi.restoreAllMocks());

test('a batch without changes is not painted', async () => {
  const app = await resting();
  const paints = countPaints();
  await app.take(batch({ monotonicMs: 62_000 }), batch({ monotonicMs: 63_000 }));
  expect(paints()).toBe(0);
  expect(app.app.state.nowMs).toBe(63_000);
});

test.each<[string, Partial<Batch>, string]>([
  ['a new socket', { spawned: [listener({ id: 'sk:n', local: '10.0.0.1:7777' })] }, '7777'],
  ['a closed socket', { closed: ['sk:3'] }, '−1 now'],
  [
    'a changed socket',
    { changed: [{ ...OLD[2], state: 'CLOSE_WAIT', remote: endpoint('192.0.2.9:99') } as Socket] },
    'CLOSE_WAIT',
  ],
  [
    'another program',
    { changed: [{ ...OLD[2], owners: [{ knowledge: 'exact', pid: 9, process: 'zebra' }] } as Socket] },
    'zebra',
  ],
  [
    'a notice',
    { degradations: [{ code: 'restarted', text: 'the thread was restarted', short: 'restarted' }] },
    'the thread was restarted',
  ],
  ['another coverage', { coverage: { level: 'changes' } }, 'all changes'],
  ['another interval', { pacedIntervalMs: 5000 }, '1s → 5s'],
  ['a gap', { events: [{ type: 'gap', atMs: NOON_MS + 61_500, learntBy: 'destroy', missed: 7 }] }, 'missed'],
  ['the age of rows', { monotonicMs: 121_000 }, '>2m'],
])('%s is painted with its batch', async (_, fields, text) => {
  const app = await resting();
  expect(app.text).not.toContain(text);
  await app.take(batch({ monotonicMs: 62_000, ...fields }));
  expect(app.text).toContain(text);
});

test('a change leaves the counts of the last minute a minute later', async () => {
  const app = await resting();
  await app.take(batch({ monotonicMs: 62_000, closed: ['sk:3'] }));
  for (let at = 63_000; at <= 121_000; at += 1000) await app.take(batch({ monotonicMs: at }));
  expect(app.text).toMatch(/−1 \/min/);
  await app.take(batch({ monotonicMs: 122_000 }));
  expect(app.text).toMatch(/−0 \/min/);
});

test('rates are painted while they change', async () => {
  const app = await resting([...OLD, withTraffic]);
  const traffic = (rxBytes: number) => ({ changed: [{ ...withTraffic, traffic: { ...TRAFFIC, rxBytes } }] });
  await app.take(batch({ monotonicMs: 62_000, ...traffic(51_000) }));
  expect(app.text).toMatch(/↓ 50.0 kB/);
  await app.take(batch({ monotonicMs: 63_000 }));
  expect(app.text).toMatch(/↓ +0 B/);
});

test('the end of a silence is painted', async () => {
  const app = await resting();
  await app.pass(20_000);
  expect(app.text).toContain('the sampler is busy');
  await app.take(batch({ monotonicMs: 82_000 }));
  expect(app.text).not.toContain('the sampler is busy');
});

test('whatever happens, the screen shows what a paint would show', async () => {
  const version = fc.record({
    port: fc.constantFrom(1, 2, 3),
    state: fc.constantFrom('ESTABLISHED' as const, 'CLOSE_WAIT' as const, 'TIME_WAIT' as const),
    rxBytes: fc.constantFrom(0, 1000, 90_000),
    process: fc.constantFrom('curl', 'node'),
  });
  const step = fc.record({
    wanted: fc.option(anyChanges(version, IDS, { some: 4, many: 20 }), { freq: 1 }),
    afterMs: fc.constantFrom(1000, 1000, LINGER_MS, 10_000, 61_000),
    // Keys that change what is shown: groups, pairs, order, the cursor, panes and the filter.
    key: fc.option(fc.constantFrom('o', 'j', 'S', 'z', 'e', 'i', 'p', 'J', '#'), { freq: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const app = await resting();
      const open = new OpenSockets();
      let atMs = 61_000;
      for (const { wanted, afterMs, key } of steps) {
        atMs += afterMs;
        const changes = open.take(wanted ?? {}, (id, { port, process, ...rest }) =>
          socket({
            id: `${id} x`,
            local: `10.0.0.2:${port}`,
            remote: '192.0.2.1:443',
            process,
            state: rest.state,
            traffic: { rxBytes: rest.rxBytes, txBytes: 0 },
          }),
        );
        await app.take(
          batch({ monotonicMs: atMs, ...changes, closed: changes.closed.map((id) => `${id} x`) }),
        );
        const { bytesWritten } = app;
        app.app.paint();
        await app.shown();
        expect(app.bytesWritten, app.text).toBe(bytesWritten);
        if (key !== null) await app.press(key);
      }
      app.close();
      apps.splice(apps.indexOf(app), 1);
    }),
    { numRuns: 15 },
  );
});
