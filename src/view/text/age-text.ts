import type { Row } from '../../store/row.ts';
import { ageText, durationText, livedText } from './format.ts';

/** The same moment on the clock of the batches and on the wall clock, milliseconds. */
interface Moment {
  readonly nowMs: number;
  readonly takenAtMs: number;
}

/**
 * Returns when the first of the programs that hold the socket started, milliseconds since 1970: the socket is no older,
 * unless a program that has ended passed it on. Undefined if no start is known.
 */
export function earliestStartMs({ socket: { owners } }: Pick<Row, 'socket'>): number | undefined {
  let earliest: number | undefined;
  for (const { knowledge, startedAtMs } of owners) {
    if (knowledge !== 'exact' || startedAtMs === undefined) continue;
    earliest = Math.min(earliest ?? startedAtMs, startedAtMs);
  }
  return earliest;
}

/** Returns the upper bound of the age of a baseline row, milliseconds; undefined if unknown. */
function maxAgeMs(row: Row, { takenAtMs }: Moment): number | undefined {
  const startMs = row.baseline ? earliestStartMs(row) : undefined;
  return startMs === undefined ? undefined : takenAtMs - startMs;
}

/** Returns every bound of the age of an open row, in words. */
export function ageWords(row: Row, moment: Moment): readonly string[] {
  const { createdAtMs } = row.socket;
  if (createdAtMs !== undefined) return [ageText(Math.max(0, moment.takenAtMs - createdAtMs))];
  const leastMs = moment.nowMs - row.firstSeenMs;
  if (!row.baseline) return [ageText(leastMs)];
  const most = maxAgeMs(row, moment);
  const bound = most === undefined || most < 0 ? [] : [`≤${roundedUp(most)} since its program started`];
  return [`${leastText(leastMs)} opened before netpane started`, ...bound];
}

/**
 * Returns the age of a row in at most five cells: exact where it is known, for a closed row its lifetime. A socket that
 * was open when netpane started has two bounds: `>10s`, since netpane has seen it, and `≤14m`, since its program started.
 * The lower bound is shown once it is at least half of the upper one. It has few steps, because it changes in most rows
 * at once.
 */
export function rowAgeText(row: Row, moment: Moment): string {
  const { nowMs, takenAtMs } = moment;
  const { mark, lifetimeMs, isAtLeast, baseline, firstSeenMs, socket } = row;
  // A remnant has a lifetime too, but is open: its row shows the age.
  if (mark === 'closed' && lifetimeMs !== undefined) return livedText(lifetimeMs, isAtLeast ?? false);
  if (socket.createdAtMs !== undefined) return ageText(Math.max(0, takenAtMs - socket.createdAtMs));
  const least = nowMs - firstSeenMs;
  const most = maxAgeMs(row, moment);
  if (most !== undefined && most > 2 * least) return `≤${roundedUp(most)}`;
  return baseline ? leastText(least) : ageText(least);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Returns a duration rounded up to whole units, and below a minute to ten seconds; an upper bound stays true. */
function roundedUp(ms: number): string {
  const unit = ms <= 50 * SECOND ? 10 * SECOND : ms <= 59 * MINUTE ? MINUTE : ms <= 23 * HOUR ? HOUR : DAY;
  return durationText(Math.ceil(ms / unit) * unit);
}

/**
 * The values of a lower bound below an hour; from then on it changes with each hour, later with each day. In the first
 * second it is `>0s`. There are few steps, because each one writes most rows again.
 */
const STEPS = [
  ...[0, 1, 10, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
];

/** Returns a lower bound of an age: the step at or below it, so that it stays true; the age itself from an hour on. */
const leastText = (ms: number): string =>
  `>${durationText(ms < HOUR ? (STEPS.findLast((step) => step <= ms) ?? 0) : ms)}`;
