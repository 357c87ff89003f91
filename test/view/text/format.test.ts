import { describe, expect, test } from 'vitest';
import type { Endpoint, Family, Owner, Protocol } from '../../../src/model/socket.ts';
import * as format from '../../../src/view/text/format.ts';
import { listener, socket } from '../../helpers/fakes.ts';
import { S, M, H, D } from './durations.ts';

const at = (address: string, port = 80) => ({ address, port });
const takes = (address: string, protocol: number) => ({ address, port: 0, protocol });

test('formats addresses', () => {
  expect(
    [null, at('0.0.0.0'), at('::'), at('::ffff:192.0.2.1'), at('fe80::1%v0'), at('\x1b[2J')].map(
      format.addressText,
    ),
  ).toEqual(['*', '*', '*', '192.0.2.1', 'fe80::1%v0', '?[2J']);
});

test('formats ports as numbers and service names', () => {
  const it = socket();
  expect(
    [null, at('::1', 0), at('::1', 443), at('::1', 40000)].map((end) => format.portText(end, it, false)),
  ).toEqual(['*', '*', '443', '40000']);
  expect([at('::1', 443), at('::1', 40000)].map((end) => format.portText(end, it, true))).toEqual([
    'https',
    '40000',
  ]);
});

describe('endpoints', () => {
  test.each([
    [at('192.0.2.1'), '192.0.2.1:80'],
    [at('2001:db8::1'), '[2001:db8::1]:80'],
    [at('::', 22), '*:22'],
    [at('::ffff:192.0.2.1'), '192.0.2.1:80'],
    [at('0.0.0.0', 0), '*:*'],
    [null, '*:*'],
  ])('%o: %s', (end, text) => {
    expect(format.endpointText(end, { ...socket(), family: 'ipv6' })).toBe(text);
  });

  test.each<[Protocol, Family, Endpoint | null, string, string]>([
    ['unix', 'unix', at('/run/x:1.sock', 0), '/run/x:1.sock', '·'],
    ['unix', 'unix', at('@abstract\n', 0), '@abstract?', '·'],
    ['unix', 'unix', at('', 0), '*', '·'],
    ['unix', 'unix', null, '*', '·'],
    ['raw', 'ipv4', takes('0.0.0.0', 1), '*:icmp', 'icmp'],
    ['raw', 'ipv6', takes('::', 58), '*:icmp6', 'icmp6'],
    ['raw', 'ipv4', takes('10.0.0.1', 200), '10.0.0.1:200', '200'],
    ['packet', 'packet', takes('eth0', 3), 'eth0:all', 'all'],
    ['packet', 'packet', takes('*', 0x88b5), '*:0x88b5', '0x88b5'],
    ['packet', 'packet', at('eth0', 0), 'eth0:*', '*'],
    ['icmp', 'ipv4', at('0.0.0.0', 0), '*', '·'],
    ['icmp', 'ipv6', at('::1', 0), '::1', '·'],
    ['vsock', 'vsock', at('2', 70_000), '2:70000', '70000'],
    ['vsock', 'vsock', at('4294967295', 4_294_967_295), '*:*', '*'],
  ])('%s, %s, %o: %s, port %s', (protocol, family, end, text, port) => {
    const it = { ...socket(), protocol, family };
    expect(format.endpointText(end, it)).toBe(text);
    expect([false, true].map((names) => format.portText(end, it, names))).toEqual([port, port]);
  });

  test('formats namespaces by name or inode', () => {
    expect(
      [{ inode: 7, name: 'web' }, { inode: 7 }, { inode: 7, name: ' ' }, { inode: 7, name: 'a\x1b' }].map(
        format.namespaceText,
      ),
    ).toEqual(['web', '7', '" "', 'a?']);
    // Quoted, so that no name resembles an inode or an unknown namespace.
    expect(['7', 'unknown', '·', '"x"'].map((name) => format.namespaceText({ inode: 8, name }))).toEqual([
      '"7"',
      '"unknown"',
      '"·"',
      '"\\"x\\""',
    ]);
  });
});

test("shows the socket's user by name or number, else the program's user", () => {
  const owners: Owner[] = [{ knowledge: 'exact', pid: 1, user: 'www' }];
  expect(format.userText({ ...listener({ uid: 0, user: 'root' }), owners })).toBe('root');
  expect(format.userText({ ...listener({ uid: 1001 }), owners })).toBe('1001');
  expect(format.userText({ ...listener(), owners })).toBe('www');
  expect(['0', '-', ''].map((user) => format.userText(listener({ user })))).toEqual(['"0"', '"-"', '""']);
  expect(format.userText({ ...listener(), owners: [{ knowledge: 'hidden' }] })).toBe('·');
  expect(format.userText(listener({ user: 'mal\x07lory' }))).toBe('mal?lory');
});

test.each([
  [-5, '0s'],
  [0, '0s'],
  [999, '0s'],
  [59.9 * S, '59s'],
  [M, '1m'],
  [59 * M + 59 * S, '59m'],
  [H, '1h'],
  [23 * H, '23h'],
  [D, '1d'],
  [9999 * D, '9999d'],
])('%i ms last %s', (ms, text) => {
  expect(format.durationText(ms)).toBe(text);
});

test.each([
  [3 * S, '3s'],
  [9.9 * S, '9s'],
  [10 * S, '10s'],
  [19.9 * S, '10s'],
  [59.9 * S, '50s'],
  [M, '1m'],
  [9999 * D, '9999d'],
])('%i ms old: %s', (ms, text) => {
  expect(format.ageText(ms)).toBe(text);
});

test.each<[number, boolean, string]>([
  [0, false, '<1ms'],
  [0.99, false, '<1ms'],
  [1, false, '1ms'],
  [340.4, false, '340ms'],
  [999.6, false, '1s'],
  [2999, false, '2s'],
  [3 * D, false, '3d'],
  [999, true, '·'],
  [2000, true, '>2s'],
  [999 * D, true, '>999d'],
])('%s ms, at least: %s: lived %s', (ms, isAtLeast, text) => {
  expect(format.livedText(ms, isAtLeast)).toBe(text);
  expect(text.length).toBeLessThanOrEqual(5);
});
