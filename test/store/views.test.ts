import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../src/query/query.ts';
import type { Action } from '../../src/store/actions.ts';
import type { State, View } from '../../src/store/state.ts';
import { BUILT_IN, isBuiltIn, activeView, viewsOf, withView } from '../../src/store/views.ts';
import { RowOrder } from '../../src/view/order.ts';
import { after, baseline, batch, emptyState, listener, queryFrom, socket } from '../helpers/fakes.ts';

const MINE: View = {
  name: 'mine',
  query: 'ssh or :22',
  sort: { column: 'age', descending: true },
  group: 'host',
  columns: [{ id: 'process', width: 20 }, { id: 'age' }],
};

const look = (view: View): Action => ({ type: 'apply-view', view });
const save = (name: string): Action[] => [
  { type: 'prompt', kind: 'view', text: '' },
  { type: 'edit', edit: { type: 'insert', text: name } },
  { type: 'accept-prompt' },
];
const builtIn = (name: string): View => BUILT_IN.find((it) => it.name === name) ?? { name: '', query: '' };

describe('those that there always are', () => {
  test('are asked for in the language of queries, under the first keys', () => {
    expect(BUILT_IN.map(({ name }) => name)).toEqual([
      'all',
      'listening',
      'established',
      'exposed',
      'talkers',
      'new',
    ]);
    for (const { query } of BUILT_IN) expect(parseQuery(query)).toHaveProperty('query');
  });

  const there = [
    listener({ id: 'open', local: '*:80' }),
    listener({ id: 'inside', local: '127.0.0.1:9000' }),
    socket({ id: 'quiet', process: 'a' }),
    socket({ id: 'busy', process: 'b', traffic: { rxBytes: 0, txBytes: 0 } }),
  ];
  const sockets = after(
    emptyState(),
    baseline(there),
    batch({
      monotonicMs: 1000,
      changed: [socket({ id: 'busy', process: 'b', traffic: { rxBytes: 5000, txBytes: 7 } })],
      spawned: [socket({ id: 'news', process: 'c', traffic: { rxBytes: 0, txBytes: 0 } })],
    }),
  );

  test.each([
    ['all', ['quiet', 'busy', 'news', 'inside', 'open']],
    ['listening', ['inside', 'open']],
    ['established', ['quiet', 'busy', 'news']],
    ['exposed', ['open']],
    ['talkers', ['busy', 'news', 'quiet']],
    ['new', ['news']],
  ])('%s shows %j', (name, ids) => {
    const order = new RowOrder();
    order.update(after(sockets, look(builtIn(name))));
    const shown = order.rows().map(({ id }) => id);
    expect(name === 'talkers' ? shown : shown.toSorted()).toEqual(name === 'talkers' ? ids : ids.toSorted());
  });
});

describe('looking by one', () => {
  test('sets all that it says', () => {
    expect(after(emptyState('x'), look(MINE))).toMatchObject({
      query: { text: 'ssh or :22' },
      sort: MINE.sort,
      group: 'host',
      columns: MINE.columns,
    });
  });

  test('and what it does not say is as at the start; what is open for choosing closes', () => {
    const set: Action[] = [
      look(MINE),
      { type: 'fold-all' },
      { type: 'list', list: { kind: 'views', at: 3 } },
      { type: 'prompt', kind: 'query', text: '' },
    ];
    expect(after(emptyState(), ...set, look(builtIn('all')))).toMatchObject({
      query: { text: '' },
      sort: { column: 'process', descending: false },
      group: null,
      columns: null,
      folds: { all: false },
      list: null,
      prompt: null,
    });
  });

  test('what is known, the baseline and the panes are of no view', () => {
    const before = after(emptyState(), baseline([]), { type: 'baseline' }, { type: 'pane', pane: 'events' });
    const state = after({ ...before, hideRules: [{ process: 'p', remote: '*', port: 1 }] }, look(MINE));
    expect(state).toMatchObject({ baselineMs: 0, hideRules: [{ process: 'p' }], panes: { events: true } });
  });

  test('one that asks for what cannot be understood says so, and nothing changes', () => {
    const before = emptyState('x');
    const { message, ...state } = after(before, look({ name: 'bad', query: 'state:' }));
    expect(message?.isError).toBe(true);
    expect(message?.text).toMatch(/^the view bad asks for what cannot be understood: ./);
    expect({ ...state, message: null }).toEqual(before);
  });
});

