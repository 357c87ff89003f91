import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { FIRST_ROW, ROWS } from '../../../src/source/windows/layout.ts';
import { CREATED_MS, type FakeRow, type FakeWindows, tableBytes } from '../../helpers/windows.ts';
import { CONNECTION, CURL, useWindows, type WindowsScene } from '../../helpers/windows-scene.ts';

let scene: WindowsScene;
let windows: FakeWindows;
const newScene = useWindows();
beforeEach(() => {
  scene = newScene();
  ({ windows } = scene);
});
const poll = (rows: readonly FakeRow[]) => scene.poll(rows);
const codes = () => scene.codes();

describe('the sockets of the four tables', () => {
  test('have protocol, family, endpoints, state and time of creation', async () => {
    const sockets = await poll([
      { local: '0.0.0.0:135', remote: '0.0.0.0:0', state: 2, pid: 9 },
      CONNECTION,
      { table: 'tcp6', local: '[2001:db8::1]:80', remote: '[2001:db8::2]:4000', state: 8, scope: 7 },
      { table: 'tcp6', local: '[fe80::1]:80', remote: '[fe80::2]:4000', state: 5, scope: 7 },
      { table: 'udp4', local: '0.0.0.0:68', createdAtMs: 0 },
      { table: 'udp6', local: '[fe80::1]:546', scope: 12 },
    ]);
    expect(sockets.map(({ owners: _, id: __, ...rest }) => rest)).toEqual([
      {
        protocol: 'tcp',
        family: 'ipv4',
        local: { address: '0.0.0.0', port: 135 },
        remote: null,
        state: 'LISTEN',
        createdAtMs: CREATED_MS,
      },
      {
        protocol: 'tcp',
        family: 'ipv4',
        local: { address: '192.0.2.1', port: 50_000 },
        remote: { address: '198.51.100.7', port: 443 },
        state: 'ESTABLISHED',
        createdAtMs: CREATED_MS,
      },
      {
        protocol: 'tcp',
        family: 'ipv6',
        local: { address: '2001:db8::1', port: 80 },
        remote: { address: '2001:db8::2', port: 4000 },
        state: 'CLOSE_WAIT',
        createdAtMs: CREATED_MS,
      },
      {
        protocol: 'tcp',
        family: 'ipv6',
        local: { address: 'fe80::1%7', port: 80 },
        remote: { address: 'fe80::2%7', port: 4000 },
        state: 'ESTABLISHED',
        createdAtMs: CREATED_MS,
      },
      { protocol: 'udp', family: 'ipv4', local: { address: '0.0.0.0', port: 68 }, remote: null },
      {
        protocol: 'udp',
        family: 'ipv6',
        local: { address: 'fe80::1%12', port: 546 },
        remote: null,
        createdAtMs: CREATED_MS,
      },
    ]);
  });

  test('have the names of all twelve states, and a notice counts a state that has none', async () => {
    const states = Array.from({ length: 14 }, (_, i) => i);
    const sockets = await poll(
      states.map((state) => ({ ...CONNECTION, local: `192.0.2.1:${state + 1}`, state })),
    );
    expect(sockets.map(({ state }) => state)).toEqual([
      undefined,
      'CLOSE',
      'LISTEN',
      'SYN_SENT',
      'SYN_RECV',
      'ESTABLISHED',
      'FIN_WAIT1',
      'FIN_WAIT2',
      'CLOSE_WAIT',
      'CLOSING',
      'LAST_ACK',
      'TIME_WAIT',
      'CLOSE',
      undefined,
    ]);
    expect((await scene.source.read()).degradations).toContainEqual({
      code: 'unreadable-states',
      text: 'Windows reports a state that netpane does not know for 2 connections',
      short: '2 states unknown',
    });
  });

  test('are the same objects in the same map while nothing changes', async () => {
    await poll([CONNECTION, { ...CONNECTION, local: '192.0.2.1:50001' }]);
    const before = await scene.source.read();
    const now = await scene.source.read();
    expect(now.sockets).toBe(before.sockets);
  });

  test('do not change with bytes that mean nothing: after the port, and in the description of the module', async () => {
    await poll([CONNECTION]);
    const before = await scene.source.read();
    const bytes = tableBytes('tcp4', [CONNECTION]);
    bytes[FIRST_ROW + ROWS.tcp4.localPort + 2] = 7;
    bytes[FIRST_ROW + ROWS.tcp4.size - 1] = 7;
    windows.answers = { tcp4: bytes };
    expect((await scene.source.read()).sockets).toBe(before.sockets);
    bytes[FIRST_ROW + ROWS.tcp4.localPort + 1] = 7;
    expect((await scene.source.read()).sockets).not.toBe(before.sockets);
  });

  test('keep their objects when others come, go and change places', async () => {
    const rows = [1, 2, 3, 4].map((port) => ({ ...CONNECTION, local: `192.0.2.1:${port}` }));
    const [one, two, three, four] = await poll(rows);
    const now = await poll([rows[3], { local: '192.0.2.1:9' }, rows[0], rows[1]] as FakeRow[]);
    expect(now).toHaveLength(4);
    expect(now).toEqual(expect.arrayContaining([one, two, four]));
    expect(now.filter((it) => [one, two, four].includes(it))).toHaveLength(3);
    expect(now).not.toContain(three);
  });

  test('keep their objects whatever order Windows lists them in, and whichever others come and go', async () => {
    const port = fc.integer({ min: 1, max: 15 });
    // Equal rows are possible: several UDP sockets may share an endpoint.
    const tables = fc.array(fc.array(port, { maxLength: 20 }), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(tables, async (lists) => {
        scene.source = scene.newSource();
        let before = new Map<number, Socket[]>();
        for (const ports of lists) {
          const sockets = await poll(ports.map((it) => ({ table: 'udp4', local: `10.0.0.1:${it}` })));
          const byPort = new Map<number, Socket[]>();
          for (const socket of sockets)
            byPort.set(socket.local.port, [...(byPort.get(socket.local.port) ?? []), socket]);
          for (const it of new Set(ports)) {
            const count = ports.filter((other) => other === it).length;
            expect(byPort.get(it)).toHaveLength(count);
            const kept = byPort.get(it)?.filter((socket) => before.get(it)?.includes(socket));
            expect(kept).toHaveLength(Math.min(count, before.get(it)?.length ?? 0));
          }
          expect(sockets).toHaveLength(ports.length);
          before = byPort;
        }
      }),
      { numRuns: 40 },
    );
  });

  test('that exceed the bounds are counted, and shown once there is room', async () => {
    scene.source = scene.newSource(Infinity, { sockets: 2, remnants: 2 });
    const rows = [1, 2, 3].map((port) => ({ ...CONNECTION, local: `192.0.2.1:${port}` }));
    expect(await poll(rows)).toHaveLength(2);
    expect(await codes()).toContain('left-out sockets');
    expect((await poll(rows.slice(1))).map(({ local }) => local.port)).toEqual([2, 3]);
    expect(await codes()).not.toContain('left-out sockets');
  });

  test('in TIME_WAIT that a poll leaves out stay left out, and later ones are shown', async () => {
    const remnant = (port: number) => ({ ...CONNECTION, local: `192.0.2.1:${port}`, state: 11 });
    const ports = async (rows: readonly FakeRow[], omitsNewRemnants = false) => {
      windows.rows = rows;
      const { sockets } = await scene.source.read({ omitsNewRemnants });
      return [...sockets.values()].map(({ local }) => local.port);
    };
    expect(await ports([remnant(1)])).toEqual([1]);
    expect(await ports([remnant(1), remnant(2), CONNECTION], true)).toEqual([1, 50_000]);
    expect(await ports([remnant(2), remnant(3), CONNECTION])).toEqual([50_000]);
    expect(await ports([remnant(2), remnant(3), remnant(4), CONNECTION])).toEqual([50_000, 4]);
    expect(await codes()).toContain('left-out in TIME_WAIT');
    windows.rows = [remnant(4), CONNECTION];
    expect(await codes()).not.toContain('left-out in TIME_WAIT');
  });
});

