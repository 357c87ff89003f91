import type { Palette } from '../store/state.ts';
import type { Tone } from '../view/text/line.ts';

interface Style {
  /** Number of an xterm colour (0–255); absent for the terminal's foreground. No style sets a background. */
  readonly colour?: number;
  readonly bold?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
}

/*
 * Colours of the fixed part of xterm's palette, which does not depend on the user's first sixteen colours. Each has a
 * contrast of at least 4.5 (WCAG 2.2, 1.4.3) on black and on white; only about ten of the 240 have.
 */
export const GREY = 243;
const BLUE = 63;
const BRICK = 131;
const MAGENTA = 163;

const COMMON: Readonly<Record<'plain' | 'strong' | 'header' | 'group' | 'cell' | 'cursor', Style>> = {
  plain: {},
  strong: { bold: true },
  header: { bold: true },
  group: { bold: true },
  // Brackets around the cell mark it in every palette. It is inverse like its row, else it would look like a hole.
  cell: { bold: true },
  cursor: { inverse: true },
};

/** Style of each tone. Blessed does not support dim text, so quiet is grey. */
const STYLES: Readonly<Record<Palette, Readonly<Record<Tone, Style>>>> = {
  // Uses the first eight colours, which the user can set in the terminal.
  standard: {
    ...COMMON,
    quiet: { colour: GREY },
    sorted: { colour: 6, bold: true },
    accent: { colour: 6 },
    cell: { ...COMMON.cell, colour: 6 },
    match: { colour: 6, bold: true, underline: true },
    warning: { colour: 3 },
    error: { colour: 1, bold: true },
    spawned: { colour: 2 },
    changed: { colour: 3 },
    closed: { colour: 1 },
  },
  // No colour has a contrast of 7 on black and on white. The terminal's foreground has the highest contrast, and marks
  // differ by bold and underline.
  'high-contrast': {
    ...COMMON,
    cell: { bold: true, underline: true },
    group: { bold: true, underline: true },
    sorted: { bold: true, underline: true },
    quiet: {},
    accent: { bold: true },
    match: { inverse: true },
    warning: { bold: true, underline: true },
    error: { bold: true, inverse: true },
    spawned: { bold: true },
    changed: { bold: true, underline: true },
    closed: { underline: true },
  },
  // These three are distinct for every common kind of colour blindness.
  'colour-blind': {
    ...COMMON,
    quiet: { colour: GREY },
    sorted: { colour: BLUE, bold: true },
    accent: { colour: BLUE },
    cell: { ...COMMON.cell, colour: BLUE },
    match: { colour: BLUE, bold: true, underline: true },
    warning: { colour: BRICK, bold: true },
    error: { colour: MAGENTA, bold: true },
    spawned: { colour: BLUE },
    changed: { colour: BRICK },
    closed: { colour: MAGENTA },
  },
  mono: {
    ...COMMON,
    sorted: { bold: true },
    quiet: {},
    accent: { bold: true },
    match: { bold: true, underline: true },
    warning: { bold: true },
    error: { bold: true },
    spawned: { bold: true },
    changed: { bold: true },
    closed: {},
  },
};

/** Attribute of a cell in blessed: flags, foreground and background, nine bits each; 0x1ff is the terminal's colour. */
const DEFAULT_COLOUR = 0x1ff;
const FLAG = { bold: 1, underline: 2, inverse: 8 } as const;
/** The foreground in an attribute; on a blank it is visible only with one of these flags. */
const FOREGROUND = DEFAULT_COLOUR << 9;
const SHOWS_FOREGROUND = (FLAG.underline | FLAG.inverse) << 18;

const attributeOf = ({ colour, bold, underline, inverse }: Style): number => {
  const flags = (bold ? FLAG.bold : 0) | (underline ? FLAG.underline : 0) | (inverse ? FLAG.inverse : 0);
  return (flags << 18) | ((colour ?? DEFAULT_COLOUR) << 9) | DEFAULT_COLOUR;
};

/** Returns the attribute of a cell with this tone; a selected cell is inverse. */
export function attribute(palette: Palette, tone: Tone, selected: boolean): number {
  const style = STYLES[palette][tone];
  return attributeOf(selected ? { ...style, inverse: !style.inverse } : style);
}

/** Returns true if a character appears the same with both attributes: most blanks do in any foreground. */
export const appearsSame = (character: string, one: number, other: number): boolean =>
  one === other ||
  (character === ' ' && ((one ^ other) & ~FOREGROUND) === 0 && (one & SHOWS_FOREGROUND) === 0);

/** Returns the xterm colour (0–255) of a tone; undefined for the terminal's foreground. */
export const colour = (palette: Palette, tone: Tone): number | undefined => STYLES[palette][tone].colour;
