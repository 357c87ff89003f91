import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SocketLimiter } from '../../../../src/source/socket-limiter.ts';
import { TableSockets } from '../../../../src/source/macos/table/table-sockets.ts';
import { pcbTable, pcbWords, type PcbRow, wordsOf } from '../../../helpers/macos/tables.ts';

const context = (limiter = new SocketLimiter(), keptSockets = () => 0) => ({
  interfaceName: (index: number) => (index === 20 ? 'utun3' : undefined),
  userName: (uid: number) => (uid === 501 ? 'ada' : undefined),
  wallMsOf: (tcpMs: number) => 1_000_000 + tcpMs,
  limiter,
  omitsRemnants: false,
  keptSockets,
});

const tcp = () => new TableSockets('tcp', context());

const DUMP = wordsOf(readFileSync('fixtures/macos/tcp-pcblist_n-macos27-arm64.bin'));
const WITHHELD = wordsOf(readFileSync('fixtures/macos/tcp-pcblist_n-macos27-withheld.bin'));

const CONNECTION: PcbRow = {
  generation: 7,
  local: ['192.0.2.1', 50_000],
  remote: ['192.0.2.9', 443],
  lastPid: 99,
  tcp: {
    state: 4,
    iss: 100,
    sndUna: 601,
    irs: 5,
    rcvNxt: 1006,
    startTime: 500,
    maxSegment: 1448,
    cwnd: 14_480,
  },
};
const LISTENER: PcbRow = {
  generation: 3,
  vflag: 3,
  family: 30,
  local: ['::', 8080],
  tcp: { state: 1 },
  queueLength: 2,
  queueLimit: 128,
};

const read = (rows: readonly PcbRow[], table = tcp(), shape = {}) => {
  const result = table.read(pcbWords(rows, shape));
  return { table, result, values: [...table.values()].map((it) => it.values) };
};

describe('a table of macOS 27 on arm64', () => {
  const table = tcp();
  const result = table.read(DUMP);
  const sockets = [...table.values()].map((it) => it.values);

  test('has 89 sockets with distinct ids, and 29 listeners', () => {
    expect(result).toEqual({ promised: 91, received: 89, malformed: 0, isComplete: true });
    expect(new Set(sockets.map(({ id }) => id)).size).toBe(89);
    expect(sockets.filter(({ state }) => state === 'LISTEN')).toHaveLength(29);
    expect(sockets.filter(({ state }) => state === 'ESTABLISHED')).toHaveLength(59);
  });

  test('has endpoints, user, queues, round-trip time and window of a connection', () => {
    expect(sockets[0]).toMatchObject({
      id: 'tcp 510327',
      family: 'ipv4',
      local: { address: '192.0.2.2', port: 22 },
      remote: { address: '192.0.2.1', port: 58_020 },
      state: 'ESTABLISHED',
      uid: 0,
      createdAtMs: 1_000_000 + 167_013_136,
      traffic: { recvQueue: 0, sendQueue: 0 },
    });
  });

  test('has link-local addresses with their interface instead of the number in the second group', () => {
    expect(
      sockets.filter(({ local }) => local.address.startsWith('fe80')).map(({ local }) => local.address),
    ).toContain('fe80::4%utun3');
  });

  test('has the bytes of a user-space flow, but neither user nor queues', () => {
    expect(sockets.find(({ id }) => id.startsWith('tcp flow'))).toEqual({
      id: expect.stringContaining('tcp flow') as string,
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '192.0.2.4', port: 53_859 },
      remote: { address: '192.0.2.32', port: 5223 },
      state: 'ESTABLISHED',
      traffic: { rxBytes: 53_373, txBytes: 68_246 },
    });
  });

  test('counts as sent what the statistics of the kernel count, unless some of it is not acknowledged', () => {
    const rows = new Map<string, bigint>();
    const bytes = Buffer.from(DUMP.buffer);
    for (
      let at = 24, generation = 0n;
      at < bytes.length - 24;
      at += Math.ceil(bytes.readUInt32LE(at) / 8) * 8
    ) {
      if (bytes.readUInt32LE(at + 4) === 0x10) generation = bytes.readBigUInt64LE(at + 28);
      if (bytes.readUInt32LE(at + 4) === 8) rows.set(`tcp ${generation}`, bytes.readBigUInt64LE(at + 32));
    }
    const connections = sockets.filter(({ state, id }) => state === 'ESTABLISHED' && rows.has(id));
    const same = connections.filter(({ id, traffic }) => BigInt(traffic?.txBytes ?? 0) === rows.get(id));
    expect(connections.length).toBe(58);
    expect(same.length).toBeGreaterThanOrEqual(55);
  });
});

