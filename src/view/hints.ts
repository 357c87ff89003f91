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

const ACCEPT: Hint = { label: 'enter', hint: 'apply' };
const CANCEL: Hint = { label: 'esc', hint: 'cancel' };
const COMPLETE: Hint = { label: 'tab', hint: 'complete' };
const CLEAR: Hint = { label: 'ctrl-u', hint: 'clear' };
const CLOSE: Hint = { label: 'esc', hint: 'close' };

const completed: readonly Hint[] = [ACCEPT, COMPLETE, CLEAR, CANCEL];
const free: readonly Hint[] = [ACCEPT, CLEAR, CANCEL];

/** Where keys mean something else than in the table: while something is typed, in a list, in the help. */
const MODES: Readonly<Record<PromptKind | List['kind'] | 'help', readonly Hint[]>> = {
  query: [ACCEPT, COMPLETE, { label: 'up', hint: 'history' }, CLEAR, CANCEL],
  port: completed,
  process: completed,
  netns: completed,
  save: free,
  view: free,
  views: [
    { label: 'enter', hint: 'open' },
    { label: 'a', hint: 'save current' },
    { label: 'd', hint: 'delete' },
    CLOSE,
  ],
  'hide-rules': [{ label: 'd', hint: 'unhide' }, CLOSE],
  columns: [
    { label: 'space', hint: 'toggle' },
    { label: '< >', hint: 'move' },
    { label: '+ -', hint: 'width' },
    { label: 'r', hint: 'reset' },
    CLOSE,
  ],
  help: [
    { label: 'up down', hint: 'scroll' },
    { label: '?', hint: 'close' },
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
