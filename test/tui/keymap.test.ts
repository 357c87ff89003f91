import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';
import type { Action } from '../../src/store/actions.ts';
import { PROMPTS } from '../../src/store/prompts.ts';
import { PANE_NAMES } from '../../src/store/panes.ts';
import { GROUPS, type List, PALETTES, type State } from '../../src/store/state.ts';
import { BUILT_IN } from '../../src/store/views.ts';
import { actionOf, KEYS } from '../../src/tui/keymap.ts';
import { commandsOf } from '../../src/view/panes/command-search.ts';
import { PANES } from '../../src/view/panes/panes.ts';
import { sortBy } from '../../src/view/panes/table-pane.ts';
import { COLUMNS } from '../../src/view/columns/columns.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import {
  after,
  baseline,
  batch,
  emptyState,
  listener,
  NOON_MS,
  queryFrom,
  socket,
} from '../helpers/fakes.ts';
import { contextOf } from '../helpers/key-context.ts';
import { HOSTILE, placed } from '../helpers/lines.ts';

/** Returns the action of a key while the first line of the table is selected. */
function press(key: string, state: State, character?: string) {
  return actionOf({ ...contextOf(state), columns: placed('process', 'localPort', 'state') }, key, character);
}

const withSockets = (...sockets: Socket[]) => after(emptyState(), baseline(sockets));
const typing = (state = emptyState()) => after(state, { type: 'prompt', kind: 'query', text: '' });
/** Returns the number of rows that a state shows. */
function shown(state: State): number {
  const order = new RowOrder();
  order.update(state);
  return order.rows().length;
}
const said = (text: string) => ({ type: 'message', message: { text, isError: false } });

test('no key is bound twice in a place, and every action is documented', () => {
  const keys = KEYS.flatMap(({ place = 'table', keys: all }) => all.map((key) => `${place} ${key}`));
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(KEYS.map(({ id }) => id)).size).toBe(KEYS.length);
  for (const { id, name, about, group } of KEYS) {
    expect([name, about, group]).not.toContain('');
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
  }
});

test('the help starts with moving and quitting', () => {
  expect([...new Set(KEYS.map(({ group }) => group))].slice(0, 2)).toEqual(['Move', 'Help and quitting']);
});

test('every hint names actions that exist', () => {
  const ids = KEYS.map(({ id }) => id);
  const panes = { ...emptyState().panes, help: true };
  const lists: List[] = [
    { kind: 'views', at: 0 },
    { kind: 'hide-rules', at: 0 },
    { kind: 'columns', cursor: 'pid' },
  ];
  const hints = [
    ...Object.values(PROMPTS).flatMap((it) => it.hints),
    ...Object.values(PANES).flatMap((it) => lists.flatMap((list) => it.hints?.({ panes, list }) ?? [])),
  ];
  expect(hints.length).toBeGreaterThan(20);
  expect(ids).toEqual(expect.arrayContaining(hints.flatMap(({ actions }) => actions)));
});

test('every prompt and every pane is opened by a key', () => {
  const table = after(emptyState(), { type: 'resize', width: 120, height: 40 });
  const list = after(table, { type: 'list', list: { kind: 'views', at: 0 } });
  const actions = [
    ...KEYS.flatMap(({ keys: [key = ''] }) => press(key, table) ?? []),
    ...['a', 'd', 'enter'].flatMap((key) => press(key, list) ?? []),
  ];
  const opened = actions.flatMap((it) =>
    it.type === 'prompt' ? it.kind : it.type === 'pane' ? it.pane : [],
  );
  expect(opened).toEqual(expect.arrayContaining([...Object.keys(PROMPTS), ...PANE_NAMES]));
});

