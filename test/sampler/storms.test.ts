import { expect, test } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { StormDetector } from '../../src/sampler/storms.ts';
import { batch, socket } from '../helpers/fakes.ts';

const FIVE_HUNDRED = Array.from({ length: 500 }, (_, i) => socket({ id: `${i}` }));

/** Returns the parts of a batch with 500 sockets in each of `count` parts. */
const parts = (atMs: number, count: number, fields: Partial<Batch> = {}): Batch[] =>
  Array.from({ length: count }, (_, i) =>
    batch({ monotonicMs: atMs, spawned: FIVE_HUNDRED, ...fields, partial: i < count - 1 }),
  );
/** Returns empty batches at these times. */
const quiet = (...atMs: number[]): Batch[] => atMs.map((monotonicMs) => batch({ monotonicMs }));

/** Returns the phases that begin with these batches. */
const phases = (...batches: Batch[]) => {
  const detector = new StormDetector();
  return batches.flatMap((it) => detector.note(it) ?? []);
};

test('a batch of 2,000 sockets begins a storm, in however many parts it comes', () => {
  const many = [FIVE_HUNDRED, FIVE_HUNDRED, FIVE_HUNDRED, FIVE_HUNDRED].flat();
  expect(phases(batch({ spawned: many }))).toEqual(['storm']);
  expect(phases(batch({ spawned: many.slice(1) }))).toEqual([]);
  expect(phases(...parts(1000, 4))).toEqual(['storm']);
  expect(phases(...parts(1000, 3), ...parts(2000, 3))).toEqual([]);
});

test('a storm ends six seconds after its last large batch', () => {
  expect(phases(...parts(1000, 60), ...quiet(2000, 4000, 6900))).toEqual(['storm']);
  expect(phases(...parts(1000, 60), ...quiet(2000, 4000, 7000))).toEqual(['storm', 'calm']);
  expect(phases(...parts(1000, 60), ...parts(3000, 4), ...quiet(7000, 8000))).toEqual(['storm']);
});

test('the TIME_WAIT sockets that expire after a storm do not delay calm', () => {
  expect(phases(...parts(1000, 60), ...parts(3000, 3), ...quiet(7000))).toEqual(['storm', 'calm']);
});

test('with a long interval the next batch ends a storm', () => {
  expect(phases(...parts(1000, 60), ...quiet(9000))).toEqual(['storm', 'calm']);
});

test('reports calm once, and again after another 20,000 changes', () => {
  expect(phases(...parts(1000, 60), ...quiet(7000, 8000, 15_000))).toEqual(['storm', 'calm']);
  expect(phases(...parts(1000, 60), ...quiet(7000), ...parts(8000, 60), ...quiet(14_000))).toEqual([
    'storm',
    'calm',
    'storm',
    'calm',
  ]);
});

test('the first batch is not a storm, but calm follows it', () => {
  const first = parts(0, 60, { baseline: true });
  expect(phases(...first, ...quiet(2000, 4000, 6000))).toEqual(['calm']);
});

test('calm follows many closes in small batches too', () => {
  const slow = Array.from({ length: 60 }, () => batch({ closed: FIVE_HUNDRED.map(({ id }) => id) }));
  expect(phases(...slow)).toEqual(['calm']);
});

test('many events that no batch contains begin a storm, and calm follows', () => {
  const detector = new StormDetector();
  const note = (atMs: number, events: number) => {
    detector.noteEvents(events);
    return detector.note(batch({ monotonicMs: atMs }));
  };
  expect(note(1000, 1999)).toBeUndefined();
  expect(note(2000, 2000)).toBe('storm');
  expect([note(3000, 2000), note(8000, 5), note(9000, 0), note(99_000, 0)]).toEqual([
    undefined,
    undefined,
    'calm',
    undefined,
  ]);
});

test('calm follows many events that no batch contains, a few at a time', () => {
  const detector = new StormDetector();
  const phasesOf = Array.from({ length: 30 }, (_, i) => {
    detector.noteEvents(1000);
    return detector.note(batch({ monotonicMs: i * 1000 }));
  });
  expect(phasesOf.filter((it) => it !== undefined)).toEqual(['calm']);
});

test('few changes begin neither phase', () => {
  expect(phases(...parts(1000, 3), ...quiet(5000, 9000, 99_000))).toEqual([]);
});

test('connections that were only counted are a storm, however small the batch', () => {
  const counted = (monotonicMs: number, count: number) =>
    batch({ monotonicMs, events: [{ type: 'sum', atMs: 0, count, socket: socket(), differs: [] }] });
  expect(phases(counted(1000, 9000), counted(2000, 11_000), ...quiet(7000, 8000))).toEqual(['storm', 'calm']);
});
