import type { Focus, List, PromptKind, State } from '../store/state.ts';
import type { Seen } from '../store/table.ts';
import type { KeyHelp } from './help.ts';
import { type Line, line, span } from './line.ts';
import { displayWidth } from './width.ts';

interface Hint {
  /** Keys as a person calls them. */
  readonly label: string;
  /** A word or two. */
  readonly hint: string;
}

const GAP = 2;

const ACCEPT: Hint = { label: 'enter', hint: 'done' };
const CANCEL: Hint = { label: 'esc', hint: 'as before' };
const COMPLETE: Hint = { label: 'tab', hint: 'completes' };
const CLEAR: Hint = { label: 'ctrl-u', hint: 'clears' };
const CLOSE: Hint = { label: 'esc', hint: 'closes' };

const completed: readonly Hint[] = [ACCEPT, COMPLETE, CLEAR, CANCEL];
const free: readonly Hint[] = [ACCEPT, CLEAR, CANCEL];

/** Where keys mean something else than in the table: while something is typed, in a list, in the help. */
const MODES: Readonly<Record<PromptKind | List['kind'] | 'help', readonly Hint[]>> = {
  query: [ACCEPT, COMPLETE, { label: 'up', hint: 'earlier ones' }, CLEAR, CANCEL],
  port: completed,
  process: completed,
  netns: completed,
  save: free,
  view: free,
  views: [
    { label: 'enter', hint: 'switches to it' },
    { label: 'a', hint: 'adds the present one' },
    { label: 'd', hint: 'removes' },
    CLOSE,
  ],
  'hide-rules': [{ label: 'd', hint: 'shows it again' }, CLOSE],
  columns: [
    { label: 'space', hint: 'shows, hides' },
    { label: '< >', hint: 'moves' },
    { label: '+ -', hint: 'width' },
    { label: 'r', hint: 'as at first' },
    CLOSE,
  ],
  help: [
    { label: 'up down', hint: 'scroll' },
    { label: '?', hint: 'closes' },
  ],
};

/**
 * The keys to know first, as many as fit; of those of the table the last, which leads to all others, before any.
 * @param focus what the keys move in while the event log is open; undefined while it is not
 */
export function hintLine(
  keys: readonly KeyHelp[],
  state: Pick<State, 'prompt' | 'list' | 'panes'> & { readonly table: { readonly seen: Seen } },
  width: number,
  focus: Focus | undefined,
): Line {
  const { prompt, list, panes, table } = state;
  const mode = prompt?.kind ?? (panes.help ? 'help' : list?.kind);
  const hints = mode ? [...MODES[mode]] : tableHints(keys, table.seen, focus);
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

function tableHints(keys: readonly KeyHelp[], seen: Seen, focus: Focus | undefined): Hint[] {
  const inLog = keys.flatMap(({ label, logHint }) => {
    const hint = focus && logHint?.[focus];
    return hint === undefined ? [] : [{ label, hint }];
  });
  const usual = keys.flatMap(({ label, hint, hintFor }) =>
    hint === undefined || (hintFor && !seen[hintFor]) || inLog.some((it) => it.label === label)
      ? []
      : [{ label, hint }],
  );
  return [...inLog, ...usual];
}
