import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Pacer } from '../../src/sampler/pacer.ts';

/** A pacer after polls with these costs, milliseconds. */
function paced(costsMs: readonly number[], requestedMs = 1000, maxShare = 0.2): Pacer {
  const pacer = new Pacer(requestedMs, maxShare);
  for (const cost of costsMs) pacer.addCost(cost, cost);
  return pacer;
}

/** The intervals after each of these polls, milliseconds. */
function intervals(costsMs: readonly number[], requestedMs = 1000): number[] {
  const pacer = new Pacer(requestedMs, 0.2);
  return costsMs.map((cost) => {
    pacer.addCost(cost, cost);
    return pacer.intervalMs;
  });
}

const always = (costMs: number) => [costMs, costMs, costMs];

describe('the interval', () => {
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
  ])('for polls of %d ms and a requested %d ms is %d ms', (costMs, requestedMs, intervalMs) => {
    expect(paced(always(costMs), requestedMs).intervalMs).toBe(intervalMs);
  });

  test.each([
    [0.01, 100, 10_000],
    [0.5, 900, 2000],
    [1, 900, 1000],
    [1, 1100, 1250],
  ])('for a share of %d and polls of %d ms is %d ms', (maxShare, costMs, intervalMs) => {
    expect(paced(always(costMs), 1000, maxShare).intervalMs).toBe(intervalMs);
  });
});

describe('the interval over time', () => {
  test('is the requested one before the first poll', () => {
    expect(paced([])).toMatchObject({ intervalMs: 1000, notice: undefined });
  });

  test('ignores a single slow poll, whether first, second or third', () => {
    expect(intervals([9000, 5, 5])).toEqual([1000, 1000, 1000]);
    expect(intervals([5, 5, 9000, 5, 5, 9000, 5])).toEqual(Array(7).fill(1000));
  });

  test('grows after two slow polls of three', () => {
    expect(intervals([600, 600])).toEqual([1000, 3000]);
    expect(intervals([600, 5, 600])).toEqual([1000, 1000, 3000]);
  });

  test('shrinks after two consecutive fast polls, not after one', () => {
    expect(intervals([600, 600, 5, 600, 5, 5])).toEqual([1000, 3000, 3000, 3000, 3000, 1000]);
  });

  test('does not flap when slow and fast polls alternate', () => {
    const costs = Array.from({ length: 40 }, (_, i) => (i % 2 ? 600 : 5));
    expect(new Set(intervals(costs).slice(3))).toEqual(new Set([3000]));
  });

  test('stays for costs near the limit, and shrinks below the margin', () => {
    const edge = [201, 201, 199, 201, 199, 199, 165, 161];
    expect(intervals(edge)).toEqual([1000, ...Array<number>(edge.length - 1).fill(1250)]);
    expect(intervals([...edge, 160, 160]).at(-1)).toBe(1000);
  });

  test('shrinks part of the way for polls that are still slow', () => {
    expect(intervals([2000, 2000, 600, 600])).toEqual([1000, 10_000, 10_000, 4000]);
  });
});

describe('a new requested interval', () => {
  test('is used at once if it is long enough, else lengthened by the last costs', () => {
    const pacer = paced(always(600));
    pacer.request(5000);
    expect(pacer).toMatchObject({ intervalMs: 5000, notice: undefined });
    pacer.request(500);
    expect(pacer.intervalMs).toBe(3000);
  });

  test('is used while polls are cheap', () => {
    const pacer = paced(always(5));
    pacer.request(100);
    expect(pacer.intervalMs).toBe(100);
  });

  test('ignores the interval used before', () => {
    // 520 ms need 2.75 s; the interval is still 3 s because of the margin.
    const pacer = paced([600, 600, 520, 520]);
    expect(pacer.intervalMs).toBe(3000);
    pacer.request(900);
    expect(pacer.intervalMs).toBe(2750);
  });
});

describe('the notice', () => {
  test.each([
    [520, 1000, 'interval is 2.75 s instead of 1 s: one poll takes 520 ms', 'slowed to 2.75 s'],
    [1234, 500, 'interval is 6.5 s instead of 500 ms: one poll takes 1.2 s', 'slowed to 6.5 s'],
    [33.33, 100, 'interval is 200 ms instead of 100 ms: one poll takes 33 ms', 'slowed to 200 ms'],
    [99_999, 1500, 'interval is 60 s instead of 1.5 s: one poll takes 100 s', 'slowed to 60 s'],
  ])('for polls of %d ms and a requested %d ms', (costMs, requestedMs, text, short) => {
    expect(paced(always(costMs), requestedMs).notice).toEqual({ code: 'paced', text, short });
  });

  test('stays the same while the interval does, although the costs vary', () => {
    const pacer = paced([580, 580]);
    const before = pacer.notice;
    for (const cost of [560, 590, 570]) pacer.addCost(cost, cost);
    expect(pacer.notice).toEqual(before);
    expect(before?.text).toContain('580 ms');
  });
});

