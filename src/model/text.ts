/**
 * Characters that must never reach a terminal unchanged: C0, DEL and C1 controls, bidi controls and other format
 * characters (zero width, soft hyphen, tags), line and paragraph separators, lone surrogates, unassigned and
 * private-use code points, and invisible letters (Hangul fillers).
 */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\uFFFD]/gu;

/** Printable ASCII: needs no check against the Unicode tables. */
const PLAIN = /^[ -~]*$/;

/** Characters that need a closer check. A text without them is printable once its accents are composed. */
const SUSPECT = /[\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Z}\uFFFD\u1160-\u11FF\uD7B0-\uD7FF]/u;

/**
 * Matches a sequence that is replaced as a whole: a pair of regional indicators, or an emoji with its modifiers; a
 * visible character with combining marks, or with the vowels and finals of old Hangul, which take no cell; an unsafe
 * character, or a mark without a base; a space.
 */
const PIECE =
  /(\p{Regional_Indicator}\p{Regional_Indicator}|\p{Emoji}(?:\uFE0F\u20E3?|\p{Emoji_Modifier}|[\u{E0020}-\u{E007F}]|\u200D\p{Emoji})+)|([^\s\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Z}\uFFFD\u1160-\u11FF\uD7B0-\uD7FF])([\p{M}\u1160-\u11FF\uD7B0-\uD7FF]+)|[\p{C}\p{Default_Ignorable_Code_Point}\p{M}\p{Zl}\p{Zp}\uFFFD\u1160-\u11FF\uD7B0-\uD7FF]|(\s)/gu;

/** Maximum number of combining marks shown on one character; more would reach into the lines above and below. */
const MAX_MARKS = 8;

/** Upper limit for the length of an emoji sequence, UTF-16 units. */
const MAX_EMOJI_LENGTH = 40;

let emoji: RegExp | undefined;

/**
 * Returns true for a sequence that Unicode lists as one emoji (RGI). Invisible characters are kept only there, because
 * they make two different names appear identical. The regex is made at the first use: it takes some milliseconds to
 * compile.
 */
const isEmoji = (text: string): boolean =>
  // oxlint-disable-next-line own/regex-literals -- the TypeScript target does not support the flag v
  text.length <= MAX_EMOJI_LENGTH && (emoji ??= new RegExp('^\\p{RGI_Emoji}$', 'v')).test(text);

function withMarks(base: string, marks: string): string {
  // Variation selectors and the grapheme joiner match \p{M} too.
  const all = Array.from(marks.replace(UNSAFE, '\uFFFD'));
  const shown = all.slice(0, MAX_MARKS).map((mark) => (mark === '\uFFFD' ? '?' : mark));
  return base + shown.join('') + (all.length > MAX_MARKS ? '?' : '');
}

/**
 * Returns untrusted text made safe for a terminal: without control sequences, and every grapheme in its own cells.
 * Accents are composed first; each invisible character becomes `?`; a character keeps at most eight combining marks.
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

/** Returns the text, truncated to `maxLength` UTF-16 units with an ellipsis. */
export const shortened = (text: string, maxLength: number): string =>
  // Does not leave the first half of a surrogate pair.
  text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;

/**
 * Returns a whole number with thousands separators: 12,345. Intl is not used: loading it takes longer than the rest of
 * the first screen.
 */
export const countText = (n: number): string => String(n).replace(/\B(?=(\d{3}){1,7}$)/g, ',');

/** Returns a count with its noun: `1 socket`, `2,000 sockets`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

/** Returns the last parts of a path: `b/c` are two of `/a/b/c`; the whole path if it has no more. */
export function lastParts(path: string, count: number): string {
  let at = path.length;
  for (let i = 0; i < count && at > 0; i++) at = path.lastIndexOf('/', at - 1);
  return at > 0 ? path.slice(at + 1) : path;
}
