import { describe, expect, test } from 'vitest';
import type { GapEvent, Event } from '../../src/model/event.ts';
import type { Action } from '../../src/store/actions.ts';
import { initialState } from '../../src/store/initial.ts';
import type { State } from '../../src/store/state.ts';
import { CLOSED_PANES } from '../../src/store/panes.ts';
import { after, baseline, batch, emptyState, NOON_MS, queryFrom, SETTINGS } from '../helpers/fakes.ts';
import { a, b, open } from './scene.ts';

describe('events', () => {
  const gap = (atMs: number, missed = 1): GapEvent => ({ type: 'gap', atMs, missed, learntBy: 'destroy' });
  const spawn: Event = { type: 'spawn', atMs: NOON_MS, socket: b, learntBy: 'poll' };

  test('are in the log after their part', () => {
    const state = after(emptyState(), baseline([a]), batch({ partial: true, events: [spawn] }));
    expect([state.log.end, state.log.at(0)]).toEqual([1, spawn]);
  });

  test('are kept up to the maximum', () => {
    const state = after(
      initialState({ ...SETTINGS, eventsKept: 2 }),
      batch({ events: [gap(1), gap(2), gap(3)] }),
    );
    expect([1, 2, 3].map((missed) => state.log.at(missed - 1)?.atMs)).toEqual([undefined, 2, 3]);
  });

  test('keep gaps for a minute, also those of a part', () => {
    const at = (ms: number) => NOON_MS + ms;
    const state = after(
      emptyState(),
      baseline([a]),
      batch({ monotonicMs: 2000, partial: true, events: [gap(at(1000)), spawn] }),
      batch({ monotonicMs: 2000 }),
      batch({ monotonicMs: 50_000, events: [gap(at(50_000), 7)] }),
    );
    expect(state.gaps.map(({ missed }) => missed)).toEqual([1, 7]);
    const later = after(state, batch({ monotonicMs: 61_000 }));
    expect(later.gaps.map(({ missed }) => missed)).toEqual([7]);
    expect(after(later, batch({ monotonicMs: 110_000 })).gaps).toEqual([]);
  });

  test('have the coverage of the last batch', () => {
    expect(emptyState().coverage).toBeUndefined();
    const coverage = { level: 'closes', why: 'not root' } as const;
    expect(after(emptyState(), batch({ coverage })).coverage).toBe(coverage);
  });

  test('keep focus and cursor while the log is open, and reset them when it opens again', () => {
    const open: Action = { type: 'pane', pane: 'events' };
    const inLog = after(
      emptyState(),
      batch({ events: [spawn, spawn, spawn, spawn] }),
      open,
      { type: 'focus', focus: 'events' },
      { type: 'select-event', number: 3 },
    );
    expect(inLog).toMatchObject({ focus: 'events', eventNumber: 3 });
    expect(after(inLog, { type: 'pane', pane: 'details' })).toMatchObject({ focus: 'events' });
    expect(after(inLog, open)).toMatchObject({ focus: 'table', eventNumber: null });
  });

  test('of the log at a pause end at `logEnd`', () => {
    const state = after(emptyState(), batch({ events: [spawn] }), { type: 'pause' });
    expect(after(state, batch({ events: [spawn] })).pause?.logEnd).toBe(1);
  });
});

describe('interfaces', () => {
  const eth = (rxBytes: number) => [{ name: 'eth0', isUp: true, rxBytes, txBytes: 7, addresses: [] }];

  test('have rates by the time between complete batches', () => {
    const state = after(
      emptyState(),
      baseline([], { interfaces: eth(1000) }),
      batch({ monotonicMs: 2000, interfaces: eth(9000), partial: true }),
      batch({ monotonicMs: 2000, interfaces: eth(9000) }),
    );
    expect(state.interfaces).toMatchObject([{ name: 'eth0', rxBytes: 9000, rxRate: 4000, txRate: 0 }]);
  });

  test('have no rates in the first batch', () => {
    const [first] = after(emptyState(), baseline([], { interfaces: eth(1000) })).interfaces;
    expect([first?.rxRate, first?.txRate]).toEqual([undefined, undefined]);
  });
});

