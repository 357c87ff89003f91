import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/model/event.ts';
import { compileForSubjects } from '../../../src/query/compile.ts';
import { EventLog } from '../../../src/store/log.ts';
import type { State } from '../../../src/store/state.ts';
import {
  eventAtCursor,
  eventPaneLines,
  logPlace,
  numberAfter,
  visibleEvents,
} from '../../../src/view/panes/event-pane.ts';
import { queryContext } from '../../../src/view/table/query-context.ts';
import { ShownEvents } from '../../../src/view/panes/shown-events.ts';
import { after, batch, emptyState, NOON_MS, queryFrom, socket } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';
import { subject } from '../../helpers/queries.ts';

/** Returns the event with this number: every seventh is a gap, the others belong to three programs. */
const eventOf = (number: number): Event =>
  number % 7 === 6
    ? { type: 'gap', atMs: NOON_MS, learntBy: 'destroy', missed: number }
    : {
        type: 'spawn',
        atMs: NOON_MS + number,
        learntBy: 'poll',
        socket: socket({ id: `${number}`, process: `p${number % 3}`, pid: number }),
      };

const from = (start: number, count: number) => Array.from({ length: count }, (_, i) => eventOf(start + i));

const stateOf = (kept: number): State => ({ ...emptyState(), log: new EventLog(kept) });

describe('the events that are shown', () => {
  const shownOf = (shown: ShownEvents) =>
    Array.from({ length: shown.length }, (_, index) => shown.numberAt(index));

  test('are those that match the query, and every gap, for any batches and any earlier query', () => {
    const step = fc.record({
      added: fc.nat(9),
      query: fc.option(fc.constantFrom('', 'process=p1', 'p2', ':1'), { nil: undefined }),
      pause: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 20 }), (steps, kept) => {
        let state = after(stateOf(kept), batch());
        const shown = new ShownEvents();
        for (const { added, query, pause } of steps) {
          state = after(state, batch({ events: from(state.log.end, added) }));
          if (query !== undefined) state = after(state, { type: 'query', query: queryFrom(query) });
          if (pause) state = after(state, { type: 'pause' });
          expect(shown.update(state)).toBe(true);
          const matches = compileForSubjects(state.query, queryContext(state));
          const end = state.pause?.logEnd ?? state.log.end;
          const expected = from(0, end).flatMap((event, number) =>
            number >= state.log.start && (event.type === 'gap' || matches(subject(event.socket)))
              ? [number]
              : [],
          );
          expect(shownOf(shown)).toEqual(expected);
          for (const [index, number] of expected.entries()) expect(shown.indexOf(number)).toBe(index);
        }
      }),
    );
  });

  test('are those of connections to a peer, while it is known', () => {
    const [client, server] = [
      socket({ id: 'client', local: '127.0.0.1:40000', remote: '127.0.0.1:6379', process: 'app' }),
      socket({ id: 'server', local: '127.0.0.1:6379', remote: '127.0.0.1:40000', process: 'redis' }),
    ];
    const events = [client, server].map((it): Event => ({
      type: 'spawn',
      atMs: 1000,
      socket: it,
      learntBy: 'poll',
    }));
    const state = after(emptyState('peer:redis'), batch(), batch({ spawned: [client, server], events }));
    const shown = new ShownEvents();
    shown.update(state);
    expect(shownOf(shown)).toEqual([0]);
    shown.update(after(state, { type: 'pause' }, { type: 'query', query: queryFrom('peer:app') }));
    expect(shownOf(shown)).toEqual([1]);
  });

  test('are filtered in runs, from the newest back, each event once', () => {
    const asked: number[] = [];
    const log = new EventLog(50_000);
    log.add(
      from(0, 50_000).map((event, number) =>
        event.type === 'gap'
          ? event
          : {
              ...event,
              get socket() {
                asked.push(number);
                return event.socket;
              },
            },
      ),
      new Map(),
    );
    asked.length = 0;
    const state: State = { ...emptyState('process=p1'), log };
    const shown = new ShownEvents();
    const lengths = [];
    const runs: Set<number>[] = [];
    for (let isComplete = false; !isComplete; lengths.push(shown.length)) {
      isComplete = shown.update(state);
      runs.push(new Set(asked.splice(0)));
    }
    expect(lengths.length).toBeGreaterThan(3);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(shown.numberAt(shown.length - 1)).toBe(49_999);
    const askable = from(0, 50_000).filter(({ type }) => type !== 'gap').length;
    expect(new Set(runs.flatMap((run) => [...run])).size).toBe(askable);
    expect(runs.reduce((sum, run) => sum + run.size, 0)).toBe(askable);
    // Neither another paint nor another tick filters an event again.
    shown.update(state);
    expect(asked).toEqual([]);
    log.add(from(50_000, 5000), new Map());
    expect(shown.update(state)).toBe(true);
    expect(asked).toEqual([]);
    expect(shown.numberAt(shown.length - 1)).toBe(54_998);
  });

  test('a hidden event has the position of the next older shown one', () => {
    const state = { ...after(stateOf(100), batch({ events: from(0, 14) })), query: queryFrom('process=p1') };
    const shown = new ShownEvents();
    expect(shown.indexOf(3)).toBe(-1);
    shown.update(state);
    expect(shownOf(shown)).toEqual([1, 4, 6, 7, 10, 13]);
    expect([0, 1, 3, 4, 12, 99].map((number) => shown.indexOf(number))).toEqual([0, 0, 0, 1, 4, 5]);
  });
});

