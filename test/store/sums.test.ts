import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isEstablished, isListening, type Socket } from '../../src/model/socket.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, listener, socket } from '../helpers/fakes.ts';
import { OpenSockets } from '../helpers/random-changes.ts';

const held = (id: string, pid: number, rxBytes: number, txBytes = 0): Socket => ({
  ...socket({ id, traffic: { rxBytes, txBytes } }),
  owners: [
    { knowledge: 'exact', pid, process: `p${pid}` },
    { knowledge: 'exact', pid: 9 },
  ],
});

describe('by process', () => {
  test('counts the sockets of the first owner as they spawn, change and close', () => {
    const table = new SocketTable(3000);
    table.apply(baseline([held('a', 1, 100), held('b', 1, 20), held('c', 2, 5)]));
    expect([...table.processes.keys()]).toEqual([1, 2]);
    expect(table.processes.get(1)).toEqual({
      pid: 1,
      process: 'p1',
      sockets: 2,
      listening: 0,
      established: 2,
      closeWait: 0,
      timeWait: 0,
      counted: 2,
      rxBytes: 120,
      txBytes: 0,
      rxRate: 0,
      txRate: 0,
    });
    table.apply(batch({ monotonicMs: 1000, changed: [held('a', 1, 1100, 7)] }));
    expect(table.processes.get(1)).toMatchObject({ rxBytes: 1120, txBytes: 7, rxRate: 1000, txRate: 7 });
    table.apply(batch({ monotonicMs: 2000, closed: ['b', 'c'] }));
    expect(table.processes.get(1)).toMatchObject({ sockets: 1, rxBytes: 1100, rxRate: 0, txRate: 0 });
    expect(table.processes.has(2)).toBe(false);
  });

  test('returns how many last parts of the directories distinguish programs of one name', () => {
    const table = new SocketTable(3000);
    const inDirectory = (id: string, directory: string): Socket => ({
      ...socket({ id }),
      owners: [{ knowledge: 'exact', pid: Number(id), process: 'node', directory }],
    });
    const parts = () => table.directoryParts('node');
    table.apply(baseline([inDirectory('1', '/srv/a/app'), inDirectory('2', '/srv/a/app')]));
    expect(parts()).toBe(0);
    table.apply(batch({ monotonicMs: 1000, spawned: [inDirectory('3', '/srv/a/web')] }));
    expect(parts()).toBe(1);
    table.apply(
      batch({ monotonicMs: 2000, spawned: [inDirectory('4', '/srv/b/app'), inDirectory('5', '/')] }),
    );
    expect(parts()).toBe(2);
    table.apply(batch({ monotonicMs: 3000, closed: ['4', '1'] }));
    expect(parts()).toBe(1);
    table.apply(batch({ monotonicMs: 4000, closed: ['3', '5'] }));
    expect(parts()).toBe(0);
    expect(table.directoryParts('other')).toBe(0);
    const many = Array.from({ length: 1001 }, (_, i) => inDirectory(String(10 + i), `/srv/${i}/app`));
    table.apply(batch({ monotonicMs: 5000, spawned: many.slice(2) }));
    expect(parts()).toBe(2);
    table.apply(batch({ monotonicMs: 6000, spawned: many.slice(0, 2) }));
    expect(parts()).toBe(1);
  });

  test('counts connections in CLOSE_WAIT and TIME_WAIT by their state', () => {
    const table = new SocketTable(3000);
    const [a, b] = [held('a', 1, 1), held('b', 1, 1)];
    table.apply(baseline([a, b]));
    const changed = [{ ...a, state: 'CLOSE_WAIT' } as const, { ...b, state: 'TIME_WAIT' } as const];
    table.apply(batch({ monotonicMs: 1000, changed }));
    expect(table.processes.get(1)).toMatchObject({ established: 0, closeWait: 1, timeWait: 1 });
    table.apply(batch({ monotonicMs: 2000, closed: ['a'] }));
    expect(table.processes.get(1)).toMatchObject({ sockets: 1, closeWait: 0, timeWait: 1 });
  });

  test('moves a socket that gets another owner', () => {
    const table = new SocketTable(3000);
    table.apply(baseline([held('a', 1, 100)]));
    table.apply(batch({ monotonicMs: 1000, changed: [held('a', 2, 100)] }));
    expect([...table.processes.values()]).toMatchObject([
      { pid: 2, process: 'p2', sockets: 1, rxBytes: 100 },
    ]);
  });

  test('counts sockets without byte counters, but not as `counted`', () => {
    const table = new SocketTable(3000);
    table.apply(
      baseline([socket({ id: 'a', pid: 5 }), socket({ id: 'b', pid: 5, traffic: { recvQueue: 3 } })]),
    );
    expect(table.processes.get(5)).toMatchObject({ sockets: 2, counted: 0, rxBytes: 0 });
  });
});