describe('on a busy machine, where polls take long and cost little', () => {
  const busy = (elapsedMs: number, costMs = 5): Pacer => {
    const pacer = new Pacer(1000, 0.2);
    for (let i = 0; i < 3; i++) pacer.addCost(costMs, elapsedMs);
    return pacer;
  };

  test('the interval stays as requested', () => {
    expect(busy(900)).toMatchObject({ intervalMs: 1000, realMs: 1000, notice: undefined });
    expect(busy(5000).intervalMs).toBe(1000);
  });

  test('the real time between two polls is known, with a notice', () => {
    const text = 'interval is 5.5 s instead of 1 s: the machine is too busy for more';
    expect(busy(5200)).toMatchObject({ realMs: 5500, notice: { text, short: 'slowed to 5.5 s' } });
    // The cost leads to 3 s.
    expect(busy(2000, 600)).toMatchObject({ intervalMs: 3000, realMs: 3000 });
    expect(busy(2000, 600).notice?.text).toContain('one poll takes 600 ms');
    expect(busy(7000, 600)).toMatchObject({ intervalMs: 3000, realMs: 7000 });
  });

  test('a single late poll changes nothing', () => {
    const pacer = busy(5);
    pacer.addCost(5, 20_000);
    expect(pacer).toMatchObject({ intervalMs: 1000, realMs: 1000, notice: undefined });
  });
});

const cost = fc.double({ min: 0, max: 30_000, noNaN: true });
const costs = fc.array(cost, { maxLength: 30 });
const requested = fc.integer({ min: 100, max: 3_600_000 });
const share = fc.integer({ min: 1, max: 100 }).map((percent) => percent / 100);

describe('for any costs', () => {
  test('the interval is at least the requested one, at most 60 s, and long enough for the usual cost', () => {
    fc.assert(
      fc.property(costs, cost, requested, share, (before, usual, requestedMs, maxShare) => {
        const { intervalMs } = paced([...before, ...always(usual)], requestedMs, maxShare);
        expect(intervalMs).toBeGreaterThanOrEqual(requestedMs);
        expect(intervalMs).toBeLessThanOrEqual(Math.max(requestedMs, 60_000));
        if (intervalMs < 60_000) expect(usual / intervalMs).toBeLessThanOrEqual(maxShare + 1e-9);
      }),
    );
  });

  test('higher costs never make it shorter', () => {
    const pairs = fc.array(fc.tuple(cost, cost), { maxLength: 30 });
    fc.assert(
      fc.property(pairs, requested, share, (polls, requestedMs, maxShare) => {
        const cheap = paced(polls.map(([a]) => a), requestedMs, maxShare); // prettier-ignore
        const expensive = paced(polls.map(([a, more]) => a + more), requestedMs, maxShare); // prettier-ignore
        expect(expensive.intervalMs).toBeGreaterThanOrEqual(cheap.intervalMs);
      }),
    );
  });

  test('it is the requested one again after two polls below the margin', () => {
    fc.assert(
      fc.property(costs, requested, share, (before, requestedMs, maxShare) => {
        const cheap = (requestedMs * maxShare) / 1.3;
        const pacer = paced([...before, cheap, cheap], requestedMs, maxShare);
        expect(pacer.intervalMs).toBe(requestedMs);
        expect(pacer.notice).toBeUndefined();
      }),
    );
  });

  test('costs that vary by a tenth never shorten it', () => {
    // Costs that lead to an interval between the requested one and the longest one.
    const usualMs = fc.double({ min: 180, max: 13_000, noNaN: true });
    const factor = fc.double({ min: 0.95, max: 1.05, noNaN: true });
    const varying = fc
      .tuple(usualMs, fc.array(factor, { minLength: 20, maxLength: 40 }))
      .map(([usual, factors]) => factors.map((it) => usual * it));
    fc.assert(
      fc.property(varying, (polls) => {
        const after = intervals(polls).slice(1);
        for (const [i, ms] of after.entries()) expect(ms).toBeGreaterThanOrEqual(after[i - 1] ?? ms);
      }),
    );
  });
});
