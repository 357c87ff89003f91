import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copySequence, MAX_COPY_BYTES } from '../../src/tui/clipboard.ts';
import { HOSTILE, UNSAFE } from '../helpers/lines.ts';

const OSC_52 = /^\x1b\]52;c;([A-Za-z0-9+/]*=*)\x07$/;

/** Returns the text in the clipboard. */
const copied = (sequence: string): string =>
  Buffer.from(OSC_52.exec(sequence)?.[1] ?? 'not a sequence', 'base64').toString();

describe('outside tmux and screen', () => {
  test('copies the text in base64', () => {
    expect(copySequence('node\t443', {})).toBe('\x1b]52;c;bm9kZQk0NDM=\x07');
    expect(copied(copySequence('日本語\tgrüß\n2', {}))).toBe('日本語\tgrüß\n2');
    expect(copied(copySequence('', {}))).toBe('');
  });

  test('copies only printable text, whatever the names', () => {
    const text = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, text, (one, other) => {
        const sequence = copySequence(`${one}\t${other}`, {});
        expect(sequence).toMatch(OSC_52);
        expect(copied(sequence).replace(/[\t\n]/g, '')).not.toMatch(UNSAFE);
      }),
    );
    expect(copied(copySequence('a\r\x1b[201~rm', {}))).toBe('a??[201~rm');
  });
});

test('inside tmux sends the sequence to tmux and, in an envelope, to the terminal', () => {
  const plain = copySequence('x', {});
  expect(copySequence('x', { TMUX: '/tmp/tmux-0/default,1,0' })).toBe(`${plain}\x1bPtmux;\x1b${plain}\x1b\\`);
  expect(copySequence('x', { TMUX: '' })).toBe(plain);
});

test('inside screen splits the sequence into pieces, each in an envelope', () => {
  const text = 'socket '.repeat(500);
  const sequence = copySequence(text, { STY: '1.pts-0.host' });
  const pieces = sequence.split(/(?<=\x1b\\)/);
  expect(pieces.length).toBeGreaterThan(15);
  for (const piece of pieces) {
    expect(piece).toMatch(/^\x1bP[^]+\x1b\\$/);
    expect(piece.length).toBeLessThan(256);
  }
  expect(copied(pieces.map((piece) => piece.slice(2, -2)).join(''))).toBe(text);
});

test('the longest text makes 100,000 bytes; a longer one is rejected with a remedy', () => {
  expect(copySequence('x'.repeat(MAX_COPY_BYTES), {})).toHaveLength(100_000);
  expect(() => copySequence('x'.repeat(MAX_COPY_BYTES + 1), {})).toThrow(
    'too much to copy: 74995 bytes, terminals accept at most 74994; save it to a file instead',
  );
  // Counts bytes, not characters.
  expect(() => copySequence('ü'.repeat(MAX_COPY_BYTES / 2 + 1), {})).toThrow('too much to copy');
});
