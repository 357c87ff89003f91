import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { counted, printable } from '../../src/model/text.ts';
import { HOSTILE, UNSAFE } from '../helpers/lines.ts';

test('a count has its noun, and groups of three digits', () => {
  expect([0, 1, 2, 10_037].map((count) => counted(count, 'socket'))).toEqual([
    '0 sockets',
    '1 socket',
    '2 sockets',
    '10,037 sockets',
  ]);
});

describe('printable', () => {
  test.each([
    ['plain ASCII', ' ~!"$&web (main) 1', ' ~!"$&web (main) 1'],
    ['blessed tags', '{red-fg}{/}{bold}', '{red-fg}{/}{bold}'],
    ['accents', 'Zoë Ångström', 'Zoë Ångström'],
    ['a combining accent', 'e\u0301', 'é'],
    ['other scripts', 'сервер 日本語 한국어', 'сервер 日本語 한국어'],
    ['emoji', '😀', '😀'],
    ['an escape sequence', '\x1b[31mred', '?[31mred'],
    ['a C1 control', '\x9b31m', '?31m'],
    ['DEL, NUL and line ends', 'a\x7fb\0c\r\nd\te', 'a?b?c??d?e'],
    ['bidi controls', 'a\u202eb\u2066c\u200fd\u061ce', 'a?b?c?d?e'],
    ['zero width', 'a\u200bb\u200dc\ufeffd', 'a?b?c?d'],
    ['separators of lines and paragraphs', 'a\u2028b\u2029c', 'a?b?c'],
    ['wide and narrow spaces', 'a\u00a0b\u3000c', 'a b c'],
    ['lone surrogates', 'a\ud800b\udc00', 'a?b?'],
    ['a few combining marks', 'a\u0316\u0317\u0318', 'a\u0316\u0317\u0318'],
    ['a thousand combining marks', `a${'\u0316'.repeat(1000)}b`, `a${'\u0316'.repeat(8)}?b`],
    ['a mark without a base', '\u0301a \u0301\x1b\u0301', '?a ???'],
    ['joining letters', 'नमस्ते กำ', 'नमस्ते กำ'],
    ['old Hangul, and a vowel without a base', '\u1112\u119e\u11ab \u119e', '\u1112\u119e\u11ab ?'],
    ['a family, a skin tone, a heart, a key, flags', '👩‍👩‍👧👍🏽❤️1️⃣🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👩‍👩‍👧👍🏽❤️1️⃣🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
    // An invisible character would make two names appear identical.
    ['a joiner outside of an emoji', 's\u200dshd 👩\u200d👍 क\u200d', 's?shd 👩?👍 क?'],
    ['a variation selector', 's\ufe0fshd 日\ufe00 日\u{e0100}', 's?shd 日? 日?'],
    ['tags that form no flag', '🏴\u{e0061}\u{e007f}', '🏴??'],
    ['invisible tags', 'a\u{e0041}', 'a?'],
    ['private use', 'a\ue000', 'a?'],
    ['a replacement character', 'a\ufffd', 'a?'],
    ['an empty text', '', ''],
  ])('%s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.array(fc.constantFrom(...HOSTILE)).map((parts) => parts.join('')),
  );

  test('removes every unsafe character from any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(UNSAFE);
      }),
      { numRuns: 2000 },
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });

  test('leaves plain ASCII unchanged', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(printable(text)).toBe(text);
      }),
    );
  });
});
