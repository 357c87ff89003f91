import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../src/query/query.ts';
import type { Action } from '../../src/store/actions.ts';
import type { State, View } from '../../src/store/state.ts';
import { BUILT_IN, isBuiltIn, activeView, viewsOf, withView } from '../../src/store/views.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, listener, queryFrom, socket } from '../helpers/fakes.ts';

const MINE: View = {
  name: 'mine',
  query: 'ssh or :22',
  sort: { column: 'age', descending: true },
  group: 'host',
  columns: [{ id: 'process', width: 20 }, { id: 'age' }],
};

const apply = (view: View): Action => ({ type: 'apply-view', view });
const save = (name: string): Action[] => [
  { type: 'prompt', kind: 'view', text: '' },
  { type: 'edit', edit: { type: 'insert', text: name } },
  { type: 'accept-prompt' },
];
const builtIn = (name: string): View => BUILT_IN.find((it) => it.name === name) ?? { name: '', query: '' };

describe('built-in views', () => {
  test('have valid queries, under the first number keys', () => {
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

  const open = [
    listener({ id: 'open', local: '*:80' }),
    listener({ id: 'inside', local: '127.0.0.1:9000' }),
    socket({ id: 'quiet', process: 'a' }),
    socket({ id: 'busy', process: 'b', traffic: { rxBytes: 0, txBytes: 0 } }),
  ];
  const sockets = after(
    emptyState(),
    baseline(open),
    batch({
      monotonicMs: 1000,
      changed: [socket({ id: 'busy', process: 'b', traffic: { rxBytes: 5000, txBytes: 7 } })],
      spawned: [socket({ id: 'fresh', process: 'c', traffic: { rxBytes: 0, txBytes: 0 } })],
    }),
  );

  test.each([
    ['all', ['quiet', 'busy', 'fresh', 'inside', 'open']],
    ['listening', ['inside', 'open']],
    ['established', ['quiet', 'busy', 'fresh']],
    ['exposed', ['open']],
    ['talkers', ['busy', 'fresh', 'quiet']],
    ['new', ['fresh']],
  ])('%s shows %j', (name, ids) => {
    const order = new RowOrder();
    order.update(after(sockets, apply(builtIn(name))));
    const shown = order.rows().map(({ id }) => id);
    expect(name === 'talkers' ? shown : shown.toSorted()).toEqual(name === 'talkers' ? ids : ids.toSorted());
  });
});

describe('applying a view', () => {
  test('sets query, sort, grouping and columns', () => {
    expect(after(emptyState('x'), apply(MINE))).toMatchObject({
      query: { text: 'ssh or :22' },
      sort: MINE.sort,
      group: 'host',
      columns: MINE.columns,
    });
  });

  test('resets what the view does not set, and closes list and prompt', () => {
    const set: Action[] = [
      apply(MINE),
      { type: 'fold-all' },
      { type: 'list', list: { kind: 'views', at: 3 } },
      { type: 'prompt', kind: 'query', text: '' },
    ];
    expect(after(emptyState(), ...set, apply(builtIn('all')))).toMatchObject({
      query: { text: '' },
      sort: { column: 'process', descending: false },
      group: null,
      columns: null,
      folds: { all: false },
      list: null,
      prompt: null,
    });
  });

  test('keeps hide rules, baseline and panes', () => {
    const before = after(emptyState(), baseline([]), { type: 'baseline' }, { type: 'pane', pane: 'events' });
    const state = after({ ...before, hideRules: [{ process: 'p', remote: '*', port: 1 }] }, apply(MINE));
    expect(state).toMatchObject({ baselineMs: 0, hideRules: [{ process: 'p' }], panes: { events: true } });
  });

  test('a view with a bad query changes nothing but the message', () => {
    const before = emptyState('x');
    const { message, ...state } = after(before, apply({ name: 'bad', query: 'state:' }));
    expect(message?.isError).toBe(true);
    expect(message?.text).toMatch(/^view "bad": ./);
    expect({ ...state, message: null }).toEqual(before);
  });
});

describe('saving a view', () => {
  const applied = after(emptyState(), apply(MINE));

  test('saves the present settings under the trimmed name', () => {
    const state = after(applied, ...save('  mine '));
    expect(state).toMatchObject({ prompt: null, views: [MINE], message: { isError: false } });
    expect(viewsOf(state).map(({ name }) => name)).toEqual([...BUILT_IN.map(({ name }) => name), 'mine']);
  });

  test('leaves out columns and group that are not set', () => {
    expect(after(emptyState('ssh'), ...save('v')).views).toEqual([
      { name: 'v', query: 'ssh', sort: { column: 'process', descending: false } },
    ]);
  });

  test('replaces the view with the same name, in its place', () => {
    const state = after(applied, ...save('one'), ...save('two'), { type: 'query', query: queryFrom('new') });
    const replaced = after(state, ...save('one'));
    expect(replaced.views.map(({ name, query }) => [name, query])).toEqual([
      ['one', 'new'],
      ['two', 'ssh or :22'],
    ]);
    expect(withView([], MINE)).toEqual([MINE]);
  });

  test.each(BUILT_IN.map(({ name }) => name))(
    'rejects the built-in name %s, and the name can be edited',
    (name) => {
      expect(isBuiltIn(name)).toBe(true);
      const state = after(applied, ...save(name));
      expect(state).toMatchObject({ views: [], prompt: { kind: 'view', text: name } });
      expect(state.prompt?.error).toContain(`"${name}" is a built-in view`);
      const more = after(
        state,
        { type: 'edit', edit: { type: 'insert', text: '2' } },
        { type: 'accept-prompt' },
      );
      expect(more.views.map((it) => it.name)).toEqual([`${name}2`]);
    },
  );

  test('saves nothing without a name', () => {
    expect(after(applied, ...save('  '))).toMatchObject({
      views: [],
      prompt: null,
      message: { text: 'no view saved' },
    });
  });
});

describe('removing a view', () => {
  const two = after(emptyState(), ...save('one'), ...save('two'));
  const remove = (state: State, at: number) =>
    after(state, { type: 'list', list: { kind: 'views', at } }, { type: 'remove-line' });

  test('removes the view under the cursor, which moves to the next or last one', () => {
    expect(remove(two, 6)).toMatchObject({ views: [{ name: 'two' }], list: { at: 6 } });
    expect(remove(two, 7)).toMatchObject({ views: [{ name: 'one' }], list: { at: 6 } });
  });

  test('keeps a built-in view and shows a message', () => {
    const state = remove(two, 3);
    expect(state.views).toBe(two.views);
    expect(state.message).toEqual({
      text: '"exposed" is a built-in view: it cannot be deleted',
      isError: true,
    });
  });

  test('does nothing without an open list, or in the list of columns', () => {
    expect(after(two, { type: 'remove-line' })).toBe(two);
    const columns = after(two, { type: 'list', list: { kind: 'columns', cursor: 'pid' } });
    expect(after(columns, { type: 'remove-line' })).toBe(columns);
  });
});

describe('the active view', () => {
  test('is the applied view, even if another has the same query', () => {
    for (const view of BUILT_IN) expect(activeView(after(emptyState(), apply(view)))).toBe(view);
    const state = after({ ...emptyState(), views: [MINE] }, apply(MINE));
    expect(activeView(state)).toBe(MINE);
  });

  test('stays active when only sort or columns differ', () => {
    const sorted = after(emptyState(), apply(builtIn('listening')), { type: 'sort', column: 'pid' });
    expect(activeView(sorted)?.name).toBe('listening');
  });

  test('is undefined for any other query, and ignores how the query is written', () => {
    expect(activeView(emptyState('listen :22'))).toBeUndefined();
    expect(activeView(emptyState('( listen )'))?.name).toBe('listening');
  });

  test('ignores a view of the user with a bad query', () => {
    const state = { ...emptyState(':22'), views: [{ name: 'bad', query: '((' }] };
    expect(activeView(state)).toBeUndefined();
  });
});