test('a table that macOS withholds promises sockets and has none', () => {
  const table = tcp();
  expect(table.read(WITHHELD)).toEqual({ promised: 100, received: 0, malformed: 0, isComplete: true });
  expect(table.size).toBe(0);
});

describe.each([
  ['macOS 12', { isOld: true }],
  ['macOS 13', {}],
  ['a later macOS with further records', { hasUnknownRecords: true }],
])('rows of %s', (_, shape) => {
  test('have the values of each record', () => {
    expect(read([LISTENER, CONNECTION], tcp(), shape).values).toEqual([
      {
        id: 'tcp 3',
        protocol: 'tcp',
        family: 'ipv6',
        local: { address: '::', port: 8080 },
        remote: null,
        state: 'LISTEN',
        uid: 501,
        user: 'ada',
        traffic: { recvQueue: 2, sendQueue: 128 },
      },
      {
        id: 'tcp 7',
        protocol: 'tcp',
        family: 'ipv4',
        local: { address: '192.0.2.1', port: 50_000 },
        remote: { address: '192.0.2.9', port: 443 },
        state: 'ESTABLISHED',
        uid: 501,
        user: 'ada',
        createdAtMs: 1_000_500,
        traffic: { recvQueue: 0, sendQueue: 0, rxBytes: 1000, txBytes: 500, cwnd: 10 },
      },
    ]);
  });
});

test('a socket of IPv6 that is connected over IPv4 has v4-mapped addresses', () => {
  const { values } = read([{ ...CONNECTION, family: 30, vflag: 1 }]);
  expect(values[0]).toMatchObject({
    family: 'ipv6',
    local: { address: '::ffff:192.0.2.1', port: 50_000 },
    remote: { address: '::ffff:192.0.2.9', port: 443 },
  });
});

describe('a table of UDP', () => {
  const udp = () => new TableSockets('udp', context());

  test('has a state only for a connected socket, and its sent bytes', () => {
    const open: PcbRow = { generation: 1, local: ['0.0.0.0', 5353], rxBytes: 200, txBytes: 50, received: 9 };
    const connected: PcbRow = { generation: 2, local: ['192.0.2.1', 6000], remote: ['192.0.2.9', 53] };
    expect(read([open, connected], udp()).values).toMatchObject([
      { remote: null, traffic: { recvQueue: 9, sendQueue: 0, txBytes: 50 } },
      { state: 'ESTABLISHED', remote: { address: '192.0.2.9', port: 53 } },
    ]);
    expect(read([open], udp()).values[0]).not.toHaveProperty('state');
  });

  test('notices sent bytes, and a peer with the same port as the last one', () => {
    const row: PcbRow = { generation: 2, local: ['192.0.2.1', 6000], remote: ['192.0.2.9', 53], txBytes: 1 };
    const { table } = read([row], udp());
    expect(read([{ ...row, txBytes: 2 }], table).values[0]?.traffic?.txBytes).toBe(2);
    expect(read([{ ...row, remote: ['192.0.2.8', 53] }], table).values[0]?.remote?.address).toBe('192.0.2.8');
  });
});

