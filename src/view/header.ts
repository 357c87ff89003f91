import { printable } from '../model/text.ts';
import { describeFilter } from '../query/filter.ts';
import type { Prompt, State } from '../store/state.ts';
import type { Tick } from '../store/table.ts';
import { compactText, countText, intervalText, roughIntervalText, throughputText } from './format.ts';
import { type Line, line, type Span, span, type Tone } from './line.ts';
import { CATCHING, type Notice, noticesOf } from './notices.ts';
import { charactersOf, cutEnd, displayWidth, fit } from './width.ts';

/** A word of a line that has more to say than room: the highest rank leaves first, its short form before it. */
interface Word {
  readonly text: string;
  readonly short?: string;
  readonly tone?: Tone;
  readonly rank: number;
}

const GAP = 2;

const widthOf = (words: readonly Word[]): number =>
  words.reduce((sum, word) => sum + displayWidth(word.text), 0) + GAP * Math.max(0, words.length - 1);

/** Words at both edges of a line, as many as fit, the least important shortened and left out first. */
export function spread(left: readonly Word[], right: readonly Word[], width: number): Line {
  const present = [...left, ...right].toSorted((a, b) => b.rank - a.rank);
  const shown = new Map(present.map((word) => [word, word.text]));
  const words = (side: readonly Word[]) =>
    side.flatMap((word) => (shown.has(word) ? [{ ...word, text: shown.get(word) ?? '' }] : []));
  const between = left.length > 0 && right.length > 0 ? GAP : 0;
  const fits = () => widthOf(words(left)) + widthOf(words(right)) + between <= width;
  for (const word of present) if (!fits() && word.short !== undefined) shown.set(word, word.short);
  for (const word of present) if (!fits()) shown.delete(word);
  const [start, end] = [words(left), words(right)];
  const spans = (side: readonly Word[]): Span[] =>
    side.flatMap((word, i) => [span(i > 0 ? ' '.repeat(GAP) : ''), span(word.text, word.tone ?? 'plain')]);
  return line(
    ...spans(start),
    span(' '.repeat(Math.max(0, width - widthOf(start) - widthOf(end)))),
    ...spans(end),
  );
}

const MINUTE_MS = 60_000;

/** Sockets that came and went within the last minute. */
function lastMinute(history: readonly Tick[], nowMs: number): { spawned: number; closed: number } {
  let spawned = 0;
  let closed = 0;
  for (let i = history.length - 1; i >= 0; i--) {
    const tick = history[i];
    if (!tick || tick.monotonicMs <= nowMs - MINUTE_MS) break;
    spawned += tick.spawned;
    closed += tick.closed;
  }
  return { spawned, closed };
}

/** A cost in steps that a glance can tell apart, so that the number rests while nothing really changes. */
export function costText(ms: number): string {
  if (ms < 1) return '<1 ms';
  return `${ms < 10 ? Math.round(ms) : Math.round(ms / 5) * 5} ms`;
}

/** The interval asked for, and the one in use where that is longer by more than a clock may be late. */
const pacedText = ({ intervalMs, pacedIntervalMs }: State): string =>
  pacedIntervalMs <= intervalMs * 1.05
    ? intervalText(intervalMs)
    : `${intervalText(intervalMs)} → ${roughIntervalText(pacedIntervalMs)}`;

/** What goes through all sockets together, where that is known. */
function throughputWords(tick: Partial<Tick>): Word[] {
  const text = throughputText(tick);
  const short = `↓${compactText(tick.rxRate).padStart(4)} ↑${compactText(tick.txRate).padStart(4)}`;
  return text === '' ? [] : [{ text, short, rank: 2.5 }];
}

