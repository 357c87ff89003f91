import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import type { Action } from '../../src/store/actions.ts';
import { GROUPS, NO_FOLDS, type State } from '../../src/store/state.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, socket } from '../helpers/fakes.ts';

const [a, b, c] = [socket({ id: 'a' }), socket({ id: 'b' }), socket({ id: 'c', process: 'c' })];
const shown = (state: State): string[] => {
  const order = new RowOrder();
  order.update(state);
  return order.rows().map(({ id }) => id);
};

describe('the baseline', () => {
  const BASELINE: Action = { type: 'baseline' };
  const spawn = (it: Socket, monotonicMs: number) => batch({ monotonicMs, spawned: [it] });
  const first = () => after(emptyState(), baseline([a]), spawn(b, 1000));

  test('hides present sockets and shows later ones', () => {
    const state = after(first(), BASELINE);
    expect(state).toMatchObject({ baselineMs: 1000, query: { text: 'new' } });
    expect(shown(state)).toEqual([]);
    expect(shown(after(state, spawn(c, 2000)))).toEqual(['c']);
  });

  test('is the first batch by default', () => {
    expect(first().baselineMs).toBeUndefined();
    expect(shown(after(first(), { type: 'add-term', term: 'new' }))).toEqual(['b']);
  });

  test('moves when it is set again', () => {
    const state = after(first(), BASELINE, spawn(c, 2000), BASELINE);
    expect(state).toMatchObject({ baselineMs: 2000, query: { text: 'new' } });
    expect(shown(state)).toEqual([]);
  });

  test('adds `new` to the query', () => {
    const state = after({ ...first(), query: emptyState('c or b').query }, BASELINE);
    expect(state.query.text).toBe('(c or b) new');
    expect(shown(after(state, spawn(c, 2000)))).toEqual(['c']);
  });

  test('is the first batch if it is set before that', () => {
    const state = after(emptyState(), BASELINE, baseline([a]), spawn(b, 1000));
    expect(state.baselineMs).toBeUndefined();
    expect(shown(state)).toEqual(['b']);
  });
});

describe('groups and folds', () => {
  const fold = (id: string): Action => ({ type: 'fold', id });
  const ALL: Action = { type: 'fold-all' };
  const isFolded = ({ folds: { all, except } }: State, id: string) => all !== except.has(id);

  test.each(GROUPS)('by %s', (group) => {
    expect(after(emptyState(), { type: 'group', group }).group).toBe(group);
  });

  test('folds and unfolds one group', () => {
    const state = after(emptyState(), fold('g'));
    expect([isFolded(state, 'g'), isFolded(state, 'h')]).toEqual([true, false]);
    expect(after(state, fold('g')).folds).toEqual(NO_FOLDS);
  });

  test('folds all groups, also later ones, and unfolds one of them', () => {
    const state = after(emptyState(), fold('g'), ALL, fold('h'));
    expect(['g', 'h', 'later'].map((id) => isFolded(state, id))).toEqual([true, false, true]);
  });

  test('fold-all folds all if any is open, else unfolds all', () => {
    const mixed = after(emptyState(), ALL, fold('h'), ALL);
    expect(isFolded(mixed, 'h')).toBe(true);
    expect(after(mixed, ALL).folds).toEqual(NO_FOLDS);
  });

  test('another grouping starts unfolded', () => {
    const state = after(emptyState(), { type: 'group', group: 'user' }, ALL, { type: 'group', group: null });
    expect(state).toMatchObject({ group: null, folds: NO_FOLDS });
  });

  test('folding a group twice restores it and changes no other', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(fc.option(ids)), ids, (before, id) => {
        const state = after(emptyState(), ...before.map((it) => (it === null ? ALL : fold(it))));
        const once = after(state, fold(id));
        for (const it of ['a', 'b', 'c', 'd'])
          expect(isFolded(once, it)).toBe(isFolded(state, it) !== (it === id));
        expect(after(once, fold(id)).folds).toEqual(state.folds);
      }),
    );
  });
});

test('sets and resets the columns, and the column of the selected cell', () => {
  const columns = [{ id: 'pid' }, { id: 'process', width: 20 }] as const;
  const chosen = after(emptyState(), { type: 'columns', columns }, { type: 'cell', column: 'pid' });
  expect(chosen).toMatchObject({ columns, cell: 'pid' });
  expect(after(chosen, { type: 'columns', columns: null }, { type: 'cell', column: null })).toMatchObject({
    columns: null,
    cell: null,
  });
});

test('keeps the last answer for each host name', () => {
  const asked = after(
    emptyState('@db.example'),
    { type: 'host', name: 'db.example', answer: { type: 'pending' } },
    { type: 'host', name: 'web.example', answer: { type: 'failed', why: 'no such name' } },
  );
  const answer = { type: 'addresses', addresses: ['192.0.2.1'] } as const;
  const state = after(asked, { type: 'host', name: 'db.example', answer });
  expect([...state.lookups.hosts]).toEqual([
    ['db.example', answer],
    ['web.example', { type: 'failed', why: 'no such name' }],
  ]);
  expect(asked.lookups.hosts.get('db.example')).toEqual({ type: 'pending' });
});

test('a host name in the query matches its addresses once they are known', () => {
  const state = after(
    emptyState('@db.example'),
    baseline([socket({ id: 'x', remote: '192.0.2.1:5432' }), socket({ id: 'y', remote: '192.0.2.2:5432' })]),
  );
  expect(shown(state)).toEqual([]);
  const answer = { type: 'addresses', addresses: ['192.0.2.1'] } as const;
  expect(shown(after(state, { type: 'host', name: 'db.example', answer }))).toEqual(['x']);
});

test('a message stays until it is removed', () => {
  const message = { text: 'copied', isError: false };
  const state = after(emptyState(), { type: 'message', message }, { type: 'freeze' });
  expect(state.message).toEqual(message);
  expect(after(state, { type: 'message', message: null }).message).toBeNull();
});
