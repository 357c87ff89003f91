import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { compileForSubjects } from '../../../src/query/compile.ts';
import type { Action } from '../../../src/store/actions.ts';
import { isMainEnd, peerOf } from '../../../src/store/peers.ts';
import type { Row } from '../../../src/store/row.ts';
import type { State } from '../../../src/store/state.ts';
import { TIME_WAIT_ID } from '../../../src/view/table/item.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { queryContext } from '../../../src/view/table/query-context.ts';
import { asksForTimeWait } from '../../../src/view/table/time-wait.ts';
import { after, baseline, batch, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';
import { OpenSockets } from '../../helpers/random-changes.ts';

const remnant = (n: number, fields = {}): Socket =>
  socket({ id: `t${n}`, local: `192.0.2.10:${40_000 + n}`, state: 'TIME_WAIT', ...fields });
const remnants = (count: number): Socket[] => Array.from({ length: count }, (_, n) => remnant(n));

const query = (text: string): Action => ({ type: 'query', query: queryFrom(text) });
const UNFOLD: Action = { type: 'fold', id: TIME_WAIT_ID };

function follow(state: State) {
  const order = new RowOrder();
  const ids = (now: State): string[] => {
    order.update(now);
    return order.slice().map((item) => (item.type === 'time-wait' ? `${item.count} TIME_WAIT` : item.id));
  };
  return { order, ids, first: ids(state) };
}

describe('sockets in TIME_WAIT', () => {
  const live = socket({ id: 'live' });

  test('are rows while they are few', () => {
    expect(follow(after(emptyState(), baseline([live, ...remnants(5)]))).first).toHaveLength(6);
  });

  test('are one line, the last one, if they are many; the others are counted as shown', () => {
    const { order, first } = follow(after(emptyState(), baseline([...remnants(6), live])));
    expect(first).toEqual(['live', '6 TIME_WAIT']);
    expect([order.length, order.rowLines, order.openCount, order.rows().length]).toEqual([2, 1, 1, 1]);
    expect(order.indexOf(TIME_WAIT_ID)).toBe(1);
    expect(order.at(1)).toEqual({ type: 'time-wait', id: TIME_WAIT_ID, count: 6, folded: true });
    expect(order.rowAt(1)).toBeUndefined();
  });

  test('become rows and one line again as their number changes', () => {
    let state = after(emptyState(), baseline([live, ...remnants(5)]));
    const { ids } = follow(state);
    state = after(state, batch({ monotonicMs: 1000, spawned: [remnant(5)] }));
    expect(ids(state)).toEqual(['live', '6 TIME_WAIT']);
    state = after(state, batch({ monotonicMs: 2000, closed: ['t0', 't1'] }));
    expect(ids(state)).toEqual(['live', '4 TIME_WAIT']);
    state = after(state, batch({ monotonicMs: 9000 }));
    expect(ids(state)).toEqual(['live', 't2', 't3', 't4', 't5']);
  });

  test('are unfolded and folded by the line', () => {
    const state = after(emptyState(), baseline([live, ...remnants(6)]));
    const { ids } = follow(state);
    const unfolded = after(state, UNFOLD);
    expect(ids(unfolded)).toEqual(['live', 't0', 't1', 't2', 't3', 't4', 't5', '6 TIME_WAIT']);
    expect(ids(after(unfolded, UNFOLD))).toEqual(['live', '6 TIME_WAIT']);
  });

  test.each(['state:time_wait', 'state:LISTEN,TIME-WAIT', 'TIME_WAIT', 'curl or time_wait'])(
    'are rows when %s asks for them',
    (text) => {
      const state = after(emptyState(), baseline(remnants(8)), query(text));
      expect(follow(state).order.rows()).toHaveLength(8);
      expect(follow(state).order.indexOf(TIME_WAIT_ID)).toBe(-1);
    },
  );

  test.each(['', '!state:time_wait', 'curl', 'tcp', 'port:443', 'wa'])('are not asked for by %j', (text) => {
    expect(asksForTimeWait(queryFrom(text))).toBe(false);
  });

  test('are counted again by a narrower query', () => {
    const state = after(
      emptyState(),
      baseline([live, ...remnants(7), ...[7, 8, 9].map((n) => remnant(n, { process: 'wget' }))]),
      query('cur'),
    );
    const { ids, first } = follow(state);
    expect(first).toEqual(['live', '7 TIME_WAIT']);
    expect(ids(after(state, query('cur')))).toEqual(['live', '7 TIME_WAIT']);
    expect(ids(after(state, query('curl :40001')))).toEqual(['t1']);
  });

  test('are the last line of a grouped table, and not in the sums', () => {
    const state = after(emptyState(), baseline([live, ...remnants(6)]), { type: 'group', group: 'process' });
    const { order } = follow(state);
    expect(order.slice().map(({ type }) => type)).toEqual(['group', 'row', 'time-wait']);
    expect(order.slice(2, 3)).toHaveLength(1);
    expect(order.slice(0, 2)).toHaveLength(2);
  });
});

const CLIENT = socket({ id: 'a', local: '127.0.0.1:40000', remote: '127.0.0.1:80', opened: 'out' });
const SERVER = socket({ id: 'b', local: '127.0.0.1:80', remote: '127.0.0.1:40000', process: 'nginx' });

describe('both ends of a local connection as one row', () => {
  const state = after(emptyState(), baseline([CLIENT, SERVER]), { type: 'join-pairs' });

  test('are the end that opened it; the other one is counted', () => {
    const { order, first } = follow(state);
    expect(first).toEqual(['a']);
    expect([order.openCount, order.joinedCount]).toEqual([1, 1]);
  });

  test('are the peer if the query hides the first', () => {
    const { ids } = follow(state);
    const asked = after(state, query('nginx'));
    expect(ids(asked)).toEqual(['b']);
    expect(ids(after(asked, query('')))).toEqual(['a']);
    expect(ids(after(state, query('!process:curl')))).toEqual(['b']);
  });

  test('are two rows again', () => {
    const { ids } = follow(state);
    expect(ids(after(state, { type: 'join-pairs' }))).toEqual(['a', 'b']);
  });

  test('become two rows when one end closes', () => {
    const { ids } = follow(state);
    const closed = after(state, batch({ monotonicMs: 1000, closed: ['a'] }));
    expect(ids(closed)).toEqual(['a', 'b']);
    expect(ids(after(closed, batch({ monotonicMs: 9000 })))).toEqual(['b']);
  });
});

test('an end whose peer is a new socket by now has a row of its own, also if both changed in one batch', () => {
  let state = after(emptyState(), baseline([]), batch({ spawned: [CLIENT] }), { type: 'join-pairs' });
  const { ids } = follow(state);
  state = after(state, batch({ monotonicMs: 2000, spawned: [SERVER] }));
  expect(ids(state)).toEqual(['a']);
  state = after(state, batch({ monotonicMs: 4000, closed: ['a'] }));
  expect(ids(state)).toEqual(['a', 'b']);
  // The mark of `b` fades, before the batch applies.
  const remnant: Socket = { ...CLIENT, state: 'TIME_WAIT' };
  state = after(state, batch({ monotonicMs: 5000, spawned: [remnant], closed: ['b'] }));
  expect(ids(state)).toEqual(['a', 'b']);
});

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

/** Ends 0 and 1, 2 and 3 … are those of one connection; all may be in TIME_WAIT. */
function endOf(
  index: number,
  { state, isCurl }: { state: 'ESTABLISHED' | 'TIME_WAIT'; isCurl: boolean },
): Socket {
  const client = 40_000 + (index >> 1);
  const [near, far] = index % 2 === 0 ? [client, 80] : [80, client];
  return socket({
    id: IDS[index] ?? '',
    local: `127.0.0.1:${near}`,
    remote: `127.0.0.1:${far}`,
    state,
    process: isCurl ? 'curl' : 'nginx',
    ...(index === 2 && { opened: 'out' }),
  });
}

const fields = fc.record({
  state: fc.constantFrom<'ESTABLISHED' | 'TIME_WAIT'>('ESTABLISHED', 'TIME_WAIT', 'TIME_WAIT'),
  isCurl: fc.boolean(),
});
const tick = fc.record({
  type: fc.constant('tick' as const),
  wanted: fc.dictionary(fc.constantFrom(...IDS), fc.option(fields), { maxKeys: 8 }),
});
const step = fc.oneof(
  { weight: 4, arbitrary: tick },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Action>(
      { type: 'join-pairs' },
      UNFOLD,
      { type: 'freeze' },
      { type: 'pause' },
      { type: 'group', group: 'process' },
      { type: 'group', group: null },
      { type: 'reverse-sort' },
      ...['', 'c', 'cu', 'curl', 'nginx', 'state:time_wait', '!time_wait', 'new'].map(query),
    ),
  },
);