/** The one or two lines at the top. */
export function headerLines(state: State, width: number, height: number): Line[] {
  const { total, established, listening, other } = state.table.totals;
  const first = spread(
    [
      { text: 'netpane', tone: 'strong', rank: 8 },
      { text: printable(state.host), rank: 4 },
      { text: printable(state.system), tone: 'quiet', rank: 9 },
      ...(state.source ? [{ text: state.source, tone: 'quiet', rank: 5 } as const] : []),
      ...(state.catching ? [{ ...CATCHING[state.catching.level], tone: 'quiet', rank: 4.5 } as const] : []),
      { text: pacedText(state), tone: 'quiet', rank: 3 },
    ],
    // Before the first batch nothing is known, not even that there are none.
    state.nowMs === undefined
      ? []
      : [
          {
            text: `${countText(total)} ${total === 1 ? 'socket' : 'sockets'}`,
            short: countText(total),
            rank: 1,
          },
          {
            text: `${countText(established)} established`,
            short: `${countText(established)} estab`,
            rank: 2,
          },
          { text: `${countText(listening)} listening`, short: `${countText(listening)} listen`, rank: 2 },
          { text: `${countText(other)} other`, rank: 6 },
        ],
    width,
  );
  if (height < 2 || state.nowMs === undefined) return [first];
  const minute = lastMinute(state.table.history, state.nowMs);
  const { spawned, closed } = state.lastTick ?? { spawned: 0, closed: 0 };
  const { cost } = state;
  const pair = (plus: number, minus: number, digits: number) =>
    `${`+${plus}`.padStart(digits)} ${`−${minus}`.padStart(digits)}`;
  const notices = noticeWords(noticesOf(state), width);
  const second = spread(
    [
      { text: `${pair(spawned, closed, 3)} a tick`, short: pair(spawned, closed, 0), rank: 2 },
      { text: `${pair(minute.spawned, minute.closed, 4)} a minute`, rank: 4 },
      ...throughputWords(state.lastTick ?? {}),
      ...(cost
        ? [
            {
              text: `tick ${costText(cost.sampleMs + cost.ownersMs + cost.diffMs)}`,
              tone: 'quiet',
              rank: 5,
            } as const,
          ]
        : []),
    ],
    notices,
    width,
  );
  return [first, second];
}

/** The first notice in the most words that fit, and how many more there are; the help tells all of them. */
function noticeWords(all: readonly Notice[], width: number): Word[] {
  const [first] = all;
  if (first === undefined) return [];
  const more = all.length > 1 ? ` (+${all.length - 1}: ?)` : '';
  const short = printable(first.short) + more;
  return [{ text: printable(first.text) + more, short: cutEnd(short, width), tone: 'warning', rank: 3 }];
}

const PROMPT_LABELS: Readonly<Record<Prompt['kind'], string>> = {
  text: '/ ',
  port: 'port: ',
  process: 'process: ',
  netns: 'namespace: ',
};

/** The line that tells what is filtered and how much of it is shown; the prompt while something is typed. */
export function filterLine(state: State, shown: number, total: number, width: number): Line {
  const { prompt, pause, frozen } = state;
  const share: Word = { text: `${countText(shown)} of ${countText(total)}`, rank: 1 };
  if (prompt) return promptLine(prompt, share.text, width);
  const filter = printable(describeFilter(state.filter));
  const since = pause && `paused  +${pause.spawned} ~${pause.changed} −${pause.closed} since`;
  const status: Word[] = [];
  if (since) status.push({ text: since, short: since.replace(/ since$/, ''), tone: 'warning', rank: 2 });
  if (frozen) status.push({ text: 'order frozen', short: 'frozen', tone: 'warning', rank: 3 });
  const label: Word = filter
    ? {
        text: `/ ${filter}`,
        short: cutEnd(`/ ${filter}`, Math.max(8, width - share.text.length - GAP)),
        tone: 'accent',
        rank: 1.5,
      }
    : { text: 'all sockets', tone: 'quiet', rank: 9 };
  return spread([label], [...status, share], width);
}

function promptLine({ kind, text, cursor, untouched, error }: Prompt, share: string, width: number): Line {
  const label = PROMPT_LABELS[kind];
  const side = error ? `  ${error}` : `  ${share}`;
  const room = Math.max(1, width - label.length - Math.min(displayWidth(side), Math.floor(width / 2)) - 1);
  // The text before the cursor stays in sight, however long it is.
  let before = printable(text.slice(0, cursor));
  while (displayWidth(before) > room - 1 && before !== '') before = charactersOf(before).slice(1).join('');
  const [here = ' '] = charactersOf(text.slice(cursor));
  const under = printable(here);
  const after = cutEnd(
    printable(text.slice(cursor + here.length)),
    Math.max(0, room - displayWidth(before) - displayWidth(under)),
  );
  const used = label.length + displayWidth(before + under + after);
  return line(
    span(label, 'accent'),
    // What was filled in stands there as selected text does: typing replaces it.
    span(before, untouched ? 'cursor' : 'plain'),
    span(under, 'cursor'),
    span(after),
    span(fit(side, Math.max(0, width - used), 'right'), error ? 'error' : 'quiet'),
  );
}
