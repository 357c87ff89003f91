import { counted, printable } from '../../model/text.ts';
import type { State } from '../../store/state.ts';
import type { Counted, Tick } from '../../store/counts.ts';
import {
  compactText,
  countText,
  durationText,
  intervalText,
  roughIntervalText,
  throughputText,
} from '../text/format.ts';
import type { Line } from '../text/line.ts';
import { firstKey, type KeyHelp } from './key-help.ts';
import { COVERAGE, type Notice, noticesOf } from './notices.ts';
import { GAP, spread, widthOf, type Word } from '../text/spread.ts';
import { cutEnd, displayWidth } from '../text/width.ts';

const MINUTE_MS = 60_000;

/** Counts the sockets that opened and closed in the last minute. */
export function minuteOf(history: readonly Tick[], nowMs: number): { spawned: number; closed: number } {
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

/** Returns a cost in coarse steps, so that the number stays calm while nothing really changes. */
export function costText(ms: number): string {
  if (ms < 1) return '<1 ms';
  return `${ms < 10 ? Math.round(ms) : Math.round(ms / 5) * 5} ms`;
}

/** Returns the chosen interval, and the one in use if it is more than 5 % longer (less may be a late timer). */
const pacedText = ({ intervalMs, pacedIntervalMs }: Pick<State, 'intervalMs' | 'pacedIntervalMs'>): string =>
  pacedIntervalMs <= intervalMs * 1.05
    ? intervalText(intervalMs)
    : `${intervalText(intervalMs)} → ${roughIntervalText(pacedIntervalMs)}`;

/**
 * Returns the throughput of the sockets with byte counters; nothing if unknown. `TCP` or `≥` before it says that open
 * sockets without counters may have traffic too.
 */
function throughputWords(tick: Partial<Tick>, { uncounted, countedOthers }: Counted): Word[] {
  const text = throughputText(tick);
  if (text === '') return [];
  const of = uncounted === 0 ? '' : countedOthers === 0 ? 'TCP ' : '≥ ';
  const short = `${of}↓${compactText(tick.rxRate).padStart(4)} ↑${compactText(tick.txRate).padStart(4)}`;
  return [{ text: of + text, short, rank: 2.5 }];
}

/** Minimum width of a first line that also names system, source and coverage. */
const ROOM_FOR_SYSTEM = 110;

const systemWords = ({ system, source, coverage }: State): Word[] => [
  { text: printable(system), tone: 'quiet', rank: 9.5 },
  ...(source ? [{ text: source, tone: 'quiet', rank: 9 } as const] : []),
  ...(coverage ? [{ ...COVERAGE[coverage.level], tone: 'quiet', rank: 8.5 } as const] : []),
];

/** Returns what a poll costs, what it reads and how often; on a narrow screen also what the line above has no room for. */
function costWords(state: State, width: number): Word[] {
  const { socketsMs = 0, ownersMs = 0, diffMs = 0 } = state.cost ?? {};
  return [
    { text: `poll ${costText(socketsMs + ownersMs + diffMs)}`, rank: 1 },
    {
      text: `(sockets ${costText(socketsMs)}, programs ${costText(ownersMs)}, differences ${costText(diffMs)})`,
      tone: 'quiet',
      rank: 4,
    },
    { text: `every ${pacedText(state)}`, rank: 2 },
    ...(width < ROOM_FOR_SYSTEM ? systemWords(state) : []),
  ];
}

/** Returns the one or two header lines. */
export function headerLines(state: State, keys: readonly KeyHelp[], width: number, height: number): Line[] {
  const { total, established, listening, other } = state.table.totals;
  const first = spread(
    [
      { text: 'netpane', tone: 'strong', rank: 8 },
      { text: printable(state.host), rank: 4 },
      ...(width >= ROOM_FOR_SYSTEM ? systemWords(state) : []),
      { text: pacedText(state), tone: 'quiet', rank: 3 },
    ],
    // Before the first batch the counts are unknown, not zero.
    state.nowMs === undefined
      ? []
      : [
          {
            text: counted(total, 'socket'),
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
  const silence = silenceWords(state);
  // A silence replaces the numbers of the last batch, which are out of date.
  if (silence.length > 0)
    return height < 2 ? [spread([], silence, width)] : [first, spread([], silence, width)];
  if (height < 2 || state.nowMs === undefined) return [first];
  if (state.showsCost) return [first, spread(costWords(state, width), [], width)];
  const minute = minuteOf(state.table.history, state.nowMs);
  const { spawned, closed } = state.lastTick ?? { spawned: 0, closed: 0 };
  const pair = (plus: number, minus: number, digits: number) =>
    `${`+${plus}`.padStart(digits)} ${`−${minus}`.padStart(digits)}`;
  const lastPair = pair(spawned, closed, 0);
  const left: Word[] = [
    { text: `${pair(spawned, closed, 3)} now`, short: lastPair, rank: 2 },
    { text: `${pair(minute.spawned, minute.closed, 4)} /min`, rank: 4 },
    ...throughputWords(state.lastTick ?? {}, state.table.counted),
  ];
  // In a narrow pane notices replace the rates: missing sockets are always reported.
  const notices = noticesOf(state);
  const isWhole = widthOf(left) + GAP + displayWidth(printable(notices[0]?.text ?? '')) <= width;
  const room = width - displayWidth(lastPair) - GAP;
  return [first, spread(left, noticeWords(notices, firstKey(keys, 'help'), room, isWhole), width)];
}

/** Returns how long the sampler has sent no batch, and what it is doing; nothing while it is not silent. */
function silenceWords({ silence, nowMs }: State): Word[] {
  if (silence === null) return [];
  const time = durationText(silence.forMs);
  const last = nowMs === undefined ? `no answer for ${time}` : `last update ${time} ago`;
  const text = `${last}: the sampler is busy (${silence.doing})`;
  return [{ text, short: `${last}: busy`, tone: 'warning', rank: 0.5 }];
}

/**
 * Returns the first notice, and how to see the rest: the help has all of them in full.
 * @param key key of the help, if it has one
 * @param room cells for its short form
 * @param isWhole true if its long form has room
 */
function noticeWords(
  all: readonly Notice[],
  key: string | undefined,
  room: number,
  isWhole: boolean,
): Word[] {
  const [first, ...others] = all;
  if (first === undefined) return [];
  const hint = hintWord(others.length, key, isWhole);
  const left = room - (hint.short ? displayWidth(hint.short) + GAP : 0);
  const short = cutEnd(printable(first.short), left);
  return [{ text: printable(first.text), short, tone: 'warning', rank: 2.4 }, hint];
}

/** Returns a hint how to see the other notices, which stays longest; with a single notice, how to read more, dropped first. */
function hintWord(others: number, key: string | undefined, isWhole: boolean): Word {
  const tone = 'warning';
  if (others > 0)
    return key === undefined
      ? {
          text: counted(others, 'more notice'),
          short: `${others} more`,
          tone,
          rank: 2.3,
        }
      : { text: `${key} shows ${others} more`, short: `${key} ${others} more`, tone, rank: 2.3 };
  return { text: isWhole || key === undefined ? '' : `${key} says more`, tone, rank: 5 };
}
