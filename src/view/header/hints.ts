import type { Focus, List, PromptKind, State } from '../../store/state.ts';
import type { Seen } from '../../store/seen-fields.ts';
import { type Line, line, span } from '../text/line.ts';
import { displayWidth } from '../text/width.ts';

/** The parts of a key binding that the help and the hints show. */
export interface KeyHelp {
  /** Display name of its keys: `p`, `ctrl-c`, `up k`. */
  readonly label: string;
  readonly about: string;
  readonly group: string;
  /** One or two words for the line of hints; undefined for less important keys. */
  readonly hint?: string;
  /** The hint is shown only once the source has shown this. */
  readonly hintFor?: keyof Seen;
  /** First hints while the event log is open, by the pane that the keys act on. */
  readonly logHint?: Partial<Readonly<Record<Focus, string>>>;
}

interface Hint {
  /** Display name of the keys. */
  readonly label: string;
  /** One or two words. */
  readonly hint: string;
}

const GAP = 2;

const ACCEPT: Hint = { label: 'enter', hint: 'apply' };
const CANCEL: Hint = { label: 'esc', hint: 'cancel' };
const COMPLETE: Hint = { label: 'tab', hint: 'complete' };
const CLEAR: Hint = { label: 'ctrl-u', hint: 'clear' };
const CLOSE: Hint = { label: 'esc', hint: 'close' };

const WITH_COMPLETION: readonly Hint[] = [ACCEPT, COMPLETE, CLEAR, CANCEL];
const FREE_TEXT: readonly Hint[] = [ACCEPT, CLEAR, CANCEL];

/** Hints where keys differ from those of the table: in prompts, lists and the help. */
const MODES: Readonly<Record<PromptKind | List['kind'] | 'help', readonly Hint[]>> = {
  query: [ACCEPT, COMPLETE, { label: 'up', hint: 'history' }, CLEAR, CANCEL],
  port: WITH_COMPLETION,
  process: WITH_COMPLETION,
  netns: WITH_COMPLETION,
  save: FREE_TEXT,
  view: FREE_TEXT,
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
 * Returns as many hints as fit. The last one always stays: it leads to the help, or out of the mode.
 * @param focus the pane that the keys act on while the event log is open; else undefined
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
