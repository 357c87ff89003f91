import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/model/event.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import type { State } from '../../../src/store/state.ts';
import { actionOf } from '../../../src/tui/keymap.ts';
import { after, batch, emptyState, NOON_MS, queryFrom, socket } from '../../helpers/fakes.ts';
import { contextOf } from '../../helpers/key-context.ts';
import { press, typing, withSockets } from './press.ts';

const asking = (text: string): Action => ({ type: 'query', query: queryFrom(text) });

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

  test('esc first leaves the view in which the query matches nothing', () => {
    const start = after(withSockets(socket({ process: 'node' })), asking('exposed process:node'));
    const [wider, everything] = ['process:node', ''];
    const action = press('escape', start);
    expect(action).toMatchObject({ type: 'query', query: { text: wider } });
    expect(press('escape', after(start, action as Action))).toMatchObject({ query: { text: everything } });
    expect(press('escape', after(start, asking('exposed process:absent')))).toMatchObject({
      query: { text: everything },
    });
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
  expect(press('M', low)).toEqual(noRoom('graphs'));
  // Replaces the table.
  expect(press('e', low)).toEqual({ type: 'pane', pane: 'events' });
  const withDetails = after(low, { type: 'pane', pane: 'details' });
  expect(press('e', withDetails)).toEqual(noRoom('events'));
  // It can be closed where it has no room.
  const high = after(withDetails, { type: 'resize', width: 80, height: 40 }, { type: 'pane', pane: 'graph' });
  expect(press('M', after(high, { type: 'resize', width: 40, height: 8 }))).toEqual({
    type: 'pane',
    pane: 'graph',
  });
});
