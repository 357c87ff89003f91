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

const regionAt = (painted: readonly PaintedRegion[], x: number, y: number): PaintedRegion | undefined =>
  painted.find(
    ({ region: { left, top, width, height } }) =>
      y >= top && y < top + height && x >= left && x < left + width,
  );

const isClick = ({ action, button }: MouseInput): boolean => action === 'mousedown' && button === 'left';

/** Returns the name of the key that a click on its hint presses; undefined elsewhere. */
export function clickedKey(input: MouseInput, painted: readonly PaintedRegion[]): string | undefined {
  const target = isClick(input) ? regionAt(painted, input.x, input.y) : undefined;
  return target?.keyAt?.(input.x - target.region.left);
}

/** Maximum time between the two clicks of a double-click, milliseconds; that of most desktops. */
const DOUBLE_CLICK_MS = 500;

/** Turns mouse events into actions. Keeps the last click, to recognise a double-click. */
export class Mouse {
  #last: { readonly x: number; readonly y: number; readonly atMs: number } | undefined;

  /**
   * Returns the actions of a mouse event.
   * @param painted the picture that the user sees: a click means it, though rows may have moved since
   * @param now the scene after the actions dispatched so far
   * @param atMs time of the event, on a clock that never runs backwards
   */
  actions(input: MouseInput, painted: readonly PaintedRegion[], now: Scene, atMs: number): readonly Action[] {
    const { action, x, y } = input;
    const target = regionAt(painted, x, y);
    if (action === 'wheelup' || action === 'wheeldown') {
      const by = action === 'wheelup' ? -WHEEL_ROWS : WHEEL_ROWS;
      return target?.wheel?.(now, by) ?? [move(now, by, 'row')];
    }
    if (action !== 'mousedown') return [];
    // As any key that is not the answer does.
    if (now.state.question) return [{ type: 'question', question: null }];
    if (!isClick(input)) return [];
    const isDouble = this.#isDouble(x, y, atMs);
    return target?.click?.(x - target.region.left, y - target.region.top, now, isDouble) ?? [];
  }

  /** Returns true for the second of two quick clicks on a cell. A third one is the first of another pair. */
  #isDouble(x: number, y: number, atMs: number): boolean {
    const last = this.#last;
    const isDouble = last?.x === x && last.y === y && atMs - last.atMs <= DOUBLE_CLICK_MS;
    this.#last = isDouble ? undefined : { x, y, atMs };
    return isDouble;
  }
}
