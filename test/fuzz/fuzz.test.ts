import { describe, expect, test } from 'vitest';
import { Random } from './random.ts';
import { fuzz } from './run.ts';
import { TARGETS } from './table.ts';
import type { Target } from './target.ts';

/** A fixed seed, so that each run has the same inputs; `npm run fuzz` tries others. */
const SEED = 1;

test.each(Object.entries(TARGETS))('%s has no faults', async (_, target) => {
  const report = await fuzz(target, target.suiteRuns, SEED);
  expect(report.findings).toEqual([]);
  expect(report.accepted).toBeGreaterThan(target.suiteRuns / 20);
});

test.each(Object.entries(TARGETS))('%s has no faults for inputs of 100 KB', async (_, target) => {
  const report = await fuzz(target, Math.ceil(target.suiteRuns / 40), SEED, { longOneIn: 1 });
  expect(report.findings).toEqual([]);
});

describe('fuzz', () => {
  /** Returns a target with inputs from 0 to 99 that calls `fail` for 7. */
  const targetOf = (fail: () => void): Target => ({
    about: 'numbers',
    inputsPerSession: 10,
    suiteRuns: 1000,
    open: (random) => {
      let input = 0;
      return {
        input: () => String(input),
        next: () => {
          input = random.below(100);
          if (input === 7) fail();
          return 'accepted';
        },
      };
    },
  });

  test('reports a fault once, with the seed that reproduces it', async () => {
    const target = targetOf(() => {
      throw new Error('failed');
    });
    const { findings, inputs } = await fuzz(target, 1000, SEED);
    expect(inputs).toBe(1000);
    expect(findings).toMatchObject([{ input: '7', message: expect.stringContaining('failed') as string }]);
    const [finding] = findings;
    expect(finding?.count).toBeGreaterThan(3);
    expect((await fuzz(target, finding?.inputNumber ?? 0, finding?.seed ?? 0)).findings).toHaveLength(1);
  });

  test('reports an input that never ends', async () => {
    const target = targetOf(() => /^(a|a)*$/.exec(`${'a'.repeat(100)}!`));
    const { findings } = await fuzz(target, 200, SEED, { guardMs: 50 });
    expect(findings).toMatchObject([{ input: '7', message: expect.stringContaining('no answer') as string }]);
  });
});

test('random numbers depend on the seed alone, and neighbouring seeds give different ones', () => {
  const first = (seed: number) => new Random(seed).bits();
  expect(new Set(Array.from({ length: 1000 }, (_, seed) => first(seed))).size).toBe(1000);
  expect(first(5)).toBe(first(5));
});
