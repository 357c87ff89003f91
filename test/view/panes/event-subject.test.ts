import { describe, expect, test } from 'vitest';
import { EventFilter } from '../../../src/cli/event-filter.ts';
import type { Batch } from '../../../src/model/batch.ts';
import { type Event, hasSocket, type LogEntry } from '../../../src/model/event.ts';
import { Merger } from '../../../src/sampler/merge/merger.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import type { State } from '../../../src/store/state.ts';
import { ShownEvents } from '../../../src/view/panes/shown-events.ts';
import { after, baseline, batch, byId, emptyState, NOON_MS, queryFrom, socket } from '../../helpers/fakes.ts';

const SECOND = 1000;

/** A merger that polls this socket and learns of its close as an ordinary user does: from the kernel's destroy event. */
class Machine {
  readonly #merger = new Merger({ hasEventSource: true, emitsEveryChange: true });
  #there: ReadonlyMap<string, ReturnType<typeof socket>> = new Map();

  poll(nowMs: number, ...sockets: readonly ReturnType<typeof socket>[]): readonly Event[] {
    const next = byId(sockets);
    const spawned = sockets.filter(({ id }) => !this.#there.has(id));
    const changed = sockets.filter((it) => this.#there.has(it.id) && this.#there.get(it.id) !== it);
    const closed = [...this.#there.keys()].filter((id) => !next.has(id));
    this.#there = next;
    this.#merger.applyPoll({ spawned, changed, closed }, next, moment(nowMs), nowMs + 1);
    return this.#merger.take().events;
  }

  /** @param atLeastMs lifetime in the kernel's destroy event: a lower bound, if data went both ways */
  end(nowMs: number, it: ReturnType<typeof socket>, atLeastMs: number): readonly Event[] {
    this.#there = new Map([...this.#there].filter(([id]) => id !== it.id));
    const end: KernelEvent = {
      type: 'ended',
      atMs: nowMs,
      socket: it,
      learntBy: 'destroy',
      lifetimeMs: atLeastMs,
      isAtLeast: true,
    };
    this.#merger.applyKernelEvents([end], moment(nowMs));
    return this.#merger.take().events;
  }
}

const moment = (nowMs: number) => ({ wallMs: NOON_MS + nowMs, monotonicMs: nowMs });

/**
 * The history of a machine: `old` was opened before netpane started; `seen` opened and was polled; `short` opened and
 * closed between two polls; `late` opened after the baseline set at 5 s. All close; `old` and `seen` change at 6 s.
 */
function history(): readonly Event[] {
  const machine = new Machine();
  const [old, seen, short, late] = [
    socket({ id: 'old' }),
    socket({ id: 'seen' }),
    socket({ id: 'short' }),
    socket({ id: 'late' }),
  ];
  const turned = { ...seen, state: 'CLOSE_WAIT' as const };
  const oldTurned = { ...old, state: 'CLOSE_WAIT' as const };
  return [
    machine.poll(0, old),
    machine.poll(SECOND, old, seen),
    machine.end(1500, short, 300),
    machine.poll(6 * SECOND, oldTurned, turned, late),
    machine.end(7 * SECOND, late, 1200),
    machine.end(8 * SECOND, turned, 7200),
    machine.end(9 * SECOND, oldTurned, 8500),
  ].flat();
}

const textsOf = (events: readonly (LogEntry | undefined)[]): string[] =>
  events.flatMap((it) => (it === undefined || !hasSocket(it) ? [] : [`${it.type} ${it.socket.id}`]));

/** Returns the lines of the event pane for the history under a query; with a baseline, `b` was pressed at 5 s. */
function shownUnder(query: string, hasBaseline: boolean): string[] {
  const first: Batch = baseline([], { monotonicMs: 0, takenAtMs: NOON_MS });
  const last = batch({ monotonicMs: 9 * SECOND, takenAtMs: NOON_MS + 9 * SECOND, events: history() });
  const start = hasBaseline ? { baselineMs: 5 * SECOND } : {};
  const state: State = { ...after(emptyState(query), first, last), ...start };
  const shown = new ShownEvents();
  shown.update(state);
  return textsOf(
    Array.from({ length: shown.length }, (_, index) => state.log.at(shown.numberAt(index) ?? -1)),
  );
}

/** Returns what `netpane watch -q QUERY` prints for the history. */
function watchedUnder(query: string): string[] {
  const filter = new EventFilter(queryFrom(query), NO_LOOKUPS, () => undefined);
  return textsOf(history().filter((it) => it.type === 'gap' || it.type === 'sum' || filter.matches(it)));
}

const ALL = [
  'spawn seen',
  'spawn short',
  'close short',
  'change old',
  'change seen',
  'spawn late',
  'close late',
  'close seen',
  'close old',
];

describe('a close matches whenever its spawn did, although its lifetime is only a lower bound', () => {
  test('shows all closes without a query', () => {
    expect(shownUnder('', false).sort()).toEqual([...ALL].sort());
    expect(watchedUnder('').sort()).toEqual([...ALL].sort());
  });

  test('under `new` shows all closes except those of baseline sockets', () => {
    const wanted = ALL.filter((it) => !it.endsWith('old')).sort();
    expect(shownUnder('new', false).sort()).toEqual(wanted);
    expect(watchedUnder('new').sort()).toEqual(wanted);
    expect(watchedUnder('!new').sort()).toEqual(['change old', 'close old']);
  });

  test('after `b` shows the closes of sockets opened since', () => {
    expect(shownUnder('new', true)).toEqual(['spawn late', 'close late']);
  });

  test('shows a sum if its last connection matches', () => {
    const counted = socket({ process: 'wget', local: '192.0.2.1:40000', remote: '192.0.2.7:80' });
    const sum: Event = {
      type: 'sum',
      atMs: NOON_MS + SECOND,
      count: 9,
      socket: { ...counted, opened: 'out' },
      differs: ['localPort'],
    };
    const shows = (query: string) => {
      const shown = new ShownEvents();
      const first = baseline([], { monotonicMs: 0, takenAtMs: NOON_MS });
      shown.update(after(emptyState(query), first, batch({ events: [sum] })));
      return shown.length > 0;
    };
    expect(['wget', 'port:80', 'out', 'closed', 'new'].map(shows)).toEqual([true, true, true, true, true]);
    expect(['curl', 'port:81', 'in', 'listen'].map(shows)).toEqual([false, false, false, false]);
  });

  test('by age compares the age at the event', () => {
    const young = [
      'spawn seen',
      'spawn short',
      'close short',
      'change seen',
      'spawn late',
      'close late',
      'close seen',
    ];
    expect(watchedUnder('age<10s').sort()).toEqual(young.sort());
    expect(shownUnder('age<10s', false).sort()).toEqual(young);
    expect(watchedUnder('age<2s').sort()).toEqual(
      ['close late', 'close short', 'spawn late', 'spawn seen', 'spawn short'].sort(),
    );
    // A baseline socket is at least as old as it was observed.
    expect(watchedUnder('age>5s').sort()).toEqual(['change old', 'close old', 'close seen']);
    expect(watchedUnder('age>=5s').sort()).toEqual(['change old', 'change seen', 'close old', 'close seen']);
  });
});