describe('pause', () => {
  const paused = () => after(emptyState(), baseline([a]), { type: 'pause' });

  test('keeps the rows and the time, and counts changes', () => {
    const state = after(
      paused(),
      batch({ monotonicMs: 1000, spawned: [b] }),
      batch({ monotonicMs: 2000, changed: [{ ...b, state: 'CLOSE_WAIT' }], closed: ['a'] }),
    );
    expect(state.pause).toMatchObject({ nowMs: 0, spawned: 1, changed: 1, closed: 1 });
    expect([...(state.pause?.rows.values() ?? [])].map(({ socket: it }) => it)).toEqual([a]);
    expect(state.table.rows.get('b')?.socket.state).toBe('CLOSE_WAIT');
  });

  test('ends with the same action, and the next one starts at zero', () => {
    const ended = after(paused(), batch({ spawned: [b] }), { type: 'pause' });
    expect(ended.pause).toBeNull();
    expect(after(ended, { type: 'pause' }).pause).toMatchObject({
      nowMs: 1000,
      spawned: 0,
      changed: 0,
      closed: 0,
    });
  });

  test('does nothing before the first batch', () => {
    expect(after(emptyState(), { type: 'pause' }).pause).toBeNull();
  });
});

describe('the query', () => {
  const toggle = (term: string, ...instead: string[]): Action => ({ type: 'toggle-term', term, instead });
  const listen = toggle('listen', 'established');
  const [tcp, udp] = [toggle('proto:tcp', 'proto:udp'), toggle('proto:udp', 'proto:tcp')];
  const queryAfter = (query: string, ...actions: Action[]) => after(emptyState(query), ...actions).query.text;

  test('toggles a term and removes those that it excludes', () => {
    expect(queryAfter('', listen)).toBe('listen');
    expect(queryAfter('', listen, listen)).toBe('');
    expect(queryAfter('', tcp, listen)).toBe('proto:tcp listen');
    expect(queryAfter('', tcp, udp)).toBe('proto:udp');
    expect(queryAfter('established :443', listen)).toBe(':443 listen');
  });

  test('leaves other spellings and terms within alternatives', () => {
    expect(queryAfter('state:LISTEN or :22', listen)).toBe('(state:LISTEN or :22) listen');
    expect(queryAfter('!listen', listen)).toBe('!listen listen');
    expect(queryAfter('tcp', tcp)).toBe('tcp proto:tcp');
  });

  test('has an added term once', () => {
    const add: Action = { type: 'add-term', term: '!process=node' };
    expect(queryAfter(':443', add, add)).toBe(':443 !process=node');
    expect(queryAfter(':443 or :80', add)).toBe('(:443 or :80) !process=node');
  });

  test('stays the same with an error message when it would become too long', () => {
    const long = after(emptyState(), { type: 'query', query: queryFrom('x'.repeat(4000)) });
    const state = after(long, { type: 'add-term', term: `!process=${'y'.repeat(1000)}` });
    expect(state.query).toBe(long.query);
    expect(state.message).toMatchObject({ isError: true, text: expect.stringContaining('long') as string });
  });

  test('is replaced as a whole', () => {
    expect(queryAfter('tcp', { type: 'query', query: queryFrom('port:22') })).toBe('port:22');
  });
});

