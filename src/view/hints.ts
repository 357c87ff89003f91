import { type Hint, PROMPTS } from '../store/prompts.ts';
import type { Seen } from '../store/seen-fields.ts';
import type { Focus, State } from '../store/state.ts';
import type { KeyHelp } from './header/key-help.ts';
import { PANES, PANES_BY_RANK } from './panes/panes.ts';
import { type Line, line, span } from './text/line.ts';
import { displayWidth } from './text/width.ts';

const GAP = 2;

/** The pane that the keys act on, and the one that gets the focus next. */
interface FocusNow {
  readonly focus: Focus;
  readonly next: Focus;
}

/**
 * Returns as many hints as fit. The last one always stays: it leads to the help, or out of the mode.
 * @param panes the pane that the keys act on and the next one, while keys can move in two; else undefined
 */
export function hintLine(
  keys: readonly KeyHelp[],
  state: Pick<State, 'prompt' | 'list' | 'panes'> & { readonly table: { readonly seen: Seen } },
  width: number,
  panes: FocusNow | undefined,
): Line {
  const { prompt, table } = state;
  const hints = [
    ...(prompt ? PROMPTS[prompt.kind].hints : (paneHints(state) ?? tableHints(keys, table.seen, panes))),
  ];
  const size = () =>
    hints.reduce((sum, { label, hint }) => sum + displayWidth(`${label} ${hint}`) + GAP, -GAP);
  while (hints.length > 1 && size() > width) hints.splice(-2, 1);
  return line(
    ...hints.flatMap(({ label, hint }, i) => [
      span(i > 0 ? ' '.repeat(GAP) : ''),
      span(label, 'accent'),
      span(` ${hint}`, 'quiet'),
    ]),
  );
}

/** Returns the hints of the most important pane that has some. */
function paneHints(state: Pick<State, 'list' | 'panes'>): readonly Hint[] | undefined {
  for (const name of PANES_BY_RANK) {
    const hints = PANES[name].hints?.(state);
    if (hints) return hints;
  }
  return undefined;
}

function tableHints(keys: readonly KeyHelp[], seen: Seen, panes: FocusNow | undefined): Hint[] {
  const inLog = keys.flatMap(({ label, focusHint }) => {
    const hint = panes && (focusHint === 'next pane' ? PANES[panes.next].title : focusHint?.[panes.focus]);
    return hint === undefined ? [] : [{ label, hint }];
  });
  const usual = keys.flatMap(({ label, hint, hintFor }) =>
    hint === undefined || (hintFor && !seen[hintFor]) || inLog.some((it) => it.label === label)
      ? []
      : [{ label, hint }],
  );
  return [...inLog, ...usual];
}
