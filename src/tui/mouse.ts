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

const isLeft = ({ button }: MouseInput): boolean => button === 'left';

/** Result of a mouse event: actions, then a key. */
export interface MouseEffect {
  readonly actions: readonly Action[];
  /** Name of a key that the app handles as if it had been pressed. */
  readonly key?: string | undefined;
}

/** Maximum time between the two clicks of a double-click, milliseconds; that of most desktops. */
const DOUBLE_CLICK_MS = 500;

/** Turns mouse events into actions and keys. Keeps the last click, to recognise a double-click. */
export class Mouse {
  #last: { readonly x: number; readonly y: number; readonly atMs: number } | undefined;

  /**
   * Returns what a mouse event does.
   * @param painted the picture that the user sees: a click means it, though rows may have moved since
   * @param now the scene after the actions dispatched so far
   * @param atMs time of the event, on a clock that never runs backwards
   */
  effectOf(input: MouseInput, painted: readonly PaintedRegion[], now: Scene, atMs: number): MouseEffect {
    const { action, x, y } = input;
    const target = regionAt(painted, x, y);
    if (action === 'wheelup' || action === 'wheeldown') {
      const by = action === 'wheelup' ? -WHEEL_ROWS : WHEEL_ROWS;
      return { actions: target?.wheel?.(now, by) ?? [move(now, by, 'row')] };
    }
    if (action !== 'mousedown') return { actions: [] };
    const { question } = now.state;
    // A click that cancels a question is not the first of two.
    const isDouble = !question && isLeft(input) && this.#noteClick(x, y, atMs);
    const [left, top] = target ? [x - target.region.left, y - target.region.top] : [0, 0];
    const key = isLeft(input) ? target?.keyAt?.(left, top, now, isDouble) : undefined;
    // A click cancels the question, like every key that does not answer it.
    if (question)
      return key === undefined ? { actions: [{ type: 'question', question: null }] } : { actions: [], key };
    return { actions: (isLeft(input) && target?.click?.(left, top, now, isDouble)) || [], key };
  }

  /** Notes a click. Returns true for the second of two quick clicks on a cell; a third one is the first of another pair. */
  #noteClick(x: number, y: number, atMs: number): boolean {
    const last = this.#last;
    const isDouble = last?.x === x && last.y === y && atMs - last.atMs <= DOUBLE_CLICK_MS;
    this.#last = isDouble ? undefined : { x, y, atMs };
    return isDouble;
  }
}
