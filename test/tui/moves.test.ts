import { expect, test } from 'vitest';
import { joinMoves } from '../../src/tui/moves.ts';

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
