import { charactersOf, displayWidth } from './width.ts';

/**
 * Every non-ASCII character that netpane draws, with an ASCII replacement of the same width. A program name that
 * contains the replacement of `…` or `→` is shown in quotes.
 */
export const REPLACEMENTS: Readonly<Record<string, string>> = {
  '…': '~',
  '→': '>',
  '←': '<',
  '·': '-',
  '−': '-',
  '–': '-',
  '±': '~',
  '≈': '~',
  '×': 'x',
  '≥': '>',
  '≤': '<',
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
 * Returns the text in ASCII with the same width in cells, for a locale that is not UTF-8. netpane's own characters get
 * their replacements, any other becomes one `?` per cell. Escape sequences and line ends stay.
 */
export function toAscii(text: string): string {
  if (ASCII.test(text)) return text;
  const replaced = text.replace(/\P{ASCII}/gu, (sign) => REPLACEMENTS[sign] ?? sign);
  if (ASCII.test(replaced)) return replaced;
  return charactersOf(replaced)
    .map((character) => (ASCII.test(character) ? character : '?'.repeat(displayWidth(character))))
    .join('');
}
