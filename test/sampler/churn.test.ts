import { expect, test } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { Churn } from '../../src/sampler/churn.ts';
import { batch, socket } from '../helpers/fakes.ts';

const FIVE_HUNDRED = Array.from({ length: 500 }, (_, i) => socket({ id: `${i}` }));

/** A batch in so many parts. */
const parts = (atMs: number, count: number, fields: Partial<Batch> = {}): Batch[] =>
  Array.from({ length: count }, (_, i) =>
    batch({ monotonicMs: atMs, spawned: FIVE_HUNDRED, ...fields, partial: i < count - 1 }),
  );
/** Batches in which nothing happens, at these times. */
const quiet = (...atMs: number[]): Batch[] => atMs.map((monotonicMs) => batch({ monotonicMs }));

/** Returns the phases that begin with these batches. */
const turns = (...batches: Batch[]) => {
  const churn = new Churn();
  return batches.flatMap((it) => churn.note(it) ?? []);
};

test('a storm begins with a batch of many parts, and it is calm after three seconds of whole ones', () => {
  expect(turns(...parts(1000, 60), ...quiet(2000, 3000, 3900))).toEqual(['storm']);
  expect(turns(...parts(1000, 60), ...quiet(2000, 3000, 4000))).toEqual(['storm', 'calm']);
  expect(turns(...parts(1000, 60), ...parts(3000, 2), ...quiet(4000, 5000))).toEqual(['storm']);
});

test('where polls are far apart one whole batch is enough', () => {
  expect(turns(...parts(1000, 60), ...quiet(6000))).toEqual(['storm', 'calm']);
});

test('reports calm once, and again after as many changes', () => {
  expect(turns(...parts(1000, 60), ...quiet(4000, 5000, 9000))).toEqual(['storm', 'calm']);
  expect(turns(...parts(1000, 60), ...quiet(4000), ...parts(5000, 60), ...quiet(9000))).toEqual([
    'storm',
    'calm',
    'storm',
    'calm',
  ]);
});

test('the first batch is no storm, and leaves garbage too', () => {
  const first = parts(0, 60, { baseline: true });
  expect(turns(...first, ...quiet(1000, 2000, 3000))).toEqual(['calm']);
});

test('is calm after sockets that go slowly as after those that go at once', () => {
  const slow = Array.from({ length: 60 }, () => batch({ closed: FIVE_HUNDRED.map(({ id }) => id) }));
  expect(turns(...slow)).toEqual(['calm']);
});

test('little that comes and goes is no reason to collect', () => {
  expect(turns(...parts(1000, 3), ...quiet(5000, 9000, 99_000))).toEqual([]);
});
