import { focusOn, KEYS_HERE } from './focus.ts';
import { goToRow, type NumberedEvent } from './go-to-row.ts';
import { linesIn, type PaneRow } from './pane.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Place } from '../../store/panes.ts';
import type { State } from '../../store/state.ts';
import { eventLine } from './events.ts';
import { countText } from '../text/format.ts';
import { rangeText } from '../text/position.ts';
import { spread } from '../text/spread.ts';
import type { Line } from '../text/line.ts';
import type { ShownEvents } from './shown-events.ts';
import { nextTop } from '../table/viewport.ts';

/** Returns the index of the cursor; -1 if no event is shown. */
const cursorIndex = ({ eventNumber }: State, shown: ShownEvents): number =>
  eventNumber === null ? shown.length - 1 : shown.indexOf(eventNumber);

/** Returns where the log is scrolled to. @param lines height of the pane, including its title */
export function logPlace(state: State, shown: ShownEvents, lines: number): Place {
  const { eventNumber, places } = state;
  const index = cursorIndex(state, shown);
  const top = nextTop({
    top: eventNumber === null ? shown.length : places.events.top,
    height: Math.max(0, lines - 1),
    length: shown.length,
    index,
    lastIndex: places.events.index,
    moved: places.events.moved,
  });
  return { top, index, moved: false };
}

/** Returns the event under the cursor, and its number; undefined if there is none. */
export function eventAtCursor(state: State, shown: ShownEvents): NumberedEvent | undefined {
  const number = shown.numberAt(cursorIndex(state, shown));
  const event = number === undefined ? undefined : state.log.at(number);
  return number === undefined || event === undefined ? undefined : { number, event };
}

/** Returns the number of the event `by` lines below the cursor; null, which follows the newest event, at the end. */
export function numberAfter(state: State, shown: ShownEvents, by: number): number | null {
  const index = Math.max(0, cursorIndex(state, shown) + by);
  return index >= shown.length - 1 ? null : (shown.numberAt(index) ?? null);
}

/** Returns the number of events of a page. @param lines height of the pane, including its title */
export const eventPage = (lines: number): number => Math.max(1, lines - 2);

/** Returns the numbers of the visible events, from the first line under the title. */
export const visibleEvents = ({ places }: State, shown: ShownEvents, lines: number): number[] =>
  Array.from({ length: Math.max(0, lines - 1) }, (_, i) => shown.numberAt(places.events.top + i)).filter(
    (number) => number !== undefined,
  );

/**
 * Returns the title and the visible events.
 * @param isFocused true if the keys move the cursor
 */
export function eventPaneLines(
  state: State,
  shown: ShownEvents,
  width: number,
  lines: number,
  isFocused: boolean,
): Line[] {
  const { index: cursor, top } = state.places.events;
  const { rows } = pictureOf(state);
  const events = visibleEvents(state, shown, lines).flatMap((number, i) => {
    const event = state.log.at(number);
    const isHere = top + i === cursor;
    const resting = isHere && state.eventNumber !== null ? 'resting' : 'none';
    const direction = state.log.directionAt(number, rows);
    return event ? [eventLine(event, direction, width, isHere && isFocused ? 'moving' : resting)] : [];
  });
  return [titleOf(state, shown, width, lines, isFocused), ...events];
}

function titleOf(state: State, shown: ShownEvents, width: number, lines: number, isFocused: boolean): Line {
  const { length } = shown;
  const { log, query, eventNumber, logNote, places } = state;
  const { logEnd: end } = pictureOf(state);
  const kept = end - Math.min(log.start, end);
  const range = rangeText({ top: places.events.top, height: lines - 1, length });
  const share =
    query.text !== ''
      ? `${countText(length)} of ${countText(kept)}`
      : kept < end
        ? `last ${countText(kept)} of ${countText(end)}`
        : `${countText(end)} since start`;
  // `36–71 of 350 since start`
  const joint = query.text === '' && kept === end ? ' of ' : ' · ';
  const newer = length - 1 - places.events.index;
  return spread(
    [
      { text: `${isFocused ? KEYS_HERE : ''}EVENTS`, tone: 'header', rank: 1 },
      {
        text: end === 0 ? 'no events yet' : range === '' ? share : range + joint + share,
        short: range === '' ? share : range,
        tone: 'quiet',
        rank: 4,
      },
      {
        text: eventNumber === null ? 'following' : `${countText(newer)} newer`,
        tone: 'quiet',
        rank: 3,
      },
      // The note is about an older event: it is left out while the cursor follows the newest one.
      ...(logNote === null || eventNumber === null
        ? []
        : [{ text: logNote, tone: 'warning', rank: 2 } as const]),
    ],
    [],
    width,
  );
}

/** The event log. */
export const EVENTS: PaneRow = {
  position: { where: 'below', lines: ({ all }) => Math.floor(all / 3) },
  rank: 4,
  title: 'event log',
  key: {
    id: 'event-log',
    keys: ['e'],
    name: 'open or close the event log',
    about: 'event log: sockets that opened, changed and closed',
    hint: 'events',
  },
  lines: ({ state, events, focus }, { width, height }) =>
    eventPaneLines(state, events, width, height, focus === 'events'),
  move: ({ state, events }, { height }, by, unit) => ({
    type: 'select-event',
    number: numberAfter(state, events, linesIn(unit, eventPage(height), Infinity) * by),
  }),
  // Scrolls while the cursor stays on its line.
  wheel: ({ state, events }, by) => [
    { type: 'scroll-log', top: state.places.events.top + by, number: numberAfter(state, events, by) },
  ],
  clickIn: ({ state, events }, { height }) => {
    const numbers = visibleEvents(state, events, height);
    return (_, y, now, isDouble) => {
      const number = numbers[y - 1];
      if (number === undefined) return [focusOn(now, 'events')];
      const event = now.state.log.at(number);
      return isDouble && event
        ? [goToRow(now, { number, event })]
        : [focusOn(now, 'events'), { type: 'select-event', number }];
    };
  },
};
