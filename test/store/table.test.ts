import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SocketEvent } from '../../src/model/event.ts';
import { isEstablished, isListening, type Socket, type SocketState } from '../../src/model/socket.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, followChanges, listener, NOON_MS, socket, udp } from '../helpers/fakes.ts';

const a = socket({ id: 'a' });
const b = socket({ id: 'b', local: '192.0.2.10:40001' });
const closing = (it: Socket): Socket => ({ ...it, state: 'CLOSE_WAIT' });

const marks = (table: SocketTable) => Object.fromEntries([...table.rows].map(([id, { mark }]) => [id, mark]));

/** A table with a linger of 3 s after these batches. */
function tableAfter(...batches: Parameters<SocketTable['apply']>[0][]): SocketTable {
  const table = new SocketTable(3000);
  for (const it of batches) table.apply(it);
  return table;
}

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

describe('marks', () => {
  test('the baseline has no marks', () => {
    const table = tableAfter(baseline([a]));
    expect(marks(table)).toEqual({ a: 'none' });
    expect(table.history).toEqual([]);
    expect(table.nextFadeMs).toBeUndefined();
    expect(table.rows.get('a')).toMatchObject({ baseline: true, firstSeenMs: 0 });
  });

  test('are spawned, changed and closed', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, spawned: [b], changed: [closing(a)] }),
      batch({ monotonicMs: 2000, closed: ['b'] }),
    );
    expect(marks(table)).toEqual({ a: 'changed', b: 'closed' });
    expect(table.rows.get('a')?.socket.state).toBe('CLOSE_WAIT');
    expect(table.rows.get('b')).toMatchObject({ baseline: false, firstSeenMs: 1000, socket: b });
  });

  test('fade in order, each at its time, and a closed row is removed with its mark', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, spawned: [b] }),
      batch({ monotonicMs: 2000, closed: ['a'] }),
    );
    expect(table.nextFadeMs).toBe(4000);
    table.fade(3999);
    expect(marks(table)).toEqual({ a: 'closed', b: 'spawned' });
    table.fade(4000);
    expect(marks(table)).toEqual({ a: 'closed', b: 'none' });
    expect(table.nextFadeMs).toBe(5000);
    table.fade(5000);
    expect(marks(table)).toEqual({ b: 'none' });
    expect(table.nextFadeMs).toBeUndefined();
  });

  test('fade with a tick too', () => {
    const table = tableAfter(
      baseline([a, b]),
      batch({ monotonicMs: 1000, closed: ['a'] }),
      batch({ monotonicMs: 9000 }),
    );
    expect(marks(table)).toEqual({ b: 'none' });
  });

  test('fade at the new time when the row is marked again', () => {
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [a] }),
      batch({ monotonicMs: 2000, changed: [closing(a)] }),
    );
    table.fade(4000);
    expect(marks(table)).toEqual({ a: 'changed' });
    table.fade(5000);
    expect(marks(table)).toEqual({ a: 'none' });
  });

  test('of other rows do not wait for a row that is marked again', () => {
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [a] }),
      batch({ monotonicMs: 1500, spawned: [b] }),
      batch({ monotonicMs: 2000, changed: [closing(a)] }),
    );
    expect(table.nextFadeMs).toBe(4500);
    table.fade(4500);
    expect(marks(table)).toEqual({ a: 'changed', b: 'none' });
    expect(table.nextFadeMs).toBe(5000);
  });

  test('do not change when a change is not notable', () => {
    const withUid = { ...a, uid: 1000 };
    const table = tableAfter(
      baseline([b]),
      batch({ monotonicMs: 1000, spawned: [a] }),
      batch({ monotonicMs: 2000, changed: [withUid, { ...b, uid: 1000 }] }),
    );
    expect(marks(table)).toEqual({ a: 'spawned', b: 'none' });
    expect(table.rows.get('a')?.socket).toBe(withUid);
    table.fade(4000);
    expect(marks(table)).toEqual({ a: 'none', b: 'none' });
  });

  test.each<[string, Partial<Socket>]>([
    ['state', { state: 'FIN_WAIT1' }],
    ['peer', { remote: { address: '203.0.113.5', port: 443 } }],
    ['port of the peer', { remote: { address: '198.51.100.7', port: 444 } }],
    ['local address', { local: { address: '192.0.2.11', port: 40000 } }],
    ['program', { owners: [{ knowledge: 'exact', pid: 101, process: 'curl' }] }],
  ])('are set by another %s', (_, change) => {
    const table = tableAfter(baseline([a]), batch({ changed: [{ ...a, ...change }] }));
    expect(marks(table)).toEqual({ a: 'changed' });
  });

  test('become spawned when the id of a closed row spawns again', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, closed: ['a'] }),
      batch({ monotonicMs: 2000, spawned: [a] }),
    );
    expect(marks(table)).toEqual({ a: 'spawned' });
    expect(table.totals.total).toBe(1);
    table.fade(100_000);
    expect(marks(table)).toEqual({ a: 'none' });
    expect(table.rows.get('a')).toMatchObject({ firstSeenMs: 2000, baseline: false });
  });

  test('do not change when a pending owner is found', () => {
    const table = new SocketTable(3000);
    const found = socket({ id: 'a', pid: 7 });
    table.apply(baseline([{ ...found, owners: [{ knowledge: 'pending' }] }]));
    expect(table.apply(batch({ changed: [found] }))?.changed).toBe(0);
    expect(table.rows.get('a')).toMatchObject({ mark: 'none', socket: found });
    const other = { ...found, owners: [{ knowledge: 'exact' as const, pid: 8 }] };
    expect(table.apply(batch({ changed: [other], monotonicMs: 2000 }))?.changed).toBe(1);
  });

  test('ignore changes and closes of unknown sockets', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, changed: [b], closed: ['never there'] }),
    );
    expect(marks(table)).toEqual({ a: 'none' });
    expect(table.totals.total).toBe(1);
    table.apply(batch({ monotonicMs: 2000, closed: ['a'] }));
    table.apply(batch({ monotonicMs: 2500, closed: ['a'], changed: [closing(a)] }));
    expect(table.rows.get('a')?.socket).toBe(a);
    expect(table.totals.total).toBe(0);
    expect(table.nextFadeMs).toBe(5000);
  });

  test('of thousands fade in runs', () => {
    const crowd = Array.from({ length: 5000 }, (_, i) => socket({ id: `socket ${i}` }));
    const table = tableAfter(
      baseline(crowd),
      batch({ monotonicMs: 1000, closed: crowd.map(({ id }) => id) }),
    );
    const newChanges = followChanges(table);
    const sizes = [];
    while (table.nextFadeMs !== undefined && sizes.length < 10) {
      expect(table.nextFadeMs).toBe(4000);
      table.fade(4000);
      expect(newChanges().size).toBeLessThanOrEqual(1000);
      sizes.push(table.rows.size);
    }
    expect(sizes).toEqual([4000, 3000, 2000, 1000, 0]);
  });

  test('changesSince returns the rows changed since then', () => {
    const table = new SocketTable(3000);
    const newChanges = followChanges(table);
    table.apply(baseline([a, b]));
    expect(newChanges()).toEqual(new Set(['a', 'b']));
    expect(newChanges()).toEqual(new Set());
    table.apply(batch({ monotonicMs: 1000, closed: ['a'] }));
    expect(newChanges()).toEqual(new Set(['a']));
    table.fade(2000);
    expect(newChanges()).toEqual(new Set());
    table.fade(4000);
    expect(newChanges()).toEqual(new Set(['a']));
    expect(table.changesSince(0)).toEqual(new Set(['a', 'b']));
  });
});

