import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import { after, baseline, batch, emptyState, LINGER_MS } from '../helpers/fakes.ts';
import { a, b, open } from './scene.ts';

describe('batches', () => {
  test('set the fields of the header', () => {
    const degradations = [{ code: 'c', text: 'text', short: 'short' }];
    const cost = { socketsMs: 1, ownersMs: 2, diffMs: 3 };
    const state = after(
      emptyState(),
      baseline([a]),
      batch({ monotonicMs: 7000, spawned: [b], degradations, cost, source: 'another' }),
    );
    expect(state).toMatchObject({ source: 'another', nowMs: 7000, degradations, cost });
    expect(state.lastTick).toEqual({ monotonicMs: 7000, total: 2, spawned: 1, changed: 0, closed: 0 });
  });

  test('keep what the user has set', () => {
    const set: Action[] = [
      { type: 'freeze' },
      { type: 'select', id: 'a' },
      { type: 'service-names' },
      open('port', '22'),
    ];
    const before = after(emptyState(), baseline([a]), ...set);
    const now = after(before, batch({ spawned: [b] }));
    expect(now).toMatchObject({ frozen: true, selectedId: 'a', serviceNames: true, prompt: before.prompt });
  });

  test('are not needed for marks to fade: the action `time` removes them', () => {
    const state = after(emptyState(), baseline([a]), batch({ monotonicMs: 1000, closed: ['a'] }));
    expect(after(state, { type: 'time', atMs: 1000 + LINGER_MS - 1 }).table.rows.size).toBe(1);
    const faded = after(state, { type: 'time', atMs: 1000 + LINGER_MS });
    expect(faded.table.rows.size).toBe(0);
    expect(faded.nowMs).toBe(1000);
  });
});

describe('a batch of several parts', () => {
  const before = () => after(emptyState(), baseline([a]));
  const at = { monotonicMs: 5000, source: 'another', pacedIntervalMs: 2500 };

  test('adds the rows of each part at once, and the rest with the last part', () => {
    const first = before();
    const part = after(first, batch({ ...at, partial: true, spawned: [b] }));
    expect([...part.table.rows.keys()]).toEqual(['a', 'b']);
    expect(part).toMatchObject({ source: '/proc/net', nowMs: 0, pacedIntervalMs: 1000 });
    expect(part.table.history).toEqual([]);
    const whole = after(part, batch({ ...at, changed: [{ ...b, state: 'CLOSE_WAIT' }], closed: ['a'] }));
    expect(whole).toMatchObject({ source: 'another', nowMs: 5000, pacedIntervalMs: 2500 });
    expect(whole.lastTick).toEqual({ monotonicMs: 5000, total: 1, spawned: 1, changed: 1, closed: 1 });
    expect(whole.table.history).toEqual([whole.lastTick]);
  });

  test('is counted once by a pause', () => {
    const parts = [{ partial: true, spawned: [b] }, { partial: true, closed: ['a'] }, {}];
    const paused = after(
      before(),
      { type: 'pause' },
      ...parts.slice(0, 2).map((it) => batch({ ...at, ...it })),
    );
    expect(paused.pause).toMatchObject({ spawned: 0, closed: 0, open: 1 });
    expect(after(paused, batch(at)).pause).toMatchObject({ spawned: 1, changed: 0, closed: 1, open: 1 });
  });

  test('leaves the state before the first batch until its last part', () => {
    const part = after(emptyState(), baseline([a], { partial: true }));
    expect(part.nowMs).toBeUndefined();
    expect(after(part, { type: 'pause' }).pause).toBeNull();
    expect(after(part, baseline([b])).lastTick).toMatchObject({ total: 2, spawned: 0 });
  });
});
