/**
 * Returns the first row to show. The selected row stays visible. It also stays on its line of the screen when rows
 * above it come or go, unless the top of the table is visible, where new rows must appear.
 */
export function nextTop(now: {
  /** First row shown so far. */
  readonly top: number;
  /** Number of rows that fit. */
  readonly height: number;
  /** Number of rows. */
  readonly length: number;
  /** Position of the selected row, now and before; -1 for none. */
  readonly index: number;
  readonly lastIndex: number;
  /** True if the user moved the selection: rows stay, the selection moves. */
  readonly moved: boolean;
}): number {
  const { height, length, index, lastIndex, moved } = now;
  let { top } = now;
  if (index >= 0) {
    if (!moved && top > 0 && lastIndex >= 0) top += index - lastIndex;
    top = Math.max(Math.min(top, index), index - height + 1);
  }
  return Math.max(0, Math.min(top, length - height));
}