describe('a life', () => {
  test('goes on when the state changes', async () => {
    const [before] = await poll([{ ...CONNECTION, state: 3 }]);
    const [now] = await poll([CONNECTION]);
    expect(now).toMatchObject({ id: before?.id, state: 'ESTABLISHED' });
  });

  test('ends when the same endpoints have another time of creation', async () => {
    const [before] = await poll([CONNECTION]);
    const [now, ...others] = await poll([{ ...CONNECTION, createdAtMs: CREATED_MS + 1 }]);
    expect(others).toEqual([]);
    expect(now?.id).not.toBe(before?.id);
  });

  test('goes on in TIME_WAIT, whatever its time of creation, and keeps owner and time', async () => {
    windows.processes = [CURL];
    const [before] = await poll([CONNECTION]);
    const [now] = await poll([{ ...CONNECTION, state: 11, pid: 0, createdAtMs: 0 }]);
    expect(now).toMatchObject({ id: before?.id, createdAtMs: CREATED_MS });
    expect(now?.owners).toEqual([{ ...before?.owners[0], knowledge: 'inherited' }]);
  });

  test('ends when the stage decreases and no time of creation is known', async () => {
    const [before] = await poll([{ ...CONNECTION, state: 11, createdAtMs: 0 }]);
    const [now] = await poll([{ ...CONNECTION, state: 3, createdAtMs: 0 }]);
    expect(now?.id).not.toBe(before?.id);
  });

  test('of each of several UDP sockets with the same endpoint is its own', async () => {
    const shared = [1, 2, 3].map((pid) => ({
      table: 'udp4' as const,
      local: '0.0.0.0:5353',
      pid,
      createdAtMs: pid === 3 ? CREATED_MS + 5 : CREATED_MS,
    }));
    const before = await poll(shared);
    expect(new Set(before.map(({ id }) => id)).size).toBe(3);
    const now = await poll([shared[2], shared[0]] as FakeRow[]);
    expect(now).toHaveLength(2);
    expect(before).toEqual(expect.arrayContaining(now));
  });
});

