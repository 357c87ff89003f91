import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import { isMainEnd, peerOf, RENEWAL_BATCHES } from '../../src/store/peers.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, listener, socket, type SocketFields } from '../helpers/fakes.ts';

const CLIENT = socket({ id: 'client', local: '127.0.0.1:40000', remote: '127.0.0.1:80' });
const SERVER = socket({ id: 'server', local: '127.0.0.1:80', remote: '127.0.0.1:40000', process: 'nginx' });

function tableOf(...sockets: readonly Socket[]): SocketTable {
  const table = new SocketTable(3000);
  table.apply(baseline(sockets));
  return table;
}

function peerIn({ rows }: SocketTable, id: string): string | undefined {
  const row = rows.get(id);
  return row && peerOf(rows, row)?.id;
}

const client = (fields: SocketFields): Socket => ({ ...socket(fields), id: 'client' });
const server = (fields: SocketFields): Socket => ({ ...socket(fields), id: 'server' });

describe('the peer of a local connection', () => {
  test.each<[string, Socket, Socket]>([
    ['has the same endpoints swapped', CLIENT, SERVER],
    [
      'may be an IPv6 socket with a mapped address',
      CLIENT,
      server({ local: '[::ffff:127.0.0.1]:80', remote: '[::ffff:127.0.0.1]:40000' }),
    ],
    [
      'may have another loopback address',
      client({ local: '127.0.0.1:40000', remote: '127.0.0.2:80' }),
      server({ local: '127.0.0.2:80', remote: '127.0.0.1:40000' }),
    ],
    [
      'may have another address of this machine',
      client({ local: '192.0.2.10:40000', remote: '192.0.2.11:80' }),
      server({ local: '192.0.2.11:80', remote: '192.0.2.10:40000' }),
    ],
    [
      'is in the same namespace',
      client({ local: '[::1]:40000', remote: '[::1]:80', netns: { inode: 7 } }),
      server({ local: '[::1]:80', remote: '[::1]:40000', netns: { inode: 7 } }),
    ],
    [
      'may be a UDP socket',
      client({ local: '127.0.0.1:40000', remote: '127.0.0.1:53', protocol: 'udp' }),
      server({ local: '127.0.0.1:53', remote: '127.0.0.1:40000', protocol: 'udp' }),
    ],
  ])('%s', (_, one, other) => {
    for (const order of [
      [one, other],
      [other, one],
    ]) {
      const table = tableOf(...order);
      expect(peerIn(table, 'client')).toBe('server');
      expect(peerIn(table, 'server')).toBe('client');
    }
  });

  test.each<[string, SocketFields]>([
    ['another port', { local: '127.0.0.1:81', remote: '127.0.0.1:40000' }],
    ['another protocol', { local: '127.0.0.1:80', remote: '127.0.0.1:40000', protocol: 'sctp' }],
    [
      'the loopback addresses of another namespace',
      { local: '127.0.0.1:80', remote: '127.0.0.1:40000', netns: { inode: 7 } },
    ],
    ['no connection', { local: '127.0.0.1:80', remote: null, state: 'LISTEN' }],
    ['only a remnant', { local: '127.0.0.1:80', remote: '127.0.0.1:40000', state: 'TIME_WAIT' }],
  ])('is not a socket with %s', (_, fields) => {
    expect(peerIn(tableOf(CLIENT, server(fields)), 'client')).toBeUndefined();
  });

  test('is not guessed when several sockets have its endpoints', () => {
    const table = tableOf(CLIENT, SERVER, { ...SERVER, id: 'second' });
    expect(peerIn(table, 'client')).toBeUndefined();
    expect(peerIn(table, 'server')).toBeUndefined();
    table.apply(batch({ monotonicMs: 1000, closed: ['second'] }));
    expect(peerIn(table, 'client')).toBe('server');
    table.apply(batch({ monotonicMs: 2000, spawned: [{ ...SERVER, id: 'third' }] }));
    expect(peerIn(table, 'client')).toBeUndefined();
    expect(peerIn(table, 'third')).toBeUndefined();
  });

  test('is not the socket itself', () => {
    expect(peerIn(tableOf({ ...CLIENT, remote: CLIENT.local }), 'client')).toBeUndefined();
  });

  test('comes and goes with its row', () => {
    const table = tableOf(CLIENT);
    table.apply(batch({ monotonicMs: 1000, spawned: [SERVER] }));
    expect(peerIn(table, 'client')).toBe('server');
    table.apply(batch({ monotonicMs: 2000, closed: ['server'] }));
    expect(peerIn(table, 'client')).toBe('server');
    table.apply(batch({ monotonicMs: 9000 }));
    expect(peerIn(table, 'client')).toBeUndefined();
    table.apply(batch({ monotonicMs: 10_000, spawned: [{ ...SERVER, id: 'next' }] }));
    expect(peerIn(table, 'client')).toBe('next');
  });

  test('stays when one of them closes and becomes a remnant', () => {
    const table = tableOf(CLIENT, SERVER);
    const remnant: Socket = { ...CLIENT, state: 'TIME_WAIT' };
    table.apply(batch({ monotonicMs: 1000, changed: [remnant], closed: ['server'] }));
    expect(peerIn(table, 'client')).toBe('server');
    expect(peerIn(table, 'server')).toBe('client');
  });

  test('changes with the endpoints of a socket', () => {
    const table = tableOf(CLIENT, SERVER, {
      ...SERVER,
      id: 'other',
      remote: { address: '127.0.0.1', port: 1 },
    });
    table.apply(
      batch({ monotonicMs: 1000, changed: [{ ...SERVER, remote: { address: '127.0.0.1', port: 2 } }] }),
    );
    expect(peerIn(table, 'client')).toBeUndefined();
    table.apply(batch({ monotonicMs: 2000, changed: [{ ...SERVER, id: 'other', remote: CLIENT.local }] }));
    expect(peerIn(table, 'client')).toBe('other');
  });

  test('is found after its namespace became known', () => {
    const netns = { inode: 7 };
    const table = tableOf({ ...CLIENT, netns }, SERVER);
    expect(peerIn(table, 'client')).toBeUndefined();
    table.apply(batch({ monotonicMs: 1000, changed: [{ ...SERVER, netns }] }));
    expect(peerIn(table, 'client')).toBe('server');
  });
});