describe('p offers', () => {
  test.each<[string, Socket[], string]>([
    ['the port of a listener', [listener({ local: '*:8080' })], '8080'],
    [
      'the remote port of a connection that this machine opened, whatever the numbers',
      [socket({ local: '10.0.0.5:700', remote: '192.0.2.1:2049', opened: 'out' })],
      '2049',
    ],
    [
      'the port of a known listener, whatever its number',
      [
        socket({ local: '10.0.0.5:51000', remote: '192.0.2.1:40000', process: 'a' }),
        listener({ local: '*:51000', process: 'z' }),
      ],
      '51000',
    ],
    ['nothing if no row is selected', [], ''],
  ])('%s', (_, sockets, text) => {
    expect(press('p', withSockets(...sockets))).toEqual({ type: 'prompt', kind: 'port', text });
  });
});

test('P offers the program, / the current query', () => {
  expect(press('S-p', withSockets(socket({ process: 'node' })))).toMatchObject({
    kind: 'process',
    text: 'node',
  });
  expect(press('S-p', withSockets({ ...socket(), owners: [{ knowledge: 'hidden' }] }))).toMatchObject({
    text: '',
  });
  // With a trailing space: the user types the next term.
  expect(press('/', emptyState('abc port:1'))).toEqual({
    type: 'prompt',
    kind: 'query',
    text: 'abc port:1 ',
  });
  expect(press('/', emptyState())).toMatchObject({ text: '' });
});

describe('esc and q close the topmost', () => {
  const OPEN = ['graph', 'traffic', 'events', 'details', 'help'] as const;
  const opened = OPEN.reduce(
    (state, pane) => after(state, { type: 'pane', pane }),
    after(emptyState(':22'), { type: 'cell', column: 'pid' }),
  );

  /** Returns what each press does, until it quits or nothing is left. */
  function closed(key: string, start: State): string[] {
    const done: string[] = [];
    for (let state = start; done.length < 10;) {
      const action = press(key, state);
      if (action === undefined) break;
      done.push(action.type === 'pane' ? action.pane : action.type);
      if (action.type === 'quit' || (action.type === 'query' && state.query.text === '')) break;
      state = after(state, action);
    }
    return done;
  }

  test('esc closes the panes, then clears the chosen cell, then the query', () => {
    const panes = ['help', 'details', 'events', 'traffic', 'graph'];
    expect(closed('escape', opened)).toEqual([...panes, 'cell', 'query', 'query']);
  });

  test.each(['q', 'f10'])(
    '%s closes the panes, then quits: it clears neither the cell nor the query',
    (key) => {
      expect(closed(key, opened)).toEqual(['help', 'details', 'events', 'traffic', 'graph', 'quit']);
    },
  );

  test('the pane with the focus is closed before the others', () => {
    const state = after(
      emptyState(),
      { type: 'resize', width: 100, height: 50 },
      { type: 'pane', pane: 'details' },
      { type: 'pane', pane: 'events' },
      { type: 'focus', focus: 'events' },
    );
    expect(closed('escape', state).slice(0, 2)).toEqual(['events', 'details']);
  });

  test('ctrl-c quits, wherever it is pressed', () => {
    for (const state of [
      opened,
      typing(),
      after(emptyState(), { type: 'list', list: { kind: 'views', at: 0 } }),
    ])
      expect(press('C-c', state, '\x03')).toEqual({ type: 'quit' });
  });
});

describe('g g goes to the first row', () => {
  const waiting = after(emptyState(), { type: 'key-start', key: 'g' });

  test('the first g waits for the second', () => {
    expect(press('g', emptyState(), 'g')).toEqual({ type: 'key-start', key: 'g' });
    const rows = withSockets(socket({ id: 'a' }), socket({ id: 'b' }));
    expect(press('g', after(rows, { type: 'key-start', key: 'g' }), 'g')).toEqual(press('home', rows));
  });

  test('any other key after g acts as itself', () => {
    expect(press('b', waiting)).toEqual({ type: 'baseline' });
    expect(press('f12', waiting)).toBeUndefined();
  });
});

test.each([
  ['f1', '?'],
  ['f2', 'S-c'],
  ['f3', '/'],
  ['f4', '/'],
  ['f5', 'o'],
  ['f6', 's'],
])('%s is a key as in htop', (key, other) => {
  expect(press(key, emptyState())).toEqual(press(other, emptyState()));
  expect(press(key, emptyState())).toBeDefined();
});