describe('other actions', () => {
  const cases: [string, Action[], Partial<State>][] = [
    [
      'sorting by another column is ascending',
      [{ type: 'sort', column: 'pid' }],
      { sort: { column: 'pid', descending: false } },
    ],
    [
      'sorting by the same column reverses',
      [{ type: 'sort', column: 'process' }],
      { sort: { column: 'process', descending: true } },
    ],
    [
      'sorting by it a third time reverses again',
      [
        { type: 'sort', column: 'process' },
        { type: 'sort', column: 'process' },
      ],
      { sort: { column: 'process', descending: false } },
    ],
    [
      'sorting by another column after a reversed one is ascending',
      [{ type: 'reverse-sort' }, { type: 'sort', column: 'age' }],
      { sort: { column: 'age', descending: false } },
    ],
    [
      'sorting by a column that starts descending',
      [{ type: 'sort', column: 'rxRate', descending: true }],
      { sort: { column: 'rxRate', descending: true } },
    ],
    [
      'sorting by it again is ascending',
      [
        { type: 'sort', column: 'rxRate', descending: true },
        { type: 'sort', column: 'rxRate', descending: true },
      ],
      { sort: { column: 'rxRate', descending: false } },
    ],
    ['reversed', [{ type: 'reverse-sort' }], { sort: { column: 'process', descending: true } }],
    ['frozen', [{ type: 'freeze' }], { frozen: true }],
    ['thawed', [{ type: 'freeze' }, { type: 'freeze' }], { frozen: false }],
    ['service names', [{ type: 'service-names' }], { serviceNames: true }],
    [
      'palette, which a message names: the colours of a terminal may not show it',
      [{ type: 'palette', palette: 'mono' }],
      { palette: 'mono', message: { text: 'colours: mono', isError: false } },
    ],
    ['interval', [{ type: 'interval', intervalMs: 200 }], { intervalMs: 200 }],
    ['selection', [{ type: 'select', id: 'b' }], { selectedId: 'b' }],
  ];
  test.each(cases)('%s', (_, actions, expected) => {
    expect(after(emptyState(), ...actions)).toMatchObject(expected);
  });

  test('panes toggle, or open and close explicitly', () => {
    const panes = (...actions: Action[]) => after(emptyState(), ...actions).panes;
    const none = CLOSED_PANES;
    expect(panes({ type: 'pane', pane: 'events' })).toEqual({ ...none, events: true });
    expect(panes({ type: 'pane', pane: 'events' }, { type: 'pane', pane: 'events' })).toEqual(none);
    expect(panes({ type: 'pane', pane: 'help', open: false })).toEqual(none);
    expect(panes({ type: 'pane', pane: 'graph' }, { type: 'pane', pane: 'graph', open: true }).graph).toBe(
      true,
    );
  });

  test.each<[string, Action]>([
    ['a pane', { type: 'pane', pane: 'details' }],
    ['a list', { type: 'list', list: { kind: 'views', at: 0 } }],
    ['a prompt of the table', open('port')],
    ['a command about the rows', { type: 'run-command', action: { type: 'reverse-sort' } }],
  ])('%s closes the help, which would cover it', (_, action) => {
    const state = after(emptyState(), { type: 'pane', pane: 'help' }, action);
    expect(state.panes.help).toBe(false);
  });

  test.each<[string, Action]>([
    ['a prompt to find words in it', open('help')],
    ['the command palette', open('command')],
    ['another interval', { type: 'interval', intervalMs: 2000 }],
  ])('the help stays open beside %s', (_, action) => {
    const state = after(emptyState(), { type: 'pane', pane: 'help' }, action);
    expect(state.panes.help).toBe(true);
  });

  test('a pane without a cursor scrolls within its lines', () => {
    const scroll = (by: number, lines = 50): Action => ({
      type: 'scroll',
      pane: 'help',
      by,
      lines,
      height: 20,
    });
    const top = (...actions: Action[]) => after(emptyState(), ...actions).places.help.top;
    expect(top(scroll(7))).toBe(7);
    expect(top(scroll(1000))).toBe(30);
    expect(top(scroll(1000), scroll(-2))).toBe(28);
    expect(top(scroll(-5))).toBe(0);
    expect(top(scroll(5, 10))).toBe(0);
    // Fewer lines are left than there were.
    expect(top(scroll(1000), scroll(-1, 40))).toBe(19);
    expect(top(scroll(7), { type: 'pane', pane: 'help' })).toBe(0);
  });

  test('selecting another socket removes the usage', () => {
    const usage = { pid: 1, cpuPercent: 2, memoryBytes: 3 };
    const state = after(emptyState(), { type: 'usage', usage });
    expect(state.usage).toEqual(usage);
    expect(after(state, { type: 'select', id: 'b' }).usage).toBeNull();
  });
});