test('the main end is the one that opened the connection', () => {
  const { rows } = tableOf(listener({ local: '127.0.0.1:80' }), CLIENT, SERVER);
  const [one, other] = [rows.get('client'), rows.get('server')];
  if (!one || !other) throw new Error('no rows');
  expect(other.direction).toBe('in');
  expect([isMainEnd(one, other), isMainEnd(other, one)]).toEqual([true, false]);
});

describe('the peer in another namespace of this machine', () => {
  const [web, own, third] = [{ inode: 7 }, { inode: 8 }, { inode: 9 }];
  const inWeb = client({ local: '172.17.0.2:40000', remote: '172.17.0.1:80', netns: web });
  const inOwn = server({ local: '172.17.0.1:80', remote: '172.17.0.2:40000', netns: own });

  test.each([
    ['client first', [inWeb, inOwn]],
    ['server first', [inOwn, inWeb]],
  ])('is the only socket with the swapped endpoints: %s', (_, sockets) => {
    const table = tableOf(...sockets);
    expect([peerIn(table, 'client'), peerIn(table, 'server')]).toEqual(['server', 'client']);
    expect(table.rows.get('client')?.direction).toBeUndefined();
  });

  test('may come later, and goes', () => {
    const table = tableOf(inWeb);
    table.apply(batch({ monotonicMs: 1000, spawned: [inOwn] }));
    expect(peerIn(table, 'client')).toBe('server');
    table.apply(batch({ monotonicMs: 2000, closed: ['server'] }));
    table.apply(batch({ monotonicMs: 9000 }));
    expect(peerIn(table, 'client')).toBeUndefined();
  });

  test('is not guessed when sockets of two namespaces have these endpoints', () => {
    const table = tableOf(inWeb, inOwn, { ...inWeb, id: 'other', netns: third });
    for (const id of ['client', 'server', 'other']) expect(peerIn(table, id)).toBeUndefined();
    table.apply(batch({ monotonicMs: 1000, closed: ['other'] }));
    expect(peerIn(table, 'client')).toBe('server');
  });

  test('is in the own namespace if that has the remote address', () => {
    const local = { ...inOwn, id: 'local', netns: web };
    // Both namespaces have 172.17.0.1: a connection to it stays inside.
    expect(peerIn(tableOf(inWeb, inOwn, local), 'client')).toBe('local');
    expect(peerIn(tableOf(local, inOwn, inWeb), 'client')).toBe('local');
    expect(peerIn(tableOf(local, inOwn, inWeb), 'server')).toBeUndefined();
    const table = tableOf(inWeb, inOwn);
    const holder = { ...inOwn, id: 'holder', netns: web, remote: { address: '192.0.2.1', port: 1 } };
    table.apply(batch({ monotonicMs: 1000, spawned: [holder] }));
    expect(peerIn(table, 'client')).toBeUndefined();
  });

  test('is found after many namespaces have come and gone', () => {
    const gone = Array.from({ length: 10_000 }, (_, i) => ({
      ...socket({ local: '172.17.0.3:40000', remote: '192.0.2.1:80', netns: { inode: 1000 + i } }),
      id: `gone ${i}`,
    }));
    const table = tableOf(...gone);
    table.apply(batch({ monotonicMs: 1000, closed: gone.map(({ id }) => id) }));
    for (let i = 0; i <= RENEWAL_BATCHES; i++) {
      const spawned = i === 0 ? [inWeb, inOwn] : [];
      table.apply(batch({ monotonicMs: 9000 + i, spawned }));
    }
    expect([peerIn(table, 'client'), peerIn(table, 'server')]).toEqual(['server', 'client']);
  });

  test('is not one behind address translation', () => {
    const translated = server({ local: '172.17.0.1:80', remote: '192.0.2.9:40000', netns: own });
    const table = tableOf(inWeb, translated);
    expect(peerIn(table, 'client')).toBeUndefined();
  });

  test('is none with a link-local address, which each link has', () => {
    const table = tableOf(
      client({ local: '[fe80::2]:40000', remote: '[fe80::1]:80', netns: web }),
      server({ local: '[fe80::1]:80', remote: '[fe80::2]:40000', netns: own }),
    );
    expect(peerIn(table, 'client')).toBeUndefined();
  });
});