describe('fields seen', () => {
  const NONE = { traffic: false, queues: false, namespaces: false, interfaces: false };
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

describe('a lifetime', () => {
  const close = (it: Socket, fields: Partial<SocketEvent> = {}): SocketEvent => ({
    type: 'close',
    atMs: NOON_MS,
    socket: it,
    learntBy: 'destroy',
    ...fields,
  });
  const livedOf = (table: SocketTable, id: string) => {
    const row = table.rows.get(id);
    return row && [row.mark, row.lifetimeMs, row.isAtLeast];
  };

  test('comes from the close event', () => {
    const events = [close(a, { lifetimeMs: 0.41 })];
    const table = tableAfter(baseline([]), batch({ spawned: [a], closed: ['a'], events }));
    expect(livedOf(table, 'a')).toEqual(['closed', 0.41, false]);
  });

  test('comes from a close event in a later part', () => {
    const parts = [
      { partial: true, spawned: [a, b] },
      { partial: true, closed: ['a'] },
      { events: [close(a, { lifetimeMs: 7, isAtLeast: true })] },
    ];
    const table = tableAfter(baseline([]), ...parts.map((it) => batch(it)));
    expect(livedOf(table, 'a')).toEqual(['closed', 7, true]);
    expect(livedOf(table, 'b')).toEqual(['spawned', undefined, undefined]);
  });

  test('is the time since the first sighting when the event has none', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, spawned: [b] }),
      batch({ monotonicMs: 4000, closed: ['a', 'b'], events: [close(a)] }),
    );
    expect(livedOf(table, 'a')).toEqual(['closed', 4000, true]);
    expect(livedOf(table, 'b')).toEqual(['closed', 3000, false]);
  });

  test('of a connection is known while its remnant is left, and stays after that', () => {
    const left: Socket = { ...a, state: 'TIME_WAIT' };
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [left], events: [close(a, { lifetimeMs: 12 })] }),
    );
    expect(livedOf(table, 'a')).toEqual(['spawned', 12, false]);
    table.apply(batch({ monotonicMs: 61_000, closed: ['a'] }));
    expect(livedOf(table, 'a')).toEqual(['closed', 12, false]);
  });
});