describe('a table', () => {
  test('that grows between two calls is read again with more memory', async () => {
    windows.rows = Array.from({ length: 1000 }, (_, i) => ({ local: `10.0.0.2:${i}` }));
    windows.growth = 1;
    expect((await scene.source.read()).sockets.size).toBeGreaterThan(1000);
  });

  test('that outgrows the memory at each call is given up: the first poll rejects, a later one has the sockets before', async () => {
    windows.rows = [CONNECTION];
    const tooSmall = () => new Array<number>(8).fill(122);
    windows.errors = tooSmall();
    await expect(scene.source.read()).rejects.toThrow(
      'cannot read the sockets of this machine: the table tcp4 returns more each time it is called',
    );
    const before = await scene.source.read();
    windows.errors = tooSmall();
    const now = await scene.source.read();
    expect(now.sockets).toBe(before.sockets);
    expect(now.degradations[0]).toEqual({
      code: 'stale',
      text: 'the sockets could not be read, the previous ones are shown: the table tcp4 returns more each time it is called',
      short: 'stale: cannot read the tables',
    });
  });

  test('is empty without rows, and those of IPv6 without IPv6', async () => {
    const udp: FakeRow = { table: 'udp6', local: '[::]:53' };
    expect(await poll([CONNECTION, udp])).toHaveLength(2);
    windows.tableErrors = { tcp4: 232, tcp6: 50, udp6: 50 };
    expect((await scene.source.read()).sockets.size).toBe(0);
    expect(await codes()).toEqual(['not-elevated']);
  });

  test('of IPv4 that Windows does not support is a failure', async () => {
    windows.tableErrors = { udp4: 50 };
    await expect(scene.source.read()).rejects.toThrow('the table udp4 fails with error 50');
  });

  describe('that fails after another one was read', () => {
    const udp: FakeRow = { table: 'udp4', local: '0.0.0.0:68' };
    /** Polls these rows while the table of UDP fails. */
    const pollWithoutUdp = async (rows: readonly FakeRow[]) => {
      windows.tableErrors = { udp4: 0x45d };
      const sockets = await poll(rows);
      windows.tableErrors = {};
      return sockets;
    };

    test('loses no change of that one', async () => {
      await poll([CONNECTION, udp]);
      expect(await pollWithoutUdp([udp])).toHaveLength(2);
      expect(await poll([udp])).toHaveLength(1);
    });

    test('leaves no socket that changed and then ended', async () => {
      await poll([CONNECTION, udp]);
      await pollWithoutUdp([{ ...CONNECTION, state: 8 }, { ...CONNECTION, local: '192.0.2.1:1' }, udp]);
      expect((await poll([udp])).map(({ protocol }) => protocol)).toEqual(['udp']);
    });

    test('leaves no new socket without its program', async () => {
      windows.processes = [CURL];
      await poll([udp]);
      await pollWithoutUdp([CONNECTION, udp]);
      const connection = (await poll([CONNECTION, udp])).find(({ remote }) => remote !== null);
      expect(connection?.owners).toMatchObject([{ knowledge: 'exact', process: 'curl.exe' }]);
    });
  });

  test('that counts more rows than it has is read as far as it goes, with a notice', async () => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, 0xffff_ffff, true);
    windows.answers = { udp6: bytes };
    expect(await codes()).toContain('missing-rows');
  });
});
