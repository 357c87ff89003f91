import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pacer } from '../../src/sampler/pacer.ts';

/** A pacer after looks of these costs, milliseconds. */
function paced(costsMs: readonly number[], askedMs = 1000, maxShare = 0.2): Pacer {
  const pacer = new Pacer(askedMs, maxShare);
  for (const cost of costsMs) pacer.note(cost);
  return pacer;
}

/** The intervals after each of these looks, milliseconds. */
function course(costsMs: readonly number[], askedMs = 1000): number[] {
  const pacer = new Pacer(askedMs, 0.2);
  return costsMs.map((cost) => {
    pacer.note(cost);
    return pacer.intervalMs;
  });
}

const always = (costMs: number) => [costMs, costMs, costMs];

describe('how long', () => {
  test.each([
    [10, 100, 100],
    [20, 100, 100],
    [21, 100, 200],
    [40, 100, 200],
    [150, 100, 800],
    [200, 1000, 1000],
    [201, 1000, 1250],
    [520, 1000, 2750],
    [600, 1000, 3000],
    [610, 1000, 3500],
    [2000, 1000, 10_000],
    [2001, 1000, 15_000],
    [12_000, 1000, 60_000],
    [100_000, 1000, 60_000],
    [201, 1300, 1300],
    [261, 1300, 1500],
    [1000, 5000, 5000],
    [1000, 4900, 5000],
    [100_000, 300_000, 300_000],
  ])('looks of %d ms where every %d ms are asked for: every %d ms', (costMs, askedMs, intervalMs) => {
    expect(paced(always(costMs), askedMs).intervalMs).toBe(intervalMs);
  });

  test.each([
    [0.01, 100, 10_000],
    [0.5, 900, 2000],
    [1, 900, 1000],
    [1, 1100, 1250],
  ])('a share of %d, looks of %d ms: every %d ms', (maxShare, costMs, intervalMs) => {
    expect(paced(always(costMs), 1000, maxShare).intervalMs).toBe(intervalMs);
  });
});

describe('when', () => {
  test('nothing yet: as asked', () => {
    expect(paced([])).toMatchObject({ intervalMs: 1000, askedMs: 1000, notice: undefined });
  });

  test('one slow look changes nothing, wherever it comes', () => {
    expect(course([9000, 5, 5])).toEqual([1000, 1000, 1000]);
    expect(course([5, 5, 9000, 5, 5, 9000, 5])).toEqual(Array(7).fill(1000));
  });

  test('two of three lengthen it', () => {
    expect(course([600, 600])).toEqual([1000, 3000]);
    expect(course([600, 5, 600])).toEqual([1000, 1000, 3000]);
  });

  test('two quick ones in a row bring it back, one does not', () => {
    expect(course([600, 600, 5, 600, 5, 5])).toEqual([1000, 3000, 3000, 3000, 3000, 1000]);
  });

  test('slow and quick by turns: it does not flap', () => {
    const costs = Array.from({ length: 40 }, (_, i) => (i % 2 ? 600 : 5));
    expect(new Set(course(costs).slice(3))).toEqual(new Set([3000]));
  });

  test('on the edge it stays as it is, and comes back when there is room', () => {
    const edge = [201, 201, 199, 201, 199, 199, 165, 161];
    expect(course(edge)).toEqual([1000, ...Array<number>(edge.length - 1).fill(1250)]);
    expect(course([...edge, 160, 160]).at(-1)).toBe(1000);
  });

  test('half the way back', () => {
    expect(course([2000, 2000, 600, 600])).toEqual([1000, 10_000, 10_000, 4000]);
  });
});

describe('another interval is asked for', () => {
  test('a longer one than is needed holds, and a shorter one is paced at once by what is known', () => {
    const pacer = paced(always(600));
    pacer.ask(5000);
    expect(pacer).toMatchObject({ askedMs: 5000, intervalMs: 5000, notice: undefined });
    pacer.ask(500);
    expect(pacer).toMatchObject({ askedMs: 500, intervalMs: 3000 });
  });

  test('it is taken as it is while looking is cheap', () => {
    const pacer = paced(always(5));
    pacer.ask(100);
    expect(pacer.intervalMs).toBe(100);
  });

  test('what the pace had been before does not count', () => {
    // 520 ms need 2.75 s; the 3 s are there only because it comes back late.
    const pacer = paced([600, 600, 520, 520]);
    expect(pacer.intervalMs).toBe(3000);
    pacer.ask(900);
    expect(pacer.intervalMs).toBe(2750);
  });
});

