/**
 * Characters that must never reach a terminal as they are: controls C0, DEL and C1, the bidi controls and other
 * format characters (zero width, soft hyphen, tags), line and paragraph separators, lone surrogates, and what Unicode
 * has not assigned or left to private use; letters that are invisible (Hangul fillers).
 */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\uFFFD]/gu;

/** Printable ASCII needs no look at Unicode's tables. */
const PLAIN = /^[ -~]*$/;

/** A text without these is printable as it is, once its accents are composed. */
const SUSPECT = /[\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Z}\uFFFD\u1160-\u11FF\uD7B0-\uD7FF]/u;

/**
 * A piece that is replaced as a whole: a pair of regional indicators, or an emoji with what belongs to it; a visible
 * character with the marks upon it, or with the vowels and finals of old Hangul, which take no cell of their own; an
 * unsafe character, or a mark upon nothing; a space.
 */
const PIECE =
  /(\p{Regional_Indicator}\p{Regional_Indicator}|\p{Emoji}(?:\uFE0F\u20E3?|\p{Emoji_Modifier}|[\u{E0020}-\u{E007F}]|\u200D\p{Emoji})+)|([^\s\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Z}\uFFFD\u1160-\u11FF\uD7B0-\uD7FF])([\p{M}\u1160-\u11FF\uD7B0-\uD7FF]+)|[\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Zl}\p{Zp}\uFFFD\u1160-\u11FF\uD7B0-\uD7FF]|(\s)/gu;

/** Maximum number of marks shown upon one character; a heap of them would stand in the lines above and below. */
const MOST_MARKS = 8;

/** No emoji of Unicode's is longer, in UTF-16. */
const MOST_EMOJI = 40;

let emoji: RegExp | undefined;

/**
 * True for a sequence that Unicode lists as one emoji (RGI). In no other place is an invisible character shown: with it
 * two different names would look alike. The list takes some milliseconds to compile, and is made when it is first asked.
 */
const isEmoji = (text: string): boolean =>
  // eslint-disable-next-line no-restricted-syntax -- the flag v is not known to the target of the types
  text.length <= MOST_EMOJI && (emoji ??= new RegExp('^\\p{RGI_Emoji}$', 'v')).test(text);

function withMarks(base: string, marks: string): string {
  // Variation selectors and the grapheme joiner are marks too.
  const seen = Array.from(marks.replace(UNSAFE, '\uFFFD'));
  const shown = seen.slice(0, MOST_MARKS).map((mark) => (mark === '\uFFFD' ? '?' : mark));
  return base + shown.join('') + (seen.length > MOST_MARKS ? '?' : '');
}

/**
 * Hostile text made harmless for a terminal: none of it a command, every grapheme in cells of its own. Whatever is not
 * visible becomes `?`; accents are composed first; at most eight marks stay upon one character.
 */
export const printable = (text: string): string => {
  if (PLAIN.test(text)) return text;
  const composed = text.normalize('NFC');
  if (!SUSPECT.test(composed)) return composed;
  return composed.replace(PIECE, (_, sequence?: string, base?: string, marks?: string, space?: string) => {
    if (sequence !== undefined) return isEmoji(sequence) ? sequence : sequence.replace(UNSAFE, '?');
    if (base !== undefined && marks !== undefined) return withMarks(base, marks);
    return space === undefined ? '?' : ' ';
  });
};

/** Returns the text, or as much of it as fits into so many UTF-16 units with an ellipsis. */
export const shortened = (text: string, most: number): string =>
  // A cut between two halves of a character takes the first half too.
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;

/** Returns a count with its noun: `1 socket`, `2 sockets`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
