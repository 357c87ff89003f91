import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../src/model/socket.ts';
import { diff } from '../../src/sampler/diff.ts';
import { byId, socket } from '../helpers/fakes.ts';

const a = socket({ id: 'a' });
const b = socket({ id: 'b' });
const c = socket({ id: 'c' });
const nothing = { spawned: [], changed: [], closed: [] };

describe('diff', () => {
  test('a new id is spawned', () => {
    expect(diff(byId([a]), byId([a, b]))).toEqual({ ...nothing, spawned: [b] });
  });

  test('a missing id is closed', () => {
    expect(diff(byId([a, b]), byId([b]))).toEqual({ ...nothing, closed: ['a'] });
  });

  test('another object with the same id is changed, and nothing else', () => {
    const closing = { ...a, state: 'CLOSE_WAIT' as const };
    expect(diff(byId([a, b]), byId([closing, b]))).toEqual({ ...nothing, changed: [closing] });
  });

  test('one socket closes while another spawns', () => {
    expect(diff(byId([a, b]), byId([b, c]))).toEqual({ ...nothing, spawned: [c], closed: ['a'] });
  });

  test('the same sockets give an empty difference', () => {
    const sockets = byId([a, b]);
    expect(diff(sockets, sockets)).toEqual(nothing);
    expect(diff(sockets, byId([b, a]))).toEqual(nothing);
    expect(diff(new Map(), new Map())).toEqual(nothing);
  });
});

test('the difference turns the previous snapshot into the next, and has no unchanged sockets', () => {
  const pool = Array.from({ length: 12 }, (_, i) =>
    [0, 1].map((version) => socket({ id: `id ${i}`, uid: version })),
  );
  const snapshot = fc
    .tuple(...pool.map((versions) => fc.constantFrom<(Socket | undefined)[]>(undefined, ...versions)))
    .map((sockets) => byId(sockets.filter((it) => it !== undefined)));
  fc.assert(
    fc.property(snapshot, snapshot, (previous, next) => {
      const { spawned, changed, closed } = diff(previous, next);
      const applied = new Map(previous);
      for (const id of closed) expect(applied.delete(id)).toBe(true);
      for (const it of spawned) {
        expect(applied.has(it.id)).toBe(false);
        applied.set(it.id, it);
      }
      for (const it of changed) {
        expect(previous.get(it.id)).toBeDefined();
        expect(previous.get(it.id)).not.toBe(it);
        applied.set(it.id, it);
      }
      expect(applied).toEqual(next);
      for (const [id, it] of applied) expect(next.get(id)).toBe(it);
    }),
  );
});
