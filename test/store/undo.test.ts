import { expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import { after, baseline, emptyState, queryFrom, socket } from '../helpers/fakes.ts';

const UNDO: Action = { type: 'undo' };
const query = (text: string): Action => ({ type: 'query', query: queryFrom(text) });

test('undo takes back what a key did to the query, one after the other', () => {
  const start = after(emptyState('tcp'), baseline([socket()]));
  const done = after(
    start,
    query('proto:udp'),
    { type: 'add-term', term: '!curl' },
    { type: 'baseline' },
    query(''),
  );
  const texts = ['!curl new', '!curl', '', ''].map((it) => `proto:udp ${it}`.trim());
  const states = texts.map((_, i) => after(done, ...Array<Action>(i + 1).fill(UNDO)));
  expect(states.map((it) => it.query.text)).toEqual([...texts.slice(0, 3), 'tcp']);
  expect(states.map((it) => it.message?.text)).toEqual([
    'the query is back',
    'undone: new',
    'undone: !curl',
    'the query is back',
  ]);
  expect(states.at(-1)?.undo).toEqual([]);
  expect(after(done, UNDO, UNDO).baselineMs).toBe(start.baselineMs);
});

test('the sort of a view leaves with its query, and returns with it; a sort of the user stays', () => {
  const newView: Action = {
    type: 'apply-view',
    view: { name: 'new', query: 'new', sort: { column: 'age', descending: false } },
  };
  const inView = after(emptyState(), baseline([socket()]), newView);
  const left = after(inView, query(''));
  expect(left.sort).toEqual({ column: 'process', descending: false });
  expect(after(left, UNDO)).toMatchObject({ query: { text: 'new' }, sort: inView.sort });
  const sorted = after(inView, { type: 'sort', column: 'pid' }, query(''));
  expect(sorted.sort.column).toBe('pid');
  expect(after(sorted, UNDO).sort.column).toBe('pid');
});

test('undoes a query that replaced none, and ignores the same query applied again', () => {
  const start = after(emptyState(), baseline([socket()]));
  expect(after(start, query('')).undo).toEqual([]);
  expect(after(start, query('tcp'), UNDO)).toMatchObject({
    query: { text: '' },
    message: { text: 'all sockets again' },
  });
});
