import type { Event } from '../model/event.ts';
import { compileForSubjects } from '../query/compile.ts';
import type { Query } from '../query/query.ts';
import type { Subject } from '../query/subject.ts';
import type { EventLog } from '../store/log.ts';
import type { State } from '../store/state.ts';
import { subjectOfEvent } from './event-subject.ts';
import { queryContext } from './query-context.ts';

/** So many events are asked about at a time: it takes some ten milliseconds. */
const RUN = 10_000;

/** Position of the first of these ascending numbers that is not below `number`. */
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
 * The events that are shown: those in the log that the filter lets through, and every gap. Each event is asked about
 * once for a filter, the new ones at once, those of before in runs from the newest back.
 */
export class ShownEvents {
  #query: Query | undefined;
  #hosts: State['hosts'] | undefined;
  #baselineMs: number | undefined;
  #context: { nowMs: number } = { nowMs: 0 };
  #tooSlow: string | undefined;
  #matches: (subject: Subject) => boolean = () => true;
  #directionOf: (id: string) => Subject['direction'] = () => undefined;
  /** What to add to wall-clock time to get that of the batches. */
  #toMonotonicMs = 0;
  /** The events from `#from` up to `#to` have been asked about. */
  #from = 0;
  #to = 0;
  /** Ascending numbers of those among them that are shown; empty while all are. */
  #numbers: number[] = [];
  #isFiltered = false;

  get length(): number {
    return this.#isFiltered ? this.#numbers.length : this.#to - this.#from;
  }

  /** Number in the log of the event at a position. */
  numberAt(index: number): number | undefined {
    if (index < 0 || index >= this.length) return undefined;
    return this.#isFiltered ? this.#numbers[index] : this.#from + index;
  }

  /** Position of an event; of one that is not shown that of the next older one, else the first; -1 where there is none. */
  indexOf(number: number): number {
    const after = this.#isFiltered ? lowerBound(this.#numbers, number + 1) : number + 1 - this.#from;
    return Math.min(Math.max(0, after - 1), this.length - 1);
  }

  /**
   * Catches up with the state.
   * @returns false while events further back are still to be asked about, by further calls
   */
  update(state: State): boolean {
    const { log, query, hosts, baselineMs, pause, table } = state;
    this.#toMonotonicMs = (state.nowMs ?? 0) - state.takenAtMs;
    this.#directionOf = (id) => table.rows.get(id)?.direction;
    // The picture of a pause stands still.
    const end = pause ? pause.logEnd : log.end;
    const start = Math.min(log.start, end);
    if (query !== this.#query || hosts !== this.#hosts || baselineMs !== this.#baselineMs) {
      [this.#query, this.#hosts, this.#baselineMs] = [query, hosts, baselineMs];
      this.#tooSlow = undefined;
      const context = { ...queryContext(state), tooSlow: (regex: string) => void (this.#tooSlow = regex) };
      this.#context = context;
      this.#matches = compileForSubjects(query, context);
      this.#isFiltered = query.text.trim() !== '';
      this.#restart(end);
    }
    if (!this.#isFiltered) {
      [this.#from, this.#to] = [start, end];
      return true;
    }
    // Nobody has looked for long.
    if (end - this.#to > RUN) this.#restart(end);
    for (const number of this.#ask(log, Math.max(this.#to, start), end)) this.#numbers.push(number);
    this.#to = end;
    if (this.#from < start) {
      this.#from = start;
      this.#numbers.splice(0, lowerBound(this.#numbers, start));
    } else if (this.#from > start) {
      const from = Math.max(start, this.#from - RUN);
      this.#numbers = this.#ask(log, from, this.#from).concat(this.#numbers);
      this.#from = from;
    }
    return this.#from === start;
  }

  /** A regex of the query that took too long, and finds no more. */
  get tooSlow(): string | undefined {
    return this.#tooSlow;
  }

  #restart(end: number): void {
    [this.#from, this.#to] = [end, end];
    this.#numbers = [];
  }

  /** Numbers of the events to be shown among these. */
  #ask(log: EventLog, from: number, to: number): number[] {
    const numbers: number[] = [];
    for (let number = from; number < to; number++) {
      const event = log.at(number);
      if (event && this.#isShown(event)) numbers.push(number);
    }
    return numbers;
  }

  #isShown(event: Event): boolean {
    if (event.type === 'gap') return true;
    const direction = this.#directionOf(event.socket.id);
    // As old as it was then.
    this.#context.nowMs = event.atMs + this.#toMonotonicMs;
    return this.#matches(subjectOfEvent(event, this.#toMonotonicMs, direction));
  }
}