test('F9 and K are kept for a later release', () => {
  expect([press('f9', emptyState()), press('S-k', emptyState())]).toEqual([undefined, undefined]);
});

test('N offers the name or inode of the namespace', () => {
  const offered = (fields: Partial<Socket>) => press('S-n', withSockets({ ...socket(), ...fields }));
  expect(offered({ netns: { inode: 7, name: 'web' } })).toEqual({
    type: 'prompt',
    kind: 'netns',
    text: 'web',
  });
  expect(offered({ netns: { inode: 7 } })).toMatchObject({ text: '7' });
  expect(offered({})).toMatchObject({ text: '' });
  expect(press('S-n', emptyState())).toMatchObject({ text: '' });
});

describe('in the event log', () => {
  const node = socket({ process: 'node', local: '10.0.0.5:51000', remote: '203.0.113.80:443' });
  const inLog = (key: string, socketOfEvent: Socket | undefined) =>
    actionOf({ ...contextOf(emptyState()), socket: socketOfEvent, focus: 'events' }, key, undefined);

  test('enter goes to the row, tab switches between log and table', () => {
    const opened = { type: 'spawn', atMs: NOON_MS, learntBy: 'poll', socket: node } as const;
    const gap = { type: 'gap', atMs: NOON_MS, learntBy: 'destroy' } as const;
    const enterOn = (event: Event, spawned: readonly Socket[], height = 40) => {
      const actions = [
        batch({ events: [event], spawned }),
        { type: 'resize', width: 80, height },
        { type: 'pane', pane: 'events' },
      ] as const;
      return actionOf({ ...contextOf(after(emptyState(), ...actions)), focus: 'events' }, 'enter', undefined);
    };
    const { id } = node;
    expect(enterOn(opened, [node])).toEqual({ type: 'go-to-row', id, closesLog: false });
    expect(enterOn(opened, [node], 6)).toEqual({ type: 'go-to-row', id, closesLog: true });
    expect(enterOn(opened, [])).toEqual({ type: 'select-event', number: 0, note: 'its socket is gone' });
    expect(enterOn(gap, [])).toMatchObject({ note: 'a gap has no row: its sockets are not known' });
    const sum = { type: 'sum', atMs: NOON_MS, count: 2, socket: node, differs: [] } as const;
    expect(enterOn(sum, [node])).toMatchObject({
      note: 'these connections were only counted: they have no rows',
    });
    // Without an event it only removes the message.
    expect(inLog('enter', undefined)).toEqual({ type: 'message', message: null });
    expect(inLog('tab', undefined)).toEqual({ type: 'focus', focus: 'table' });
    const size = { type: 'resize', width: 80, height: 40 } as const;
    const withLog = after(emptyState(), size, { type: 'pane', pane: 'events' });
    expect(press('tab', withLog)).toEqual({ type: 'focus', focus: 'events' });
    expect(press('tab', emptyState())).toEqual({ type: 'focus', focus: 'table' });
    expect(press('enter', emptyState())).toEqual({ type: 'pane', pane: 'details' });
  });

  test('p offers the lower port of the event, P its process', () => {
    const it = socket({ process: 'node', local: '10.0.0.5:51000', remote: '192.0.2.1:443' });
    expect(inLog('p', it)).toMatchObject({ kind: 'port', text: '443' });
    expect(inLog('S-p', it)).toMatchObject({ kind: 'process', text: 'node' });
    expect(inLog('p', undefined)).toMatchObject({ text: '' });
  });
});

test('i opens the traffic pane', () => {
  expect(press('i', emptyState())).toEqual({ type: 'pane', pane: 'traffic' });
});

test('a pane without room stays closed, and a message says so', () => {
  const low = after(emptyState(), { type: 'resize', width: 40, height: 8 });
  const noRoom = (name: string) => ({
    type: 'message',
    message: { text: `no room for ${name} on this screen`, isError: false },
  });
  expect(press('m', low)).toEqual(noRoom('graphs'));
  // Replaces the table.
  expect(press('e', low)).toEqual({ type: 'pane', pane: 'events' });
  const withDetails = after(low, { type: 'pane', pane: 'details' });
  expect(press('e', withDetails)).toEqual(noRoom('events'));
  // It can be closed where it has no room.
  const high = after(withDetails, { type: 'resize', width: 80, height: 40 }, { type: 'pane', pane: 'graph' });
  expect(press('m', after(high, { type: 'resize', width: 40, height: 8 }))).toEqual({
    type: 'pane',
    pane: 'graph',
  });
});

