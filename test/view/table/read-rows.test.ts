import { expect, test } from 'vitest';
import { ReadRows } from '../../../src/view/table/read-rows.ts';
import { after, baseline, emptyState, socket } from '../../helpers/fakes.ts';

const { table } = after(emptyState(), baseline(['1', '2', '3'].map((id) => socket({ id }))));
const rows = [...table.rows.values()];

test('a row is read once, while it is visible and the inputs stay', () => {
  const read = new ReadRows();
  expect(read.unread(rows.slice(0, 2), ['columns'])).toEqual(rows.slice(0, 2));
  expect(read.unread(rows, ['columns'])).toEqual(rows.slice(2));
  expect(read.unread(rows, ['columns'])).toEqual([]);
  expect(read.unread(rows.slice(2), ['columns'])).toEqual([]);
  expect(read.unread(rows, ['columns'])).toEqual(rows.slice(0, 2));
});

test('other inputs make all rows unread, as does a new version of a row', () => {
  const read = new ReadRows();
  read.unread(rows, ['columns']);
  expect(read.unread(rows, ['other columns'])).toEqual(rows);
  const [first, ...others] = rows;
  const changed = first ? [{ ...first, rxRate: 5 }] : [];
  expect(read.unread([...changed, ...others], ['other columns'])).toEqual(changed);
});
