import { expect, test } from 'vitest';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import { livePicture, pictureOf, seenIn } from '../../src/store/picture.ts';
import { after, baseline, batch, emptyState, NOON_MS, socket } from '../helpers/fakes.ts';

const a = socket({ id: 'a' });

test('is the live one without a pause', () => {
  expect(pictureOf(emptyState())).toEqual({
    rows: new Map(),
    open: 0,
    nowMs: 0,
    takenAtMs: 0,
    tick: 0,
    logEnd: 0,
  });
  const state = after(emptyState(), baseline([a]), batch({ monotonicMs: 1000, closed: ['a'] }));
  expect(pictureOf(state)).toMatchObject({ open: 0, nowMs: 1000, logEnd: 0 });
  expect(pictureOf(state).rows).toBe(state.table.rows);
});

test('is the one of the start of a pause until the pause ends', () => {
  const paused = after(emptyState(), baseline([a], { takenAtMs: NOON_MS }), { type: 'pause' });
  const later = after(paused, batch({ monotonicMs: 1000, takenAtMs: NOON_MS + 1000, closed: ['a'] }));
  expect(pictureOf(later)).toMatchObject({ open: 1, nowMs: 0, takenAtMs: NOON_MS, logEnd: 0 });
  expect(pictureOf(later).rows.get('a')?.mark).toBe('none');
  expect(livePicture(later)).toMatchObject({ open: 0, nowMs: 1000 });
  expect(pictureOf(after(later, { type: 'pause' }))).toEqual(livePicture(later));
});

test('has names once they are asked for: the same object until something else is seen', () => {
  const state = { ...emptyState(), lookups: { ...NO_LOOKUPS, asksNames: true } };
  const seen = seenIn(state);
  expect(seen).toEqual({ ...state.table.seen, names: true });
  expect(seenIn({ ...state })).toBe(seen);
  const netns = [1, 2].map((inode) => socket({ id: `${inode}`, netns: { inode } }));
  expect(seenIn(after(state, baseline(netns)))).toMatchObject({ names: true, namespaces: true });
});
