import { describe, expect, test } from 'vitest';
import { LOCAL_HOST } from '../../../src/model/host.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import { COLUMN_IDS, type ColumnId } from '../../../src/store/columns.ts';
import type { Row } from '../../../src/store/row.ts';
import { columnOf, COLUMNS, presentColumns } from '../../../src/view/columns/columns.ts';
import type { CellContext, ColumnRow } from '../../../src/view/columns/column.ts';
import { NOTHING } from '../../../src/view/text/format.ts';
import { rowText } from '../../../src/view/table/rows.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import {
  after,
  ALL_SEEN,
  batch,
  baseline,
  emptyState,
  NOON_MS,
  socket,
  type SocketFields,
} from '../../helpers/fakes.ts';
import { HOSTILE, UNSAFE } from '../../helpers/lines.ts';

const NOW_MS = 5000;
const CONTEXT: CellContext = {
  nowMs: NOW_MS,
  takenAtMs: NOON_MS + NOW_MS,
  serviceNames: false,
  lookups: NO_LOOKUPS,
};

const rowOf = (fields: SocketFields = {}, more: Partial<ColumnRow> = {}): ColumnRow => ({
  id: 'a',
  host: LOCAL_HOST,
  socket: socket(fields),
  mark: 'none',
  firstSeenMs: 0,
  baseline: false,
  rxRate: undefined,
  txRate: undefined,
  ...more,
});

const text = (id: ColumnId, row: ColumnRow, context = CONTEXT): string =>
  columnOf(id)?.text(row, context) ?? 'no such column';
const key = (id: ColumnId, row: ColumnRow) => columnOf(id)?.key(row, NO_LOOKUPS);

const AT = NOON_MS + NOW_MS;

const FULL: SocketFields = {
  owners: [
    {
      knowledge: 'exact',
      pid: 7,
      process: 'node',
      command: 'node server.js',
      exe: '/usr/bin/node',
      user: 'web',
      startedAtMs: AT - 3 * 86_400_000,
    },
    { knowledge: 'exact', pid: 8, process: 'node' },
  ],
  uid: 1000,
  inode: 4711,
  id: '42',
  family: 'ipv4',
  netns: { inode: 4026531833, name: 'web' },
  timer: { kind: 'keepalive', dueAtMs: AT + 3_600_000, retransmits: 2 },
  traffic: {
    rxBytes: 1200,
    txBytes: 24_000,
    rxSegments: 10,
    txSegments: 2000,
    rttVarMicros: 400,
    cwnd: 10,
    deliveryRate: 1_200_000,
    recvQueue: 3,
    sendQueue: 0,
    lastSentAtMs: AT - 4000,
    lastReceivedAtMs: AT - 61_000,
  },
};

test.each<[ColumnId, string]>([
  ['command', 'node server.js'],
  ['exe', '/usr/bin/node'],
  ['processUser', 'web'],
  ['startedAt', '3d'],
  ['knowledge', 'exact'],
  ['owners', '2'],
  ['local', '192.0.2.10:40000'],
  ['remote', '198.51.100.7:443'],
  ['service', 'https'],
  ['direction', 'out'],
  ['family', 'ipv4'],
  ['uid', '1000'],
  ['inode', '4711'],
  ['id', '42'],
  ['netnsInode', '4026531833'],
  ['totalRate', '3.0k'],
  ['totalBytes', '25k'],
  ['rxSegments', '10'],
  ['txSegments', '2.0k'],
  ['rttVar', '0.4ms'],
  ['cwnd', '10'],
  ['deliveryRate', '1.2M'],
  ['recvQueue', '3'],
  ['sendQueue', '0'],
  ['lastReceived', '1m'],
  ['lastSent', '4s'],
  ['timer', 'keepalive   1h'],
  ['timerRetransmits', '2'],
  ['firstSeen', '12:00:00'],
  ['lifetime', '1s'],
  ['lifetimeKnown', 'exact'],
  ['mark', 'new'],
])('%s: %s', (id, expected) => {
  const row = rowOf(FULL, {
    rxRate: 1000,
    txRate: 2000,
    mark: 'spawned',
    direction: 'out',
    lifetimeMs: 1500,
  });
  expect(text(id, row)).toBe(expected);
});