test('columns whose largest values matter are sorted descending first', () => {
  expect(sortBy('rxRate')).toEqual({ type: 'sort', column: 'rxRate', descending: true });
  expect(sortBy('pid')).toEqual({ type: 'sort', column: 'pid' });
  const descending = COLUMNS.filter(({ id, onRequest }) => {
    const action = sortBy(id);
    return !onRequest && action.type === 'sort' && action.descending;
  });
  expect(descending.map(({ id }) => id)).toEqual([
    'rxRate',
    'txRate',
    'rateHistory',
    'rtt',
    'rxBytes',
    'txBytes',
    'retransmits',
    'queues',
  ]);
});

test('s cycles through the visible columns', () => {
  const sortedBy = (column: State['sort']['column']) =>
    press('s', { ...emptyState(), sort: { column, descending: true } });
  expect([sortedBy('process'), sortedBy('localPort'), sortedBy('state'), sortedBy('age')]).toEqual(
    ['localPort', 'state', 'process', 'process'].map((column) => ({ type: 'sort', column })),
  );
});

test.each([
  [1000, 2000, 500],
  [60_000, 60_000, 30_000],
  [100, 200, 100],
  // An interval between two steps goes to the next step.
  [1500, 2000, 1000],
  [3_600_000, 3_600_000, 60_000],
])('from %i ms: + gives %i, - gives %i', (intervalMs, longer, shorter) => {
  const state = { ...emptyState(), intervalMs };
  expect(press('+', state)).toEqual({ type: 'interval', intervalMs: longer });
  expect(press('=', state)).toEqual({ type: 'interval', intervalMs: longer });
  expect(press('-', state)).toEqual({ type: 'interval', intervalMs: shorter });
});

test('c cycles through the palettes', () => {
  const next = (palette: State['palette']) => press('c', { ...emptyState(), palette });
  expect(PALETTES.map(next)).toMatchObject([
    { palette: 'high-contrast' },
    { palette: 'colour-blind' },
    { palette: 'mono' },
    { palette: 'standard' },
  ]);
});

test('an unbound key does nothing', () => {
  expect(press('F12', emptyState())).toBeUndefined();
  expect(press('constructor', emptyState())).toBeUndefined();
  expect(press('undefined', emptyState())).toBeUndefined();
});

