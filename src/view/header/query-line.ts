import { counted, printable } from '../../model/text.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Message, State } from '../../store/state.ts';
import { countText } from '../text/format.ts';
import { GROUPINGS } from '../table/grouping.ts';
import type { Line } from '../text/line.ts';
import { hostWords } from './host-words.ts';
import { firstKey, type KeyHelp } from './key-help.ts';
import { messageLines, messageTone } from './message-line.ts';
import { promptLine } from './prompt-line.ts';
import { type Tab, viewTabs } from './view-tabs.ts';
import { type Part, rangeText } from '../text/position.ts';
import { GAP, spread, widthOf, type Word } from '../text/spread.ts';
import { cutEnd, displayWidth } from '../text/width.ts';

/** Numbers of shown and other sockets, for the right side of the line. */
export interface Share {
  /** Number of open sockets: shown, and in total; undefined before the first batch. */
  readonly shown: number;
  readonly total: number | undefined;
  /** Number of open sockets that match and are hidden by a hide rule. */
  readonly hidden: number;
  /** Number of open sockets that match and are shown by the row of their peer. */
  readonly joined?: number;
  /** Number of open sockets in TIME_WAIT that match and are only counted. */
  readonly timeWait?: number;
  /** The visible part of the table: of its rows, which include closed ones; of all its lines if rows are grouped. */
  readonly rows?: Part;
  /** A regex of the query that was too slow: sockets it was not evaluated for are not shown. */
  readonly tooSlow?: string | undefined;
}

/** Returns `12 of 345`; nothing before the first batch. */
export const shareText = ({ shown, total }: Share): string =>
  total === undefined ? '' : `${countText(shown)} of ${countText(total)}`;

/** Maximum length of a position that leaves room for the built-in views in 80 cells. */
const MAX_POSITION = 16;

const withoutRange = (share: Share): Word => ({ text: shareText(share), rank: 1 });

/** Returns how many sockets are shown, and which rows of the table are visible if it has more. */
function shareWord(share: Share, isGrouped: boolean): Word {
  const { shown, total, rows } = share;
  if (rows === undefined) return withoutRange(share);
  const range = rangeText(rows);
  const length = countText(rows.length);
  // Closed rows are not part of the share.
  const hasClosed = !isGrouped && rows.length !== shown;
  const open = hasClosed && shown !== total ? ' open' : '';
  const part = shareText(share);
  if (range === '') return { text: part + open, short: part, rank: 1 };
  if (isGrouped) {
    const text = `${range} of ${length} · ${part}`;
    return { text: `lines ${text}`, short: text, rank: 1 };
  }
  // Nothing is left out: one number is enough.
  if (shown === total) {
    const text = `${range} of ${length}`;
    const short = text.length > MAX_POSITION ? `${range}/${length}`.replaceAll(',', '') : text;
    return { text: `rows ${text}`, short, rank: 1 };
  }
  if (!hasClosed) return { text: `rows ${range} · ${part}`, short: `${range} · ${part}`, rank: 1 };
  // The short text is no longer than without closed rows, so the views beside it do not come and go with each close.
  const short = rows.top + rows.height > shown ? `${range} of ${length}` : `${range} · ${part}`;
  return { text: `rows ${range} of ${length} · ${part}${open}`, short, rank: 1 };
}

/** Words up to this rank keep their room beside a long query, which keeps at least `MIN_LABEL` cells. */
const KEPT_RANK = 3;
const MIN_LABEL = 8;

/** The rank of the query or message. A message is short-lived: only more important words may be beside it. */
const LABEL_RANK = 1.5;

/** Returns the words that say why rows are not shown, or not in their usual order. */
function reasonWords(state: State, keys: readonly KeyHelp[], share: Share): readonly Word[] {
  const { pause, frozen, group } = state;
  const { hidden, joined = 0, timeWait = 0, tooSlow } = share;
  const since = pause && `paused  +${pause.spawned} ~${pause.changed} −${pause.closed} since`;
  const status: Word[] = [...hostWords(state.query, state.lookups), ...nameWords(state, keys)];
  if (since) status.push({ text: since, short: since.replace(/ since$/, ''), tone: 'warning', rank: 2 });
  if (tooSlow !== undefined)
    status.push({
      text: `/${printable(tooSlow)}/ is too slow: some matches may be missing`,
      short: 'regex too slow',
      tone: 'warning',
      rank: 1.2,
    });
  if (frozen) status.push({ text: 'order frozen', short: 'frozen', tone: 'warning', rank: 3 });
  const marked = countMarked(state);
  if (marked > 0) status.push({ text: `${countText(marked)} marked`, tone: 'quiet', rank: 2.2 });
  if (group) status.push({ text: `by ${GROUPINGS[group].name}`, tone: 'quiet', rank: 5 });
  if (hidden > 0) {
    const key = firstKey(keys, 'hide-rules');
    const where = key === undefined ? '' : `: ${key}`;
    status.push({
      text: `${countText(hidden)} hidden by you${where}`,
      short: `${countText(hidden)} hidden${where}`,
      tone: 'quiet',
      rank: 2.5,
    });
  }
  if (timeWait > 0) {
    const text = `${countText(timeWait)} TIME_WAIT`;
    status.push({ text: `${text} folded`, short: text, tone: 'quiet', rank: 4.6 });
  }
  if (joined > 0) {
    const text = `${counted(joined, 'pair')} in one row`;
    status.push({ text, short: `${countText(joined)} in pairs`, tone: 'quiet', rank: 4.5 });
  }
  return status;
}

