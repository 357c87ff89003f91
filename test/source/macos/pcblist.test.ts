import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { PcblistSource, PcblistOptions } from '../../../src/source/macos/pcblist.ts';
import { FakeMac, type FakeProcess } from '../../helpers/macos/fake-calls.ts';
import { pcblistOn } from '../../helpers/macos/pcblist-source.ts';
import type { PcbRow } from '../../helpers/macos/tables.ts';

const WALL = 1_700_000_000_000;

const sourceOn = (mac: FakeMac, options: Partial<PcblistOptions> = {}) =>
  pcblistOn(mac, { wallMs: () => WALL, ...options });

const connection = (generation: number, more: Partial<PcbRow> = {}): PcbRow => ({
  generation,
  handle: BigInt(generation) + 1000n,
  local: ['192.0.2.1', 50_000 + generation],
  remote: ['192.0.2.9', 443],
  lastPid: 99,
  tcp: { state: 4, startTime: 50_000 },
  ...more,
});

const CURL: FakeProcess = {
  name: 'curl',
  path: '/usr/bin/curl',
  startedAt: 1_600_000_000,
  arguments: ['curl', 'https://example.org'],
  sockets: { 5: 1001n },
};

const machine = (tcp: readonly PcbRow[], processes: Readonly<Record<number, FakeProcess>>): FakeMac =>
  Object.assign(new FakeMac(), { tcp, processes });

const socketsOf = async (source: PcblistSource): Promise<Socket[]> => [
  ...(await source.read()).sockets.values(),
];
const ownersOf = async (source: PcblistSource) => (await socketsOf(source)).map(({ owners }) => owners);
const noticesOf = async (source: PcblistSource) => (await source.read()).degradations.map(({ text }) => text);

