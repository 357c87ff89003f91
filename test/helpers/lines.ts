import type { ColumnId } from '../../src/store/state.ts';
import type { Line } from '../../src/view/line.ts';
import { placeColumns, type PlacedColumn } from '../../src/view/place.ts';
import { ALL_SEEN } from './fakes.ts';

/** What a line shows, colours left out. */
export const textOf = (line: Line | undefined): string => line?.spans.map(({ text }) => text).join('') ?? '';

/**
 * What no text on the screen may hold: controls, DEL, bidi controls, zero-width and other format characters, line
 * and paragraph separators, combining marks, lone surrogates.
 */
export const UNSAFE =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}\u115f\u1160\u3164\uffa0\p{M}\p{Cs}]/u;

/** Texts that a program could choose as its name to harm a terminal, or the eye. */
export const HOSTILE = [
  // Not assigned, and to be shown as nothing; letters that are shown as nothing.
  'a\u2065b',
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
  '',
  ' ',
];

/** True when no character is cut in two: `String.isWellFormed`, which ES2023 does not have. */
export const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text);

/** These columns as they stand in a wide pane. */
export const placed = (...ids: readonly ColumnId[]): PlacedColumn[] =>
  placeColumns(
    200,
    new Map(),
    ALL_SEEN,
    ids.map((id) => ({ id })),
  );
