import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import { isMainEnd, peerOf } from '../../src/store/peers.ts';
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
    ['another namespace', { local: '127.0.0.1:80', remote: '127.0.0.1:40000', netns: { inode: 7 } }],
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

test('the time for any number of sockets with the same endpoints is linear', () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ ...SERVER, id: `server ${i}` }));
  const table = tableOf(CLIENT, ...many);
  table.apply(batch({ monotonicMs: 1000, closed: many.slice(1).map(({ id }) => id) }));
  expect(peerIn(table, 'client')).toBe('server 0');
});
