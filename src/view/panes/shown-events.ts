import { hasSocket, type LogEntry } from '../../model/event.ts';
import type { Direction } from '../../model/socket.ts';
import { compileForSubjects } from '../../query/compile.ts';
import type { Query } from '../../query/query.ts';
import type { Subject } from '../../query/subject.ts';
import type { EventLog } from '../../store/log.ts';
import { hasSameAnswers, type Lookups, NO_LOOKUPS } from '../../store/lookups.ts';
import { peerOf } from '../../store/peers.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Picture, State } from '../../store/state.ts';
import { subjectOfEvent } from './event-subject.ts';
import { queryContext } from '../table/query-context.ts';

/** Number of events filtered per call: takes about ten milliseconds. */
const RUN = 10_000;

/** Returns the index of the first of these ascending numbers that is not below `number`. */
function lowerBound(numbers: readonly number[], number: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The events that are shown: those that match the filter, and every gap and action. A sum matches if its last connection
 * does. The filter is evaluated once per event: for new events at once, for older ones in runs, from the newest back.
 */
export class ShownEvents {
  #query: Query | undefined;
  #lookups: Lookups = NO_LOOKUPS;
  #baselineMs: number | undefined;
  #context: { nowMs: number } = { nowMs: 0 };
  #tooSlow: string | undefined;
  #matches: (subject: Subject) => boolean = () => true;
  /** The rows of the picture: they know the peer of a socket, and its latest direction. */
  #rows: Picture['rows'] = new Map();
  /** The clock of the batches minus wall-clock time, milliseconds. */
  #toMonotonicMs = 0;
  /** The events from `#from` up to `#to` are filtered. */
  #from = 0;
  #to = 0;
  /** Ascending numbers of the shown ones among them; empty without a filter. */
  #numbers: number[] = [];
  #isFiltered = false;

  get length(): number {
    return this.#isFiltered ? this.#numbers.length : this.#to - this.#from;
  }

  /** Returns the log number of the event at a position. */
  numberAt(index: number): number | undefined {
    if (index < 0 || index >= this.length) return undefined;
    return this.#isFiltered ? this.#numbers[index] : this.#from + index;
  }

  /** Returns the position of an event, or of the next older shown one, else the first; -1 if no event is shown. */
  indexOf(number: number): number {
    const after = this.#isFiltered ? lowerBound(this.#numbers, number + 1) : number + 1 - this.#from;
    return Math.min(Math.max(0, after - 1), this.length - 1);
  }

  /**
   * Catches up with the state.
   * @returns false while older events are still to be filtered, by further calls
   */
  update(state: State): boolean {
    const { log, query, lookups, baselineMs } = state;
    this.#toMonotonicMs = (state.nowMs ?? 0) - state.takenAtMs;
    // A pause shows the events until it began.
    const { logEnd: end, rows } = pictureOf(state);
    this.#rows = rows;
    const start = Math.min(log.start, end);
    const isAnswered = !hasSameAnswers(query, lookups, this.#lookups);
    if (query !== this.#query || isAnswered || baselineMs !== this.#baselineMs) {
      [this.#query, this.#lookups, this.#baselineMs] = [query, lookups, baselineMs];
      this.#tooSlow = undefined;
      const context = {
        ...queryContext(state),
        peerOf: (subject: Subject) => peerOf(this.#rows, subject)?.socket,
        tooSlow: (regex: string) => void (this.#tooSlow = regex),
      };
      this.#context = context;
      this.#matches = compileForSubjects(query, context);
      this.#isFiltered = query.text.trim() !== '';
      this.#restart(end);
    }
    if (!this.#isFiltered) {
      [this.#from, this.#to] = [start, end];
      return true;
    }
    // After many new events, such as while the pane was closed, start again from the newest one.
    if (end - this.#to > RUN) this.#restart(end);
    for (const number of this.#matching(log, Math.max(this.#to, start), end)) this.#numbers.push(number);
    this.#to = end;
    if (this.#from < start) {
      this.#from = start;
      this.#numbers.splice(0, lowerBound(this.#numbers, start));
    } else if (this.#from > start) {
      const from = Math.max(start, this.#from - RUN);
      this.#numbers = this.#matching(log, from, this.#from).concat(this.#numbers);
      this.#from = from;
    }
    return this.#from === start;
  }

  /** A regex of the query that was too slow and matches nothing any more; undefined if there is none. */
  get tooSlow(): string | undefined {
    return this.#tooSlow;
  }

  #restart(end: number): void {
    [this.#from, this.#to] = [end, end];
    this.#numbers = [];
  }

  /** Returns the numbers of matching events in a range. */
  #matching(log: EventLog, from: number, to: number): number[] {
    const numbers: number[] = [];
    for (let number = from; number < to; number++) {
      const event = log.at(number);
      if (event && this.#isShown(event, log.directionAt(number, this.#rows))) numbers.push(number);
    }
    return numbers;
  }

  #isShown(event: LogEntry, direction: Direction | undefined): boolean {
    if (!hasSocket(event)) return true;
    const peer = this.#rows.get(event.socket.id)?.peer;
    // Ages are those at the time of the event.
    this.#context.nowMs = event.atMs + this.#toMonotonicMs;
    const known = { ...(direction && { direction }), ...(peer !== undefined && { peer }) };
    return this.#matches(subjectOfEvent(event, this.#toMonotonicMs, known));
  }
}
