/**
 * The parts of blessed that are used, each imported from its file: the whole package would load thirty more modules
 * before the first picture.
 */
export { default as blessedBox } from 'blessed/lib/widgets/box.js';
export { default as blessedScreen } from 'blessed/lib/widgets/screen.js';
export { default as colors } from 'blessed/lib/colors.js';
export { default as tput } from 'blessed/lib/tput.js';
import blessedScreen from 'blessed/lib/widgets/screen.js';
import unicode from 'blessed/lib/unicode.js';
import { allocate } from './cells.ts';

const tableWidth = unicode.charWidth;

/** Width of the character at `at` of a text, in cells as blessed computes it, from tables of 2015. */
export const charWidth = (text: string, at = 0): number => {
  const character = text.charAt(at);
  return character >= ' ' && character <= '~' ? 1 : tableWidth(text, at);
};

// Blessed asks for each cell of a changed line.
unicode.charWidth = charWidth;

// Blessed lets each row grow cell by cell: that takes twice the memory, and half as much CPU again.
blessedScreen.prototype.alloc = allocate;