describe('counts', () => {
  test('are totals by kind', () => {
    const table = tableAfter(baseline([a, listener(), udp(), closing(b)]));
    expect(table.totals).toEqual({ total: 4, established: 1, listening: 2, other: 1 });
    table.apply(batch({ monotonicMs: 1000, changed: [closing(a)], closed: [udp().id] }));
    expect(table.totals).toEqual({ total: 3, established: 0, listening: 1, other: 2 });
  });

  test('are returned by apply and kept in the history', () => {
    const table = new SocketTable(3000);
    expect(table.apply(baseline([a]))).toEqual({
      monotonicMs: 0,
      total: 1,
      spawned: 0,
      changed: 0,
      closed: 0,
    });
    const tick = table.apply(batch({ monotonicMs: 1000, spawned: [b], changed: [closing(a)] }));
    expect(tick).toEqual({ monotonicMs: 1000, total: 2, spawned: 1, changed: 1, closed: 0 });
    expect(table.history).toEqual([tick]);
  });

  test('leave out baseline sockets that closed in the first batch', () => {
    const table = new SocketTable(3000);
    expect(table.apply(baseline([a, b], { closed: ['a'] }))).toMatchObject({
      total: 1,
      spawned: 0,
      closed: 0,
    });
  });

  test('include connections that were only counted, with their rates and program', () => {
    const counted = (monotonicMs: number, count: number) =>
      batch({
        monotonicMs,
        events: [
          {
            type: 'sum',
            atMs: 0,
            count,
            socket: { ...b, traffic: { rxBytes: 9 } },
            differs: [],
            rxBytes: 500,
            txBytes: 20,
          },
        ],
      });
    const table = tableAfter(baseline([]));
    expect(table.apply({ ...counted(1000, 70), partial: true })).toBeUndefined();
    expect(table.apply(counted(1000, 5))).toMatchObject({ total: 0, spawned: 75, closed: 75 });
    expect(table.apply(counted(2000, 1))).toMatchObject({ spawned: 1, closed: 1, rxRate: 500, txRate: 20 });
    expect(table.rows.size).toBe(0);
    expect(table.programNames.since(0)).toEqual(['curl']);
    expect(table.summed).toEqual({ connections: 76, lastMs: 2000 });
    table.apply(batch({ monotonicMs: 62_000 }));
    expect(table.summed?.connections).toBe(76);
    table.apply(batch({ monotonicMs: 62_001 }));
    expect(table.summed).toBeUndefined();
  });

  test('count a socket that spawned and closed in one batch as both', () => {
    const traffic = { rxBytes: 3000, txBytes: 10 };
    const table = tableAfter(baseline([b]));
    const gone = { ...a, traffic };
    const tick = table.apply(batch({ monotonicMs: 1000, spawned: [gone], closed: ['a'] }));
    expect(tick).toMatchObject({ total: 1, spawned: 1, closed: 1, rxRate: 3000, txRate: 10 });
    expect(table.totals).toEqual({ total: 1, established: 1, listening: 0, other: 0 });
    expect(table.processes.get(100)).toMatchObject({ sockets: 1, counted: 0, rxBytes: 0, rxRate: 0 });
    expect(table.rows.get('a')).toMatchObject({ mark: 'closed', socket: gone });
    expect(table.rows.get('a')?.rxRate).toBeUndefined();
    expect(table.seen.traffic).toBe(true);
    expect(table.apply(batch({ monotonicMs: 2000 }))).toMatchObject({ rxRate: 0, txRate: 0 });
    table.fade(4000);
    expect(marks(table)).toEqual({ b: 'none' });
  });

  test('stay bounded after 100,000 ticks', () => {
    const table = new SocketTable(3000);
    table.apply(baseline([]));
    for (let i = 1; i <= 100_000; i++) {
      const spawned = [socket({ id: `socket ${i}` })];
      table.apply(batch({ monotonicMs: i * 1000, spawned, closed: i > 2 ? [`socket ${i - 2}`] : [] }));
    }
    expect(table.changesSince(0)).toBe('everything');
    expect(table.totals.total).toBe(2);
    expect(table.rows.size).toBeLessThan(10);
    expect(table.history.length).toBeGreaterThanOrEqual(600);
    expect(table.history.length).toBeLessThan(2000);
    expect(table.history.at(-1)?.monotonicMs).toBe(100_000_000);
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

describe('direction', () => {
  const server = listener({ id: 'server', local: '*:80' });
  const accepted = socket({ id: 'accepted', local: '192.0.2.10:80', remote: '198.51.100.7:50000' });
  const called = socket({
    id: 'called',
    local: '192.0.2.10:50001',
    remote: '198.51.100.7:80',
    opened: 'out',
  });
  const unknown = socket({ id: 'unknown', local: '192.0.2.10:50003', remote: '198.51.100.7:80' });
  const directions = (table: SocketTable) =>
    Object.fromEntries([...table.rows].map(([id, { direction }]) => [id, direction]));

  test('of the baseline is known even if the listener comes in a later part', () => {
    const table = tableAfter(
      baseline([accepted, called], { partial: true }),
      baseline([listener({ id: 'other', local: '192.0.2.11:80' })], { partial: true }),
      baseline([server]),
    );
    expect(directions(table)).toEqual({ accepted: 'in', called: 'out', other: undefined, server: undefined });
  });

  test('is known for connections in the same batch as their listener', () => {
    const table = tableAfter(baseline([]), batch({ spawned: [accepted, called, server] }));
    expect(directions(table)).toMatchObject({ accepted: 'in', called: 'out' });
  });

  test('stays when the listener closes, or another one spawns', () => {
    const table = tableAfter(
      baseline([server, accepted, called]),
      batch({ spawned: [listener({ id: 'late', local: '*:50001' })], closed: ['server'] }),
      batch({ monotonicMs: 2000, changed: [closing(accepted), closing(called)] }),
    );
    expect(directions(table)).toMatchObject({ accepted: 'in', called: 'out' });
    const next = socket({ id: 'next', local: '192.0.2.10:80', remote: '198.51.100.7:50002' });
    table.apply(batch({ monotonicMs: 3000, spawned: [next] }));
    expect(directions(table)).toMatchObject({ accepted: 'in', next: undefined });
  });

  test('is known when the listener closes in the batch of the connection', () => {
    const table = tableAfter(baseline([server]), batch({ spawned: [accepted], closed: ['server'] }));
    expect(directions(table)).toMatchObject({ accepted: 'in' });
  });

  test('is unknown without a listener, until the kernel reports it', () => {
    const table = tableAfter(baseline([unknown, server]));
    expect(directions(table)).toMatchObject({ unknown: undefined });
    table.apply(batch({ changed: [{ ...unknown, opened: 'out' }] }));
    expect(directions(table)).toMatchObject({ unknown: 'out' });
  });

  test('from the kernel outweighs the listeners', () => {
    const table = tableAfter(baseline([server, accepted]));
    table.apply(batch({ changed: [{ ...accepted, opened: 'out' }] }));
    expect(directions(table)).toMatchObject({ accepted: 'out' });
  });

  test('of a loopback connection is `in` for one socket and `out` for the other', () => {
    const [near, far] = ['127.0.0.1:80', '127.0.0.1:50000'];
    const table = tableAfter(
      baseline([
        socket({ id: 'client', local: far, remote: near, opened: 'out' }),
        socket({ id: 'end', local: near, remote: far }),
        server,
      ]),
    );
    expect(directions(table)).toMatchObject({ client: 'out', end: 'in' });
  });

  test('of a UDP socket with or without a peer is unknown', () => {
    const bound = udp({ id: 'u', local: '*:5000' });
    const connected = socket({ id: 'u', protocol: 'udp', local: '192.0.2.10:5000' });
    const table = tableAfter(baseline([bound]));
    expect(directions(table)).toEqual({ u: undefined });
    table.apply(batch({ changed: [connected] }));
    expect(directions(table)).toEqual({ u: undefined });
    table.apply(batch({ monotonicMs: 2000, changed: [bound] }));
    expect(directions(table)).toEqual({ u: undefined });
  });

  test('comes from a spawn event of the trace', () => {
    const spawn = (it: Socket, state: SocketState): SocketEvent => ({
      type: 'spawn',
      atMs: NOON_MS,
      socket: { ...it, state },
      learntBy: 'trace',
    });
    const table = tableAfter(
      baseline([server]),
      batch({ spawned: [accepted, called], partial: true }),
      batch({ events: [spawn(accepted, 'SYN_SENT'), spawn(called, 'SYN_RECV')] }),
    );
    expect(directions(table)).toMatchObject({ accepted: 'out', called: 'in' });
  });
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
