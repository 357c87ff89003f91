import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as format from '../../../src/view/text/format.ts';
import { costText } from '../../../src/view/header/header.ts';
import { NOON_MS } from '../../helpers/fakes.ts';
import { S, M, H } from './durations.ts';

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
