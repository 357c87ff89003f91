import { counted } from '../../model/text.ts';
import type { Degradation } from '../../model/batch.ts';
import type { Coverage, GapEvent } from '../../model/event.ts';
import type { State } from '../../store/state.ts';
import type { DroppedRows } from '../../store/closed-rows.ts';
import type { Summed } from '../../store/counts.ts';
import { missingText, wantedParts } from '../../store/wanted-locations.ts';
import { missedText } from '../text/change-text.ts';
import { clockText, countText } from '../text/format.ts';

/** Says what cannot be seen: a long and a short text. */
export type Notice = Pick<Degradation, 'text' | 'short'>;

/** Returns one notice for all gaps of one kind. */
function gapNotice(gaps: readonly GapEvent[]): Notice[] {
  const last = gaps.at(-1);
  if (last === undefined) return [];
  const missed = gaps.reduce<number | undefined>(
    (sum, gap) => (sum === undefined || gap.missed === undefined ? undefined : sum + gap.missed),
    0,
  );
  const short = missedText({ learntBy: last.learntBy, ...(missed !== undefined && { missed }) });
  return [{ text: `${short} at ${clockText(last.atMs)}`, short }];
}

function droppedRowsNotice(dropped: DroppedRows | undefined): Notice[] {
  if (dropped === undefined) return [];
  const short = `${counted(dropped.rows, 'closed row')} dropped early`;
  return [{ text: `${short}: netpane keeps at most ${countText(dropped.kept)}`, short }];
}

function summedNotice(summed: Summed | undefined): Notice[] {
  if (summed === undefined) return [];
  const short = counted(summed.connections, 'short connection');
  return [{ text: `${short} only counted: the event log has programs and peers`, short }];
}

/** Returns what is wrong with the files that know where peers are, if the table needs them. */
function geoNotices(state: State): Notice[] {
  const { locations } = state.lookups;
  const missing = missingText(wantedParts(state), locations);
  return [
    ...(locations === null || locations === 'pending' ? [] : locations.problems).map((text) => ({
      text,
      short: 'geo file unusable',
    })),
    ...(missing === undefined ? [] : [{ text: missing, short: 'no geo file' }]),
  ];
}

/** Returns all notices; recently missed events first. */
export const noticesOf = (state: State): readonly Notice[] => {
  const { gaps, degradations, table } = state;
  return [
    ...gapNotice(gaps.filter(({ learntBy }) => learntBy === 'destroy')),
    ...gapNotice(gaps.filter(({ learntBy }) => learntBy === 'trace')),
    ...summedNotice(table.summed),
    // The user asked for locations: notices about them come before the lasting ones.
    ...geoNotices(state),
    ...degradations,
    ...droppedRowsNotice(table.droppedRows),
  ];
};

/** Coverage texts for the header. */
export const COVERAGE: Readonly<Record<Coverage['level'], Notice>> = {
  polls: { text: 'polling only', short: 'polls' },
  closes: { text: 'live events: closes only', short: 'closes only' },
  lives: { text: 'live events: opens and closes', short: 'opens, closes' },
  changes: { text: 'live events: all changes', short: 'all changes' },
};

const COVERAGE_TEXT: Readonly<Record<Coverage['level'], string>> = {
  polls: 'changes between two polls are not seen',
  closes: 'some short-lived changes may be missed',
  lives: 'changes of state between two polls are not seen',
  changes: 'some short-lived changes may be missed',
};

/** Returns what netpane misses between two polls, and why; undefined if it misses nothing. */
export const coverageText = ({ level, why }: Coverage): string | undefined =>
  why === undefined
    ? level === 'changes'
      ? undefined
      : COVERAGE_TEXT[level]
    : `${COVERAGE_TEXT[level]} (${why})`;
