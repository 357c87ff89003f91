import { describe, expect, test } from 'vitest';
import type { GapEvent, Event } from '../../src/model/event.ts';
import type { Action } from '../../src/store/actions.ts';
import { valuesOf } from '../../src/query/values.ts';
import { initialState } from '../../src/store/reduce.ts';
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
const ask = (kind: PromptKind, text = ''): Action => ({
  type: 'prompt',
  kind,
  text,
});
const ACCEPT: Action = { type: 'accept-prompt' };
const CANCEL: Action = { type: 'cancel-prompt' };

describe('batches', () => {
  test('what the header tells comes from the last one', () => {
    const degradations = [{ code: 'c', text: 'text', short: 'short' }];
    const cost = { sampleMs: 1, ownersMs: 2, diffMs: 3 };
    const state = after(
      emptyState(),
      baseline([a]),
      batch({ monotonicMs: 7000, spawned: [b], degradations, cost, source: 'another' }),
    );
    expect(state).toMatchObject({ source: 'another', nowMs: 7000, degradations, cost });
    expect(state.lastTick).toEqual({ monotonicMs: 7000, total: 2, spawned: 1, changed: 0, closed: 0 });
  });

  test('nothing that the user has set is lost', () => {
    const set: Action[] = [
      { type: 'freeze' },
      { type: 'select', id: 'a' },
      { type: 'service-names' },
      ask('port', '22'),
    ];
    const before = after(emptyState(), baseline([a]), ...set);
    const now = after(before, batch({ spawned: [b] }));
    expect(now).toMatchObject({ frozen: true, selectedId: 'a', serviceNames: true, prompt: before.prompt });
  });

  test('time alone fades the marks', () => {
    const state = after(emptyState(), baseline([a]), batch({ monotonicMs: 1000, closed: ['a'] }));
    expect(after(state, { type: 'time', nowMs: 1000 + LINGER_MS - 1 }).table.rows.size).toBe(1);
    const faded = after(state, { type: 'time', nowMs: 1000 + LINGER_MS });
    expect(faded.table.rows.size).toBe(0);
    expect(faded.nowMs).toBe(1000);
  });
});

