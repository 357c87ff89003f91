import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from '../../src/store/journal.ts';

const journalOf = (...ids: readonly string[]): Journal => {
  const journal = new Journal();
  for (const id of ids) journal.add(id);
  return journal;
};

test('returns each changed id once to every consumer', () => {
  const journal = journalOf('a', 'b', 'a');
  const { end } = journal;
  journal.add('c');
  for (let consumer = 0; consumer < 2; consumer++) {
    expect(journal.since(0)).toEqual(new Set(['a', 'b', 'c']));
    expect(journal.since(end)).toEqual(new Set(['c']));
    expect(journal.since(journal.end)).toEqual(new Set());
  }
});

test('returns `everything` to a consumer that has not read dropped changes', () => {
  const journal = journalOf(...Array.from({ length: 2000 }, (_, i) => `${i}`));
  journal.trim(10);
  expect(journal.end).toBe(2000);
  expect(journal.since(0)).toBe('everything');
  expect(journal.since(999)).toBe('everything');
  expect(journal.since(1000)).toHaveProperty('size', 1000);
});

test('for any changes, a consumer gets all it has not read, or `everything`, and the number kept is bounded', () => {
  const step = fc.oneof(
    fc.integer({ min: 1, max: 2000 }).map((added) => ({ added })),
    fc.constantFrom(0, 1, 2).map((reader) => ({ reader })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 0, max: 1000 }), (steps, rows) => {
      const journal = new Journal();
      const [all, read]: [string[], number[]] = [[], [0, 0, 0]];
      for (const it of steps) {
        if ('added' in it) {
          for (let i = 0; i < it.added; i++) {
            const id = `${all.length % 700}`;
            all.push(id);
            journal.add(id);
          }
          journal.trim(rows);
          const oldest = journal.end - 3 * Math.max(500, rows) - 1;
          if (oldest >= 0) expect(journal.since(oldest)).toBe('everything');
        } else {
          const from = read[it.reader] ?? 0;
          const changes = journal.since(from);
          if (changes !== 'everything') expect(changes).toEqual(new Set(all.slice(from)));
          else expect(all.length - from).toBeGreaterThan(2 * Math.max(500, rows));
          read[it.reader] = journal.end;
        }
      }
      expect(journal.end).toBe(all.length);
    }),
  );
});
