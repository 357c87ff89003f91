import type { ColumnId } from '../../store/state.ts';
import type { Mark, Row } from '../../store/table.ts';
import { ageText, clockText, dateText, livedText, NOTHING } from '../format.ts';
import { type CellContext, type ColumnSpec, onRequest, requestedNumber } from './column.ts';

const DAY_MS = 86_400_000;

/** The two clocks go apart by so much before it is taken note of, milliseconds. */
const TOLERANCE_MS = 500;
let offsetMs = NaN;

/**
 * When a row was seen first, on the wall clock. The two clocks are read one after the other, a hair apart: what is to be
 * added to one of them stays what it was, lest times on the edge of a second go to and fro.
 */
function firstSeenAtMs({ firstSeenMs }: Row, { nowMs, takenAtMs }: CellContext): number {
  const now = takenAtMs - nowMs;
  if (!(Math.abs(now - offsetMs) < TOLERANCE_MS)) offsetMs = now;
  return firstSeenMs + offsetMs;
}

const MARKS: Readonly<Record<Mark, string>> = {
  none: NOTHING,
  spawned: 'new',
  changed: 'changed',
  closed: 'closed',
};

/** `keepalive   1h`: the time stands still while it has the same count of digits, and beyond. */
function timerText({ socket: { timer } }: Row, { takenAtMs }: CellContext): string {
  if (timer === undefined) return NOTHING;
  const left = ageText(Math.max(0, timer.dueAtMs - takenAtMs), false);
  return `${timer.kind.padEnd('keepalive'.length)} ${left.padStart(4)}`;
}

/** True where it is known only that it was there for at least so long. */
const isBound = ({ lifetimeMs, isAtLeast, baseline }: Row): boolean =>
  lifetimeMs === undefined ? baseline : (isAtLeast ?? false);

const knownText = (row: Row): string => (isBound(row) ? 'at least' : 'exact');

/** Since when, for how long, and what comes next. */
export const LIFE_COLUMNS = {
  age: {
    title: 'AGE',
    about: 'time since netpane first saw it, > if opened earlier; once closed, how long it lived',
    align: 'right',
    width: { least: 5, good: 5, most: 5 },
    priority: 13,
    text: ({ firstSeenMs, baseline, lifetimeMs, isAtLeast }, { nowMs }) =>
      lifetimeMs === undefined
        ? ageText(nowMs - firstSeenMs, baseline)
        : livedText(lifetimeMs, isAtLeast ?? false),
    key: ({ firstSeenMs }) => -firstSeenMs,
  },
  firstSeen: onRequest({
    title: 'SEEN AT',
    about: 'time of day when netpane first saw it; the date after a day',
    align: 'right',
    width: { least: 8, good: 8, most: 10 },
    text: (row, context) => {
      const ms = firstSeenAtMs(row, context);
      return context.takenAtMs - ms < DAY_MS ? clockText(ms) : dateText(ms);
    },
    // Without the year.
    shortText: (row, context) => {
      const ms = firstSeenAtMs(row, context);
      return context.takenAtMs - ms < DAY_MS ? clockText(ms).slice(0, 5) : dateText(ms).slice(5);
    },
    key: ({ firstSeenMs }) => -firstSeenMs,
  }),
  lifetime: requestedNumber({
    title: 'LIVED',
    about: 'how long it lived; closed sockets only',
    value: ({ lifetimeMs }) => lifetimeMs,
    text: ({ lifetimeMs, isAtLeast }) =>
      lifetimeMs === undefined ? NOTHING : livedText(lifetimeMs, isAtLeast ?? false),
  }),
  lifetimeKnown: onRequest({
    title: 'AGE IS',
    about: 'whether age and lifetime are exact, or at least (opened before netpane started)',
    align: 'left',
    width: { least: 8, good: 8, most: 8 },
    text: knownText,
    key: knownText,
  }),
  mark: onRequest({
    title: 'MARK',
    about: 'what happened a moment ago: new, changed or closed',
    align: 'left',
    width: { least: 5, good: 7, most: 7 },
    text: ({ mark }) => MARKS[mark],
    key: ({ mark }) => MARKS[mark],
  }),
  timer: onRequest({
    title: 'TIMER',
    about:
      'next timer and when it fires: on (retransmit), keepalive, timewait, persist (zero-window probe)',
    align: 'left',
    width: { least: 14, good: 14, most: 14 },
    text: timerText,
    // Of those in which none runs it is never the first.
    key: ({ socket }) => socket.timer?.dueAtMs ?? Infinity,
  }),
  timerRetransmits: requestedNumber({
    title: 'UNANS',
    about: 'retransmits or probes in a row without an answer',
    value: ({ socket }) => socket.timer?.retransmits,
  }),
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