describe('a batch in parts', () => {
  const before = () => after(emptyState(), baseline([a]));
  const at = { monotonicMs: 5000, source: 'another', pacedIntervalMs: 2500 };

  test('the rows are there at once; what counts for the whole is told with the last one', () => {
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

  test('a pause counts it once', () => {
    const parts = [{ partial: true, spawned: [b] }, { partial: true, closed: ['a'] }, {}];
    const paused = after(
      before(),
      { type: 'pause' },
      ...parts.slice(0, 2).map((it) => batch({ ...at, ...it })),
    );
    expect(paused.pause).toMatchObject({ spawned: 0, closed: 0, open: 1 });
    expect(after(paused, batch(at)).pause).toMatchObject({ spawned: 1, changed: 0, closed: 1, open: 1 });
  });

  test('before the last part of the first one nothing is known', () => {
    const part = after(emptyState(), baseline([a], { partial: true }));
    expect(part.nowMs).toBeUndefined();
    expect(after(part, { type: 'pause' }).pause).toBeNull();
    expect(after(part, baseline([b])).lastTick).toMatchObject({ total: 2, spawned: 0 });
  });
});

describe('events', () => {
  const gap = (atMs: number, missed = 1): GapEvent => ({ type: 'gap', atMs, missed, learntBy: 'destroy' });
  const spawn: Event = { type: 'spawn', atMs: NOON_MS, socket: b, learntBy: 'poll' };

  test('are in the log, those of a part at once', () => {
    const state = after(emptyState(), baseline([a]), batch({ partial: true, events: [spawn] }));
    expect([state.log.end, state.log.at(0)]).toEqual([1, spawn]);
  });

  test('the log keeps as many as it is told to', () => {
    const state = after(
      initialState({ ...SETTINGS, eventsKept: 2 }),
      batch({ events: [gap(1), gap(2), gap(3)] }),
    );
    expect([1, 2, 3].map((missed) => state.log.at(missed - 1)?.atMs)).toEqual([undefined, 2, 3]);
  });

  test('gaps are known for a minute, also those of a part', () => {
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

  test('what is caught is told with each batch', () => {
    expect(emptyState().coverage).toBeUndefined();
    const coverage = { level: 'closes', why: 'not root' } as const;
    expect(after(emptyState(), batch({ coverage })).coverage).toBe(coverage);
  });

  test('the keys move in the log while it is open, and begin at the newest', () => {
    const open: Action = { type: 'pane', pane: 'events' };
    const inLog = after(
      emptyState(),
      open,
      { type: 'focus', focus: 'events' },
      { type: 'select-event', number: 3 },
    );
    expect(inLog).toMatchObject({ focus: 'events', eventNumber: 3 });
    expect(after(inLog, { type: 'pane', pane: 'details' })).toMatchObject({ focus: 'events' });
    expect(after(inLog, open)).toMatchObject({ focus: 'table', eventNumber: null });
  });

  test('a pause remembers where the log ended', () => {
    const state = after(emptyState(), batch({ events: [spawn] }), { type: 'pause' });
    expect(after(state, batch({ events: [spawn] })).pause?.logEnd).toBe(1);
  });
});

describe('interfaces', () => {
  const eth = (rxBytes: number) => [{ name: 'eth0', isUp: true, rxBytes, txBytes: 7, addresses: [] }];

  test('their rates are by the time between whole batches', () => {
    const state = after(
      emptyState(),
      baseline([], { interfaces: eth(1000) }),
      batch({ monotonicMs: 2000, interfaces: eth(9000), partial: true }),
      batch({ monotonicMs: 2000, interfaces: eth(9000) }),
    );
    expect(state.interfaces).toMatchObject([{ name: 'eth0', rxBytes: 9000, rxRate: 4000, txRate: 0 }]);
  });

  test('at the first look they have none', () => {
    const [first] = after(emptyState(), baseline([], { interfaces: eth(1000) })).interfaces;
    expect([first?.rxRate, first?.txRate]).toEqual([undefined, undefined]);
  });
});

describe('pause', () => {
  const paused = () => after(emptyState(), baseline([a]), { type: 'pause' });

  test('holds the rows and the time, and counts what happens', () => {
    const state = after(
      paused(),
      batch({ monotonicMs: 1000, spawned: [b] }),
      batch({ monotonicMs: 2000, changed: [{ ...b, state: 'CLOSE_WAIT' }], closed: ['a'] }),
    );
    expect(state.pause).toMatchObject({ nowMs: 0, spawned: 1, changed: 1, closed: 1 });
    expect(state.pause?.rows.map(({ socket: it }) => it)).toEqual([a]);
    expect(state.table.rows.get('b')?.socket.state).toBe('CLOSE_WAIT');
  });

  test('ends with the same key, and the next begins at zero', () => {
    const ended = after(paused(), batch({ spawned: [b] }), { type: 'pause' });
    expect(ended.pause).toBeNull();
    expect(after(ended, { type: 'pause' }).pause).toMatchObject({
      nowMs: 1000,
      spawned: 0,
      changed: 0,
      closed: 0,
    });
  });

  test('before the first batch there is nothing to hold', () => {
    expect(after(emptyState(), { type: 'pause' }).pause).toBeNull();
  });
});

describe('the query', () => {
  const toggle = (term: string, ...instead: string[]): Action => ({ type: 'toggle-term', term, instead });
  const listen = toggle('listen', 'established');
  const [tcp, udp] = [toggle('proto:tcp', 'proto:udp'), toggle('proto:udp', 'proto:tcp')];
  const queryAfter = (query: string, ...actions: Action[]) => after(emptyState(query), ...actions).query.text;

  test('conditions toggle, in the place of those that they exclude', () => {
    expect(queryAfter('', listen)).toBe('listen');
    expect(queryAfter('', listen, listen)).toBe('');
    expect(queryAfter('', tcp, listen)).toBe('proto:tcp listen');
    expect(queryAfter('', tcp, udp)).toBe('proto:udp');
    expect(queryAfter('established :443', listen)).toBe(':443 listen');
  });

  test('what stands in it another way, or within an alternative, is left alone', () => {
    expect(queryAfter('state:LISTEN or :22', listen)).toBe('(state:LISTEN or :22) listen');
    expect(queryAfter('!listen', listen)).toBe('!listen listen');
    expect(queryAfter('tcp', tcp)).toBe('tcp proto:tcp');
  });

  test('a term is added once', () => {
    const add: Action = { type: 'add-term', term: '!process=node' };
    expect(queryAfter(':443', add, add)).toBe(':443 !process=node');
    expect(queryAfter(':443 or :80', add)).toBe('(:443 or :80) !process=node');
  });

  test('one that would become too long stays as it is, and it is said', () => {
    const long = after(emptyState(), { type: 'query', query: queryFrom('x'.repeat(4000)) });
    const state = after(long, { type: 'add-term', term: `!process=${'y'.repeat(1000)}` });
    expect(state.query).toBe(long.query);
    expect(state.message).toMatchObject({ isError: true, text: expect.stringContaining('long') as string });
  });

  test('set as a whole', () => {
    expect(queryAfter('tcp', { type: 'query', query: queryFrom('port:22') })).toBe('port:22');
  });
});

describe('the prompt', () => {
  const values = () => valuesOf([socket({ process: 'node' }), socket({ process: 'nginx' })]);
  const TAB: Action = { type: 'complete', by: 1, values };
  const UP: Action = { type: 'recall', by: -1 };

  test('a query acts while it is typed, with all that it says', () => {
    const typing = after(emptyState(), ask('query'), type('cu'), type('rl :443'));
    expect(typing.query.text).toBe('curl :443');
    expect(after(typing, ACCEPT)).toMatchObject({
      prompt: null,
      query: { text: 'curl :443' },
      history: ['curl :443'],
    });
  });

  test('while it is none the last one acts, and it is told where and why', () => {
    const typing = after(emptyState(), ask('query'), type('curl'), type(' state:LISTE'));
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

  test('a port filters when it is accepted', () => {
    const typing = after(emptyState(), ask('port', '443'), type('2'), type('2'));
    expect(typing).toMatchObject({ query: { text: '' }, prompt: { text: '22' } });
    expect(after(typing, ACCEPT)).toMatchObject({ prompt: null, query: { text: ':22' }, history: [':22'] });
  });

  test('what it offers can be accepted as it is', () => {
    expect(after(emptyState(), ask('process', 'node'), ACCEPT).query.text).toBe('process:node');
  });

  test('a text that was there is gone on with, not replaced', () => {
    expect(after(emptyState('ab'), ask('query', 'ab'), type('c')).query.text).toBe('abc');
  });

  test('a namespace filters when it is accepted, and an empty answer takes that away', () => {
    const typing = after(emptyState(':1'), ask('netns', 'web'));
    expect(typing.query.text).toBe(':1');
    const accepted = after(typing, ACCEPT);
    expect(accepted.query.text).toBe(':1 ns:web');
    expect(after(accepted, ask('netns', ''), ACCEPT).query.text).toBe(':1');
  });

  test('cancel brings the query back that was there, and remembers nothing', () => {
    const before = emptyState('port:22 old');
    const typing = after(before, ask('query', 'port:22 old'), type('x'));
    expect(typing.query.text).toBe('port:22 oldx');
    expect(after(typing, CANCEL)).toMatchObject({ prompt: null, query: before.query, history: [] });
  });

  test('no port: it says so, keeps what was typed, and lets the query be', () => {
    const state = after(emptyState('x'), ask('port'), type('nosuch'), ACCEPT);
    expect(state).toMatchObject({ query: { text: 'x' }, prompt: { text: 'nosuch' } });
    expect(state.prompt?.error).toContain("unknown service 'nosuch'");
    expect(after(state, type('1')).prompt).not.toHaveProperty('error');
  });

  test('what is completed acts at once, and so does what is recalled', () => {
    const completed = after(emptyState(), ask('query'), type('process:n'), TAB, TAB);
    expect(completed).toMatchObject({ query: { text: 'process:node' }, prompt: { text: 'process:node' } });
    const asked = after(emptyState(), ask('query'), type('one'), ACCEPT, ask('query'), type('two'), ACCEPT);
    const recalled = after(asked, ask('query'), UP, UP);
    expect(recalled).toMatchObject({ query: { text: 'one' }, prompt: { text: 'one' } });
    expect(after(recalled, ACCEPT).history).toEqual(['two', 'one']);
    expect(after(recalled, CANCEL)).toMatchObject({ query: { text: 'two' }, history: ['one', 'two'] });
  });

  test('a file name is no query', () => {
    const typing = after(emptyState('x'), ask('save', 'a.csv'), TAB, UP);
    expect(typing).toMatchObject({ query: { text: 'x' }, prompt: { text: 'a.csv' } });
    expect(after(typing, ACCEPT)).toMatchObject({ prompt: null, query: { text: 'x' }, history: [] });
  });

  test('its actions do nothing where there is none', () => {
    const state = emptyState(':1');
    for (const action of [type('x'), TAB, UP, ACCEPT, CANCEL]) expect(after(state, action)).toBe(state);
  });
});

describe('all else', () => {
  const cases: [string, Action[], Partial<State>][] = [
    [
      'another column sorts upwards',
      [{ type: 'sort', column: 'pid' }],
      { sort: { column: 'pid', descending: false } },
    ],
    [
      'the same column reverses',
      [{ type: 'sort', column: 'process' }],
      { sort: { column: 'process', descending: true } },
    ],
    [
      'a third time, and it is as it was',
      [
        { type: 'sort', column: 'process' },
        { type: 'sort', column: 'process' },
      ],
      { sort: { column: 'process', descending: false } },
    ],
    [
      'from a reversed column to another: upwards',
      [{ type: 'reverse-sort' }, { type: 'sort', column: 'age' }],
      { sort: { column: 'age', descending: false } },
    ],
    [
      'a column of which the most is wanted first sorts downwards',
      [{ type: 'sort', column: 'rxRate', descending: true }],
      { sort: { column: 'rxRate', descending: true } },
    ],
    [
      'and the second time upwards',
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

  test('panes open, close, and do as they are told', () => {
    const panes = (...actions: Action[]) => after(emptyState(), ...actions).panes;
    const none = { events: false, details: false, traffic: false, graph: false, help: false };
    expect(panes({ type: 'pane', pane: 'events' })).toEqual({ ...none, events: true });
    expect(panes({ type: 'pane', pane: 'events' }, { type: 'pane', pane: 'events' })).toEqual(none);
    expect(panes({ type: 'pane', pane: 'help', open: false })).toEqual(none);
    expect(panes({ type: 'pane', pane: 'graph' }, { type: 'pane', pane: 'graph', open: true }).graph).toBe(
      true,
    );
  });

  test('the help scrolls from its first line to its last', () => {
    const scroll = (by: number): Action => ({ type: 'scroll-help', by, lines: 50, height: 20 });
    const top = (...actions: Action[]) => after(emptyState(), ...actions).helpTop;
    expect(top(scroll(7))).toBe(7);
    expect(top(scroll(1000))).toBe(30);
    expect(top(scroll(1000), scroll(-2))).toBe(28);
    expect(top(scroll(-5))).toBe(0);
    expect(top({ type: 'scroll-help', by: 5, lines: 10, height: 20 })).toBe(0);
    expect(top(scroll(7), { type: 'pane', pane: 'help' })).toBe(0);
  });

  test('the usage is that of the selected socket only', () => {
    const usage = { pid: 1, cpuPercent: 2, memoryBytes: 3 };
    const state = after(emptyState(), { type: 'usage', usage });
    expect(state.usage).toEqual(usage);
    expect(after(state, { type: 'select', id: 'b' }).usage).toBeNull();
  });
});
