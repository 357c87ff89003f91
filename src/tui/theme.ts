import type { Palette } from '../store/state.ts';
import type { Tone } from '../view/line.ts';

interface Style {
  /** Colour of xterm's 256; the terminal's own foreground where absent. The background is always the terminal's. */
  readonly colour?: number;
  readonly bold?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
}

/*
 * Colours of the fixed part of xterm's palette, whatever the user's first sixteen are set to. Each has a contrast of 4.5
 * or more (WCAG 2.2, 1.4.3) on black and on white, which only some ten of the 240 have.
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
  // On the bar of the selection, which is inverse itself, it stands out as a gap.
  cell: { bold: true, inverse: true },
  cursor: { inverse: true },
};

/** How each meaning looks. Blessed knows no dim text, so quiet is grey. */
const STYLES: Readonly<Record<Palette, Readonly<Record<Tone, Style>>>> = {
  // The first eight colours are the user's own choice in the terminal.
  standard: {
    ...COMMON,
    quiet: { colour: GREY },
    accent: { colour: 6 },
    warning: { colour: 3 },
    error: { colour: 1, bold: true },
    spawned: { colour: 2 },
    changed: { colour: 3 },
    closed: { colour: 1 },
  },
  // No colour has a contrast of 7 on black and on white: the terminal's own foreground has the most there is, and marks
  // are told by weight and line.
  'high-contrast': {
    ...COMMON,
    group: { bold: true, underline: true },
    quiet: {},
    accent: { bold: true },
    warning: { bold: true, underline: true },
    error: { bold: true, inverse: true },
    spawned: { bold: true },
    changed: { bold: true, underline: true },
    closed: { underline: true },
  },
  // These three stay apart for every common kind of colour blindness.
  'colour-blind': {
    ...COMMON,
    quiet: { colour: GREY },
    accent: { colour: BLUE },
    warning: { colour: BRICK, bold: true },
    error: { colour: MAGENTA, bold: true },
    spawned: { colour: BLUE },
    changed: { colour: BRICK },
    closed: { colour: MAGENTA },
  },
  mono: {
    ...COMMON,
    quiet: {},
    accent: { bold: true },
    warning: { bold: true },
    error: { bold: true },
    spawned: { bold: true },
    changed: { bold: true },
    closed: {},
  },
};

/** The attribute of blessed's cells: flags, foreground and background, nine bits each; 0x1ff is the terminal's own. */
const DEFAULT_COLOUR = 0x1ff;
const FLAG = { bold: 1, underline: 2, inverse: 8 } as const;

const attributeOf = ({ colour, bold, underline, inverse }: Style): number => {
  const flags = (bold ? FLAG.bold : 0) | (underline ? FLAG.underline : 0) | (inverse ? FLAG.inverse : 0);
  return (flags << 18) | ((colour ?? DEFAULT_COLOUR) << 9) | DEFAULT_COLOUR;
};

/** Attribute of a cell that means `tone`; `selected` shows it inverse. */
export function attribute(palette: Palette, tone: Tone, selected: boolean): number {
  const style = STYLES[palette][tone];
  return attributeOf(selected ? { ...style, inverse: !style.inverse } : style);
}

/** Colour of a meaning, of xterm's 256; undefined for the terminal's own foreground. */
export const colour = (palette: Palette, tone: Tone): number | undefined => STYLES[palette][tone].colour;
