import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import type { State } from '../../src/store/state.ts';
import { commandOf, KEYS, sortBy } from '../../src/tui/keymap.ts';
import { COLUMNS } from '../../src/view/columns.ts';
import { RowOrder } from '../../src/view/order.ts';
import { after, baseline, emptyState, listener, socket } from '../helpers/fakes.ts';

/** What a key means while the first row is selected. */
function press(key: string, state: State, character?: string) {
  const order = new RowOrder();
  order.update(state);
  return commandOf(
    { state, socket: order.at(0)?.socket, focus: 'table', columns: ['process', 'localPort', 'state'] },
    key,
    character,
  );
}

const withSockets = (...sockets: Socket[]) => after(emptyState(), baseline(sockets));
const typing = (state = emptyState()) => after(state, { type: 'prompt', kind: 'text', text: '' });

test('no key is bound twice, and every one is told of', () => {
  const keys = KEYS.flatMap((it) => it.keys);
  expect(new Set(keys).size).toBe(keys.length);
  for (const { label, about, group } of KEYS) expect([label, about, group]).not.toContain('');
  expect(KEYS.at(-1)?.keys).toContain('q');
});

describe('what p offers', () => {
  test.each<[string, Socket[], string]>([
    ['the port of a listener', [listener({ local: '*:8080' })], '8080'],
    [
      'of a connection the lower one, by custom',
      [socket({ local: '10.0.0.5:51000', remote: '192.0.2.1:443' })],
      '443',
    ],
    ['also where that is ours', [socket({ local: '10.0.0.5:22', remote: '192.0.2.1:51000' })], '22'],
    [
      'the one that is listened on, whatever its number',
      [
        socket({ local: '10.0.0.5:51000', remote: '192.0.2.1:40000', process: 'a' }),
        listener({ local: '*:51000', process: 'z' }),
      ],
      '51000',
    ],
    ['nothing without a row', [], ''],
  ])('%s', (_, sockets, text) => {
    expect(press('p', withSockets(...sockets))).toEqual({ type: 'prompt', kind: 'port', text });
  });
});

test('P offers the program, / the text that is there', () => {
  expect(press('S-p', withSockets(socket({ process: 'node' })))).toMatchObject({
    kind: 'process',
    text: 'node',
  });
  expect(press('S-p', withSockets({ ...socket(), owners: [{ knowledge: 'hidden' }] }))).toMatchObject({
    text: '',
  });
  expect(press('/', emptyState({ text: 'abc', port: 1 }))).toEqual({
    type: 'prompt',
    kind: 'text',
    text: 'abc',
  });
});

test('esc leaves what is on top: the help, the filter, the panes one by one', () => {
  let state = emptyState({ port: 22 });
  for (const pane of ['events', 'traffic', 'details', 'help'] as const)
    state = after(state, { type: 'pane', pane });
  const left = [];
  for (let i = 0; i < 5; i++) {
    const command = press('escape', state);
    if (command?.type !== 'pane' && command?.type !== 'filter') throw new Error('esc does something else');
    left.push(command.type === 'pane' ? command.pane : 'filter');
    state = after(state, command);
  }
  expect(left).toEqual(['help', 'filter', 'details', 'traffic', 'events']);
});

test('N offers the namespace, by its name or its inode', () => {
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
  const inLog = (key: string, socketOfEvent: Socket | undefined) =>
    commandOf({ state: emptyState(), socket: socketOfEvent, focus: 'events', columns: [] }, key, undefined);

  test('enter goes to the row, tab to the table and back', () => {
    expect(inLog('enter', undefined)).toEqual({ type: 'jump' });
    expect(inLog('tab', undefined)).toEqual({ type: 'focus', focus: 'table' });
    expect(press('tab', emptyState())).toEqual({ type: 'focus', focus: 'events' });
    expect(press('enter', emptyState())).toEqual({ type: 'pane', pane: 'details' });
  });

  test('p and P offer what the event has', () => {
    const it = socket({ process: 'node', local: '10.0.0.5:51000', remote: '192.0.2.1:443' });
    expect(inLog('p', it)).toMatchObject({ kind: 'port', text: '443' });
    expect(inLog('S-p', it)).toMatchObject({ kind: 'process', text: 'node' });
    expect(inLog('p', undefined)).toMatchObject({ text: '' });
  });
});

test('i opens the traffic', () => {
  expect(press('i', emptyState())).toEqual({ type: 'pane', pane: 'traffic' });
});

test('a number of which the most is wanted is sorted by that way', () => {
  expect(sortBy('rxRate')).toEqual({ type: 'sort', column: 'rxRate', descending: true });
  expect(sortBy('pid')).toEqual({ type: 'sort', column: 'pid' });
  const descending = COLUMNS.map(({ id }) => sortBy(id)).filter((it) => it.type === 'sort' && it.descending);
  expect(descending.length).toBe(7);
});

test('s goes through the columns on the screen, and round', () => {
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
  // An interval of the command line's own: to the next step.
  [1500, 2000, 1000],
  [3_600_000, 3_600_000, 60_000],
])('from %i ms: + gives %i, - gives %i', (intervalMs, longer, shorter) => {
  const state = { ...emptyState(), intervalMs };
  expect(press('+', state)).toEqual({ type: 'interval', intervalMs: longer });
  expect(press('=', state)).toEqual({ type: 'interval', intervalMs: longer });
  expect(press('-', state)).toEqual({ type: 'interval', intervalMs: shorter });
});

test('c goes through the palettes, and round', () => {
  const next = (palette: State['palette']) => press('c', { ...emptyState(), palette });
  expect((['standard', 'colour-blind', 'mono'] as const).map(next)).toMatchObject([
    { palette: 'colour-blind' },
    { palette: 'mono' },
    { palette: 'standard' },
  ]);
});

test('a key that is not bound does nothing', () => {
  expect(press('F12', emptyState())).toBeUndefined();
  expect(press('constructor', emptyState())).toBeUndefined();
  expect(press('undefined', emptyState())).toBeUndefined();
});

describe('while something is typed', () => {
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
    ['C-c', '\x03', { type: 'cancel-prompt' }],
    ['C-z', '\x1a', { type: 'suspend' }],
  ])('%s', (key, character, command) => {
    expect(press(key, typing(), character)).toEqual(command);
  });

  test.each([
    ['up', undefined],
    ['tab', '\t'],
    ['C-l', '\x0c'],
    ['M-x', undefined],
    ['toString', undefined],
  ])('%s types nothing', (key, character) => {
    expect(press(key, typing(), character)).toBeUndefined();
  });
});
