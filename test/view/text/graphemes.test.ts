import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPLACEMENTS } from '../../../src/view/text/ascii.ts';
import { printable } from '../../../src/model/text.ts';
import {
  graphemesOf,
  graphemeWidth,
  looseWidth,
  MOST_UNITS,
  SINGLE,
} from '../../../src/view/text/graphemes.ts';
import { cutEnd, cutMiddle, displayWidth, inPieces } from '../../../src/view/text/width.ts';

describe('one grapheme, and its cells', () => {
  test.each([
    ['a', 1],
    ['é', 1],
    ['z\u0301\u0316', 1],
    ['日', 2],
    ['😀', 2],
    ['❤️', 2],
    ['1️⃣', 2],
    ['👍🏽', 2],
    ['🇩🇪', 2],
    ['👩‍👩‍👧', 2],
    ['🏴󠁧󠁢󠁥󠁮󠁧󠁿', 2],
    // A spacing vowel sign has its own cell, one above or below has none.
    ['नि', 2],
    ['म्', 1],
    ['क्ष', 2],
    ['กำ', 2],
    ['กี้', 1],
    ['각', 2],
    ['\u1112\u119e\u11ab', 2],
  ])('%s: %i', (text, cells) => {
    expect(graphemesOf(text)).toEqual([text]);
    expect(graphemeWidth(text)).toBe(cells);
    expect(displayWidth(`x${text}y`)).toBe(cells + 2);
    expect(looseWidth(text)).toBeGreaterThanOrEqual(cells);
  });

  test('each character of the fast path takes one cell, and joins no other of them', () => {
    const characters = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((it) =>
      SINGLE.test(it),
    );
    expect(characters.filter((it) => graphemeWidth(it) !== 1 || looseWidth(it) !== 1)).toEqual(
      Array.from('#*0123456789©®'),
    );
    expect(characters.filter((it) => graphemeWidth(it) !== 1)).toEqual([]);
    expect(graphemesOf(characters.join(''))).toEqual(characters);
  });

  test('every sign that netpane itself draws takes the fast path', () => {
    expect(Object.keys(REPLACEMENTS).filter((it) => !SINGLE.test(it))).toEqual([]);
    expect('│─└').toMatch(SINGLE);
  });

  test('splits flags side by side', () => {
    expect(graphemesOf('🇩🇪🇫🇷🇩')).toEqual(['🇩🇪', '🇫🇷', '🇩']);
  });

  test('joins a prepended letter to the next character', () => {
    expect(graphemesOf('a\u{11f02}?x')).toEqual(['a', '\u{11f02}?', 'x']);
    expect(graphemesOf('\u{11f02}')).toEqual(['\u{11f02}']);
  });

  test('joins the consonant after a virama and its marks, but not a Hangul letter, which starts a syllable', () => {
    expect(graphemesOf('क्ष\u1112각')).toEqual(['क्ष', '\u1112각']);
    expect(graphemesOf('क्\u1112각')).toEqual(['क्', '\u1112각']);
    expect(graphemesOf('क्\u0316षx')).toEqual(['क्\u0316ष', 'x']);
  });
});

/** All joining characters, in any order. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(
        ...['a', ' ', 'é', 'e\u0301', '\u0316', '日', '각', '\u1112', '\u119e', '\u11ab', 'क', '्', 'ि', 'ष'],
        ...[
          'ก',
          'ำ',
          '👩',
          '\u200d',
          '👧',
          '🏽',
          '❤',
          '\ufe0f',
          '🇩',
          '🇪',
          '1',
          '\u20e3',
          '🏴',
          '\u{e0067}',
          '\u{e007f}',
        ],
      ),
    }),
  )
  .map(printable);

test('never splits a grapheme of Intl.Segmenter, for any text', () => {
  const segmenter = new Intl.Segmenter('en');
  const endsOf = (parts: readonly string[]) => {
    let at = 0;
    return parts.map((part) => (at += part.length));
  };
  fc.assert(
    fc.property(text, (it) => {
      const parts = graphemesOf(it);
      expect(parts.join('')).toBe(it);
      const ends = new Set(endsOf(Array.from(segmenter.segment(it), ({ segment }) => segment)));
      expect(endsOf(parts).filter((end) => !ends.has(end))).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

test('cuts any text only between graphemes', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 20 }), (it, cells) => {
      const whole = graphemesOf(it);
      const [head = '', tail = ''] = cutMiddle(it, cells).split('…');
      const isStart = (part: string) =>
        whole.some((_, i) => whole.slice(0, i).join('') === part) || part === it;
      if (displayWidth(it) <= cells || it.includes('…')) return;
      expect(isStart(head)).toBe(true);
      expect(isStart(cutEnd(it, cells).slice(0, -1))).toBe(true);
      expect(whole.some((_, i) => whole.slice(i).join('') === tail) || tail === '').toBe(true);
      expect(inPieces(it, cells).join('')).toBe(it);
    }),
    { numRuns: 1000 },
  );
});

test('bounds the length of a grapheme, and cuts a long text by reading only its ends', () => {
  const endless = [
    'क्'.repeat(5000),
    `👩${'\u200d👩'.repeat(5000)}`,
    `a${'\u0301'.repeat(5000)}`,
    '\u1100'.repeat(5000),
  ];
  for (const it of endless.map(printable)) {
    expect(Math.max(...graphemesOf(it).map(({ length }) => length))).toBeLessThanOrEqual(MOST_UNITS);
    expect(displayWidth(cutMiddle(it, 20))).toBeLessThanOrEqual(20);
  }
  const long = `सुरू${'é日'.repeat(50_000)}शेवट`;
  expect(cutMiddle(long, 12)).toMatch(/^सुरू.*….*शेवट$/u);
});