describe('the pane', () => {
  const LINES = 5;
  /** Returns a pane after batches with these numbers of events, and its state. */
  const paneOf = (...counts: number[]) => {
    const events = new ShownEvents();
    let state = stateOf(100);
    const show = (next: State) => {
      events.update(next);
      state = { ...next, places: { ...next.places, events: logPlace(next, events, LINES) } };
    };
    const add = (count: number) => show(after(state, batch({ events: from(state.log.end, count) })));
    for (const count of counts) add(count);
    const select = (number: number | null, note?: string) =>
      show(after(state, { type: 'select-event', number, ...(note !== undefined && { note }) }));
    const next = (by: number) => numberAfter(state, events, by);
    const scroll = (by: number) =>
      show(after(state, { type: 'scroll-log', top: state.places.events.top + by, number: next(by) }));
    const current = () => eventAtCursor(state, events);
    const lines = () => eventPaneLines(state, events, 120, LINES, true);
    const clickable = () => visibleEvents(state, events, LINES);
    const ask = (text: string) => show(after(state, { type: 'query', query: queryFrom(text) }));
    /** Pids of the visible events. */
    const inSight = () =>
      lines()
        .slice(1)
        .map((line) => /^\S+ +[+!] +(?:p\d +(\d+)|(\d+) closes)/.exec(textOf(line)))
        .map((match) => Number(match?.[1] ?? match?.[2]));
    const title = () => textOf(lines()[0]).trimEnd();
    return { add, select, next, scroll, current, clickable, ask, inSight, title };
  };

  test('follows the newest event, which is at the bottom', () => {
    const { add, inSight, title } = paneOf(3);
    expect(inSight()).toEqual([0, 1, 2]);
    add(5);
    expect(inSight()).toEqual([4, 5, 6, 7]);
    expect(title()).toBe('▸ EVENTS  5–8 of 8 since start  following');
  });

  test('stops following when the cursor moves up, and counts newer events', () => {
    const { add, select, next, current, inSight, title } = paneOf(20);
    select(next(-1));
    add(30);
    expect(inSight()).toEqual([16, 17, 18, 19]);
    expect(title()).toBe('▸ EVENTS  17–20 of 50 since start  31 newer');
    expect(current()?.event).toEqual(eventOf(18));
  });

  test('follows again when the cursor reaches the last event', () => {
    const { next, select, inSight } = paneOf(20);
    select(next(-2));
    expect(next(1)).toBe(18);
    expect(next(2)).toBeNull();
    expect(next(Infinity)).toBeNull();
    select(next(-Infinity));
    expect(inSight()).toEqual([0, 1, 2, 3]);
    select(null);
    expect(inSight()).toEqual([16, 17, 18, 19]);
  });

  test('moves the cursor, and scrolls only at the edge', () => {
    const { next, select, inSight } = paneOf(20);
    for (let i = 0; i < 3; i++) select(next(-1));
    expect(inSight()).toEqual([16, 17, 18, 19]);
    select(next(-1));
    expect(inSight()).toEqual([15, 16, 17, 18]);
    select(next(1));
    expect(inSight()).toEqual([15, 16, 17, 18]);
  });

  test('scrolls the lines under the cursor, from the first event to following', () => {
    const { scroll, current, inSight, title } = paneOf(20);
    scroll(-3);
    expect(inSight()).toEqual([13, 14, 15, 16]);
    expect(current()?.number).toBe(16);
    scroll(-30);
    expect(inSight()).toEqual([0, 1, 2, 3]);
    scroll(30);
    expect(inSight()).toEqual([16, 17, 18, 19]);
    expect(title()).toContain('following');
  });

  test('stays on its event while older ones are dropped, and moves to the oldest when its own is dropped', () => {
    const { add, select, current, inSight, title } = paneOf(100);
    select(50);
    const before = inSight();
    add(40);
    expect(inSight()).toEqual(before);
    expect(title()).toContain('11–14 · last 100 of 140  89 newer');
    add(60);
    expect(current()?.number).toBe(100);
    expect(inSight()).toEqual([100, 101, 102, 103]);
  });

  test('shows the number of matching events under a query', () => {
    const { ask, select, next, current, inSight, title } = paneOf(20);
    ask('process=p1');
    expect(inSight()).toEqual([10, 13, 16, 19]);
    expect(title()).toBe('▸ EVENTS  5–8 · 8 of 20  following');
    select(next(-1));
    ask('');
    expect(current()?.number).toBe(16);
  });

  test('maps a clicked line to its event', () => {
    expect(paneOf(20).clickable()).toEqual([16, 17, 18, 19]);
    expect(paneOf(2).clickable()).toEqual([0, 1]);
  });

  test('says that there are no events yet', () => {
    const { current, next, select, title } = paneOf(0);
    expect(title()).toBe('▸ EVENTS  no events yet  following');
    expect(current()).toBeUndefined();
    select(next(-1));
    expect(current()).toBeUndefined();
  });

  test('shows a note about the event under the cursor until the cursor moves', () => {
    const { select, title } = paneOf(3);
    select(1, 'its socket has gone');
    expect(title()).toContain('its socket has gone');
    select(0);
    expect(title()).not.toContain('its socket has gone');
  });

  test('shows the events until the pause', () => {
    const events = new ShownEvents();
    const paused = after(stateOf(100), batch({ events: from(0, 5) }), { type: 'pause' });
    const state = after(paused, batch({ events: from(5, 5) }));
    events.update(state);
    expect(eventAtCursor(state, events)?.number).toBe(4);
    expect(textOf(eventPaneLines(state, events, 120, LINES, false)[0])).toMatch(
      /^EVENTS {2}1–4 of 5 since start/,
    );
  });
});
