import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from '../../../src/model/text.ts';
import { cutEnd, cutMiddle, displayWidth, fit } from '../../../src/view/text/width.ts';
import { isWellFormed } from '../../helpers/lines.ts';

/** Printable texts. */
const text = fc
  .oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('a', 'é', '語', '가', '😀', 'ｗ', '…') }),
  )
  .map(printable);
const width = fc.nat(30);

describe('widths', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['日本', 4],
    ['😀', 2],
    ['ｗ', 2],
    ['…·→', 3],
  ])('%s', (it, cells) => {
    expect(displayWidth(it)).toBe(cells);
  });
});

describe('cutting', () => {
  test.each([
    ['abcdefgh', 8, 'abcdefgh'],
    ['abcdefgh', 7, 'abc…fgh'],
    ['abcdefgh', 4, 'ab…h'],
    ['abcdefgh', 2, 'a…'],
    ['abcdefgh', 1, '…'],
    ['abcdefgh', 0, ''],
    ['日本語', 5, '日…語'],
    ['日本語', 4, '日…'],
    ['a😀b😀c', 5, 'a😀…c'],
  ])('%s in the middle, to %i cells', (it, cells, cut) => {
    expect(cutMiddle(it, cells)).toBe(cut);
  });

  test.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 4, 'abc…'],
    ['abcdef', 1, '…'],
    ['abcdef', 0, ''],
    ['日本語', 4, '日…'],
  ])('%s at the end, to %i cells', (it, cells, cut) => {
    expect(cutEnd(it, cells)).toBe(cut);
  });

  test('any text fits, stays unchanged if it fitted, and no character is split', () => {
    fc.assert(
      fc.property(text, width, (it, cells) => {
        for (const cut of [cutMiddle(it, cells), cutEnd(it, cells)]) {
          expect(displayWidth(cut)).toBeLessThanOrEqual(cells);
          expect(isWellFormed(cut)).toBe(true);
          if (displayWidth(it) <= cells) expect(cut).toBe(it);
          // A wide character may leave one cell unused.
          else expect(displayWidth(cut)).toBeGreaterThanOrEqual(cells - 2);
        }
      }),
    );
  });
});

describe('fit', () => {
  test('pads with spaces', () => {
    expect(fit('ab', 4)).toBe('ab  ');
    expect(fit('ab', 4, 'right')).toBe('  ab');
    expect(fit('日本', 5)).toBe('日本 ');
  });

  test('any text gets exactly the given width', () => {
    fc.assert(
      fc.property(text, width, fc.constantFrom('left', 'right'), (it, cells, align) => {
        expect(displayWidth(fit(it, cells, align))).toBe(cells);
      }),
    );
  });
});
