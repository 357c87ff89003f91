import { graphemesOf, graphemeWidth, MOST_UNITS, SINGLE } from './graphemes.ts';

/** Splits printable text into graphemes: text is cut only between them. */
export const charactersOf = graphemesOf;

/** Returns a length in UTF-16 units that always covers more than `cells` cells. */
const beyond = (cells: number): number => (cells + 1) * MOST_UNITS;

/**
 * Returns the cells that printable text (see `printable`) takes in a terminal.
 * @param most the count may stop at any number above this one
 */
export function displayWidth(text: string, most = Infinity): number {
  if (SINGLE.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemesOf(text.slice(0, beyond(most)))) width += graphemeWidth(grapheme);
  return width;
}

/** Returns how many of `characters`, counted from the start or the end, fit in `width` cells. */
function fitting(characters: readonly string[], width: number, fromEnd = false): number {
  let left = width;
  for (let count = 0; count < characters.length; count++) {
    left -= displayWidth(characters[fromEnd ? characters.length - 1 - count : count] ?? '');
    if (left < 0) return count;
  }
  return characters.length;
}

/** Cuts the middle out of a text to fit `width` cells; start and end identify it best. */
export function cutMiddle(text: string, width: number): string {
  if (displayWidth(text, width) <= width) return text;
  if (width <= 1) return width === 1 ? '…' : '';
  const most = Math.floor((width - 1) / 2);
  if (SINGLE.test(text)) return `${text.slice(0, width - 1 - most)}…${text.slice(text.length - most)}`;
  // Reads only both ends of a long text. The first grapheme of the tail may be half of one; it is never shown.
  const ends = charactersOf(text.slice(-beyond(width)));
  const tail = ends.slice(ends.length - fitting(ends, most, true)).join('');
  const starts = charactersOf(text.slice(0, beyond(width)));
  const head = starts.slice(0, fitting(starts, width - 1 - displayWidth(tail))).join('');
  return `${head}…${tail}`;
}

/** Cuts the end of a text to fit `width` cells. */
export function cutEnd(text: string, width: number): string {
  if (displayWidth(text, width) <= width) return text;
  if (width <= 0) return '';
  const characters = charactersOf(text.slice(0, beyond(width)));
  return `${characters.slice(0, fitting(characters, width - 1)).join('')}…`;
}

/** Returns the text in exactly `width` cells: cut in the middle, or padded with spaces. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  // Nearly all texts need no cut, and each of their characters takes one cell.
  if (text.length <= width && SINGLE.test(text))
    return align === 'left' ? text.padEnd(width) : text.padStart(width);
  const cut = cutMiddle(text, width);
  const padding = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  return align === 'left' ? cut + padding : padding + cut;
}

/** Splits a text into pieces of at most `width` cells: between words, and inside a longer word. */
export function inLines(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(part, width) <= width)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(...inPieces(part, width));
  }
  return lines;
}

/** Splits a text into pieces of at most `width` cells, at any character; one empty piece for an empty text. */
export function inPieces(text: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let left = width;
  for (const character of charactersOf(text)) {
    const cells = displayWidth(character);
    // Each piece has at least one character, however wide.
    if (cells > left && piece !== '') {
      pieces.push(piece);
      piece = '';
      left = width;
    }
    piece += character;
    left -= cells;
  }
  return [...pieces, piece];
}
