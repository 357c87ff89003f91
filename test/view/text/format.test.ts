import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Endpoint, Family, Owner, Protocol } from '../../../src/model/socket.ts';
import * as format from '../../../src/view/text/format.ts';
import { costText } from '../../../src/view/header/header.ts';
import { listener, NOON_MS, socket } from '../../helpers/fakes.ts';

const at = (address: string, port = 80) => ({ address, port });
const takes = (address: string, protocol: number) => ({ address, port: 0, protocol });
const owned = (...owners: Owner[]) => format.ownerText({ ...socket(), owners });
const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];

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

describe('the program', () => {
  test('shows both programs of a process that runs another one now', () => {
    const python = { knowledge: 'exact', pid: 7, process: 'python3', nowProcess: 'sleep' } as const;
    expect(owned(python)).toBe('python3 → sleep');
    expect(owned({ ...python, knowledge: 'inherited' }, python)).toBe('(python3 → sleep) +1');
    expect(owned({ knowledge: 'exact', pid: 7, nowProcess: 'sleep' })).toBe('? → sleep');
    expect(owned({ ...python, nowProcess: '\u202e' })).toBe('python3 → "?"');
    expect(owned({ knowledge: 'sender', pid: 7, process: 'dig' })).toBe('dig?');
  });

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
    ['…', [{ knowledge: 'pending' }]],
    ['gone', [{ knowledge: 'gone' }]],
    ['?', [{ knowledge: 'exact', pid: 1 }]],
    ['a?b', [{ knowledge: 'exact', pid: 1, process: 'a\nb' }]],
    // Never blank.
    ['""', [{ knowledge: 'exact', pid: 1, process: '' }]],
    ['"  "', [{ knowledge: 'exact', pid: 1, process: '  ' }]],
    ['("")', [{ knowledge: 'inherited', pid: 1, process: '' }]],
    ['unknown', [{ knowledge: 'unknown', tried: 'not among the descriptors' }]],
    ['unknown', []],
  ])('%s', (text, owners) => {
    expect(owned(...owners)).toBe(text);
  });

  const MARKS: readonly (readonly Owner[])[] = [
    ...(['hidden', 'kernel', 'gone', 'pending', 'exact', 'inherited', 'listener'] as const).map(
      (knowledge): Owner[] => [{ knowledge }],
    ),
    [{ knowledge: 'exact', pid: 1 }],
    [{ knowledge: 'inherited', process: 'sshd' }],
    [{ knowledge: 'listener', process: 'nginx' }],
    [{ knowledge: 'exact', process: 'sshd' }, { knowledge: 'exact' }, { knowledge: 'exact' }],
    [{ knowledge: 'listener', process: '(sshd)' }, { knowledge: 'exact' }],
  ];

  test('no name has the text of a mark or of another name', () => {
    const names = [
      ...MARKS.map((owners) => owned(...owners)),
      ...[
        '',
        ' ',
        'sshd ',
        ' sshd',
        'sshd',
        'Kernel',
        '"sshd"',
        '\\"sshd\\"',
        '(sshd',
        '[x',
        'unknown',
        '·',
        '-',
        '*',
      ],
      ...['~', 'a…b', 'python3 → sleep', 'python3 > sleep', 'x) +1', '"', '"("'],
    ];
    const texts = names.map((process) => owned({ knowledge: 'exact', pid: 1, process }));
    expect(new Set(texts).size).toBe(new Set(names).size);
    for (const owners of MARKS)
      expect(texts.filter((text) => text === owned(...owners))).toEqual(
        owners.length === 1 && owners[0]?.process === 'sshd' && owners[0].knowledge === 'exact'
          ? ['sshd']
          : [],
      );
    // An ordinary name stays unquoted.
    const EVERYDAY = [
      'sshd',
      'kworker/0:1-events',
      'my app',
      'java (main)',
      'a+b',
      'foo +',
      'x[1]',
      'n-1',
      '日本',
    ];
    expect(EVERYDAY.map((process) => owned({ knowledge: 'exact', process }))).toEqual(EVERYDAY);
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
  [3 * S, false, '3s'],
  [9.9 * S, false, '9s'],
  [10 * S, false, '10s'],
  [19.9 * S, false, '10s'],
  [59.9 * S, false, '50s'],
  [M, false, '1m'],
  [9 * S, true, '>0s'],
  [30 * S, true, '>30s'],
  [M, true, '>1m'],
  [400 * D, true, '>400d'],
])('%i ms old, baseline: %s: %s', (ms, baseline, text) => {
  expect(format.ageText(ms, baseline)).toBe(text);
  expect(text.length).toBeLessThanOrEqual(5);
});

