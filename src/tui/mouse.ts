import type { Action } from '../store/actions.ts';
import type { Scene } from '../view/panes/pane.ts';
import { move } from '../view/screen.ts';
import type { PaintedRegion } from './painter.ts';

/** A mouse event of blessed. */
export interface MouseInput {
  readonly action: string;
  readonly button?: string;
  readonly x: number;
  readonly y: number;
}

const WHEEL_ROWS = 3;

/**
 * Returns the actions of a mouse event.
 * @param painted the picture that the user sees: a click means it, though rows may have moved since
 * @param now the scene after the actions dispatched so far
 */
export function mouseActions(
  { action, button, x, y }: MouseInput,
  painted: readonly PaintedRegion[],
  now: Scene,
): readonly Action[] {
  const target = painted.find(
    ({ region: { left, top, width, height } }) =>
      y >= top && y < top + height && x >= left && x < left + width,
  );
  if (action === 'wheelup' || action === 'wheeldown') {
    const by = action === 'wheelup' ? -WHEEL_ROWS : WHEEL_ROWS;
    return target?.wheel?.(now, by) ?? [move(now, by, 'row')];
  }
  if (action !== 'mousedown' || button !== 'left' || !target?.click) return [];
  return target.click(x - target.region.left, y - target.region.top, now);
}