describe('saving', () => {
  const looking = after(emptyState(), look(MINE));

  test('keeps how it looks now under a name, without spaces around it', () => {
    const state = after(looking, ...save('  mine '));
    expect(state).toMatchObject({ prompt: null, views: [MINE], message: { isError: false } });
    expect(viewsOf(state).map(({ name }) => name)).toEqual([...BUILT_IN.map(({ name }) => name), 'mine']);
  });

  test('what is the same everywhere is not kept: no columns, no group', () => {
    expect(after(emptyState('ssh'), ...save('v')).views).toEqual([
      { name: 'v', query: 'ssh', sort: { column: 'process', descending: false } },
    ]);
  });

  test('a name that there is gets the new look, in its place', () => {
    const state = after(looking, ...save('one'), ...save('two'), { type: 'query', query: queryFrom('new') });
    const replaced = after(state, ...save('one'));
    expect(replaced.views.map(({ name, query }) => [name, query])).toEqual([
      ['one', 'new'],
      ['two', 'ssh or :22'],
    ]);
    expect(withView([], MINE)).toEqual([MINE]);
  });

  test.each(BUILT_IN.map(({ name }) => name))(
    '%s is taken: it says so, and the name can be changed',
    (name) => {
      expect(isBuiltIn(name)).toBe(true);
      const state = after(looking, ...save(name));
      expect(state).toMatchObject({ views: [], prompt: { kind: 'view', text: name } });
      expect(state.prompt?.error).toContain(`the view ${name} is always there`);
      const more = after(
        state,
        { type: 'edit', edit: { type: 'insert', text: '2' } },
        { type: 'accept-prompt' },
      );
      expect(more.views.map((it) => it.name)).toEqual([`${name}2`]);
    },
  );

  test('no name: nothing is kept', () => {
    expect(after(looking, ...save('  '))).toMatchObject({ views: [], prompt: null, message: null });
  });
});

describe('removing', () => {
  const two = after(emptyState(), ...save('one'), ...save('two'));
  const remove = (state: State, at: number) =>
    after(state, { type: 'list', list: { kind: 'views', at } }, { type: 'remove-line' });

  test('the one under the cursor, which then is on the next, or on the last there is', () => {
    expect(remove(two, 6)).toMatchObject({ views: [{ name: 'two' }], list: { at: 6 } });
    expect(remove(two, 7)).toMatchObject({ views: [{ name: 'one' }], list: { at: 6 } });
  });

  test('one that is always there stays, and it is said', () => {
    const state = remove(two, 3);
    expect(state.views).toBe(two.views);
    expect(state.message).toEqual({ text: 'the view exposed is always there', isError: true });
  });

  test('nothing where no list is open, or that of the columns', () => {
    expect(after(two, { type: 'remove-line' })).toBe(two);
    const columns = after(two, { type: 'list', list: { kind: 'columns', cursor: 'pid' } });
    expect(after(columns, { type: 'remove-line' })).toBe(columns);
  });
});

describe('the view of now', () => {
  test('is the one that was taken, also where another asks for the same', () => {
    for (const view of BUILT_IN) expect(activeView(after(emptyState(), look(view)))).toBe(view);
    const state = after({ ...emptyState(), views: [MINE] }, look(MINE));
    expect(activeView(state)).toBe(MINE);
  });

  test('stays where only the order or the columns differ', () => {
    const sorted = after(emptyState(), look(builtIn('listening')), { type: 'sort', column: 'pid' });
    expect(activeView(sorted)?.name).toBe('listening');
  });

  test('is none where something else is asked for; however it is written', () => {
    expect(activeView(emptyState('listen :22'))).toBeUndefined();
    expect(activeView(emptyState('( listen )'))?.name).toBe('listening');
  });

  test('one of the user that cannot be understood is passed over', () => {
    const state = { ...emptyState(':22'), views: [{ name: 'bad', query: '((' }] };
    expect(activeView(state)).toBeUndefined();
  });
});