describe('the owner of a socket', () => {
  test('is exactly the process with a descriptor of it, with all that is known of it', async () => {
    const source = sourceOn(machine([connection(1)], { 99: CURL }));
    expect(await ownersOf(source)).toEqual([
      [
        {
          knowledge: 'exact',
          pid: 99,
          process: 'curl',
          command: 'curl https://example.org',
          exe: '/usr/bin/curl',
          user: 'ada',
          startedAtMs: 1_600_000_000_000,
        },
      ],
    ]);
  });

  test('is each of the processes that share it, also if another one used it last', async () => {
    const source = sourceOn(
      machine([connection(1, { lastPid: 7 })], {
        7: { name: 'other', sockets: {} },
        99: CURL,
        98: { ...CURL, name: 'helper', path: '' },
      }),
    );
    expect(await ownersOf(source)).toMatchObject([
      [
        { knowledge: 'exact', pid: 98, process: 'helper' },
        { knowledge: 'exact', pid: 99, process: 'curl' },
      ],
    ]);
  });

  test('is the last process that used it, as inherited and without its arguments, if its descriptors are hidden', async () => {
    const { sockets: _, ...hidden } = CURL;
    const source = sourceOn(machine([connection(1)], { 99: { ...hidden, uid: 0 } }));
    expect(await ownersOf(source)).toEqual([
      [
        {
          knowledge: 'inherited',
          pid: 99,
          process: 'curl',
          exe: '/usr/bin/curl',
          user: 'root',
          startedAtMs: 1_600_000_000_000,
        },
      ],
    ]);
    expect(await noticesOf(source)).toEqual([
      'the program of 1 socket is the last one that used it: run with sudo to see the descriptors of other users',
    ]);
  });

  test('is the process on whose behalf it is used if the last one has ended', async () => {
    const source = sourceOn(
      machine([connection(1, { lastPid: 7, effectivePid: 99 })], { 99: { name: 'app' } }),
    );
    expect(await ownersOf(source)).toMatchObject([[{ knowledge: 'inherited', pid: 99, process: 'app' }]]);
  });

  test('is the kernel if no process ever used it', async () => {
    const source = sourceOn(machine([connection(1, { lastPid: 0 })], { 99: CURL, 1: { name: 'launchd' } }));
    expect(await ownersOf(source)).toEqual([[{ knowledge: 'exact', pid: 99, ...rest(CURL) }]]);
    const other = sourceOn(machine([connection(2, { lastPid: 0 })], { 99: CURL }));
    expect(await ownersOf(other)).toEqual([[{ knowledge: 'kernel' }]]);
  });

  test.each([
    ['hidden if a process that may hold it cannot be searched', 4, { 1: { name: 'launchd' } }, 'hidden'],
    ['unknown if every process was searched', 4, { 1: { name: 'launchd', sockets: {} } }, 'unknown'],
    ['unknown if a process ended during the search', 4, { 1: { name: 'sh', isZombie: true } }, 'unknown'],
    ['gone if the connection is closed', 10, { 1: { name: 'launchd' } }, 'gone'],
  ] as const)('is %s', async (_, state, processes, knowledge) => {
    const source = sourceOn(machine([connection(1, { lastPid: 7, tcp: { state } })], processes));
    expect(await ownersOf(source)).toMatchObject([[{ knowledge }]]);
  });

  test('stays as inherited after the process has closed the socket, and after its end', async () => {
    const mac = machine([connection(1)], { 99: CURL, 1: { name: 'launchd' } });
    const source = sourceOn(mac);
    await source.read();
    mac.tcp = [connection(1, { tcp: { state: 6 } })];
    mac.processes = { 99: { ...CURL, sockets: {} }, 1: { name: 'launchd' } };
    expect(await ownersOf(source)).toMatchObject([[{ knowledge: 'inherited', pid: 99, process: 'curl' }]]);
    mac.tcp = [connection(1, { tcp: { state: 10 } })];
    mac.processes = { 1: { name: 'launchd' } };
    expect(await ownersOf(source)).toMatchObject([[{ knowledge: 'inherited', pid: 99, process: 'curl' }]]);
  });

  test('is pending while the time for the search is over, and comes as a change', async () => {
    let [now, step] = [0, 10];
    const source = sourceOn(machine([connection(1)], { 99: CURL }), {
      ownerBudgetMs: 1,
      nowMs: () => (now += step),
    });
    expect(await ownersOf(source)).toEqual([[{ knowledge: 'pending' }]]);
    step = 0;
    expect(await ownersOf(source)).toMatchObject([[{ knowledge: 'exact', pid: 99 }]]);
  });

  test('is the process that now has the pid, if another one has ended', async () => {
    const mac = machine([connection(1)], { 99: CURL });
    const source = sourceOn(mac);
    await source.read();
    mac.tcp = [connection(2)];
    mac.processes = {
      99: { ...CURL, name: 'wget', path: '/usr/bin/wget', startedAt: 1_600_000_500, sockets: { 5: 1002n } },
    };
    expect(await ownersOf(source)).toMatchObject([
      [{ pid: 99, process: 'wget', startedAtMs: 1_600_000_500_000 }],
    ]);
  });
});

const rest = ({ name, path, startedAt = 0, arguments: words = [] }: FakeProcess) => ({
  process: name,
  exe: path,
  command: words.join(' '),
  user: 'ada',
  startedAtMs: startedAt * 1000,
});

