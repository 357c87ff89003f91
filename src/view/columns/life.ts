import type { ColumnId } from '../../store/columns.ts';
import type { Mark, Row } from '../../store/row.ts';
import { earliestStartMs, rowAgeText } from '../text/age-text.ts';
import { ageText, clockText, dateText, livedText, NOTHING } from '../text/format.ts';
import { type CellContext, type ColumnSpec, onRequest, requestedNumberColumn } from './column.ts';

const DAY_MS = 86_400_000;

/** Minimum drift between the two clocks that changes the offset, milliseconds. */
const MIN_DRIFT_MS = 500;
let offsetMs = NaN;

/**
 * Returns when a row was first seen, on the wall clock. The two clocks are not read at the same instant, so the offset
 * between them is kept until it drifts; else times at the edge of a second would jitter.
 */
function firstSeenAtMs({ firstSeenMs }: Row, { nowMs, takenAtMs }: CellContext): number {
  const now = takenAtMs - nowMs;
  if (!(Math.abs(now - offsetMs) < MIN_DRIFT_MS)) offsetMs = now;
  return firstSeenMs + offsetMs;
}

const MARKS: Readonly<Record<Mark, string>> = {
  none: NOTHING,
  spawned: 'new',
  changed: 'changed',
  closed: 'closed',
};

/** Returns `keepalive   1h`, padded so that the time keeps its position. */
function timerText({ socket: { timer } }: Row, { takenAtMs }: CellContext): string {
  if (timer === undefined) return NOTHING;
  const left = ageText(Math.max(0, timer.dueAtMs - takenAtMs));
  return `${timer.kind.padEnd('keepalive'.length)} ${left.padStart(4)}`;
}

/** Returns true if age or lifetime is only a lower bound. */
const isLowerBound = ({ mark, lifetimeMs, isAtLeast, baseline }: Row): boolean =>
  mark === 'closed' && lifetimeMs !== undefined ? (isAtLeast ?? false) : baseline;

const certaintyText = (row: Row): string => (isLowerBound(row) ? 'at least' : 'exact');

/** Range of the sort keys of the baseline: less than the time between two polls, so that any later socket sorts as younger. */
const BASELINE_RANGE_MS = 50;
/** A time after every start of a program, milliseconds since 1970. */
const NEVER_MS = 1e13;

/**
 * Returns the sort key of the age. All sockets of the baseline were first seen at once: among them, those whose programs
 * started last come first, and those without a known start last.
 */
function ageKey(row: Row): number {
  if (!row.baseline) return -row.firstSeenMs;
  return BASELINE_RANGE_MS * (1 - (earliestStartMs(row) ?? 0) / NEVER_MS) - row.firstSeenMs;
}

/** Columns about time: age, lifetime, mark and timers. */
export const LIFE_COLUMNS = {
  age: {
    title: 'AGE',
    about:
      'age; > at least, since netpane first saw it; ≤ at most, since its program started; once closed, how long it lived',
    align: 'right',
    width: { least: 5, good: 5, most: 5 },
    priority: 13,
    text: rowAgeText,
    key: ageKey,
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
    // Drops the seconds, or the year.
    shortText: (row, context) => {
      const ms = firstSeenAtMs(row, context);
      return context.takenAtMs - ms < DAY_MS ? clockText(ms).slice(0, 5) : dateText(ms).slice(5);
    },
    key: ({ firstSeenMs }) => -firstSeenMs,
  }),
  lifetime: requestedNumberColumn({
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
    text: certaintyText,
    key: certaintyText,
  }),
  mark: onRequest({
    title: 'MARK',
    about: 'what happened a moment ago: new, changed or closed',
    align: 'left',
    width: { least: 5, good: 7, most: 7 },
    text: ({ mark }) => MARKS[mark],
    key: ({ mark }) => (mark === 'none' ? null : MARKS[mark]),
  }),
  timer: onRequest({
    title: 'TIMER',
    about: 'next timer and when it fires: on (retransmit), keepalive, timewait, persist (zero-window probe)',
    align: 'left',
    width: { least: 14, good: 14, most: 14 },
    text: timerText,
    key: ({ socket }) => socket.timer?.dueAtMs ?? null,
  }),
  timerRetransmits: requestedNumberColumn({
    title: 'UNANS',
    about: 'retransmits or probes in a row without an answer',
    value: ({ socket }) => socket.timer?.retransmits,
  }),
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
