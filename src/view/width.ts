import { graphemesOf, graphemeWidth, MOST_UNITS, SINGLE } from './graphemes.ts';

/** The graphemes of printable text, in which alone it is cut. */
export const charactersOf = graphemesOf;

/** The first part of a text that is of more than so many cells. */
const beyond = (cells: number): number => (cells + 1) * MOST_UNITS;

/**
 * Cells that printable text (see `printable`) takes in a terminal.
 * @param most beyond so many it need not be counted: any larger number will do
 */
export function displayWidth(text: string, most = Infinity): number {
  if (SINGLE.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemesOf(text.slice(0, beyond(most)))) width += graphemeWidth(grapheme);
  return width;
}

/** How many of `characters`, from the start or from the end on, fit into `width` cells. */
function fitting(characters: readonly string[], width: number, fromEnd = false): number {
  let left = width;
  for (let count = 0; count < characters.length; count++) {
    left -= displayWidth(characters[fromEnd ? characters.length - 1 - count : count] ?? '');
    if (left < 0) return count;
  }
  return characters.length;
}

/** Text cut to `width` cells, from its middle: the start tells what it is, the end tells which. */
export function cutMiddle(text: string, width: number): string {
  if (displayWidth(text, width) <= width) return text;
  if (width <= 1) return width === 1 ? '…' : '';
  const most = Math.floor((width - 1) / 2);
  if (SINGLE.test(text)) return `${text.slice(0, width - 1 - most)}…${text.slice(text.length - most)}`;
  // The middle of a long text is skipped. The first grapheme behind it may be half of one, and is not shown.
  const ends = charactersOf(text.slice(-beyond(width)));
  const tail = ends.slice(ends.length - fitting(ends, most, true)).join('');
  const starts = charactersOf(text.slice(0, beyond(width)));
  const head = starts.slice(0, fitting(starts, width - 1 - displayWidth(tail))).join('');
  return `${head}…${tail}`;
}

/** Text cut to `width` cells at its end. */
export function cutEnd(text: string, width: number): string {
  if (displayWidth(text, width) <= width) return text;
  if (width <= 0) return '';
  const characters = charactersOf(text.slice(0, beyond(width)));
  return `${characters.slice(0, fitting(characters, width - 1)).join('')}…`;
}

/** Text in exactly `width` cells: cut in the middle, or filled up with spaces. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutMiddle(text, width);
  const padding = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  return align === 'left' ? cut + padding : padding + cut;
}

/** Text in pieces of at most `width` cells, broken wherever that falls; one empty piece for none. */
export function inPieces(text: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  let left = width;
  for (const character of charactersOf(text)) {
    const cells = displayWidth(character);
    // At least one character in each, however wide it is.
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
