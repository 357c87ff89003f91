import { eastAsianWidth } from 'get-east-asian-width';

/**
 * Matches text in which each character takes one cell and joins no other: a fast path, as nearly all text is of ASCII,
 * Latin letters, and the signs of netpane's own texts (`REPLACEMENTS` in `ascii.ts`).
 */
export const SINGLE =
  /^[ -~]*(?:[\xa0-\xac\xae-\u02ff\u2010-\u2027\u203a\u2190-\u2193\u2212\u2248\u2264\u2265\u2500-\u259f\u25b2-\u25b5\u25b8-\u25bf][ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u203a\u2190-\u2193\u2212\u2248\u2264\u2265\u2500-\u259f\u25b2-\u25b5\u25b8-\u25bf]*)?$/;

/** Characters that join a neighbour. In a text without them each character is a grapheme. */
const JOINING =
  /[\p{M}\p{Regional_Indicator}\p{Emoji_Modifier}\u200D\uFE0F\u{E0020}-\u{E007F}\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7FF\u0E33\u0EB3\uFF9E\uFF9F\u0D4E\u{111C2}\u{111C3}\u{113D1}\u{1193F}\u{11941}\u{11A3A}\u{11A84}-\u{11A89}\u{11D46}\u{11F02}]/u;

/**
 * A grapheme of printable text (UAX #29, including prepended letters, and consonants joined by a virama). Never smaller
 * than a grapheme of Intl.Segmenter, and four times as fast. A longer sequence is split into pieces of bounded length.
 */
const GRAPHEME =
  /[\u0D4E\u{111C2}\u{111C3}\u{113D1}\u{1193F}\u{11941}\u{11A3A}\u{11A84}-\u{11A89}\u{11D46}\u{11F02}]{0,4}(?:\p{Regional_Indicator}\p{Regional_Indicator}|[\u1100-\u115F\uA960-\uA97C]{1,8}[\uAC00-\uD7A3]?|.)(?:[\p{M}\p{Emoji_Modifier}\uFE0F\u{E0020}-\u{E007F}\u1160-\u11FF\uD7B0-\uD7FF\u0E33\u0EB3\uFF9E\uFF9F]|\u200D.|(?<=[\u094D\u09CD\u0ACD\u0B4D\u0C4D\u0D4D\u1039\u17D2][\p{M}\p{Emoji_Modifier}]{0,8})(?![\u1100-\u115F\uA960-\uA97C])\p{Lo}){0,24}/gsu;

/** Maximum length of a grapheme, UTF-16 units. */
export const MOST_UNITS = 90;

/** Splits printable text (see `printable`) into graphemes. */
export const graphemesOf = (text: string): string[] =>
  JOINING.test(text) ? (text.match(GRAPHEME) ?? []) : Array.from(text);

/** Characters that turn the one they join into an emoji of two cells. */
const EMOJI_JOINER =
  /[\uFE0F\u200D\p{Emoji_Modifier}\u{E0020}-\u{E007F}]|\p{Regional_Indicator}\p{Regional_Indicator}/u;

/** Characters without a cell of their own: non-spacing marks (not Mc), and vowels and finals of old Hangul. */
const NO_CELL = /[\p{Mn}\p{Me}\u1160-\u11FF\uD7B0-\uD7FF\u200D\uFE0F\u{E0020}-\u{E007F}]/u;

const characterWidth = (character: string): number =>
  NO_CELL.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);

/** Returns true for a single code point. */
export const isCharacter = (grapheme: string): boolean =>
  grapheme.length === 1 || (grapheme.length === 2 && (grapheme.codePointAt(0) ?? 0) > 0xffff);

/** Returns the cells of a grapheme: two for any emoji, else the sum over its characters. */
export function graphemeWidth(grapheme: string): number {
  if (isCharacter(grapheme)) return eastAsianWidth(grapheme.codePointAt(0) ?? 0);
  if (EMOJI_JOINER.test(grapheme)) return 2;
  let width = 0;
  for (const character of grapheme) width += characterWidth(character);
  return width;
}

/** Returns the maximum of cells that a terminal may use if it does not join the characters of a grapheme. */
export function looseWidth(grapheme: string): number {
  let width = 0;
  for (const character of grapheme) width += /\p{Emoji}/u.test(character) ? 2 : characterWidth(character);
  return Math.max(width, graphemeWidth(grapheme));
}
