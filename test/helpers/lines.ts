import type { ColumnId } from '../../src/store/columns.ts';
import type { Line } from '../../src/view/text/line.ts';
import { placeColumns, type PlacedColumn } from '../../src/view/table/place.ts';
import { ALL_SEEN } from './fakes.ts';

/** Returns the text of a line, without colours. */
export const textOf = (line: Line | undefined): string => line?.spans.map(({ text }) => text).join('') ?? '';

/**
 * Matches what no text on the screen may contain: control characters, bidi controls, zero-width and other format
 * characters, invisible letters (Hangul fillers), line and paragraph separators, lone surrogates; emoji joiners,
 * variation selectors and tags outside an emoji; a combining mark without a base; more than eight marks in a row.
 */
export const UNSAFE =
  /[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\u115f\u1160\u3164\uffa0\p{Cs}]|(?<![\p{Emoji}])\ufe0f|(?<![\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d|\u200d(?!\p{Extended_Pictographic})|(?<![\u{1f3f4}\u{e0020}-\u{e007f}])[\u{e0020}-\u{e007f}]|(?<=^|\s)(?!\ufe0f)\p{M}|(?:(?!\ufe0f)\p{M}){9}/u;

/** Names that could harm a terminal, mislead a reader or break the layout. */
export const HOSTILE = [
  // An unassigned invisible character.
  'a\u2065b',
  // Letters without a glyph (Hangul fillers).
  '\u115f\u3164\uffa0',
  '\x1b[2J\x1b]0;owned\x07',
  '{red-fg}{/}{|}{escape}',
  '\u202egnp.exe\u202c',
  'a\u0301\u0308\u0327b',
  'zero\u200bwidth\ufeff',
  'two\nlines\r\tand tabs',
  '\x9b31m',
  '\u2066isolate\u2069',
  'lone \ud800 half',
  'tag\u{e0041}s',
  '日本語のプログラム',
  '👩‍👩‍👧',
  // Emoji of several characters; variation selectors and joiners without an emoji; letters that combine.
  '👍🏽❤️1️⃣🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  'a\ufe0f\u200db\u200d👩\u200d',
  'नमस्ते क्षत्रिय กำ \u1100\u1161\u11a8 \u1161',
  `z${'\u0301\u0316'.repeat(500)}`,
  '\u0301',
  '',
  ' ',
];

/** Returns true if the text has no lone surrogate. Stands in for `String.prototype.isWellFormed` (ES2024). */
export const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text);

/** Returns these columns with their positions and widths in a pane of 200 cells. */
export const placed = (...ids: readonly ColumnId[]): PlacedColumn[] =>
  placeColumns(
    200,
    new Map(),
    ALL_SEEN,
    ids.map((id) => ({ id })),
  );

/** Returns the visible part of each line: padding may exceed the edge. */
export const shown = (
  lines:
    | readonly { spans: readonly { text: string; tone: 'plain' }[] }[]
    | readonly Parameters<typeof textOf>[0][],
) => lines.map((it) => textOf(it).trimEnd());