describe('quick keys', () => {
  const node = socket({ process: 'node', local: '10.0.0.5:51000', remote: '203.0.113.80:443', pid: 7 });

  test.each<[string, Action[], string]>([
    ['the program', [], '!process=node'],
    ['the value of the chosen cell', [{ type: 'cell', column: 'remoteAddress' }], '!@203.0.113.80'],
    ['the local port', [{ type: 'cell', column: 'localPort' }], '!lport:51000'],
    ['the state', [{ type: 'cell', column: 'state' }], '!state:ESTABLISHED'],
    ['the program, if there is no term for the cell', [{ type: 'cell', column: 'rxRate' }], '!process=node'],
    ['the group', [{ type: 'group', group: 'host' }], '!@203.0.113.80'],
    [
      'the group, whatever the cell',
      [
        { type: 'group', group: 'port' },
        { type: 'cell', column: 'pid' },
      ],
      '!:443',
    ],
  ])('x excludes %s', (_, actions, term) => {
    const state = after(withSockets(node), ...actions);
    const command = press('x', state);
    expect(command).toEqual({ type: 'add-term', term });
    expect(shown(after(state, { type: 'add-term', term }))).toBe(0);
  });

  test('x shows a message if there is nothing to exclude', () => {
    const why = said('cannot exclude this cell: select another with right');
    expect(press('x', emptyState())).toEqual(why);
    expect(press('x', withSockets({ ...node, owners: [{ knowledge: 'hidden' }] }))).toEqual(why);
  });

  test('x excludes exactly the selected program, even with a hostile name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' })), (text) => {
        // Names never contain NUL.
        const name = text.replaceAll('\0', '');
        const state = withSockets(
          socket({ id: 'it', process: name }),
          listener({ id: 'other', process: 'other' }),
        );
        const order = new RowOrder();
        order.update(state);
        const item = [0, 1].map((i) => order.at(i)).find((it) => it?.id === 'it');
        const command = actionOf({ ...contextOf(state), item }, 'x', undefined);
        if (name === '') expect(command?.type).toBe('message');
        else if (command?.type !== 'add-term') throw new Error('x has another command');
        else expect(shown(after(state, command))).toBe(name === 'other' ? 0 : 1);
      }),
      { numRuns: 300 },
    );
  });

  test('b sets the baseline', () => {
    expect(press('b', emptyState())).toEqual({ type: 'baseline' });
  });

  test('h asks, and y hides the program with its peer at the port of the service', () => {
    const asked = press('h', withSockets(node));
    const rule = { process: 'node', remote: '203.0.113.80', port: 443 };
    expect(asked).toEqual({ type: 'question', question: { kind: 'hide', rule } });
    const state = after(withSockets(node), asked ?? { type: 'quit' });
    expect(press('y', state)).toEqual({
      type: 'hide',
      rule,
      note: 'hidden (u undoes): node → 203.0.113.80:443',
    });
    for (const key of ['n', 'escape', 'h', 'enter', 'f12', 'q'])
      expect(press(key, state)).toEqual({ type: 'question', question: null });
    const served = withSockets(
      socket({ process: 'a', local: '10.0.0.5:51000', remote: '192.0.2.1:40000' }),
      listener({ local: '*:51000', process: 'z' }),
    );
    expect(press('h', served)).toMatchObject({
      question: { rule: { process: 'a', remote: '192.0.2.1', port: 51_000 } },
    });
  });

  test('h shows a message if no row is selected', () => {
    const why = said('no row selected: select the row whose program and remote to hide');
    expect(press('h', after(withSockets(node), { type: 'group', group: 'user' }))).toEqual(why);
    expect(press('h', emptyState())).toEqual(why);
  });

  test('H, v and C open their lists', () => {
    expect(press('S-h', emptyState())).toEqual({ type: 'list', list: { kind: 'hide-rules', at: 0 } });
    expect(press('v', emptyState())).toEqual({ type: 'list', list: { kind: 'views', at: 0 } });
    expect(press('S-c', emptyState())).toEqual({
      type: 'list',
      list: { kind: 'columns', cursor: 'process' },
    });
  });

  test('number keys switch to views, including saved ones', () => {
    const mine = { name: 'mine', query: 'ssh' };
    const state = { ...emptyState(), views: [mine] };
    expect([1, 2, 3, 4, 5, 6].map((number) => press(String(number), state))).toEqual(
      BUILT_IN.map((view) => ({ type: 'apply-view', view })),
    );
    expect(press('7', state)).toEqual({ type: 'apply-view', view: mine });
    expect(press('8', state)).toEqual(said('no view 8: v lists the views and saves the current one'));
    expect(press('0', state)).toBeUndefined();
  });

  test('o cycles through the groupings and none', () => {
    const groups = [];
    let state = emptyState();
    for (let i = 0; i < GROUPS.length + 1; i++) {
      const command = press('o', state);
      if (command?.type !== 'group') throw new Error('o has another command');
      groups.push(command.group);
      state = after(state, command);
    }
    expect(groups).toEqual(['process', 'host', 'port', 'user', 'ns', null]);
  });

  test('z and enter fold the selected group, Z all groups; without groups they show a message', () => {
    const grouped = after(withSockets(node), { type: 'group', group: 'process' });
    const command = press('z', grouped);
    expect(command).toEqual({ type: 'fold', id: expect.any(String) as string });
    expect(press('enter', grouped)).toEqual(command);
    expect(press('S-z', grouped)).toEqual({ type: 'fold-all' });
    const why = said('not grouped: press o');
    expect(press('z', withSockets(node))).toEqual(why);
    expect(press('S-z', withSockets(node))).toEqual(why);
    expect(press('enter', withSockets(node))).toEqual({ type: 'pane', pane: 'details' });
  });

  test('the arrow keys choose a visible cell, starting from either end and stopping at the ends', () => {
    const right = (cell: State['cell']) => press('right', { ...emptyState(), cell });
    const left = (cell: State['cell']) => press('left', { ...emptyState(), cell });
    const cells = (...ids: State['cell'][]) => ids.map((column) => ({ type: 'cell', column }));
    expect([right(null), right('process'), right('localPort'), right('state')]).toEqual(
      cells('process', 'localPort', 'state', 'state'),
    );
    expect([left(null), left('state'), left('process')]).toEqual(cells('state', 'localPort', 'process'));
    // A cell that is not visible counts as none.
    expect([right('age'), left('age')]).toEqual(cells('process', 'state'));
  });

  test('y and Y copy, w prompts for a file', () => {
    // Also the columns for which the screen has no room.
    const row = press('y', withSockets(node)) as Action & { type: 'copy' };
    expect(row).toMatchObject({ type: 'copy', what: `row (${row.text.split('\t').length} columns)` });
    expect(row.text).toContain('10.0.0.5\t51000\t203.0.113.80\t443\tESTABLISHED');
    const chosen = {
      ...withSockets(node),
      columns: [{ id: 'pid' }, { id: 'inode' }, { id: 'exe' }] as const,
    };
    expect(press('y', chosen)).toEqual({ type: 'copy', text: '7\t·\t·', what: 'row (3 columns)' });
    expect(press('S-y', withSockets(node))).toEqual({
      type: 'copy',
      text: '203.0.113.80:443',
      what: '203.0.113.80:443',
    });
    expect(press('y', emptyState())).toEqual(said('nothing to copy'));
    expect(press('S-y', emptyState())).toEqual(said('nothing to copy'));
    expect(press('w', withSockets(node))).toEqual({
      type: 'prompt',
      kind: 'save',
      text: 'netpane-2026-01-02T120000.csv',
    });
  });
});

