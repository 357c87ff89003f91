import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { printable } from '../../../src/model/text.ts';
import { toAscii } from '../../../src/view/text/ascii.ts';
import { displayWidth } from '../../../src/view/text/width.ts';

/** Characters of the source that are never drawn: formula prefixes of CSV, a key that sorts last, a cut letter. */
const NEVER_DRAWN = ['＝', '＋', '－', '＠', '\uffff', '\ufffd'];

/** Returns the text of every string literal and template of a file, by position. */
function textsOf(path: string): [place: string, text: string][] {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  const texts: [string, string][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      texts.push([`${path}:${line + 1}`, node.text]);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return texts;
}

test('replaces every non-ASCII character that occurs in a text of the source', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.ts'));
  const texts = files.flatMap((name) => textsOf(join('src', name)));
  expect(texts.length).toBeGreaterThan(1000);
  const signs = texts.flatMap(([place, text]) =>
    (text.match(/\P{ASCII}/gu) ?? []).map((sign) => ({ place, sign })),
  );
  expect(signs.length).toBeGreaterThan(20);
  const missing = signs.filter(({ sign }) => toAscii(sign).startsWith('?') && !NEVER_DRAWN.includes(sign));
  expect(missing).toEqual([]);
});

test.each([
  ['python3 → sleep', 'python3 > sleep'],
  ['a long na…ame', 'a long na~ame'],
  ['rtt 10ms ± 2ms', 'rtt 10ms ~ 2ms'],
  ['10µs', '10us'],
  ['PROCESS▴ +1 −2 ·', 'PROCESS^ +1 -2 -'],
  ['▁▂▃▄▅▆▇█', '_.:-=+*#'],
  ['töö', 't??'],
  ['漢é', '???'],
  ['\x1b[1m…\x1b[0m\r\n\ttöö\n', '\x1b[1m~\x1b[0m\r\n\tt??\n'],
])('%j is %j', (text, ascii) => {
  expect(toAscii(text)).toBe(ascii);
});

test('turns any text into ASCII of the same width and keeps ASCII unchanged', () => {
  const text = fc.string({ unit: 'grapheme' }).map(printable);
  fc.assert(
    fc.property(text, (it) => {
      const ascii = toAscii(it);
      expect(ascii).toMatch(/^[ -~]*$/);
      expect(ascii).toHaveLength(displayWidth(it));
      expect(toAscii(ascii)).toBe(ascii);
    }),
  );
});
