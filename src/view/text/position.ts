import { countText } from './format.ts';

/** The visible part of a longer text or table. */
export interface Part {
  /** Index of the first visible line. */
  readonly top: number;
  /** Number of lines that fit. */
  readonly height: number;
  /** Number of all lines. */
  readonly length: number;
}

/** Returns the first visible line, moved as little as needed so that lines fill the height if there are enough. */
export const topWithin = ({ top, height, length }: Part): number =>
  Math.max(0, Math.min(top, length - height));

/** Returns the part moved as little as needed so that the line at the cursor is visible; see also `topWithin`. */
export const around = (part: Part, cursor: number): Part => ({
  ...part,
  top: topWithin({ ...part, top: Math.max(Math.min(part.top, cursor), cursor - part.height + 1) }),
});

/** Returns `36–71`; empty if all lines are visible. */
export function rangeText({ top, height, length }: Part): string {
  if (height < 1 || (top === 0 && length <= height)) return '';
  return `${countText(top + 1)}–${countText(Math.min(top + height, length))}`;
}

/** Returns `36–71 of 350`; empty if all lines are visible. */
export function positionText(part: Part): string {
  const range = rangeText(part);
  return range === '' ? '' : `${range} of ${countText(part.length)}`;
}

/** Returns the position and a note: `36–71 of 350 · 12 shown`. Either may be empty. */
export const withPosition = (part: Part, note: string): string =>
  [positionText(part), note].filter((text) => text !== '').join(' · ');