describe('a poll', () => {
  test('returns the same map and asks for no descriptor again if nothing has changed', async () => {
    const processes = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [i + 100, { ...CURL, sockets: { 3: BigInt(i) } }]),
    );
    const mac = machine([connection(1)], { 99: CURL, ...processes });
    const source = sourceOn(mac);
    const { sockets } = await source.read();
    mac.asked.length = 0;
    expect((await source.read()).sockets).toBe(sockets);
    // Some in turn only.
    expect(mac.asked.length).toBeLessThanOrEqual(2 * 8);
  });

  test('keeps the object of an unchanged socket, and makes one of a changed one', async () => {
    const mac = machine([connection(1), connection(2)], { 99: { ...CURL, sockets: { 5: 1001n, 6: 1002n } } });
    const source = sourceOn(mac);
    const before = await socketsOf(source);
    mac.tcp = [connection(1), connection(2, { received: 9 }), connection(3)];
    const after = await socketsOf(source);
    expect(after.map((it) => before.includes(it))).toEqual([true, false, false]);
    expect(after[1]?.traffic?.recvQueue).toBe(9);
    mac.tcp = [connection(3)];
    expect((await socketsOf(source)).map(({ id }) => id)).toEqual(['tcp 3']);
  });

  test('knows when a connection was made', async () => {
    const [socket] = await socketsOf(sourceOn(machine([connection(1)], {})));
    // TCP began with the machine, which is up for 60 s; the handshake ended at 50 s.
    expect(socket?.createdAtMs).toBe(WALL - 10_000);
  });

  test('reports what macOS withholds, from macOS 27 on also a part', async () => {
    const mac = machine([connection(1)], { 99: CURL });
    const { tcp: _, ...udp } = connection(1);
    mac.udp = [udp];
    mac.shape = { promised: 31 };
    expect(await noticesOf(sourceOn(mac))).toEqual([]);
    expect(await noticesOf(sourceOn(mac, { darwin: 26 }))).toEqual([
      'macOS withholds 60 sockets from netpane: sudo may show more',
    ]);
    [mac.tcp, mac.udp] = [[], []];
    expect(await noticesOf(sourceOn(mac, { isRoot: true }))).toEqual([
      'macOS withholds 62 sockets from netpane, although it runs as root',
    ]);
  });

  test('bounds the sockets of both lists together', async () => {
    const mac = machine([connection(1), connection(2)], {});
    const udp: PcbRow[] = [1, 2].map((generation) => ({ generation, local: ['0.0.0.0', 5000 + generation] }));
    const source = sourceOn(Object.assign(mac, { udp }), { bounds: { remnants: 3, sockets: 3 } });
    expect(await noticesOf(source)).toContain('1 socket is not shown: netpane keeps 3, to limit memory use');
    expect(await socketsOf(source)).toHaveLength(3);
  });

  test('reports a list without its end, and kinds of sockets that it lacks', async () => {
    const mac = machine([connection(1)], { 99: CURL });
    mac.shape = { hasTrailer: false };
    expect(await noticesOf(sourceOn(mac, { also: ['unix', 'vsock'] }))).toEqual([
      'the list of sockets ends too early: sockets that it lacks are shown as they were',
      'unix, vsock sockets are not read on macOS',
    ]);
  });

  test('reports rows that it cannot read, and does not say that macOS withholds them', async () => {
    const mac = machine(
      Array.from({ length: 20 }, (_, i) => connection(i + 1)),
      { 99: CURL },
    );
    mac.shape = { hasShortSockets: true };
    expect(await noticesOf(sourceOn(mac, { darwin: 26 }))).toEqual([
      "20 rows of the kernel's list could not be read: this macOS may have another layout",
    ]);
  });

  test('says that the sockets of a list are not shown if no poll could read it', async () => {
    const mac = machine([connection(1)], { 99: CURL });
    mac.tableErrnos = { 'net.inet.udp.pcblist_n': constants.errno.EPERM };
    expect(await noticesOf(sourceOn(mac))).toEqual([
      'sockets could not be read (net.inet.udp.pcblist_n: EPERM): they are not shown',
    ]);
  });

  test('reports that macOS does not list the processes, and shows the last users', async () => {
    const source = sourceOn(machine([connection(1)], {}));
    expect(await noticesOf(source)).toEqual([
      'macOS does not list the processes: programs are those that last used a socket',
    ]);
  });

  test('rejects if it is the first and fails, and later keeps the sockets', async () => {
    const mac = machine([connection(1)], { 99: CURL });
    mac.tableErrno = constants.errno.EPERM;
    await expect(sourceOn(mac).read()).rejects.toThrow('net.inet.tcp.pcblist_n: EPERM');
    mac.tableErrno = 0;
    const source = sourceOn(mac);
    await source.read();
    mac.tableErrno = constants.errno.EPERM;
    const { sockets, degradations } = await source.read();
    expect(sockets.size).toBe(1);
    expect(degradations[0]?.text).toMatch(/could not be read .*EPERM.*: the previous ones are shown/);
  });
});
