import { describe, expect, test } from 'vitest';
import type { Cell } from '../../src/tui/cells.ts';
import { fillGaps, joinMoves } from '../../src/tui/output.ts';
import { attribute } from '../../src/tui/theme.ts';

test.each([
  ['a move within the line', '\x1b[9;1H\x1b[167Cx', '\x1b[9;168Hx'],
  ['a second absolute move', '\x1b[6;1H\x1b[6;114H3\x1b[1C0', '\x1b[6;114H3\x1b[1C0'],
  ['each changed line', '\x1b[1;1H\x1b[1;2Hab\x1b[2;1H\x1b[3Cc', '\x1b[1;2Hab\x1b[2;4Hc'],
])('joins the move to the start of a line with %s', (_, output, joined) => {
  expect(joinMoves(output)).toBe(joined);
});

test.each([
  ['a line that changes from its start', '\x1b[8;1Hab\x1b[2Cc'],
  ['colours', '\x1b[8;1H\x1b[7m \x1b[mx'],
  ['the sequence of a wide grapheme', '\x1b[?7l  \x1b[8;1H👩‍👧\x1b[8;2H\x1b[?7h\x1b[C'],
])('leaves %s alone', (_, output) => {
  expect(joinMoves(output)).toBe(output);
});

describe('unchanged cells between changed ones', () => {
  const [PLAIN, CHANGED, CURSOR] = (['plain', 'changed', 'cursor'] as const).map((tone) =>
    attribute('standard', tone, false),
  );
  const rowOf = (text: string, attr = PLAIN): Cell[] => Array.from(text, (it) => [attr ?? 0, it]);
  /** Returns the cells that are written, others as `_`. */
  function written(now: Cell[], before: Cell[]): string {
    fillGaps(now, before);
    return now
      .map(([attr, character], i) => {
        const [attrBefore, characterBefore] = before[i] ?? [];
        return attrBefore === attr && characterBefore === character ? '_' : character;
      })
      .join('');
  }

  test.each([
    ['up to three are written', '3.0k  4', '2.1k  3', '3.0k  4'],
    ['four are not', 'x1234y', 'a1234b', 'x____y'],
    ['bars are not, as they are longer than a move', 'x▇y', 'a▇b', 'x_y'],
    ['those before the first and after the last are not', ' ab ', ' cd ', '_ab_'],
  ])('%s', (_, now, before, wanted) => {
    expect(written(rowOf(now), rowOf(before))).toBe(wanted);
  });

  test('blanks take the style of their neighbours if they appear the same in it', () => {
    const blank = rowOf(' ');
    const now = [...rowOf('x', CHANGED), ...blank, ...rowOf('y', CHANGED)];
    expect(written(now, rowOf('a b'))).toBe('x y');
    expect(blank[0]?.[0]).toBe(CHANGED);
    expect(written([...rowOf('x', CURSOR), ...rowOf(' '), ...rowOf('y', CURSOR)], rowOf('a b'))).toBe('x_y');
  });

  test('those between two styles are not written', () => {
    expect(written([...rowOf('x.', CHANGED), ...rowOf('y')], [...rowOf('a.', CHANGED), ...rowOf('b')])).toBe(
      'x_y',
    );
    expect(
      written(
        [...rowOf('x'), ...rowOf('.', CHANGED), ...rowOf('y')],
        [...rowOf('a'), ...rowOf('.', CHANGED), ...rowOf('b')],
      ),
    ).toBe('x_y');
  });
});