describe('moving', () => {
  const rows = ['a', 'b', 'c'].map((id) => socket({ id, process: id }));
  const table = after(withSockets(...rows), { type: 'resize', width: 80, height: 24 });

  test('goes to a row, stops at the ends, and does nothing without rows', () => {
    const at = (id: string | null) => after(table, { type: 'select', id });
    expect(press('down', at('a'))).toEqual({ type: 'select', id: 'b' });
    expect(press('up', at('a'))).toEqual({ type: 'select', id: 'a' });
    expect(press('end', at(null))).toEqual({ type: 'select', id: 'c' });
    expect(press('pagedown', at('a'))).toEqual({ type: 'select', id: 'c' });
    expect(press('down', emptyState())).toEqual({ type: 'message', message: null });
  });

  test('scrolls the help', () => {
    const help = after(table, { type: 'pane', pane: 'help' });
    expect(press('down', help)).toMatchObject({ type: 'scroll', pane: 'help', by: 1 });
    expect(press('up', help)).toMatchObject({ type: 'scroll', pane: 'help', by: -1 });
  });

  test('goes to an event if the log has the focus; null at the newest', () => {
    const spawn = { type: 'spawn', atMs: NOON_MS, learntBy: 'poll', socket: socket() } as const;
    const log = after(
      table,
      batch({ monotonicMs: 1, events: [spawn, spawn, spawn] }),
      { type: 'pane', pane: 'events' },
      { type: 'focus', focus: 'events' },
    );
    expect(press('up', log)).toEqual({ type: 'select-event', number: 1 });
    expect(press('home', log)).toEqual({ type: 'select-event', number: 0 });
    expect(press('down', log)).toEqual({ type: 'select-event', number: null });
  });
});

