import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEstablished, isListening, type Socket, type SocketState } from '../../src/model/socket.ts';
import { NOTHING_SEEN } from '../../src/store/seen-fields.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, NOON_MS, socket, udp } from '../helpers/fakes.ts';
import { a, b, closing, marks, tableAfter } from './scene.ts';

describe('closed rows beyond the bound', () => {
  const brief = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => socket({ id: `${from + i}`, local: `192.0.2.10:${from + i}` }));
  const ids = (sockets: readonly Socket[]) => sockets.map(({ id }) => id);

  test('are dropped, oldest first, before the linger time, and counted', () => {
    const table = new SocketTable(3_600_000, 100);
    table.apply(baseline([a]));
    for (let tick = 1; tick <= 20; tick++) {
      const sockets = brief(tick * 100, 60);
      table.apply(batch({ monotonicMs: tick * 1000, spawned: sockets }));
      table.apply(batch({ monotonicMs: tick * 1000 + 500, closed: ids(sockets) }));
    }
    expect(table.rows.size).toBe(101);
    expect([...table.rows.keys()].slice(-1)).toEqual(['2059']);
    expect(table.rows.has('a')).toBe(true);
    expect(table.droppedRows).toEqual({ rows: 1100, kept: 100, lastMs: 20_500 });
    expect(table.totals.total).toBe(1);
  });

  test('are no longer reported after a minute in which none was dropped', () => {
    const table = new SocketTable(3000, 1);
    table.apply(baseline(brief(1, 3)));
    table.apply(batch({ monotonicMs: 1000, closed: ['1', '2'] }));
    expect(table.droppedRows?.rows).toBe(1);
    table.apply(batch({ monotonicMs: 60_000 }));
    expect(table.droppedRows?.rows).toBe(1);
    table.apply(batch({ monotonicMs: 62_000 }));
    expect(table.droppedRows).toBeUndefined();
  });

  test('do not include a socket that spawned again', () => {
    const table = new SocketTable(3000, 1);
    table.apply(baseline([a, b, ...brief(1, 2)]));
    table.apply(batch({ monotonicMs: 1000, closed: ['a'] }));
    table.apply(batch({ monotonicMs: 1100, spawned: [a] }));
    table.apply(batch({ monotonicMs: 1200, closed: ['1', '2'] }));
    expect(marks(table)).toEqual({ a: 'spawned', b: 'none', 2: 'closed' });
  });
});

test('after a restart of the sampler, old rows stay, new sockets spawn and missing ones close', () => {
  const c = socket({ id: 'c', local: '192.0.2.10:40002' });
  const d = socket({ id: 'd', local: '192.0.2.10:40003' });
  const table = tableAfter(baseline([a, b, c]), batch({ monotonicMs: 9000 }));
  // A batch whose last part never came.
  table.apply(batch({ monotonicMs: 9500, spawned: [d], partial: true }));
  table.apply({ ...baseline([b, closing(c)]), monotonicMs: 10_000, partial: true });
  const e = socket({ id: 'e', local: '192.0.2.10:40004' });
  table.apply({ ...baseline([d, e]), monotonicMs: 10_000 });
  expect(marks(table)).toEqual({ a: 'closed', b: 'none', c: 'changed', d: 'spawned', e: 'spawned' });
  expect(table.totals).toEqual({ total: 4, established: 3, listening: 0, other: 1 });
  expect(table.rows.get('b')).toMatchObject({ baseline: true, firstSeenMs: 0 });
  expect(table.rows.get('e')).toMatchObject({ baseline: false, firstSeenMs: 10_000 });
});

test('a row is as old as the kernel says, and not older than its first batch without that', () => {
  const table = tableAfter(baseline([a]));
  const made = socket({ id: 'made', createdAtMs: NOON_MS + 1400 });
  table.apply(batch({ monotonicMs: 2000, spawned: [made, b] }));
  expect(table.rows.get('made')).toMatchObject({ firstSeenMs: 1400, baseline: false });
  expect(table.rows.get('b')).toMatchObject({ firstSeenMs: 2000 });
});

