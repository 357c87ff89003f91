import { describe, expect, test, vi } from 'vitest';
import type { Batch } from '../../../src/model/batch.ts';
import type { Action } from '../../../src/store/actions.ts';
import { RowFilter } from '../../../src/view/table/filter.ts';
import { baseline, batch } from '../../helpers/fakes.ts';
import { ant, asking, bee, cat, Follower, named, renamed } from './follower.ts';

describe('hide rules', () => {
  const rule = { process: 'bee', remote: '198.51.100.7', port: 443 };

  test('hide rows, which are counted while open and matching the query', () => {
    const follower = new Follower(baseline([ant, bee, cat]), { type: 'hide', rule });
    const state = () => [follower.ids.join(' '), follower.order.hiddenCount, follower.order.openCount];
    expect(state()).toEqual(['3 2', 1, 2]);
    follower.do(asking('!bee'));
    expect(state()).toEqual(['3 2', 0, 2]);
    follower.do(asking(''), batch({ monotonicMs: 1000, spawned: [named('4', 'bee')] }));
    expect(state()).toEqual(['3 2', 2, 2]);
    // Closed rows are counted neither as shown nor as hidden.
    follower.do(batch({ monotonicMs: 2000, closed: ['1', '2'] }));
    expect(state()).toEqual(['3 2', 1, 1]);
    follower.do({ type: 'list', list: { kind: 'hide-rules', at: 0 } }, { type: 'remove-line' });
    expect(state()).toEqual(['3 1 4 2', 0, 2]);
  });

  test('do not match another program, peer or port', () => {
    const moved = { ...ant, remote: { address: '198.51.100.8', port: 443 } };
    for (const other of [renamed(ant, 'wasp'), moved]) {
      const follower = new Follower(baseline([ant, cat]), { type: 'hide', rule });
      expect(follower.ids).toEqual(['3']);
      follower.do(batch({ monotonicMs: 1000, changed: [other] }));
      expect([follower.ids.toSorted(), follower.order.hiddenCount]).toEqual([['1', '3'], 0]);
    }
  });

  test('count rows during a pause and in a frozen order', () => {
    for (const still of ['freeze', 'pause'] as const) {
      const follower = new Follower(baseline([ant, bee, cat]), { type: still }, { type: 'hide', rule });
      expect([follower.ids, follower.order.hiddenCount]).toEqual([['3', '2'], 1]);
      follower.do(batch({ monotonicMs: 1000, spawned: [named('4', 'bee')] }));
      expect(follower.order.hiddenCount).toBe(still === 'freeze' ? 2 : 1);
    }
  });
});

test('hidden rows stay counted while a query is typed', () => {
  const rule = { process: 'bee', remote: '198.51.100.7', port: 443 };
  const follower = new Follower(baseline([ant, bee, cat]), { type: 'hide', rule });
  for (const text of ['be', 'bee', '.7:4', '.7:44', '.7:443'])
    expect([text, follower.do(asking(text)).order.hiddenCount]).toEqual([text, 1]);
  expect(follower.do(asking('.7:4433')).order.hiddenCount).toBe(0);
});

describe('inputs of a query besides the rows', () => {
  test('a baseline hides earlier rows although the query is new already', () => {
    const follower = new Follower(
      baseline([ant]),
      asking('new'),
      batch({ monotonicMs: 1000, spawned: [bee] }),
    );
    expect(follower.ids).toEqual(['2']);
    expect(follower.do({ type: 'baseline' }).ids).toEqual([]);
    expect(follower.do(batch({ monotonicMs: 2000, spawned: [cat] })).ids).toEqual(['3']);
  });

  test('the addresses of a host arrive and change', () => {
    const follower = new Follower(baseline([ant]), asking('@far.example'));
    const rowsFor = (...addresses: string[]) =>
      follower.do({ type: 'host', name: 'far.example', answer: { type: 'addresses', addresses } }).ids;
    expect(follower.ids).toEqual([]);
    expect([rowsFor('198.51.100.7'), rowsFor('198.51.100.8'), rowsFor('::1', '198.51.100.7')]).toEqual([
      ['1'],
      [],
      ['1'],
    ]);
  });

  test('an answer about a host evaluates only a query that names a host', () => {
    const evaluate = vi.spyOn(RowFilter.prototype, 'evaluate');
    const evaluations = (text: string): number => {
      const follower = new Follower(baseline([ant, bee]), asking(text));
      evaluate.mockClear();
      const answer = { type: 'addresses', addresses: ['198.51.100.7'] } as const;
      follower.do({ type: 'host', name: 'far.example', answer });
      return evaluate.mock.calls.length;
    };
    expect([evaluations('bee'), evaluations('bee or @far.example')]).toEqual([0, 2]);
    evaluate.mockRestore();
  });

  test('a host in a later query has the answer that arrived before', () => {
    const answer = { type: 'addresses', addresses: ['198.51.100.7'] } as const;
    const follower = new Follower(baseline([ant]), { type: 'host', name: 'far.example', answer });
    expect(follower.do(asking('@far.example')).ids).toEqual(['1']);
  });
});

describe('a query about time or rates', () => {
  /** Matches rows that are two seconds old, and no closed row. */
  const start = (...actions: (Action | Batch)[]) =>
    new Follower(baseline([ant]), asking('age>=2s !closed'), ...actions);

  test('is evaluated again as time passes', () => {
    const follower = start(batch({ monotonicMs: 1000, spawned: [bee, cat] }));
    expect(follower.ids).toEqual([]);
    expect(follower.do(batch({ monotonicMs: 2000 })).ids).toEqual(['1']);
    expect(follower.do(batch({ monotonicMs: 3000, closed: ['1'] })).ids).toEqual(['3', '2']);
    expect(follower.order.openCount).toBe(2);
  });

  test('is evaluated again in a frozen order and not during a pause', () => {
    const follower = start({ type: 'freeze' }, batch({ monotonicMs: 1000, spawned: [bee, cat] }));
    expect(follower.do(batch({ monotonicMs: 2000 })).ids).toEqual(['1']);
    expect(follower.do(batch({ monotonicMs: 3000 })).ids).toEqual(['1', '2', '3']);
    expect(follower.do({ type: 'freeze' }).ids).toEqual(['3', '1', '2']);
    const paused = start({ type: 'pause' }, batch({ monotonicMs: 9000 }));
    expect(paused.ids).toEqual([]);
    expect(paused.do({ type: 'pause' }).ids).toEqual(['1']);
  });
});

test('reports a regex that is too slow until the query changes', () => {
  const follower = new Follower(
    baseline(Array.from({ length: 40 }, (_, i) => named(`${i}`, `program ${i}`))),
  );
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (spentMs += 400));
  let spentMs = 0;
  try {
    follower.do(asking('/(pro)+gram/'));
  } finally {
    clock.mockRestore();
  }
  expect(follower.order.tooSlow).toBe('(pro)+gram');
  expect(follower.order.length).toBeLessThan(40);
  expect(follower.do(asking('/(pro)+/')).order.tooSlow).toBeUndefined();
  expect(follower.order.length).toBe(40);
});
