import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIpv6, isAnyAddress, isLinkLocal, parseIpv6, unmapped } from '../../src/model/address.ts';

const canonicalText = (text: string) => {
  const groups = parseIpv6(text);
  return groups && formatIpv6(groups);
};

describe('RFC 5952', () => {
  test.each([
    // Sections 1 and 2: spellings of one address
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8::0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:db8:0000:0:1::1', '2001:db8::1:0:0:1'],
    ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
    // 4.1: leading zeros
    ['2001:0db8::0001', '2001:db8::1'],
    // 4.2.1: as short as possible
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::0:1', '2001:db8::1'],
    // 4.2.2: never for a single group
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    // 4.2.3: the longest run; of equally long runs the first
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    // 4.3: lower case
    ['2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa'],
    // 5: a well-known prefix with an embedded IPv4 address
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['0:0:0:0:0:FFFF:C000:0201', '::ffff:192.0.2.1'],
    // Edge cases
    ['::', '::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['1:0:0:0:0:0:0:1', '1::1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalText(text)).toBe(canonical);
  });
});

describe('parsing', () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
  const groups = fc.array(group, { minLength: 8, maxLength: 8 });

  test('parses the formatted text back to the same groups, and formats as short as possible', () => {
    fc.assert(
      fc.property(groups, (it) => {
        const text = formatIpv6(it);
        expect(parseIpv6(text)).toEqual(it);
        expect(text.length).toBeLessThanOrEqual(it.map((n) => n.toString(16)).join(':').length + 3);
        expect(text).not.toMatch(/:::|::.*::|(^|:)0[0-9a-f]|[A-F]/);
        // A run of two or more zero groups is never written out where there is no `::`.
        if (!text.includes('::')) expect(text).not.toMatch(/(^|:)0:0(:|$)/);
      }),
    );
  });

  test.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    'g::',
    '12345::',
    '::1%eth0',
    '::256.0.0.1',
    '::1.2.3',
    '1.2.3.4',
    '::1.2.3.4:1',
    ' ::1',
    '::1 ',
    '-1::',
    '[::1]',
    'hidden',
  ])("rejects '%s'", (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });

  test('returns eight groups or undefined for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from('0123:.f')) })),
        (text) => {
          const parsed = parseIpv6(text);
          if (parsed === undefined) return;
          expect(parsed).toHaveLength(8);
          expect(parsed.every((n) => Number.isInteger(n) && n >= 0 && n <= 0xffff)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test('isAnyAddress is true for 0.0.0.0 and :: only', () => {
  expect(['0.0.0.0', '::', '0.0.0.1', '::1', ''].map(isAnyAddress)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('unmapped extracts the IPv4 address of v4-mapped addresses only', () => {
  expect(['::ffff:192.0.2.1', '192.0.2.1', '::ffff:0:1', '64:ff9b::1', '::'].map(unmapped)).toEqual([
    '192.0.2.1',
    '192.0.2.1',
    '::ffff:0:1',
    '64:ff9b::1',
    '::',
  ]);
});

test('isLinkLocal is true for fe80::/10 only', () => {
  expect(['fe80::1', 'febf::1', 'fe80::1%eth0'].every(isLinkLocal)).toBe(true);
  expect(['fec0::1', 'fe7f::1', '::fe80', '2001:db8::fe80', '169.254.0.1'].some(isLinkLocal)).toBe(false);
});
