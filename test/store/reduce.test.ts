import { describe, expect, test } from 'vitest';
import type { GapEvent, Event } from '../../src/model/event.ts';
import type { Action } from '../../src/store/actions.ts';
import { initialState } from '../../src/store/initial.ts';
import { CLOSED_PANES } from '../../src/store/panes.ts';
import type { PromptKind, State } from '../../src/store/state.ts';
import {
  after,
  baseline,
  batch,
  emptyState,
  LINGER_MS,
  NOON_MS,
  queryFrom,
  SETTINGS,
  socket,
} from '../helpers/fakes.ts';

const a = socket({ id: 'a' });
const b = socket({ id: 'b', local: '192.0.2.10:40001' });

const type = (text: string): Action => ({ type: 'edit', edit: { type: 'insert', text } });
const open = (kind: PromptKind, text = ''): Action => ({
  type: 'prompt',
  kind,
  text,
});
const ACCEPT: Action = { type: 'accept-prompt' };
const CANCEL: Action = { type: 'cancel-prompt' };

describe('batches', () => {
  test('set the fields of the header', () => {
    const degradations = [{ code: 'c', text: 'text', short: 'short' }];
    const cost = { socketsMs: 1, ownersMs: 2, diffMs: 3 };
    const state = after(
      emptyState(),
      baseline([a]),
      batch({ monotonicMs: 7000, spawned: [b], degradations, cost, source: 'another' }),
    );
    expect(state).toMatchObject({ source: 'another', nowMs: 7000, degradations, cost });
    expect(state.lastTick).toEqual({ monotonicMs: 7000, total: 2, spawned: 1, changed: 0, closed: 0 });
  });

  test('keep what the user has set', () => {
    const set: Action[] = [
      { type: 'freeze' },
      { type: 'select', id: 'a' },
      { type: 'service-names' },
      open('port', '22'),
    ];
    const before = after(emptyState(), baseline([a]), ...set);
    const now = after(before, batch({ spawned: [b] }));
    expect(now).toMatchObject({ frozen: true, selectedId: 'a', serviceNames: true, prompt: before.prompt });
  });

  test('are not needed for marks to fade: the action `time` removes them', () => {
    const state = after(emptyState(), baseline([a]), batch({ monotonicMs: 1000, closed: ['a'] }));
    expect(after(state, { type: 'time', atMs: 1000 + LINGER_MS - 1 }).table.rows.size).toBe(1);
    const faded = after(state, { type: 'time', atMs: 1000 + LINGER_MS });
    expect(faded.table.rows.size).toBe(0);
    expect(faded.nowMs).toBe(1000);
  });
});

describe('a batch of several parts', () => {
  const before = () => after(emptyState(), baseline([a]));
  const at = { monotonicMs: 5000, source: 'another', pacedIntervalMs: 2500 };

  test('adds the rows of each part at once, and the rest with the last part', () => {
    const first = before();
    const part = after(first, batch({ ...at, partial: true, spawned: [b] }));
    expect([...part.table.rows.keys()]).toEqual(['a', 'b']);
    expect(part).toMatchObject({ source: '/proc/net', nowMs: 0, pacedIntervalMs: 1000 });
    expect(part.table.history).toEqual([]);
    const whole = after(part, batch({ ...at, changed: [{ ...b, state: 'CLOSE_WAIT' }], closed: ['a'] }));
    expect(whole).toMatchObject({ source: 'another', nowMs: 5000, pacedIntervalMs: 2500 });
    expect(whole.lastTick).toEqual({ monotonicMs: 5000, total: 1, spawned: 1, changed: 1, closed: 1 });
    expect(whole.table.history).toEqual([whole.lastTick]);
  });

  test('is counted once by a pause', () => {
    const parts = [{ partial: true, spawned: [b] }, { partial: true, closed: ['a'] }, {}];
    const paused = after(
      before(),
      { type: 'pause' },
      ...parts.slice(0, 2).map((it) => batch({ ...at, ...it })),
    );
    expect(paused.pause).toMatchObject({ spawned: 0, closed: 0, open: 1 });
    expect(after(paused, batch(at)).pause).toMatchObject({ spawned: 1, changed: 0, closed: 1, open: 1 });
  });

  test('leaves the state before the first batch until its last part', () => {
    const part = after(emptyState(), baseline([a], { partial: true }));
    expect(part.nowMs).toBeUndefined();
    expect(after(part, { type: 'pause' }).pause).toBeNull();
    expect(after(part, baseline([b])).lastTick).toMatchObject({ total: 2, spawned: 0 });
  });
});

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