describe('every column', () => {
  test('exists once, with a title, a description and ordered widths', () => {
    expect(COLUMNS.map(({ id }) => id)).toEqual(COLUMN_IDS);
    for (const { title, about, width } of COLUMNS) {
      expect(title).toMatch(/^[A-Z/: ]+$/);
      expect(about).toMatch(/^[^.]+[^.]$/);
      expect(width.least).toBeLessThanOrEqual(width.good);
      expect(width.good).toBeLessThanOrEqual(width.most);
    }
  });

  test('has a unique name', () => {
    expect(new Set(COLUMNS.map(({ title, label }) => label ?? title)).size).toBe(COLUMNS.length);
    expect(columnOf('nothing')).toBeUndefined();
  });

  test('shows unknown values as such and can sort them', () => {
    const bare = rowOf({ remote: null, owners: [{ knowledge: 'gone' }] });
    for (const { id, key: keyOf, text: textOf } of COLUMNS) {
      expect(textOf(bare, CONTEXT), id).not.toBe('');
      expect(Number.isNaN(keyOf(bare, NO_LOOKUPS)), id).toBe(false);
    }
    const unknown = COLUMNS.filter(({ text: textOf }) => textOf(bare, CONTEXT) === NOTHING).map(
      ({ id }) => id,
    );
    expect(unknown).toEqual(
      expect.arrayContaining([
        'command',
        'exe',
        'startedAt',
        'timer',
        'cwnd',
        'lastSent',
        'uid',
        'direction',
      ]),
    );
  });

  test('is printable for any program name', () => {
    for (const hostile of HOSTILE) {
      const row = rowOf({
        user: hostile,
        interface: hostile,
        id: hostile,
        netns: { inode: 1, name: hostile },
        owners: [
          { knowledge: 'exact', pid: 1, process: hostile, command: hostile, exe: hostile, user: hostile },
        ],
      });
      const copied = rowText(row, COLUMNS, CONTEXT);
      expect(copied.split('\t')).toHaveLength(COLUMNS.length);
      expect(copied.replaceAll('\t', '')).not.toMatch(UNSAFE);
    }
  });
});

test('columns on request are never automatic', () => {
  const ids = COLUMN_IDS.slice(0, 21);
  expect(presentColumns({ ...ALL_SEEN, names: true }).map(({ id }) => id)).toEqual(ids);
  expect(presentColumns(ALL_SEEN).map(({ id }) => id)).toEqual(ids.filter((id) => id !== 'host'));
});

describe('stable positions', () => {
  const counts = [0, 7, 99, 999, 1000, 9950, 12_345, 999_499, 999_500, 1e9, 1e15];

  test('numbers and times fit in their column and are right-aligned', () => {
    for (const { id, align, width } of COLUMNS.filter(({ onRequest }) => onRequest)) {
      const texts = counts.map((n) =>
        text(
          id,
          rowOf(
            {
              traffic: {
                rxBytes: n,
                txBytes: n,
                rxSegments: n,
                txSegments: n,
                rttVarMicros: Math.min(n, 1e9),
                cwnd: n,
                deliveryRate: n,
                recvQueue: n,
                sendQueue: n,
                lastSentAtMs: AT - Math.min(n, 8e10),
                lastReceivedAtMs: AT - Math.min(n, 8e10),
              },
              timer: { kind: 'timewait', dueAtMs: AT + Math.min(n, 8e10), retransmits: n },
              owners: [{ knowledge: 'exact', pid: 1, startedAtMs: AT - Math.min(n, 8e10) }],
            },
            { rxRate: n, txRate: n, lifetimeMs: Math.min(n, 8e10) },
          ),
        ),
      );
      if (width.good === width.most || id === 'firstSeen')
        for (const it of texts) expect(displayWidth(it), `${id}: ${it}`).toBeLessThanOrEqual(width.most);
      if (new Set(texts).size > 1 && id !== 'timer') expect(align, id).toBe('right');
    }
  });

  test('the remaining time of a timer keeps its position', () => {
    const at = (kind: 'on' | 'keepalive', ms: number) =>
      text('timer', rowOf({ timer: { kind, dueAtMs: AT + ms, retransmits: 0 } }));
    expect([at('on', 200), at('keepalive', 45_000), at('keepalive', -5), at('on', 7_200_000)]).toEqual([
      'on          0s',
      'keepalive  40s',
      'keepalive   0s',
      'on          2h',
    ]);
  });

  test('the time of the first sighting does not jitter although the two clocks are read one after the other', () => {
    const row = rowOf({}, { firstSeenMs: 1000 });
    const read = [0, 0.4, -0.6, 1, -1].map((late) =>
      text('firstSeen', row, { ...CONTEXT, takenAtMs: AT + late }),
    );
    expect(new Set(read).size).toBe(1);
    // Follows a clock that was set.
    expect(text('firstSeen', row, { ...CONTEXT, takenAtMs: AT + 3_600_000 })).toBe('13:00:01');
  });
});