describe('the next table', () => {
  test('makes no new object for an unchanged row, also if others come and go', () => {
    const many = Array.from({ length: 200 }, (_, i): PcbRow => ({
      ...CONNECTION,
      generation: 100 + i,
      local: ['192.0.2.1', 1000 + i],
    }));
    const { table, values } = read(many);
    const before = new Map(values.map((it) => [it.id, it]));
    const next = [CONNECTION, ...many.slice(0, 50), LISTENER, ...many.slice(60)];
    const after = read(next, table);
    expect([...table.changed].map(({ values: { id } }) => id)).toEqual(['tcp 7', 'tcp 3']);
    expect(table.closed).toHaveLength(10);
    expect(after.values.filter((it) => before.get(it.id) === it)).toHaveLength(190);
    read(next, table);
    expect(table.changed.size).toBe(0);
    expect(table.closed).toEqual([]);
  });

  test.each<[string, Partial<PcbRow>]>([
    ['the last process', { lastPid: 100 }],
    ['the effective process', { effectivePid: 100 }],
    ['unread bytes', { received: 1 }],
    ['unsent bytes', { unsent: 1 }],
    ['the user', { uid: 0 }],
    ['the state', { tcp: { ...CONNECTION.tcp, state: 5 } }],
    ['received bytes', { tcp: { state: 4, ...CONNECTION.tcp, rcvNxt: 1007 } }],
    ['acknowledged bytes', { tcp: { state: 4, ...CONNECTION.tcp, sndUna: 602 } }],
    ['the window', { tcp: { state: 4, ...CONNECTION.tcp, cwnd: 28_960 } }],
    ['the round-trip time', { tcp: { state: 4, ...CONNECTION.tcp, srtt: 320 } }],
    ['the local port', { local: ['192.0.2.1', 50_001] }],
    ['the remote port', { remote: ['192.0.2.9', 444] }],
  ])('notices another value of %s', (_, change) => {
    const { table } = read([CONNECTION]);
    read([{ ...CONNECTION, ...change }], table);
    expect(table.changed.size).toBe(1);
  });

  test('forgets the owners by hints if these change, and else keeps them', () => {
    const { table } = read([CONNECTION]);
    const [socket] = table.values();
    if (socket) socket.hinted = [{ knowledge: 'inherited', pid: 99 }];
    read([{ ...CONNECTION, uid: 0 }], table);
    expect(socket?.hinted).toHaveLength(1);
    read([{ ...CONNECTION, lastPid: 100 }], table);
    expect(socket?.hinted).toBeUndefined();
  });

  test('a control block with the same address but another number is another socket', () => {
    const { table } = read([{ ...CONNECTION, pcb: 1n }]);
    const { values } = read([{ ...CONNECTION, pcb: 1n, generation: 8 }], table);
    expect(values.map(({ id }) => id)).toEqual(['tcp 8']);
    expect(table.closed.map(({ values: { id } }) => id)).toEqual(['tcp 7']);
  });

  test('keeps a user-space flow apart from one to another peer', () => {
    const flow: PcbRow = { ...CONNECTION, family: 0, generation: 0, pcb: 0n, handle: 0n };
    const other: PcbRow = { ...flow, remote: ['192.0.2.8', 443] };
    const { table } = read([flow, other]);
    expect(read([other], table).values.map(({ remote }) => remote?.address)).toEqual(['192.0.2.8']);
  });

  test('keeps the sockets that a table without its end lacks', () => {
    const { table } = read([CONNECTION, LISTENER]);
    const cut = table.read(wordsOf(pcbTable([CONNECTION, LISTENER]).subarray(0, 900)));
    expect(cut).toMatchObject({ isComplete: false, received: 1, malformed: 0 });
    expect(table.size).toBe(2);
    expect(table.closed).toEqual([]);
  });

  test('leaves out a socket without ports', () => {
    expect(
      read([{ ...CONNECTION, local: ['0.0.0.0', 0], remote: ['0.0.0.0', 0], tcp: { state: 0 } }]).values,
    ).toEqual([]);
  });

  test('reads a socket that is listed twice once', () => {
    expect(read([CONNECTION, CONNECTION]).values).toHaveLength(1);
  });
});

test('sockets beyond the bounds are counted, and those that are kept stay', () => {
  const limiter = new SocketLimiter({ remnants: 1, sockets: 2 });
  const rows = [1, 2, 3].map((generation): PcbRow => ({ ...CONNECTION, generation }));
  const table: TableSockets = new TableSockets(
    'tcp',
    context(limiter, () => table.size),
  );
  read(rows, table);
  expect(table.size).toBe(2);
  expect(limiter.omitted).toBe(1);
});

test('remnants that a poll leaves out stay left out, and later ones are shown', () => {
  const limiter = new SocketLimiter();
  const table = new TableSockets('tcp', context(limiter));
  const countsOf = (generations: readonly number[], omitsNewRemnants = false) => {
    limiter.begin(omitsNewRemnants);
    const rows = generations.map((generation) => ({ ...CONNECTION, generation, tcp: { state: 10 } }));
    read(rows, table);
    return [table.size, limiter.notices().length];
  };
  expect(countsOf([1])).toEqual([1, 0]);
  expect(countsOf([1, 2], true)).toEqual([1, 1]);
  expect(countsOf([1, 2, 3])).toEqual([1, 1]);
  expect(countsOf([1, 2, 3, 4])).toEqual([2, 1]);
  expect(countsOf([4])).toEqual([1, 0]);
});