const isOpen = ({ mark }: Row): boolean => mark !== 'closed';

/** Returns the rows that match and those to show, computed directly from the state, and the number of open folded ones. */
function wantedOf(state: State): { matching: Set<Row>; shown: Set<Row>; folded: number; joined: number } {
  const { rows } = state.pause ?? state.table;
  const nowMs = state.pause?.nowMs ?? state.nowMs ?? 0;
  const matches = compileForSubjects(state.query, { ...queryContext(state), nowMs });
  const isRemnant = ({ socket: { state } }: Row) => state === 'TIME_WAIT';
  const matching = [...rows.values()].filter(matches);
  const folded = matching.filter(isRemnant);
  const isFolded =
    folded.length > 5 && !asksForTimeWait(state.query) && !state.folds.except.has(TIME_WAIT_ID);
  const isJoined = (row: Row): boolean => {
    const peer = peerOf(rows, row);
    return (
      state.joinsPairs &&
      peer !== undefined &&
      isMainEnd(peer, row) &&
      (isOpen(peer) || !isOpen(row)) &&
      !isRemnant(peer) &&
      !isRemnant(row) &&
      matches(peer)
    );
  };
  const shown = matching.filter((row) => !(isFolded && isRemnant(row)) && !isJoined(row));
  return {
    matching: new Set(matching),
    shown: new Set(shown),
    folded: isFolded ? folded.filter(isOpen).length : 0,
    joined: matching.filter((row) => isJoined(row) && isOpen(row)).length,
  };
}