test('the first sighting is a date after a day, without the year if that does not fit', () => {
  const row = rowOf({}, { firstSeenMs: 0 });
  const later = { ...CONTEXT, nowMs: 90_000_000, takenAtMs: NOON_MS + 90_000_000 };
  expect(text('firstSeen', row, later)).toBe('2026-01-02');
  expect(columnOf('firstSeen')?.shortText?.(row, later, 5)).toBe('01-02');
  expect(columnOf('firstSeen')?.shortText?.(row, CONTEXT, 5)).toBe('12:00');
});

test('a rate is unknown at the first poll', () => {
  const row = rowOf({}, { rxRate: 0, txRate: 0, baseline: true, firstSeenMs: NOW_MS });
  expect(text('totalRate', row)).toBe(NOTHING);
  expect(text('totalRate', { ...row, firstSeenMs: 0 })).toBe('0');
  expect(text('totalBytes', rowOf({ traffic: { txBytes: 5 } }))).toBe('5');
});

test('the service is that of the listening side', () => {
  const ports = { local: '192.0.2.1:22', remote: '198.51.100.1:443' };
  expect(text('service', rowOf(ports))).toBe('https');
  expect(text('service', rowOf(ports, { direction: 'in' }))).toBe('ssh');
  expect(text('service', rowOf({ local: '*:22', remote: null }))).toBe('ssh');
  expect(text('service', rowOf({ local: '*:4', remote: null }))).toBe(NOTHING);
});

test('counts only the programs that are seen to hold the socket', () => {
  expect(text('owners', rowOf({ owners: [{ knowledge: 'inherited', pid: 1 }] }))).toBe('0');
});

test('says if an age is exact or a lower bound', () => {
  expect(text('lifetimeKnown', rowOf({}, { baseline: true }))).toBe('at least');
  expect(text('lifetimeKnown', rowOf({}, { mark: 'closed', baseline: true, lifetimeMs: 1 }))).toBe('exact');
  expect(text('lifetimeKnown', rowOf({}, { mark: 'closed', lifetimeMs: 1, isAtLeast: true }))).toBe(
    'at least',
  );
});

describe('sorted', () => {
  const before = (id: ColumnId, first: ColumnRow, second: ColumnRow) => {
    const [a, b] = [key(id, first), key(id, second)];
    if (typeof a === 'number' && typeof b === 'number') expect(a).toBeLessThan(b);
    else expect(b).toBe(null);
  };

  test('by time: the latest first, the next timer first, unknown values last', () => {
    const sent = (ms?: number) => rowOf({ traffic: ms === undefined ? {} : { lastSentAtMs: ms } });
    before('lastSent', sent(20), sent(10));
    before('lastSent', sent(10), sent());
    const due = (ms?: number): ColumnRow =>
      rowOf(ms === undefined ? {} : { timer: { kind: 'on', dueAtMs: ms, retransmits: 0 } });
    before('timer', due(10), due(20));
    before('timer', due(20), due());
  });

  test('cookies sort by number', () => {
    const ids = ['sk:10', 'sk:9', 'sk:1f00000000', 'sk:a'];
    const sorted = ids.toSorted((a, b) =>
      String(key('id', rowOf({ id: a }))) < String(key('id', rowOf({ id: b }))) ? -1 : 1,
    );
    expect(sorted).toEqual(['sk:9', 'sk:a', 'sk:10', 'sk:1f00000000']);
  });
});

test('a copied row has uncut texts separated by tabs, without titles', () => {
  const [row] = [
    ...after(
      emptyState(),
      baseline([socket({ process: 'a-program-with-a-long-name' })]),
      batch(),
    ).table.rows.values(),
  ] as [Row];
  const columns = placeColumns(40, new Map(), ALL_SEEN).map(({ column }) => column);
  expect(rowText(row, columns, CONTEXT)).toBe(
    'a-program-with-a-long-name\t40000\t198.51.100.7\t443\tESTABLISHED',
  );
});
