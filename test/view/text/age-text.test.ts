import { expect, test } from 'vitest';
import type { Owner } from '../../../src/model/socket.ts';
import type { Row } from '../../../src/store/row.ts';
import { ageWords, rowAgeText } from '../../../src/view/text/age-text.ts';
import { columnOf } from '../../../src/view/columns/columns.ts';
import { LOCAL_HOST } from '../../../src/model/host.ts';
import { emptyState, NOON_MS, socket, type SocketFields } from '../../helpers/fakes.ts';

const [S, M, H, D] = [1000, 60_000, 3_600_000, 86_400_000];
const moment = (seenForMs: number) => ({ nowMs: 1000 + seenForMs, takenAtMs: NOON_MS });

const rowOf = (fields: SocketFields, baseline = true): Row => ({
  id: '1',
  host: LOCAL_HOST,
  socket: { ...socket(), ...(fields as object) },
  mark: 'none',
  firstSeenMs: 1000,
  baseline,
  rxRate: 0,
  txRate: 0,
});
const started = (...agosMs: number[]): { owners: Owner[] } => ({
  owners: agosMs.map((ms, i) => ({ knowledge: 'exact', pid: i + 1, startedAtMs: NOON_MS - ms })),
});

test.each<[string, SocketFields, number]>([
  ['>0s', {}, 0],
  ['>1s', {}, 1 * S],
  ['>1s', {}, 4 * S],
  ['>1s', {}, 9 * S],
  ['>10s', {}, 12 * S],
  ['>10s', {}, 29 * S],
  ['>30s', {}, 59 * S],
  ['>1m', {}, 2 * M - 1],
  ['>10m', {}, 14 * M],
  ['>30m', {}, 59 * M],
  ['>1h', {}, H],
  ['>3d', {}, 3 * D + 5 * H],
  ['≤14m', started(13 * M + 30 * S), 12 * S],
  ['≤20s', started(12 * S), 2 * S],
  ['≤3d', started(2 * D + H), M],
  // Of several holders the first one may have made it.
  ['≤2h', started(5 * M, 2 * H), M],
  // The lower bound says more by now.
  ['>2h', started(3 * H), 2 * H],
  ['≤412d', started(412 * D), 0],
  ['3h', { createdAtMs: NOON_MS - 3 * H }, 0],
])('a socket of the baseline shows %s', (text, fields, seenForMs) => {
  expect(rowAgeText(rowOf(fields), moment(seenForMs))).toBe(text);
  expect(text.length).toBeLessThanOrEqual(5);
});

test('a later socket has an exact age, a closed one its lifetime', () => {
  expect(rowAgeText(rowOf(started(D), false), moment(3 * S))).toBe('3s');
  const closed = { ...rowOf({}), mark: 'closed', lifetimeMs: 2 * H, isAtLeast: true } as const;
  expect(rowAgeText(closed, moment(0))).toBe('>2h');
});

test('the remnant of a short connection has an age of its own', () => {
  const remnant = { ...rowOf({ state: 'FIN_WAIT2' }, false), lifetimeMs: 0.4 };
  expect(rowAgeText(remnant, moment(30 * S))).toBe('30s');
});

test('the details have both bounds', () => {
  expect(ageWords(rowOf(started(13 * M)), moment(12 * S))).toEqual([
    '>10s opened before netpane started',
    '≤13m since its program started',
  ]);
  expect(ageWords(rowOf({}), moment(3 * S))).toEqual(['>1s opened before netpane started']);
  expect(ageWords(rowOf({}, false), moment(3 * S))).toEqual(['3s']);
});

test('sorted by age: later sockets, then those of the latest programs, then those of unknown programs', () => {
  const keys = [
    { ...rowOf({}, false), firstSeenMs: 2000 },
    rowOf(started(M)),
    rowOf(started(D)),
    rowOf({ owners: [{ knowledge: 'hidden' }] }),
  ].map((row) => Number(columnOf('age')?.key(row, emptyState().lookups)));
  expect(keys.toSorted((a, b) => a - b)).toEqual(keys);
  expect(new Set(keys).size).toBe(4);
});
