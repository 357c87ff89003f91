/**
 * Characters that must never reach a terminal as they are: controls C0, DEL and C1, the bidi controls and other
 * format characters (zero width, soft hyphen, tags), line and paragraph separators, lone surrogates, and what Unicode
 * has not assigned or left to private use; letters that are invisible (Hangul fillers); combining marks too, for they
 * change the cell before them.
 */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Zl}\p{Zp}\uFFFD]/gu;

/** Printable ASCII needs no look at Unicode's tables. */
const PLAIN = /^[ -~]*$/;

/**
 * Hostile text made harmless for a terminal: every character in one or two cells of its own, none a command.
 * Whatever is not a visible character becomes `?`; accents are composed first, so that they stay.
 */
export const printable = (text: string): string =>
  PLAIN.test(text) ? text : text.normalize('NFC').replace(UNSAFE, '?').replace(/\s/gu, ' ');

/** Returns the text, or as much of it as fits into so many UTF-16 units with an ellipsis. */
export const shortened = (text: string, most: number): string =>
  // A cut between two halves of a character takes the first half too.
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
