import { type Hint, PROMPTS } from '../store/prompts.ts';
import type { Seen } from '../store/seen-fields.ts';
import { type Focus, PANE_NAMES } from '../store/panes.ts';
import type { State } from '../store/state.ts';
import { firstKey, type KeyHelp } from './header/key-help.ts';
import { PANES, PANES_BY_RANK } from './panes/panes.ts';
import { type Line, line, span } from './text/line.ts';
import { displayWidth } from './text/width.ts';

const GAP = 2;

/** The pane that the keys act on, and the one that gets the focus next. */
interface FocusNow {
  readonly focus: Focus;
  readonly next: Focus;
}

/** The parts of the state on which the hints depend. */
type Mode = Pick<State, 'prompt' | 'list' | 'panes' | 'question' | 'helpQuery' | 'hideRules' | 'views'>;

/** A hint with the keys in effect, and the actions that they start. */
export interface ShownHint extends Hint {
  readonly label: string;
}

/** Hints at the end of the line of the table. They stay on a narrow screen, the last one longest. */
const LAST = ['command-palette', 'help'];

/** Rank of a hint without one of its own. */
const USUAL_RANK = 10;

const QUESTION_HINTS: readonly Hint[] = [
  { actions: ['answer-yes'], hint: 'yes' },
  { actions: ['close'], hint: 'no' },
];

/** The hints of the last call, and the values from which they were made. Each paint needs them, and a tick rarely changes them. */
let last: { readonly from: readonly unknown[]; readonly hints: readonly ShownHint[] } | undefined;

/**
 * Returns as many hints as fit. The last one always stays: it leads to the help, or out of the mode.
 * @param panes the pane that the keys act on and the next one, while keys can move in two; else undefined
 */
export function shownHints(
  keys: readonly KeyHelp[],
  state: Mode & { readonly table: { readonly seen: Seen } },
  width: number,
  panes: FocusNow | undefined,
): readonly ShownHint[] {
  const { prompt, list, panes: open, question, helpQuery, hideRules, views, table } = state;
  // The hints of a prompt do not depend on what is typed.
  const parts = [prompt?.kind, list, open, question, helpQuery, hideRules, views, table.seen];
  const from = [keys, ...parts, width, panes?.focus, panes?.next];
  if (last?.from.every((part, i) => part === from[i]) !== true)
    last = { from, hints: fittingHints(keys, state, width, panes) };
  return last.hints;
}

function fittingHints(
  keys: readonly KeyHelp[],
  state: Mode & { readonly table: { readonly seen: Seen } },
  width: number,
  panes: FocusNow | undefined,
): readonly ShownHint[] {
  const ofMode = modeHints(state);
  const hints = (ofMode ?? tableHints(keys, state, panes)).flatMap((hint) => {
    const label = hint.actions.flatMap((id) => firstKey(keys, id) ?? []).join(' ');
    return label === '' ? [] : [{ ...hint, label }];
  });
  const sizeOf = ({ label, hint }: ShownHint) => displayWidth(`${label} ${hint}`) + GAP;
  let size = hints.reduce((sum, hint) => sum + sizeOf(hint), -GAP);
  let kept = ofMode ? 1 : LAST.filter((id) => firstKey(keys, id) !== undefined).length;
  while (hints.length > 1 && size > width) {
    if (hints.length === kept) kept--;
    for (const dropped of hints.splice(-kept - 1, 1)) size -= sizeOf(dropped);
  }
  return hints;
}

/** Returns the line of hints. Parameters as in `shownHints`. */
export const hintLine = (...args: Parameters<typeof shownHints>): Line =>
  line(
    ...shownHints(...args).flatMap(({ label, hint }, i) => [
      span(i > 0 ? ' '.repeat(GAP) : ''),
      span(label, 'accent'),
      span(` ${hint}`, 'quiet'),
    ]),
  );

/**
 * Returns the key at a cell of the line of hints; undefined between two hints. In `up down scroll` a cell of
 * `down` gives that key, and a cell of `scroll` the first key.
 */
export function hintKeyAt(hints: readonly ShownHint[], x: number): string | undefined {
  let left = 0;
  for (const { label, hint } of hints) {
    const at = x - left;
    const keys = label.split(' ');
    const width = displayWidth(`${label} ${hint}`);
    if (at >= 0 && at < width)
      return at < label.length ? keys[label.slice(0, at).split(' ').length - 1] : keys[0];
    left += width + GAP;
  }
  return undefined;
}

/** Returns the hints of a question, a prompt, or the most important pane that has some; undefined for the table. */
function modeHints(state: Mode): readonly Hint[] | undefined {
  if (state.question) return QUESTION_HINTS;
  if (state.prompt) return PROMPTS[state.prompt.kind].hints;
  for (const name of PANES_BY_RANK) {
    const hints = PANES[name].hints?.(state);
    if (hints) return hints;
  }
  return undefined;
}

function tableHints(
  keys: readonly KeyHelp[],
  state: Mode & { readonly table: { readonly seen: Seen } },
  panes: FocusNow | undefined,
): readonly Hint[] {
  const { seen } = state.table;
  const open = new Set<string>(PANE_NAMES.filter((name) => state.panes[name]));
  const ofFocus = keys.flatMap(({ id, focusHint }): Hint[] => {
    const hint = panes && (focusHint === 'next pane' ? PANES[panes.next].title : focusHint?.[panes.focus]);
    return hint === undefined ? [] : [{ actions: [id], hint }];
  });
  const usual = keys
    .flatMap((key): (Hint & { readonly rank: number })[] => {
      const { id, hint, openHint, hintFor } = key;
      const text = open.has(id) ? (openHint ?? hint) : hint;
      if (text === undefined || (hintFor && !seen[hintFor])) return [];
      if (ofFocus.some(({ actions }) => actions.includes(id))) return [];
      return [{ actions: [id], hint: text, rank: rankOf(key) }];
    })
    .sort((a, b) => a.rank - b.rank);
  return [...ofFocus, ...usual];
}

const rankOf = ({ id, hintRank = USUAL_RANK }: KeyHelp): number => hintRank + 100 * (LAST.indexOf(id) + 1);
