/**
 * First row to show, so that the screen stays calm: the selected row is kept in sight; when others come or go above
 * it, it stays on its line, unless the top of the table is in view, where new rows are to be seen.
 */
export function nextTop(now: {
  /** First row shown until now. */
  readonly top: number;
  /** Rows that fit. */
  readonly height: number;
  /** Rows there are. */
  readonly length: number;
  /** Position of the selected row, and where it was; -1 for none. */
  readonly index: number;
  readonly lastIndex: number;
  /** The user moved the selection: the rows stay, the selection moves over them. */
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
