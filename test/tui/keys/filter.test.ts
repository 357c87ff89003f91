import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import { GROUPS, type State } from '../../../src/store/state.ts';
import { BUILT_IN } from '../../../src/store/views.ts';
import { actionOf } from '../../../src/tui/keymap.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, emptyState, listener, socket } from '../../helpers/fakes.ts';
import { contextOf } from '../../helpers/key-context.ts';
import { HOSTILE } from '../../helpers/lines.ts';
import { press, withSockets } from './press.ts';

/** Returns the number of rows that a state shows. */
function shown(state: State): number {
  const order = new RowOrder();
  order.update(state);
  return order.rows().length;
}
const said = (text: string) => ({ type: 'message', message: { text, isError: false } });

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

test('p, P and N offer the value of the selected group only if all its rows have it', () => {
  const netns = { inode: 7, name: 'web' };
  const rows = withSockets({ ...listener({ local: '*:8080', process: 'node' }), netns });
  const offered = (key: string, group: State['group']) => {
    const action = press(key, after(rows, { type: 'group', group }));
    return action?.type === 'prompt' ? action.text : action;
  };
  expect(GROUPS.map((group) => ['p', 'S-p', 'S-n'].map((key) => offered(key, group)))).toEqual([
    ['', 'node', ''],
    ['', '', ''],
    ['8080', '', ''],
    ['', '', ''],
    ['', '', 'web'],
    ['', '', ''],
    ['', '', ''],
  ]);
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
    expect(press('x', emptyState())).toEqual(said('no row selected: select a row like those to exclude'));
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
    expect(press('8', state)).toEqual(said('no view 8: a saves the current one, v lists them'));
    expect(press('0', state)).toBeUndefined();
  });

  test('o cycles through the groupings and none', () => {
    const groups: (string | null)[] = [];
    let state = emptyState();
    while (!groups.includes(null)) {
      const command = press('o', state);
      if (command?.type !== 'group') throw new Error('o has another command');
      groups.push(command.group);
      state = after(state, command);
    }
    // Without a file, not those by country and organisation.
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
    expect(press('enter', withSockets(node))).toEqual({ type: 'pane', pane: 'details', rowId: node.id });
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
