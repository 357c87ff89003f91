import { describe, expect, test } from 'vitest';
import type { SocketState } from '../../../../src/model/socket.ts';
import { inetPayload } from '../../../helpers/netlink/messages.ts';
import { decode, NOW_MS, of } from './decode.ts';

describe('decodeAddresses', () => {
  test.each([
    ['127.0.0.1:80', '192.0.2.1:65535', 'ipv4'],
    ['[2001:db8::10]:443', '[::1]:1', 'ipv6'],
    ['[::ffff:192.0.2.10]:443', '[::ffff:198.51.100.7]:1', 'ipv6'],
  ])('decodes %s → %s', (local, remote, family) => {
    const { addresses } = of({ local, remote });
    const text = ({ address, port }: { address: string; port: number }) =>
      `${family === 'ipv6' ? `[${address}]` : address}:${port}`;
    expect(addresses && [text(addresses.local), addresses.remote && text(addresses.remote)]).toEqual([
      local,
      remote,
    ]);
    expect(addresses).toMatchObject({ family, state: 'ESTABLISHED' });
  });

  test.each([
    'ESTABLISHED',
    'SYN_SENT',
    'SYN_RECV',
    'FIN_WAIT1',
    'FIN_WAIT2',
    'TIME_WAIT',
    'CLOSE',
    'CLOSE_WAIT',
    'LAST_ACK',
    'LISTEN',
    'CLOSING',
    'NEW_SYN_RECV',
    'BOUND_INACTIVE',
  ] as const)('decodes the TCP state %s', (state) => {
    expect(of({ state }).addresses?.state).toBe(state);
    expect(of({ state }, 'mptcp').addresses?.state).toBe(state);
  });

  test.each(['udp', 'udplite'] as const)('%s has a state only if it is connected', (protocol) => {
    const unconnected = of({ state: 'CLOSE' }, protocol).addresses;
    expect(unconnected).toMatchObject({ remote: null });
    expect(unconnected?.state).toBeUndefined();
    expect(of({ remote: '192.0.2.1:53' }, protocol).addresses).toMatchObject({
      remote: { address: '192.0.2.1', port: 53 },
      state: 'ESTABLISHED',
    });
  });

  test('a raw socket has its protocol and no ports', () => {
    expect(of({ local: '127.0.0.1:89', state: 'CLOSE' }, 'raw').addresses).toEqual({
      family: 'ipv4',
      local: { address: '127.0.0.1', port: 0, protocol: 89 },
      remote: null,
      state: undefined,
    });
    expect(of({ local: '127.0.0.1:89', remote: '192.0.2.1:53' }, 'raw').addresses).toMatchObject({
      remote: { address: '192.0.2.1', port: 0 },
      state: 'ESTABLISHED',
    });
  });

  test.each<[number, SocketState]>([
    [0, 'CLOSE'],
    [1, 'SYN_SENT'],
    [2, 'SYN_RECV'],
    [3, 'ESTABLISHED'],
    [4, 'FIN_WAIT1'],
    [5, 'FIN_WAIT1'],
    [6, 'CLOSE_WAIT'],
    [7, 'LAST_ACK'],
  ])('decodes the state %i of an SCTP association as %s', (state, name) => {
    expect(of({ state, remote: '192.0.2.1:80' }, 'sctp').addresses?.state).toBe(name);
  });

  test.each<[number, SocketState]>([
    [1, 'ESTABLISHED'],
    [7, 'CLOSE'],
    [10, 'LISTEN'],
  ])('decodes the state %i of an SCTP endpoint as %s', (state, name) => {
    expect(of({ state, remote: '0.0.0.0:0' }, 'sctp').addresses?.state).toBe(name);
  });

  test('has no remote endpoint for a listener, and for any address with port 0', () => {
    expect(of({ state: 'LISTEN', remote: '192.0.2.1:1' }).addresses?.remote).toBeNull();
    expect(of({ local: '[::]:80', state: 'CLOSE' }).addresses?.remote).toBeNull();
    expect(of({ remote: '0.0.0.0:53' }).addresses?.remote).toEqual({ address: '0.0.0.0', port: 53 });
    expect(of({ remote: '192.0.2.1:0' }, 'raw').addresses?.remote).toEqual({ address: '192.0.2.1', port: 0 });
  });

  test.each([0, 14, 255])('returns undefined for the unknown state %i', (state) => {
    expect(of({ state }).addresses).toBeUndefined();
  });

  test.each([0, 1, 9, 11, 255])('returns undefined for the unknown family %i', (family) => {
    expect(of({ family }).addresses).toBeUndefined();
  });
});

describe('decodeTimer', () => {
  test.each(['on', 'keepalive', 'timewait', 'persist'] as const)('decodes the timer %s', (kind) => {
    expect(of({ timer: { kind, expiresMs: 1500, retransmits: 3 } }).timer).toEqual({
      kind,
      dueAtMs: NOW_MS + 1500,
      retransmits: 3,
    });
  });

  test('returns undefined without a timer and for an unknown kind', () => {
    expect(of({}).timer).toBeUndefined();
    const bytes = inetPayload({ cookie: 1 });
    bytes[2] = 5;
    expect(decode(bytes).timer).toBeUndefined();
  });
});
