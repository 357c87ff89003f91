import { expect, test } from 'vitest';
import type { FoundName } from '../../src/names/names.ts';
import { MAX_SUBJECTS, NameTable } from '../../src/names/table.ts';

const found = (name: string, subject = '192.0.2.1', ttlSeconds = 60): FoundName => ({
  subject,
  name,
  from: 'dns',
  ttlSeconds,
});
const HOUR_MS = 60 * 60_000;

test('a change is reported once, with the newest name and the number of others', () => {
  const table = new NameTable();
  table.add(found('a.example'), 0);
  table.add(found('b.example'), 1);
  table.add(found('c.example', '192.0.2.2'), 2);
  expect(table.takeChanges(3)).toEqual([
    { subject: '192.0.2.1', name: 'b.example', others: 1, from: 'dns' },
    { subject: '192.0.2.2', name: 'c.example', others: 0, from: 'dns' },
  ]);
  expect(table.takeChanges(4)).toEqual([]);
});

test('a name that is seen again is reported again after half a minute', () => {
  const table = new NameTable();
  table.add(found('a.example'), 0);
  table.takeChanges(0);
  table.add(found('a.example'), 29_999);
  expect(table.takeChanges(29_999)).toEqual([]);
  table.add(found('a.example'), 30_000);
  expect(table.takeChanges(30_000)).toHaveLength(1);
});

test('an address loses a name an hour after its answer has expired', () => {
  const table = new NameTable();
  table.add(found('old.example'), 0);
  table.add(found('new.example'), HOUR_MS);
  expect(table.takeChanges(HOUR_MS + 60_000)).toMatchObject([{ name: 'new.example', others: 1 }]);
  table.add(found('newer.example'), HOUR_MS + 60_001);
  expect(table.takeChanges(HOUR_MS + 60_001)).toMatchObject([{ name: 'newer.example', others: 1 }]);
});

test('a dropped address leaves the next report too: a flood between two reports takes no more memory than the table', () => {
  const table = new NameTable();
  for (let i = 0; i <= MAX_SUBJECTS; i++) table.add(found('a.example', `subject ${i}`), i);
  // Subject 0 was dropped. Had it kept its place in the report, it would come first.
  table.add(found('a.example', 'subject 0'), MAX_SUBJECTS);
  expect(table.takeChanges(0).at(-1)?.subject).toBe('subject 0');
});

test('names of an address, and addresses, are bounded: the oldest are dropped', () => {
  const table = new NameTable();
  for (let i = 0; i < 100; i++) table.add(found(`${i}.example`), i);
  expect(table.takeChanges(100)).toMatchObject([{ name: '99.example', others: 7 }]);
  for (let i = 0; i < MAX_SUBJECTS + 100; i++) table.add(found('a.example', `subject ${i}`), i);
  const changes = table.takeChanges(0);
  expect(changes).toHaveLength(MAX_SUBJECTS);
  expect(changes[0]?.subject).toBe('subject 100');
});