describe('the prompt', () => {
  const TAB: Action = { type: 'complete', by: 1 };
  const UP: Action = { type: 'recall', by: -1 };

  test('applies a query while it is typed', () => {
    const typing = after(emptyState(), open('query'), type('cu'), type('rl :443'));
    expect(typing.query.text).toBe('curl :443');
    expect(after(typing, ACCEPT)).toMatchObject({
      prompt: null,
      query: { text: 'curl :443' },
      history: ['curl :443'],
    });
  });

  test('keeps the last valid query while the text is invalid, and has the problem', () => {
    const typing = after(emptyState(), open('query'), type('curl'), type(' state:LISTE'));
    expect(typing).toMatchObject({
      query: { text: 'curl' },
      prompt: { text: 'curl state:LISTE', problem: { at: 11, length: 5 } },
    });
    const accepted = after(typing, ACCEPT);
    expect(accepted).toMatchObject({ query: { text: 'curl' }, prompt: { text: 'curl state:LISTE' } });
    expect(accepted.history).toEqual([]);
    expect(after(accepted, type('N'))).toMatchObject({ query: { text: 'curl state:LISTEN' } });
    expect(after(accepted, type('N')).prompt).not.toHaveProperty('problem');
  });

  test('applies a port when it is accepted', () => {
    const typing = after(emptyState(), open('port', '443'), type('2'), type('2'));
    expect(typing).toMatchObject({ query: { text: '' }, prompt: { text: '22' } });
    expect(after(typing, ACCEPT)).toMatchObject({ prompt: null, query: { text: ':22' }, history: [':22'] });
  });

  test('accepts a prefilled answer', () => {
    expect(after(emptyState(), open('process', 'node'), ACCEPT).query.text).toBe('process:node');
  });

  test('appends to a prefilled query', () => {
    expect(after(emptyState('ab'), open('query', 'ab'), type('c')).query.text).toBe('abc');
  });

  test('applies a namespace when it is accepted, and removes it with an empty answer', () => {
    const typing = after(emptyState(':1'), open('netns', 'web'));
    expect(typing.query.text).toBe(':1');
    const accepted = after(typing, ACCEPT);
    expect(accepted.query.text).toBe(':1 ns:web');
    expect(after(accepted, open('netns', ''), ACCEPT).query.text).toBe(':1');
  });

  test('restores the query on cancel, and adds nothing to the history', () => {
    const before = emptyState('port:22 old');
    const typing = after(before, open('query', 'port:22 old'), type('x'));
    expect(typing.query.text).toBe('port:22 oldx');
    expect(after(typing, CANCEL)).toMatchObject({ prompt: null, query: before.query, history: [] });
  });

  test('keeps text and query and has an error when the port is invalid', () => {
    const state = after(emptyState('x'), open('port'), type('nosuch'), ACCEPT);
    expect(state).toMatchObject({ query: { text: 'x' }, prompt: { text: 'nosuch' } });
    expect(state.prompt?.error).toContain("unknown service 'nosuch'");
    expect(after(state, type('1')).prompt).not.toHaveProperty('error');
  });

  test('applies a completed or recalled query at once', () => {
    const sockets = [socket({ process: 'node' }), socket({ id: 'other', process: 'nginx' })];
    const typing = after(emptyState(), baseline(sockets), open('query'), type('process:n'));
    const completed = after(typing, TAB, TAB);
    expect(completed).toMatchObject({ query: { text: 'process:node' }, prompt: { text: 'process:node' } });
    const asked = after(emptyState(), open('query'), type('one'), ACCEPT, open('query'), type('two'), ACCEPT);
    const recalled = after(asked, open('query'), UP, UP);
    expect(recalled).toMatchObject({ query: { text: 'one' }, prompt: { text: 'one' } });
    expect(after(recalled, ACCEPT).history).toEqual(['two', 'one']);
    expect(after(recalled, CANCEL)).toMatchObject({ query: { text: 'two' }, history: ['one', 'two'] });
  });

  test('does not apply a file name as a query', () => {
    const typing = after(emptyState('x'), open('save', 'a.csv'), TAB, UP);
    expect(typing).toMatchObject({ query: { text: 'x' }, prompt: { text: 'a.csv' } });
    expect(after(typing, ACCEPT)).toMatchObject({ prompt: null, query: { text: 'x' }, history: [] });
  });

  test('ignores its actions while it is closed', () => {
    const state = emptyState(':1');
    for (const action of [type('x'), TAB, UP, ACCEPT, CANCEL]) expect(after(state, action)).toBe(state);
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
    ['palette', [{ type: 'palette', palette: 'mono' }], { palette: 'mono' }],
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
