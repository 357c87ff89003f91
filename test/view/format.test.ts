import { describe, expect, test } from 'vitest';
import type { Owner } from '../../src/model/socket.ts';
import * as format from '../../src/view/format.ts';
import { costText } from '../../src/view/header.ts';
import { listener, NOON_MS, socket } from '../helpers/fakes.ts';

process.env['TZ'] = 'UTC';

const at = (address: string, port = 80) => ({ address, port });
const owned = (...owners: Owner[]) => format.ownerText({ ...socket(), owners });
const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];

test('addresses', () => {
  expect(
    [null, at('0.0.0.0'), at('::'), at('::ffff:192.0.2.1'), at('fe80::1%v0'), at('\x1b[2J')].map(
      format.addressText,
    ),
  ).toEqual(['*', '*', '*', '192.0.2.1', 'fe80::1%v0', '?[2J']);
});

test('ports, and by name', () => {
  const it = socket();
  expect(
    [null, at('::1', 0), at('::1', 443), at('::1', 40000)].map((end) => format.portText(end, it, false)),
  ).toEqual(['*', '*', '443', '40000']);
  expect([at('::1', 443), at('::1', 40000)].map((end) => format.portText(end, it, true))).toEqual([
    'https',
    '40000',
  ]);
});

test('endpoints', () => {
  expect(
    [at('192.0.2.1'), at('2001:db8::1'), at('::', 22), at('::ffff:192.0.2.1'), at('0.0.0.0', 0), null].map(
      format.endpointText,
    ),
  ).toEqual(['192.0.2.1:80', '[2001:db8::1]:80', '*:22', '192.0.2.1:80', '*:*', '*:*']);
});

describe('the program', () => {
  test.each<[string, Owner[]]>([
    ['node', [{ knowledge: 'exact', pid: 1, process: 'node' }]],
    [
      'node +2',
      [
        { knowledge: 'exact', pid: 1, process: 'node' },
        { knowledge: 'exact', pid: 2 },
        { knowledge: 'exact', pid: 3 },
      ],
    ],
    ['(node)', [{ knowledge: 'inherited', pid: 1, process: 'node' }]],
    [
      '(node) +1',
      [
        { knowledge: 'inherited', pid: 1, process: 'node' },
        { knowledge: 'inherited', pid: 2 },
      ],
    ],
    ['[sshd]', [{ knowledge: 'listener', pid: 1, process: 'sshd' }]],
    ['hidden', [{ knowledge: 'hidden' }]],
    ['kernel', [{ knowledge: 'kernel' }]],
    ['gone', [{ knowledge: 'gone' }]],
    ['?', [{ knowledge: 'exact', pid: 1 }]],
    ['a?b', [{ knowledge: 'exact', pid: 1, process: 'a\nb' }]],
    // Never silently blank.
    ['?', [{ knowledge: 'exact', pid: 1, process: '' }]],
    ['?', [{ knowledge: 'exact', pid: 1, process: '  ' }]],
    ['(?)', [{ knowledge: 'inherited', pid: 1, process: '' }]],
    ['gone', []],
  ])('%s', (text, owners) => {
    expect(owned(...owners)).toBe(text);
  });
});

test("users: the socket's, by number where it has no name, else the program's", () => {
  const owners: Owner[] = [{ knowledge: 'exact', pid: 1, user: 'www' }];
  expect(format.userText({ ...listener({ uid: 0, user: 'root' }), owners })).toBe('root');
  expect(format.userText({ ...listener({ uid: 1001 }), owners })).toBe('1001');
  expect(format.userText({ ...listener(), owners })).toBe('www');
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
  [3 * S, false, '3s'],
  [9.9 * S, false, '9s'],
  [10 * S, false, '10s'],
  [19.9 * S, false, '10s'],
  [59.9 * S, false, '50s'],
  [M, false, '1m'],
  [30 * S, true, '·'],
  [M, true, '>1m'],
  [400 * D, true, '>400d'],
])('%i ms old, there before: %s: %s', (ms, baseline, text) => {
  expect(format.ageText(ms, baseline)).toBe(text);
  expect(text.length).toBeLessThanOrEqual(5);
});

test('intervals, clock times, bytes, counts, costs', () => {
  expect([100, 500, 1000, 1500, 60_000].map(format.intervalText)).toEqual([
    '100ms',
    '500ms',
    '1s',
    '1.5s',
    '1m',
  ]);
  expect([NOON_MS, NOON_MS + 9 * H + 5 * M + 7 * S].map(format.clockText)).toEqual(['12:00:00', '21:05:07']);
  expect([0, 999, 1000, 1024, 43_300_000, 5e9, 2e12, 2e15].map(format.bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.0 KiB',
    '1.0 KiB',
    '41.3 MiB',
    '4.7 GiB',
    '1.8 TiB',
    '1819.0 TiB',
  ]);
  expect([0, 999, 1000, 12_345, 1_234_567].map(format.countText)).toEqual([
    '0',
    '999',
    '1,000',
    '12,345',
    '1,234,567',
  ]);
  expect([0.2, 1, 4.4, 9.9, 11, 13, 118].map(costText)).toEqual([
    '<1 ms',
    '1 ms',
    '4 ms',
    '10 ms',
    '10 ms',
    '15 ms',
    '120 ms',
  ]);
});
