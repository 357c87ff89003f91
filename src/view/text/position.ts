import { countText } from './format.ts';

/** Which part of a longer text or table is visible. */
export interface Part {
  /** Index of the first visible line. */
  readonly top: number;
  /** Number of lines that fit. */
  readonly height: number;
  /** Number of all lines. */
  readonly length: number;
}

/** Returns the nearest first line that leaves no room empty. */
export const topWithin = ({ top, height, length }: Part): number =>
  Math.max(0, Math.min(top, length - height));

/** Returns the part moved as little as needed, so that the line at the cursor is visible and no room is empty. */
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

/** Returns the position followed by a note, either of which may be empty: `36–71 of 350 · 12 shown`. */
export const withPosition = (part: Part, note: string): string =>
  [positionText(part), note].filter((text) => text !== '').join(' · ');
