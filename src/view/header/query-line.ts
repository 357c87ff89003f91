import { printable } from '../../model/text.ts';
import type { State } from '../../store/state.ts';
import { activeView, viewsOf } from '../../store/views.ts';
import { countText } from '../text/format.ts';
import { GROUPINGS } from '../table/grouping.ts';
import type { Line } from '../text/line.ts';
import { hostWords } from './host-words.ts';
import { promptLine } from './prompt-line.ts';
import { GAP, spread, widthOf, type Word } from '../text/spread.ts';
import { cutEnd } from '../text/width.ts';

/** Number of views that have a number key. */
const VIEW_KEYS = 9;

/** How many of all sockets are shown. */
export interface Share {
  /** Number of open sockets: shown, and in total. */
  readonly shown: number;
  readonly total: number;
  /** Number of open sockets that match and are hidden by a hide rule. */
  readonly hidden: number;
  /** Number of open sockets that match and are shown by the row of their peer. */
  readonly joined?: number;
  /** Number of open sockets in TIME_WAIT that match and are only counted. */
  readonly timeWait?: number;
  /** A regex of the query that was too slow: sockets it was not evaluated for are not shown. */
  readonly tooSlow?: string | undefined;
}

/** `12 of 345` */
export const shareText = ({ shown, total }: Share): string => `${countText(shown)} of ${countText(total)}`;

/** Returns the views with number keys, the active one marked; none if no view is active. */
function viewWords(state: State): Word[] {
  const now = activeView(state);
  if (now === undefined) return [];
  return viewsOf(state)
    .slice(0, VIEW_KEYS)
    .map((view, i) => ({
      text: `${i + 1} ${printable(view.name)}`,
      tone: view === now ? 'strong' : 'quiet',
      rank: 9,
    }));
}

/** Words up to this rank keep their room before a long query, which keeps at least these cells. */
const KEPT_RANK = 3;
const MIN_LABEL = 8;

/**
 * Returns the line with the query, or the prompt, and how many sockets are shown.
 * @param hasLineBelow false if the line of `promptHelp` has no room
 */
export function filterLine(state: State, share: Share, width: number, hasLineBelow = true): Line {
  const { prompt, pause, frozen, message, query, group } = state;
  const { hidden, joined = 0, timeWait = 0, tooSlow } = share;
  const shareWord: Word = { text: shareText(share), rank: 1 };
  if (prompt) return promptLine(prompt, shareWord.text, width, hasLineBelow);
  const since = pause && `paused  +${pause.spawned} ~${pause.changed} −${pause.closed} since`;
  const status: Word[] = hostWords(state.query, state.lookups);
  if (since) status.push({ text: since, short: since.replace(/ since$/, ''), tone: 'warning', rank: 2 });
  if (tooSlow !== undefined)
    status.push({
      text: `/${printable(tooSlow)}/ is too slow: some matches may be missing`,
      short: 'regex too slow',
      tone: 'warning',
      rank: 1.2,
    });
  if (frozen) status.push({ text: 'order frozen', short: 'frozen', tone: 'warning', rank: 3 });
  if (group) status.push({ text: `by ${GROUPINGS[group].name}`, tone: 'quiet', rank: 5 });
  if (hidden > 0)
    status.push({
      text: `${countText(hidden)} hidden by you: H`,
      short: `${countText(hidden)} hidden: H`,
      tone: 'quiet',
      rank: 2.5,
    });
  if (timeWait > 0) {
    const text = `${countText(timeWait)} TIME_WAIT`;
    status.push({ text: `${text} folded`, short: text, tone: 'quiet', rank: 4.6 });
  }
  if (joined > 0) {
    const text = `${countText(joined)} ${joined === 1 ? 'pair' : 'pairs'} in one row`;
    status.push({ text, short: `${countText(joined)} in pairs`, tone: 'quiet', rank: 4.5 });
  }
  const right = [...status, shareWord];
  // Words that say why rows are missing come before the end of a long query.
  const kept = right
    .filter(({ rank }) => rank <= KEPT_RANK)
    .map((it) => ({ ...it, text: it.short ?? it.text }));
  const room = Math.max(MIN_LABEL, width - widthOf(kept) - GAP);
  const text = message ? printable(message.text) : query.text === '' ? '' : `/ ${printable(query.text)}`;
  const tone = message?.isError ? 'error' : 'accent';
  const label: Word =
    text === ''
      ? { text: 'all sockets', tone: 'quiet', rank: 9 }
      : { text, short: cutEnd(text, room), tone, rank: 1.5 };
  const views = message ? [] : viewWords(state);
  const hasRoom = views.length > 0 && widthOf(views) + GAP + widthOf(right) <= width;
  return spread(hasRoom ? views : [label], right, width);
}
