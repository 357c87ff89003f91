import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EffectRunner } from '../../src/cli/effects.ts';
import type { Action } from '../../src/store/actions.ts';
import { update } from '../../src/store/update.ts';
import { batch, emptyState } from '../helpers/fakes.ts';

// The timers: state and runner together, without a screen.

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const unused = () => {
  throw new Error('not a timer');
};

function setUp(intervalMs: number) {
  let state = emptyState();
  const actions: Action[] = [];
  const reports: number[] = [];
  const nowMs = () => performance.now();
  const runner = new EffectRunner(
    {
      quit: unused,
      suspend: unused,
      redraw: unused,
      bell: unused,
      setInterval: () => undefined,
      usageOf: unused,
      resolve: unused,
      askNames: unused,
      readLocations: unused,
      copy: unused,
      save: unused,
      saveState: unused,
      readEvidence: unused,
      stopEvidence: unused,
      readFirewall: unused,
      askWhois: unused,
      openProcess: unused,
      signal: unused,
      waitForEnd: unused,
      releaseProcess: unused,
      closeSockets: unused,
      wallMs: unused,
      nowMs,
      samplerActivity: () => 'busy',
    },
    dispatch,
  );
  function dispatch(action: Action): void {
    actions.push(action);
    const next = update(state, action);
    state = next.state;
    for (const effect of next.effects) runner.run(effect);
    if (action.type === 'silence') reports.push(Math.round((state.silence?.forMs ?? 0) / 1000));
  }
  const expectBatch = (ms: number) => dispatch({ type: 'interval', intervalMs: ms });
  dispatch({ type: 'start', atMs: nowMs() });
  expectBatch(intervalMs);
  return {
    reports,
    actions,
    dispatch,
    expectBatch,
    take: (fields: Parameters<typeof batch>[0]) =>
      dispatch({ type: 'batch', batch: batch(fields), atMs: nowMs() }),
    pass: (ms: number) => vi.advanceTimersByTime(ms),
  };
}

test('reports three intervals without a batch, and then every second', () => {
  const { reports, pass } = setUp(2000);
  pass(5999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([6]);
  pass(3000);
  expect(reports).toEqual([6, 7, 8, 9]);
});

test('a batch restarts the time, with its own interval', () => {
  const { take, reports, pass } = setUp(1000);
  pass(2500);
  take({ pacedIntervalMs: 5000 });
  pass(14_999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([15]);
});

test('waits at least a second', () => {
  const { reports, pass } = setUp(100);
  pass(999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([1]);
});

test('a new interval restarts the time, but the silence counts from the last batch', () => {
  const { expectBatch, reports, pass } = setUp(60_000);
  pass(100_000);
  expectBatch(1000);
  pass(2999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([103]);
});

test('a batch that arrived while the thread was stopped is handled first', () => {
  const { take, reports, pass } = setUp(1000);
  // Timer and message are due in the same turn, the message second.
  setTimeout(() => take({ pacedIntervalMs: 1000 }), 3000);
  pass(3000);
  expect(reports).toEqual([]);
});

test('a selection settles once, after the last row on the way, and only while the details are open', () => {
  const { dispatch, actions, pass } = setUp(60_000);
  const settled = () => actions.filter(({ type }) => type === 'settled').length;
  dispatch({ type: 'select', id: 'a' });
  pass(1000);
  expect(settled()).toBe(0);
  dispatch({ type: 'pane', pane: 'details' });
  dispatch({ type: 'select', id: 'b' });
  pass(100);
  dispatch({ type: 'select', id: 'c' });
  pass(100);
  expect(settled()).toBe(0);
  pass(100);
  expect(settled()).toBe(1);
});