test('after any steps the rows are those of the state, and the order is that of a fresh one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const order = new RowOrder();
      let state = after(emptyState(), baseline([]));
      const open = new OpenSockets();
      for (const [i, what] of steps.entries()) {
        if (what.type === 'tick') {
          const changed = open.take(what.wanted, (id, it) => endOf(IDS.indexOf(id as 'a'), it));
          state = after(state, batch({ monotonicMs: i * 1000, ...changed }));
        } else state = after(state, what);
        order.update(state);
        const { matching, shown, folded, joined } = wantedOf(state);
        // Not `expect`, which takes longer than all else.
        assert.deepEqual(new Set(order.rows()), shown);
        assert.equal(order.joinedCount, joined);
        assert.deepEqual(new Set(order.matchingRows()), matching);
        assert.equal(order.matchingRows().length, matching.size);
        assert.equal(order.openCount, [...shown].filter(isOpen).length);
        const line = order.at(order.length - 1);
        assert.equal(line?.type === 'time-wait' && line.folded ? line.count : 0, folded);
        const fresh = new RowOrder();
        fresh.update(state);
        if (!state.frozen) assert.deepEqual(order.slice(), fresh.slice());
        for (const [index, { id }] of order.slice().entries()) assert.equal(order.indexOf(id), index);
      }
    }),
    { numRuns: 200 },
  );
});
