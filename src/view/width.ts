import { eastAsianWidth } from 'get-east-asian-width';

const ASCII = /^[ -~]*$/;

/** The characters of a text by code point: printable text has nothing that joins them into larger ones. */
export const charactersOf = (text: string): string[] => Array.from(text);

/** Cells that printable text (see `printable`) takes in a terminal: one a character, two for a wide one. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += eastAsianWidth(character.codePointAt(0) ?? 0);
  return width;
}

/** The first characters of `characters` that fit into `width` cells. */
function take(characters: readonly string[], width: number): string {
  let text = '';
  let left = width;
  for (const character of characters) {
    left -= displayWidth(character);
    if (left < 0) break;
    text += character;
  }
  return text;
}

/** Text cut to `width` cells, from its middle: the start tells what it is, the end tells which. */
export function cutMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 1) return width === 1 ? '…' : '';
  const characters = charactersOf(text);
  const tail = take(characters.toReversed(), Math.floor((width - 1) / 2));
  const head = take(characters, width - 1 - displayWidth(tail));
  return `${head}…${charactersOf(tail).reverse().join('')}`;
}

/** Text cut to `width` cells at its end. */
export function cutEnd(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return width <= 0 ? '' : `${take(charactersOf(text), width - 1)}…`;
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
  for (let rest = charactersOf(text); rest.length > 0 || pieces.length === 0;) {
    const piece = take(rest, width);
    pieces.push(piece);
    // At least one character, lest a wide one in one cell stay for ever.
    rest = rest.slice(Math.max(1, charactersOf(piece).length));
  }
  return pieces;
}