describe('the directions of both ends', () => {
  const directionsIn = ({ rows }: SocketTable) => ['client', 'server'].map((id) => rows.get(id)?.direction);
  const listening = listener({ local: '127.0.0.1:80' });
  // The kernel reports no direction in these states.
  const halfClosed = [
    { ...CLIENT, state: 'FIN_WAIT2' },
    { ...SERVER, state: 'CLOSE_WAIT' },
  ] as const satisfies readonly Socket[];

  test('are opposite if one is known by a listener', () => {
    expect(directionsIn(tableOf(listening, ...halfClosed))).toEqual(['out', 'in']);
    expect(directionsIn(tableOf(...halfClosed, listening))).toEqual(['out', 'in']);
    expect(directionsIn(tableOf(...halfClosed))).toEqual([undefined, undefined]);
  });

  test('are opposite if the kernel reports one of them', () => {
    expect(directionsIn(tableOf(CLIENT, { ...SERVER, opened: 'in' }))).toEqual(['out', 'in']);
    const table = tableOf(CLIENT, SERVER);
    table.apply(batch({ monotonicMs: 1000, changed: [{ ...CLIENT, opened: 'out' }] }));
    expect(directionsIn(table)).toEqual(['out', 'in']);
  });

  test('are those of the kernel, not of a listener that an outgoing connection shares its port with', () => {
    const table = tableOf(listener({ local: '127.0.0.1:40000' }), CLIENT, SERVER);
    expect(directionsIn(table)).toEqual(['in', 'out']);
    table.apply(batch({ monotonicMs: 1000, changed: [{ ...SERVER, opened: 'in' }] }));
    expect(directionsIn(table)).toEqual(['out', 'in']);
  });

  test('are opposite if an event says one of them', () => {
    const table = tableOf(CLIENT, SERVER);
    const [first] = halfClosed;
    const event = {
      type: 'spawn',
      atMs: 0,
      socket: { ...first, state: 'SYN_SENT' },
      learntBy: 'trace',
    } as const;
    table.apply(batch({ monotonicMs: 1000, events: [event] }));
    expect(directionsIn(table)).toEqual(['out', 'in']);
  });
});

test('the time for any number of sockets with the same endpoints is linear', () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ ...SERVER, id: `server ${i}` }));
  const table = tableOf(CLIENT, ...many);
  table.apply(batch({ monotonicMs: 1000, closed: many.slice(1).map(({ id }) => id) }));
  expect(peerIn(table, 'client')).toBe('server 0');
});
