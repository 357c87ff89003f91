import type { Event } from '../../model/event.ts';
import { pictureOf } from '../../store/picture.ts';
import type { State } from '../../store/state.ts';
import { eventLine } from './events.ts';
import { countText } from '../text/format.ts';
import { spread } from '../text/spread.ts';
import type { Line } from '../text/line.ts';
import { ShownEvents } from './shown-events.ts';
import { nextTop } from '../table/viewport.ts';

/** Marks the title of the pane that the keys act on, if there are two. */
export const KEYS_HERE = '▸ ';

/** The event log on the screen: its filtered events, scroll position and cursor. */
export class EventPane {
  readonly #shown = new ShownEvents();
  #state: State | undefined;
  /** Positions of the first visible event and, below, of the cursor. */
  #top = 0;
  /** The first visible event as painted, without scrolling since the last `update`. */
  #paintedTop = 0;
  #index = -1;
  /** Number of events that fit under the title. */
  #height = 0;

  /** See `ShownEvents.tooSlow`. */
  get tooSlow(): string | undefined {
    return this.#shown.tooSlow;
  }

  /**
   * Catches up with the state.
   * @param lines height of the pane, including its title
   * @returns false if older events are still to be filtered: call it again
   */
  update(state: State, lines: number): boolean {
    const isComplete = this.#shown.update(state);
    const { length } = this.#shown;
    const { eventNumber } = state;
    this.#height = Math.max(0, lines - 1);
    const index = eventNumber === null ? length - 1 : this.#shown.indexOf(eventNumber);
    this.#top = nextTop({
      top: eventNumber === null ? length : this.#top,
      height: this.#height,
      length,
      index,
      lastIndex: this.#index,
      moved: eventNumber !== this.#state?.eventNumber,
    });
    this.#paintedTop = this.#top;
    this.#index = index;
    this.#state = state;
    return isComplete;
  }

  /** Number of the event under the cursor; undefined if there is none. */
  get number(): number | undefined {
    return this.#shown.numberAt(this.#index);
  }

  get event(): Event | undefined {
    return this.number === undefined ? undefined : this.#state?.log.at(this.number);
  }

  /** Returns the number of the event in a line of the pane, as of the last `update`; the title is line 0. */
  numberInLine(line: number): number | undefined {
    return line === 0 ? undefined : this.#shown.numberAt(this.#paintedTop + line - 1);
  }

  /** Returns the number of the event `by` lines below the cursor; null, which follows the newest event, at the end. */
  numberAfter(by: number): number | null {
    const index = Math.max(0, this.#index + by);
    return index >= this.#shown.length - 1 ? null : (this.#shown.numberAt(index) ?? null);
  }

  /** Scrolls while the cursor stays on its line. @returns the number of the event that is now under the cursor */
  scroll(by: number): number | null {
    this.#top += by;
    return this.numberAfter(by);
  }

  /** Number of events of a page. */
  get page(): number {
    return Math.max(1, this.#height - 1);
  }

  /**
   * Returns the title and the visible events.
   * @param isFocused true if the keys move this cursor
   * @param note text about the event under the cursor
   */
  lines(width: number, isFocused: boolean, note: string | undefined): Line[] {
    const state = this.#state;
    if (state === undefined) return [];
    const lines = [this.#title(state, width, isFocused, note)];
    for (let index = this.#top; index < Math.min(this.#top + this.#height, this.#shown.length); index++) {
      const event = state.log.at(this.#shown.numberAt(index) ?? -1);
      const isHere = index === this.#index;
      const resting = isHere && state.eventNumber !== null ? 'resting' : 'none';
      if (event) lines.push(eventLine(event, width, isHere && isFocused ? 'moving' : resting));
    }
    return lines;
  }

  #title(state: State, width: number, isFocused: boolean, note?: string): Line {
    const { length } = this.#shown;
    const { log, query, eventNumber } = state;
    const { logEnd: end } = pictureOf(state);
    const kept = end - Math.min(log.start, end);
    const share =
      query.text !== ''
        ? `${countText(length)} of ${countText(kept)}`
        : kept < end
          ? `last ${countText(kept)} of ${countText(end)}`
          : `${countText(end)} since start`;
    const newer = length - 1 - this.#index;
    return spread(
      [
        { text: `${isFocused ? KEYS_HERE : ''}EVENTS`, tone: 'header', rank: 1 },
        { text: end === 0 ? 'no events yet' : share, tone: 'quiet', rank: 4 },
        {
          text: eventNumber === null ? 'following' : `${countText(newer)} newer below`,
          tone: 'quiet',
          rank: 3,
        },
        ...(note === undefined ? [] : [{ text: note, tone: 'warning', rank: 2 } as const]),
      ],
      [],
      width,
    );
  }
}