describe('what is told', () => {
  test.each([
    [520, 1000, 'a look takes 520 ms, so netpane looks every 2.75 s, not every 1 s', 'slowed to 2.75 s'],
    [1234, 500, 'a look takes 1.2 s, so netpane looks every 6.5 s, not every 500 ms', 'slowed to 6.5 s'],
    [33.33, 100, 'a look takes 33 ms, so netpane looks every 200 ms, not every 100 ms', 'slowed to 200 ms'],
    [99_999, 1500, 'a look takes 100 s, so netpane looks every 60 s, not every 1.5 s', 'slowed to 60 s'],
  ])('looks of %d ms where every %d ms are asked for', (costMs, askedMs, text, short) => {
    expect(paced(always(costMs), askedMs).notice).toEqual({ code: 'paced', text, short });
  });

  test('the words stay while the interval does, though the cost wanders', () => {
    const pacer = paced([580, 580]);
    const before = pacer.notice;
    for (const cost of [560, 590, 570]) pacer.note(cost);
    expect(pacer.notice).toEqual(before);
    expect(before?.text).toContain('580 ms');
  });
});

const cost = fc.double({ min: 0, max: 30_000, noNaN: true });
const costs = fc.array(cost, { maxLength: 30 });
const asked = fc.integer({ min: 100, max: 3_600_000 });
const share = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);

describe('whatever looking costs', () => {
  test('never shorter than asked, never above 60 s unless asked, and long enough for what is usual', () => {
    fc.assert(
      fc.property(costs, cost, asked, share, (before, usual, askedMs, maxShare) => {
        const { intervalMs } = paced([...before, ...always(usual)], askedMs, maxShare);
        expect(intervalMs).toBeGreaterThanOrEqual(askedMs);
        expect(intervalMs).toBeLessThanOrEqual(Math.max(askedMs, 60_000));
        if (intervalMs < 60_000) expect(usual / intervalMs).toBeLessThanOrEqual(maxShare + 1e-9);
      }),
    );
  });

  test('dearer looks never make it shorter', () => {
    const pairs = fc.array(fc.tuple(cost, cost), { maxLength: 30 });
    fc.assert(
      fc.property(pairs, asked, share, (looks, askedMs, maxShare) => {
        const cheap = paced(looks.map(([a]) => a), askedMs, maxShare); // prettier-ignore
        const dear = paced(looks.map(([a, more]) => a + more), askedMs, maxShare); // prettier-ignore
        expect(dear.intervalMs).toBeGreaterThanOrEqual(cheap.intervalMs);
      }),
    );
  });

  test('it is as asked again after two looks that leave room', () => {
    fc.assert(
      fc.property(costs, asked, share, (before, askedMs, maxShare) => {
        const cheap = (askedMs * maxShare) / 1.3;
        const pacer = paced([...before, cheap, cheap], askedMs, maxShare);
        expect(pacer.intervalMs).toBe(askedMs);
        expect(pacer.notice).toBeUndefined();
      }),
    );
  });

  test('looks that differ by a tenth never shorten it: it does not flap', () => {
    // Between where it is as asked and where it can be no longer.
    const usualMs = fc.double({ min: 180, max: 13_000, noNaN: true });
    const factor = fc.double({ min: 0.95, max: 1.05, noNaN: true });
    const wandering = fc
      .tuple(usualMs, fc.array(factor, { minLength: 20, maxLength: 40 }))
      .map(([usual, factors]) => factors.map((it) => usual * it));
    fc.assert(
      fc.property(wandering, (looks) => {
        const after = course(looks).slice(1);
        for (const [i, ms] of after.entries()) expect(ms).toBeGreaterThanOrEqual(after[i - 1] ?? ms);
      }),
    );
  });
});
