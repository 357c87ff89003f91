import unicode from 'blessed/lib/unicode.js';
import { expect, test } from 'vitest';
import { charWidth } from '../../src/tui/blessed.ts';

test('blessed draws with charWidth: 1 for each printable ASCII character, else the width of its tables', () => {
  expect(unicode.charWidth).toBe(charWidth);
  const ascii = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code)).filter(
    (it) => it !== '\t',
  );
  expect(ascii.map((it) => charWidth(it))).toEqual(ascii.map((it) => (it < ' ' || it > '~' ? 0 : 1)));
  expect(['é', '日', '\u0301', '\x1b[1mx', '▁'].map((it) => charWidth(it))).toEqual([1, 2, 0, 0, 1]);
  expect([0, 1, 2].map((at) => charWidth('a日b', at))).toEqual([1, 2, 1]);
});
