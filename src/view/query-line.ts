import { printable } from '../model/text.ts';
import type { State } from '../store/state.ts';
import { activeView, viewsOf } from '../store/views.ts';
import { countText } from './format.ts';
import { GROUPINGS } from './grouping.ts';
import type { Line } from './line.ts';
import { promptLine } from './prompt-line.ts';
import { GAP, spread, widthOf, type Word } from './spread.ts';
import { cutEnd } from './width.ts';

/** As many views as there are digits to press. */
const VIEW_KEYS = 9;

/** What is known of the host names in the query, or why nothing is. */
function hostWords({ query, hosts }: State): Word[] {
  return query.hosts.flatMap((name): Word[] => {
    const answer = hosts.get(name);
    if (answer === undefined) return [];
    const host = printable(name);
    if (answer.type === 'pending')
      return [{ text: `${host}: looking up …`, short: '', tone: 'quiet', rank: 4 }];
    if (answer.type === 'failed')
      return [{ text: `${host}: ${printable(answer.why)}`, short: `${host}?`, tone: 'warning', rank: 2 }];
    const [first = 'no address', ...others] = answer.addresses;
    const more = others.length > 0 ? ` +${others.length}` : '';
    return [{ text: `${host} = ${printable(first)}${more}`, tone: 'quiet', rank: 4 }];
  });
}

/** How much of all there is is shown. */
export interface Share {
  /** Open sockets that are shown, and all there are. */
  readonly shown: number;
  readonly total: number;
  /** Those among the others that are hidden by hide rules. */
  readonly hidden: number;
  /** A regex of the query that took too long: what it has not been asked about is not shown. */
  readonly tooSlow?: string | undefined;
}

/** `12 of 345` */
export const shareText = ({ shown, total }: Share): string => `${countText(shown)} of ${countText(total)}`;

/** The views under the number keys, that of now among them; none where one looks by no view. */
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

/** Words of the filter line up to this rank have their room before the query, of which these cells stay. */
const LEAST_TOLD = 3;
const LEAST_LABEL = 8;

/** The line that tells what is asked for and how much of it is shown; the prompt while something is typed. */
export function filterLine(state: State, of: Share, width: number): Line {
  const { prompt, pause, frozen, message, query, group } = state;
  const { hidden, tooSlow } = of;
  const share: Word = { text: shareText(of), rank: 1 };
  if (prompt) return promptLine(prompt, share.text, width);
  const since = pause && `paused  +${pause.spawned} ~${pause.changed} −${pause.closed} since`;
  const status: Word[] = hostWords(state);
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
      text: `${countText(hidden)} hidden by you`,
      short: `${hidden} hidden`,
      tone: 'quiet',
      rank: 2.5,
    });
  const right = [...status, share];
  // What holds rows back is told before all of a long query.
  const told = right
    .filter(({ rank }) => rank <= LEAST_TOLD)
    .map((it) => ({ ...it, text: it.short ?? it.text }));
  const room = Math.max(LEAST_LABEL, width - widthOf(told) - GAP);
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
