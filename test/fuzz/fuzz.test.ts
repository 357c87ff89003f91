import { describe, expect, test } from 'vitest';
import { Random } from './random.ts';
import { fuzz } from './run.ts';
import { TARGETS } from './table.ts';
import type { Target } from './target.ts';

/** The same inputs in each run: `npm run fuzz` tries others. */
const SEED = 1;

test.each(Object.entries(TARGETS))('%s', async (_, target) => {
  const report = await fuzz(target, target.inSuite, SEED);
  expect(report.findings).toEqual([]);
  expect(report.taken).toBeGreaterThan(target.inSuite / 20);
});

test.each(Object.entries(TARGETS))('%s, 100 KB long', async (_, target) => {
  const report = await fuzz(target, Math.ceil(target.inSuite / 40), SEED, { longOneIn: 1 });
  expect(report.findings).toEqual([]);
});

describe('a fault is found', () => {
  /** Numbers from 0 to 99, to something that stumbles at 7. */
  const targetOf = (stumble: () => void): Target => ({
    about: 'numbers',
    inputs: 10,
    inSuite: 1000,
    open: (random) => {
      let input = 0;
      return {
        input: () => String(input),
        next: () => {
          input = random.below(100);
          if (input === 7) stumble();
          return 'taken';
        },
      };
    },
  });

  test('and told once, with the seed that shows it again', async () => {
    const target = targetOf(() => {
      throw new Error('stumbled');
    });
    const { findings, inputs } = await fuzz(target, 1000, SEED);
    expect(inputs).toBe(1000);
    expect(findings).toMatchObject([{ input: '7', message: expect.stringContaining('stumbled') as string }]);
    const [finding] = findings;
    expect(finding?.count).toBeGreaterThan(3);
    expect((await fuzz(target, finding?.at ?? 0, finding?.seed ?? 0)).findings).toHaveLength(1);
  });

  test('also where it never ends', async () => {
    const target = targetOf(() => /^(a|a)*$/.exec(`${'a'.repeat(100)}!`));
    const { findings } = await fuzz(target, 200, SEED, { guardMs: 50 });
    expect(findings).toMatchObject([{ input: '7', message: expect.stringContaining('no answer') as string }]);
  });
});

test('neighbouring seeds give other numbers, and the same seed the same', () => {
  const first = (seed: number) => new Random(seed).bits();
  expect(new Set(Array.from({ length: 1000 }, (_, seed) => first(seed))).size).toBe(1000);
  expect(first(5)).toBe(first(5));
});