/** Returns how many names a query about names can find. */
function nameWords({ query, lookups: { names, asked, asksNames } }: State, keys: readonly KeyHelp[]): Word[] {
  if (!query.asksNames) return [];
  const known = counted(
    asked.size + [...names.values()].filter(({ type }) => type === 'name').length,
    'name',
  );
  const key = firstKey(keys, 'resolve-names');
  if (asksNames || asked.size > 0)
    return [{ text: `knows ${known} of peers`, short: known, tone: 'quiet', rank: 2.4 }];
  const how = key === undefined ? '' : `: ${key} asks`;
  return [
    {
      text: `knows ${known} of peers${how}`,
      short: `${known}${how}`,
      tone: 'warning',
      rank: 2.4,
    },
  ];
}

/** Returns the number of marked rows that are still there. */
const countMarked = (state: State): number => {
  const { rows } = pictureOf(state);
  return [...state.marked].filter((id) => rows.has(id)).length;
};

const shortest = (words: readonly Word[]): Word[] =>
  words.map((it) => ({ ...it, text: it.short ?? it.text }));

/** The views in the line, none while it shows something else, and the words beside them. */
interface Sides {
  readonly tabs: readonly Tab[];
  readonly right: readonly Word[];
}

/** Returns both sides of the line. Where room is short, the words beside the views get shorter before the views leave. */
function sidesOf(state: State, keys: readonly KeyHelp[], share: Share, width: number): Sides {
  const reasons = reasonWords(state, keys, share);
  const range = shareWord(share, state.group !== null);
  const words = [...reasons, range];
  if (state.prompt || state.message) return { tabs: [], right: words };
  for (const beside of [reasons, shortest(reasons)]) {
    const tabs = viewTabs(state, keys, width - GAP - widthOf([...beside, ...shortest([range])]));
    if (tabs.length > 0) return { tabs, right: words };
  }
  return { tabs: [], right: words };
}

/** Returns the views in the line; none while it shows something else. */
export const filterTabs = (
  state: State,
  keys: readonly KeyHelp[],
  share: Share,
  width: number,
): readonly Tab[] => sidesOf(state, keys, share, width).tabs;

/**
 * Returns the line with the query, or the prompt, and how many sockets are shown.
 * @param hasLineBelow false if the line of `promptHelp` has no room
 */
export function filterLine(
  state: State,
  keys: readonly KeyHelp[],
  share: Share,
  width: number,
  hasLineBelow = true,
): Line {
  const { prompt, message, query } = state;
  if (prompt) return promptLine(prompt, shareText(share), width, hasLineBelow);
  const { tabs, right: words } = sidesOf(state, keys, share, width);
  if (tabs.length > 0) return spread(tabs, words, width);
  if (message) {
    const right = besideMessage(message, words, share, width);
    const label = { text: printable(message.text), tone: messageTone(message), rank: LABEL_RANK };
    return right ? spread([label], right, width) : messageLines(message, width)[0];
  }
  // Words that say why rows are missing come before the end of a long query, and before the visible rows.
  const keptOf = (of: readonly Word[]) => shortest(of.filter(({ rank }) => rank <= KEPT_RANK));
  const isTight = widthOf(keptOf(words)) + GAP + MIN_LABEL > width;
  const right = isTight ? [...words.slice(0, -1), withoutRange(share)] : words;
  const kept = keptOf(right);
  const room = Math.max(MIN_LABEL, width - widthOf(kept) - GAP);
  const text = `/ ${printable(query.text)}`;
  const label: Word =
    query.text === ''
      ? { text: 'all sockets', tone: 'quiet', rank: 9 }
      : { text, short: cutEnd(text, room), tone: 'accent', rank: LABEL_RANK };
  return spread([label], right, width);
}

/** Returns the words beside a message: with the visible rows if these have room; undefined if nothing has room. */
function besideMessage(
  { text }: Message,
  words: readonly Word[],
  share: Share,
  width: number,
): readonly Word[] | undefined {
  const fits = (right: readonly Word[]): boolean =>
    displayWidth(printable(text)) + GAP + widthOf(shortest(right.filter(({ rank }) => rank < LABEL_RANK))) <=
    width;
  return [words, [...words.slice(0, -1), withoutRange(share)]].find(fits);
}

/** Returns the rest of a long message, for the line below it; undefined if there is none. */
export function messageRest(
  state: State,
  keys: readonly KeyHelp[],
  share: Share,
  width: number,
): Line | undefined {
  const { prompt, question, message } = state;
  if (prompt || question || !message) return undefined;
  if (besideMessage(message, sidesOf(state, keys, share, width).right, share, width)) return undefined;
  const [, rest] = messageLines(message, width);
  return rest.spans.every(({ text }) => text === '') ? undefined : rest;
}
