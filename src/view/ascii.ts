import { charactersOf, displayWidth } from './width.ts';

/**
 * Every sign that netpane draws and ASCII lacks, each with the ASCII that takes as many cells. A program whose name holds
 * the replacement of `…` or `→` has it in quotes.
 */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  '…': '~',
  '→': '>',
  '·': '-',
  '−': '-',
  '–': '-',
  '±': '~',
  '↑': '^',
  '↓': 'v',
  '▴': '^',
  '▾': 'v',
  '▸': '>',
  '›': '>',
  '’': "'",
  µ: 'u',
  // The curves of the graph strip, lowest first.
  '▁': '_',
  '▂': '.',
  '▃': ':',
  '▄': '-',
  '▅': '=',
  '▆': '+',
  '▇': '*',
  '█': '#',
};

const ASCII = /^\p{ASCII}*$/u;

/**
 * Returns the text in ASCII and in as many cells, for a locale that is not UTF-8: netpane's own signs by their
 * replacements, any other character as one `?` for each of its cells. Escape sequences and ends of lines stay.
 */
export function toAscii(text: string): string {
  if (ASCII.test(text)) return text;
  const replaced = text.replace(/\P{ASCII}/gu, (sign) => REPLACEMENTS[sign] ?? sign);
  if (ASCII.test(replaced)) return replaced;
  return charactersOf(replaced)
    .map((character) => (ASCII.test(character) ? character : '?'.repeat(displayWidth(character))))
    .join('');
}
