import { printable } from '../../model/text.ts';
import type { State, View } from '../../store/state.ts';
import { activeView, viewsOf } from '../../store/views.ts';
import type { KeyHelp } from './key-help.ts';
import { GAP, widthOf, type Word } from '../text/spread.ts';
import { displayWidth } from '../text/width.ts';

/** Number of views that have a number key. */
const VIEW_KEYS = 9;

/** Minimum number of views in the line; with room for fewer, it shows the query instead. */
const MIN_TABS = 3;

/** A view in the filter line; without a view, the sign that some are left out. */
export interface Tab extends Word {
  readonly view?: View;
  /** First cell in the line, and number of cells. */
  readonly left: number;
  readonly width: number;
}

const OTHERS: Word = { text: '…', tone: 'quiet', rank: 9 };

const placed = (words: readonly (Word & { readonly view?: View })[]): readonly Tab[] => {
  let left = 0;
  return words.map((word) => {
    const tab = { ...word, left, width: displayWidth(word.text) };
    left += tab.width + GAP;
    return tab;
  });
};

/**
 * Returns the views with number keys that fit, always with the active one, which is marked; none if no view is active
 * or too few fit.
 * @param keys the keys in effect
 * @param room cells
 */
export function viewTabs(state: State, keys: readonly KeyHelp[], room: number): readonly Tab[] {
  const now = activeView(state);
  if (now === undefined) return [];
  const numbers = keys.find(({ id }) => id === 'view-by-number')?.keys ?? [];
  const all = viewsOf(state)
    .slice(0, VIEW_KEYS)
    .map((view, i) => ({
      view,
      text: `${numbers[i] ?? ''} ${printable(view.name)}`.trim(),
      tone: view === now ? ('strong' as const) : ('quiet' as const),
      rank: 9,
    }));
  if (widthOf(all) <= room) return placed(all);
  const active = all.findIndex(({ view }) => view === now);
  for (let count = all.length - 1; count >= MIN_TABS; count--) {
    const isFirst = active < count;
    const words = [
      ...all.slice(0, isFirst ? count : count - 1),
      OTHERS,
      ...all.slice(isFirst ? all.length : active, active + 1),
    ];
    if (widthOf(words) <= room) return placed(words);
  }
  return [];
}