describe('fields seen', () => {
  const NONE = NOTHING_SEEN;
  const seenAfter = (...sockets: Socket[]) => tableAfter(baseline([]), batch({ spawned: sockets })).seen;

  test.each<[string, Socket[], Partial<typeof NONE>]>([
    ['nothing', [a], {}],
    ['bytes', [socket({ traffic: { txBytes: 0 } })], { traffic: true }],
    ['queues alone', [socket({ traffic: { recvQueue: 0 } })], { queues: true }],
    ['an interface', [socket({ interface: 'eth0' })], { interfaces: true }],
    [
      'one namespace',
      [socket({ id: '1', netns: { inode: 7 } }), socket({ id: '2', netns: { inode: 7 } })],
      {},
    ],
    [
      'two namespaces',
      [socket({ id: '1', netns: { inode: 7 } }), socket({ id: '2', netns: { inode: 8 } })],
      { namespaces: true },
    ],
  ])('%s', (_, sockets, expected) => {
    expect(seenAfter(...sockets)).toEqual({ ...NONE, ...expected });
  });

  test('include those of a change, and stay after the close', () => {
    const table = tableAfter(baseline([a]), batch({ changed: [{ ...a, traffic: { rxBytes: 1 } }] }));
    table.apply(batch({ monotonicMs: 2000, closed: ['a'] }));
    expect(table.seen).toEqual({ ...NONE, traffic: true });
  });
});

test('for any batches, rows and totals are those of the open sockets', () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const step = fc.record({
    passMs: fc.constantFrom(0, 500, 1000, 4000),
    wanted: fc.dictionary(
      fc.constantFrom(...ids),
      fc.constantFrom<SocketState | undefined>('ESTABLISHED', 'LISTEN', 'TIME_WAIT', undefined),
    ),
    unknown: fc.boolean(),
    /** Number of sockets that spawn and close within one batch. */
    brief: fc.nat(2),
  });
  const socketOf = (id: string, state: SocketState | undefined): Socket => {
    if (state === undefined) return udp({ id });
    return socket({ id, state, remote: state === 'LISTEN' ? null : '198.51.100.7:443' });
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const table = new SocketTable(3000);
      const open = new Map<string, Socket>();
      let nowMs = 0;
      for (const { passMs, wanted, unknown, brief } of steps) {
        nowMs += passMs;
        const spawned: Socket[] = [];
        const changed = unknown ? [socket({ id: 'unknown' })] : [];
        const closed = unknown ? ['unknown'] : [];
        for (const id of ids) {
          if (!Object.hasOwn(wanted, id)) {
            if (open.delete(id)) closed.push(id);
            continue;
          }
          const now = socketOf(id, wanted[id]);
          (open.has(id) ? changed : spawned).push(now);
          open.set(id, now);
        }
        for (let i = 0; i < brief; i++) {
          spawned.push(socket({ id: `brief ${nowMs} ${i}`, traffic: { rxBytes: 7 } }));
          closed.push(`brief ${nowMs} ${i}`);
        }
        table.apply(batch({ monotonicMs: nowMs, spawned, changed, closed }));
        // The user sees all rows: the mark of an unseen listener would stay.
        for (const id of open.keys()) table.see(id, nowMs);
        const rows = [...table.rows.values()];
        expect(
          new Map(rows.filter(({ mark }) => mark !== 'closed').map((row) => [row.id, row.socket])),
        ).toEqual(open);
        const sockets = [...open.values()];
        const listening = sockets.filter(isListening).length;
        const established = sockets.filter(isEstablished).length;
        expect(table.totals).toEqual({
          total: sockets.length,
          established,
          listening,
          other: sockets.length - listening - established,
        });
        // Every mark fades within the linger time.
        expect(rows.some(({ mark }) => mark !== 'none')).toBe(table.nextFadeMs !== undefined);
        if (table.nextFadeMs !== undefined) expect(table.nextFadeMs).toBeLessThanOrEqual(nowMs + 3000);
      }
      table.fade(nowMs + 3000);
      expect([...table.rows.keys()].sort()).toEqual([...open.keys()].sort());
      expect([...table.rows.values()].every(({ mark }) => mark === 'none')).toBe(true);
    }),
  );
});

test('a row has the host of its batch; the first batch of another host closes no row', () => {
  const table = new SocketTable(3000);
  table.apply(baseline([socket({ id: 'a' })]));
  table.apply(baseline([socket({ id: 'web1/a' })], { host: 'web1', monotonicMs: 1000 }));
  const hosts = [...table.rows.values()].map(({ id, host, mark }) => [id, host, mark]);
  expect(hosts).toEqual([
    ['a', 'local', 'none'],
    ['web1/a', 'web1', 'spawned'],
  ]);
});