const version = fc.record({
  pid: fc.constantFrom(1, 2, 3, undefined),
  state: fc.constantFrom('ESTABLISHED' as const, 'LISTEN' as const, 'TIME_WAIT' as const),
  counters: fc.option(fc.record({ rx: fc.nat(2 ** 40), tx: fc.nat(1000) }), { nil: undefined }),
});
const socketOf = (
  id: string,
  { pid, state, counters }: typeof version extends fc.Arbitrary<infer T> ? T : never,
): Socket => ({
  ...(state === 'LISTEN' ? listener({ id }) : socket({ id, state })),
  ...(counters && { traffic: { rxBytes: counters.rx, txBytes: counters.tx } }),
  owners: [pid === undefined ? { knowledge: 'hidden' } : { knowledge: 'exact', pid }],
});
const IDS = Array.from({ length: 8 }, (_, i) => `id ${i}`);
const steps = fc.array(
  fc.record({
    elapsedMs: fc.constantFrom(0, 300, 1000, 5000),
    wanted: fc.dictionary(fc.constantFrom(...IDS), fc.option(version)),
    partAt: fc.nat(8),
  }),
  { maxLength: 20 },
);

test('for any batches and parts, the sums equal a recount over all open rows', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const table = new SocketTable(3000);
      table.apply(baseline([]));
      const open = new OpenSockets();
      let nowMs = 0;
      for (const { elapsedMs, wanted, partAt } of all) {
        nowMs += elapsedMs;
        const { spawned, changed, closed } = open.take(wanted, socketOf);
        const at = { monotonicMs: nowMs };
        table.apply(batch({ ...at, partial: true, spawned, changed: changed.slice(0, partAt) }));
        const tick = table.apply(batch({ ...at, changed: changed.slice(partAt), closed }));

        const rows = [...table.rows.values()].filter(({ mark }) => mark !== 'closed');
        const sum = (pick: (row: (typeof rows)[number]) => number | undefined, of = rows) =>
          of.reduce((total, row) => total + (pick(row) ?? 0), 0);
        const pids = new Set(rows.flatMap(({ socket: it }) => it.owners[0]?.pid ?? []));
        expect(new Set(table.processes.keys())).toEqual(pids);
        for (const pid of pids) {
          const own = rows.filter(({ socket: it }) => it.owners[0]?.pid === pid);
          expect(table.processes.get(pid)).toMatchObject({
            sockets: own.length,
            listening: own.filter(({ socket: it }) => isListening(it)).length,
            established: own.filter(({ socket: it }) => isEstablished(it)).length,
            counted: own.filter(({ socket: it }) => it.traffic !== undefined).length,
            rxBytes: sum(({ socket: it }) => it.traffic?.rxBytes, own),
            txBytes: sum(({ socket: it }) => it.traffic?.txBytes, own),
            rxRate: sum(({ rxRate }) => rxRate, own),
            txRate: sum(({ txRate }) => txRate, own),
          });
        }
        if (!table.seen.traffic) expect(tick).not.toHaveProperty('rxRate');
        else
          expect(tick).toMatchObject({ rxRate: sum((row) => row.rxRate), txRate: sum((row) => row.txRate) });
      }
    }),
    { numRuns: 300 },
  );
});
