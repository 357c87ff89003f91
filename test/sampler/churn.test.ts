import { expect, test } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { Churn } from '../../src/sampler/churn.ts';
import { baseline, batch, socket } from '../helpers/fakes.ts';

const FIVE_HUNDRED = Array.from({ length: 500 }, (_, i) => socket({ id: `${i}` }));

/** A batch in so many parts. */
const parts = (count: number, fields: Partial<Batch> = {}): Batch[] =>
  Array.from({ length: count }, (_, i) =>
    batch({ spawned: FIVE_HUNDRED, ...fields, partial: i < count - 1 }),
  );
const quiet = (count: number): Batch[] => Array.from({ length: count }, () => batch());

/** What begins with these batches. */
const turns = (...batches: Batch[]) => {
  const churn = new Churn();
  return batches.flatMap((it) => churn.note(it) ?? []);
};

test('a storm begins with a batch of many parts, and it is calm after five whole ones', () => {
  expect(turns(...parts(60), ...quiet(4))).toEqual(['storm']);
  expect(turns(...parts(60), ...quiet(5))).toEqual(['storm', 'calm']);
  expect(turns(...parts(60), ...quiet(4), ...parts(2), ...quiet(5))).toEqual(['storm', 'calm']);
});

test('calm is told once, and again after as much', () => {
  expect(turns(...parts(60), ...quiet(100))).toEqual(['storm', 'calm']);
  expect(turns(...parts(60), ...quiet(9), ...parts(60), ...quiet(9))).toEqual([
    'storm',
    'calm',
    'storm',
    'calm',
  ]);
});

test('the first batch is no storm, and leaves garbage too', () => {
  const first = [...parts(60, { baseline: true }), baseline([])];
  expect(turns(...first, ...quiet(9))).toEqual(['calm']);
});

test('what goes away slowly leaves as much behind as what goes at once', () => {
  const slow = Array.from({ length: 60 }, () => batch({ closed: FIVE_HUNDRED.map(({ id }) => id) }));
  expect(turns(...slow)).toEqual(['calm']);
});

test('little that comes and goes is no reason to collect', () => {
  expect(turns(...parts(3), ...quiet(100))).toEqual([]);
});
