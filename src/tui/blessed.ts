import { createRequire } from 'node:module';
import type { Widgets } from 'blessed';

/**
 * The parts of blessed that are used, each from its file: the whole package would load thirty modules more before the
 * first picture. By require, for to import CommonJS Node looks through all its text for the names it exports.
 */
const load = createRequire(import.meta.url);

export const blessedScreen = load('blessed/lib/widgets/screen.js') as (
  options: Widgets.IScreenOptions,
) => Widgets.Screen;

export const blessedBox = load('blessed/lib/widgets/box.js') as (
  options: Widgets.BoxOptions,
) => Widgets.BoxElement;

/** Cells that blessed takes a character to need, by tables of 2015. */
export const { charWidth } = load('blessed/lib/unicode.js') as { charWidth: (character: string) => number };

/** `ccolors`: what becomes of the 256 colours of xterm where there are eight. */
export const colors = load('blessed/lib/colors.js') as { ccolors: Record<number, number> };

/** `ipaths`: the folders in which blessed looks for terminfo. */
export const tput = load('blessed/lib/tput.js') as { ipaths: unknown[] };
