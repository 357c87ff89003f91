import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import { directionOf, Listeners } from '../../src/store/listeners.ts';
import { listener, socket, type SocketFields, udp } from '../helpers/fakes.ts';

/** The endpoints that these sockets listen on. */
function listenersOf(...sockets: readonly Socket[]): Listeners {
  const listeners = new Listeners();
  for (const it of sockets) listeners.take(it);
  return listeners;
}

const ACCEPTED: SocketFields = { local: '192.0.2.10:80', remote: '198.51.100.7:50000' };

describe('a listener accepts connections to', () => {
  test.each<[string, SocketFields, SocketFields]>([
    ['any address', { local: '*:80' }, ACCEPTED],
    ['its address', { local: '192.0.2.10:80' }, ACCEPTED],
    ['any IPv6 address', { local: '[::]:80' }, { ...ACCEPTED, local: '[2001:db8::1]:80' }],
    ['IPv4 on an IPv6 listener', { local: '[::]:80' }, { ...ACCEPTED, local: '[::ffff:192.0.2.10]:80' }],
    ['a mapped address', { local: '192.0.2.10:80' }, { ...ACCEPTED, local: '[::ffff:192.0.2.10]:80' }],
    ['its namespace', { netns: { inode: 7 } }, { ...ACCEPTED, netns: { inode: 7, name: 'named since' } }],
    ['SCTP', { protocol: 'sctp' }, { ...ACCEPTED, protocol: 'sctp' }],
    [
      'any context of VSOCK',
      { protocol: 'vsock', local: '4294967295:80' },
      { ...ACCEPTED, protocol: 'vsock', local: '3:80', remote: '2:1000000' },
    ],
  ])('%s', (_, listening, accepted) => {
    expect(directionOf(socket(accepted), listenersOf(listener(listening)))).toBe('in');
  });

  test('a UDP socket without a peer', () => {
    const listeners = listenersOf(udp({ local: '*:443' }));
    const peer = { remote: '198.51.100.7:50000', protocol: 'udp' } as const;
    expect(directionOf(socket({ ...peer, local: '192.0.2.10:443' }), listeners)).toBe('in');
    expect(directionOf(socket({ ...peer, local: '192.0.2.10:40000' }), listeners)).toBeUndefined();
  });
});

test.each<[string, SocketFields]>([
  ['another port', { local: '*:81' }],
  ['another address', { local: '192.0.2.11:80' }],
  ['another protocol', { protocol: 'mptcp' }],
  ['another namespace', { netns: { inode: 7 } }],
])('a listener does not accept connections to %s', (_, listening) => {
  expect(directionOf(socket(ACCEPTED), listenersOf(listener(listening)))).toBeUndefined();
});

test('a listener on 0.0.0.0 does not accept IPv6', () => {
  const accepted = socket({ ...ACCEPTED, local: '[2001:db8::1]:80' });
  expect(directionOf(accepted, listenersOf(listener()))).toBeUndefined();
});

describe('without a listener', () => {
  const none = new Listeners();

  test.each<[SocketFields, 'in' | 'out' | undefined]>([
    [{ state: 'SYN_RECV' }, 'in'],
    [{ state: 'NEW_SYN_RECV' }, 'in'],
    [{ state: 'SYN_SENT' }, 'out'],
    [{ owners: [{ knowledge: 'listener', pid: 80 }] }, 'in'],
    [{ owners: [{ knowledge: 'exact', pid: 80 }] }, undefined],
    [{ opened: 'out', owners: [{ knowledge: 'listener', pid: 80 }] }, 'out'],
    [{ opened: 'in' }, 'in'],
    [{ remote: null, state: 'LISTEN' }, undefined],
    [{ remote: null, protocol: 'udp' }, undefined],
    [{ protocol: 'unix' }, undefined],
    [{ protocol: 'raw' }, undefined],
    [{ protocol: 'packet' }, undefined],
    [{ protocol: 'icmp' }, undefined],
  ])('%o: %s', (fields, direction) => {
    expect(directionOf(socket(fields), none)).toBe(direction);
  });

  test('SYN_SENT is outgoing even from a port with a listener', () => {
    const listeners = listenersOf(listener());
    expect(directionOf(socket({ ...ACCEPTED, state: 'SYN_SENT' }), listeners)).toBe('out');
  });
});

describe('closing and changing listeners', () => {
  const accepted = socket(ACCEPTED);

  test('an endpoint with two listeners stays until both are closed', () => {
    const listeners = listenersOf(listener({ id: 'a' }), listener({ id: 'b' }));
    listeners.drop('a');
    expect(listeners.has(accepted)).toBe(true);
    listeners.drop('b');
    listeners.drop('b');
    listeners.drop('unknown');
    expect(listeners.has(accepted)).toBe(false);
  });

  test('a listener taken twice counts once', () => {
    const listeners = listenersOf(listener({ id: 'a' }), listener({ id: 'a', uid: 7 }));
    listeners.drop('a');
    expect(listeners.has(accepted)).toBe(false);
  });

  test('follows a listener that changes its port, or gets a peer', () => {
    const listeners = listenersOf(listener({ id: 'a' }));
    listeners.take(listener({ id: 'a', local: '*:81' }));
    expect(listeners.has(accepted)).toBe(false);
    expect(listeners.has(socket({ ...ACCEPTED, local: '192.0.2.10:81' }))).toBe(true);
    listeners.take(socket({ id: 'a', local: '192.0.2.10:81', state: 'CLOSE' }));
    expect(listeners.has(socket({ ...ACCEPTED, local: '192.0.2.10:81' }))).toBe(false);
  });

  test('a socket without a port is not a listener', () => {
    expect(listenersOf(udp({ local: '*:0' })).has(socket({ local: '192.0.2.10:0', protocol: 'udp' }))).toBe(
      false,
    );
  });
});