test('formats intervals, clock times, bytes, counts and costs', () => {
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

describe('amounts', () => {
  test.each([
    [undefined, '·'],
    [0, '0'],
    [812, '812'],
    [999, '999'],
    [1000, '1.0k'],
    [1234, '1.2k'],
    [9949, '9.9k'],
    [9951, '10k'],
    [24_000, '24k'],
    [999_499, '999k'],
    [999_500, '1.0M'],
    [1_240_000, '1.2M'],
    [12e9, '12G'],
    [2 ** 53, '9.0P'],
  ])('%s in a cell: %s', (n, text) => {
    expect(format.compactText(n)).toBe(text);
  });

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [9995, '9.99 kB'],
    [9996, '10.0 kB'],
    [82_000, '82.0 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [1_240_000, '1.24 MB'],
  ])('%s bytes: %s', (n, text) => {
    expect(format.sizeText(n)).toBe(text);
  });

  test.each([
    [undefined, '·'],
    [0, '0µs'],
    [50, '50µs'],
    [99.4, '99µs'],
    [99.5, '0.1ms'],
    [400, '0.4ms'],
    [9949, '9.9ms'],
    [9950, '10ms'],
    [18_000, '18ms'],
    [999_499, '999ms'],
    [999_500, '1.0s'],
    [1_200_000, '1.2s'],
    [12_000_000, '12s'],
  ])('a round trip of %s µs: %s', (micros, text) => {
    expect(format.rttText(micros)).toBe(text);
  });

  test('any number fits in its cell, is rounded correctly, and does not shrink for a larger number', () => {
    const UNITS: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };
    const valueOf = (text: string) => parseFloat(text) * (UNITS[/[kMGTP]/.exec(text)?.[0] ?? ''] ?? 1);
    const bytes = fc.oneof(fc.maxSafeNat(), fc.nat(2_000_000), fc.nat(20_000));
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(format.compactText(a).length).toBeLessThanOrEqual(4);
        expect(format.rateText(a).length).toBeLessThanOrEqual(9);
        expect(format.throughputText({ rxRate: a, txRate: b })).toHaveLength(23);
        expect(Math.abs(valueOf(format.compactText(a)) - a)).toBeLessThanOrEqual(a * 0.051);
        expect(Math.abs(valueOf(format.sizeText(a)) - a)).toBeLessThanOrEqual(a * 0.0051);
        expect(valueOf(format.compactText(less))).toBeLessThanOrEqual(valueOf(format.compactText(more)));
        expect(valueOf(format.sizeText(less))).toBeLessThanOrEqual(valueOf(format.sizeText(more)));
      }),
      { numRuns: 2000 },
    );
  });

  test('throughput is empty if one side is unknown', () => {
    expect(format.throughputText({ rxRate: 1_240_000, txRate: 82 })).toBe('↓ 1.24 MB/s ↑    82 B/s');
    expect([format.throughputText({ rxRate: 1 }), format.throughputText({})]).toEqual(['', '']);
  });

  test('gives a measured interval two digits', () => {
    expect([113, 999, 1049, 2437, 9960, 12_345].map(format.roughIntervalText)).toEqual([
      '110ms',
      '1s',
      '1s',
      '2.4s',
      '10s',
      '12s',
    ]);
  });
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