test('enter in the prompt for a file saves the open sockets that are shown', () => {
  const it = socket({ id: 'open' });
  const state = after(
    withSockets(it, socket({ id: 'closed', process: 'gone' })),
    batch({ monotonicMs: 1, closed: ['closed'] }),
    { type: 'prompt', kind: 'save', text: 'a.csv' },
  );
  expect(press('enter', state)).toEqual({ type: 'accept-prompt', sockets: [it] });
});

describe('while a prompt is open', () => {
  test.each([
    ['q', 'q', { type: 'edit', edit: { type: 'insert', text: 'q' } }],
    ['space', ' ', { type: 'edit', edit: { type: 'insert', text: ' ' } }],
    ['S-p', 'P', { type: 'edit', edit: { type: 'insert', text: 'P' } }],
    ['undefined', '語', { type: 'edit', edit: { type: 'insert', text: '語' } }],
    ['backspace', '\x7f', { type: 'edit', edit: { type: 'delete', what: 'before' } }],
    ['C-w', '\x17', { type: 'edit', edit: { type: 'delete', what: 'word' } }],
    ['C-u', '\x15', { type: 'edit', edit: { type: 'delete', what: 'to-start' } }],
    ['left', undefined, { type: 'edit', edit: { type: 'move', to: 'left' } }],
    ['C-e', '\x05', { type: 'edit', edit: { type: 'move', to: 'end' } }],
    ['enter', '\r', { type: 'accept-prompt' }],
    ['escape', '\x1b', { type: 'cancel-prompt' }],
    ['C-c', '\x03', { type: 'quit' }],
    ['C-z', '\x1a', { type: 'suspend' }],
    ['up', undefined, { type: 'recall', by: -1 }],
    ['down', undefined, { type: 'recall', by: 1 }],
    ['tab', '\t', { type: 'complete', by: 1 }],
    ['S-tab', undefined, { type: 'complete', by: -1 }],
    ['1', '1', { type: 'edit', edit: { type: 'insert', text: '1' } }],
    ['C-h', '\b', { type: 'edit', edit: { type: 'delete', what: 'before' } }],
    ['delete', undefined, { type: 'edit', edit: { type: 'delete', what: 'after' } }],
    ['home', undefined, { type: 'edit', edit: { type: 'move', to: 'start' } }],
  ])('%s', (key, character, command) => {
    expect(press(key, typing(), character)).toEqual(command);
  });

  test.each([
    ['pageup', undefined],
    ['C-l', '\x0c'],
    ['M-x', undefined],
    ['toString', undefined],
  ])('%s types nothing', (key, character) => {
    expect(press(key, typing(), character)).toBeUndefined();
  });
});

describe('actions without a key', () => {
  const state = after(emptyState(), baseline([socket()]));
  /** Returns what the first command that a text finds does. */
  const run = (text: string) => {
    const open = after(state, { type: 'prompt', kind: 'command', text: '' });
    return press('enter', after(open, { type: 'edit', edit: { type: 'insert', text } }));
  };

  test.each<[string, Action]>([
    ['sort by pid', { type: 'sort', column: 'pid' }],
    ['sort command', { type: 'sort', column: 'command' }],
    ['group port', { type: 'group', group: 'port' }],
    ['no groups', { type: 'group', group: null }],
    ['theme blind', { type: 'palette', palette: 'colour-blind' }],
    ['automatic columns', { type: 'columns', columns: null }],
    ['clear query', { type: 'query', query: queryFrom('') }],
    ['only established', { type: 'toggle-term', term: 'established', instead: ['listen'] }],
  ])('the command palette finds and runs: %s', (text, action) => {
    expect(run(text)).toMatchObject({
      type: 'run-command',
      action: JSON.parse(JSON.stringify(action)) as object,
    });
  });

  test('no two commands have one name, and columns that no source has shown are left out', () => {
    const names = commandsOf(KEYS, state).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('sort by RX/S');
    const counted = after(emptyState(), baseline([socket({ traffic: { rxBytes: 1 } })]));
    expect(commandsOf(KEYS, counted).map(({ name }) => name)).toContain('sort by RX/S');
  });
});
