import { describe, expect, test } from 'vitest';
import type { ColumnId } from '../../../src/store/columns.ts';
import { NOTHING_SEEN } from '../../../src/store/seen-fields.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { planOf, type PlanInputs } from '../../../src/view/columns/plan.ts';
import { noteWidths, placeColumns } from '../../../src/view/table/place.ts';
import { after, ALL_SEEN, baseline, emptyState, listener, queryFrom, socket } from '../../helpers/fakes.ts';

const rows = [
  ...after(
    emptyState(),
    baseline([
      listener({
        local: '0.0.0.0:8080',
        user: 'ana',
        owners: [
          {
            knowledge: 'exact',
            pid: 1,
            process: 'node',
            command: 'node server.js --port 8080 --host 0.0.0.0',
          },
        ],
      }),
      socket({ id: 'other', user: 'root' }),
    ]),
  ).table.rows.values(),
];
const widest = noteWidths(
  new Map(),
  rows,
  { nowMs: 0, takenAtMs: 0, serviceNames: false, lookups: emptyState().lookups },
  COLUMNS,
);

const idsAt = (width: number, inputs: Partial<PlanInputs>): ColumnId[] =>
  placeColumns(width, widest, ALL_SEEN, null, planOf({ seen: ALL_SEEN, ...inputs })).map(
    ({ column }) => column.id,
  );

describe('the columns of listeners', () => {
  test.each(['listen', 'exposed', 'state:LISTEN', 'exposed process:node', 'listen !process:node'])(
    'for %s',
    (text) => {
      expect(idsAt(80, { query: queryFrom(text) })).toEqual([
        'process',
        'pid',
        'user',
        'protocol',
        'local',
        'exposure',
        'command',
      ]);
    },
  );

  test.each(['', 'listen or established', '!listen', 'state:LISTEN,CLOSE'])('not for "%s"', (text) => {
    expect(idsAt(80, { query: queryFrom(text) })).not.toContain('exposure');
  });

  test('LOCAL leaves last; at 40 and 60 columns the exposure stays', () => {
    const query = queryFrom('exposed');
    expect(idsAt(60, { query })).toEqual(expect.arrayContaining(['process', 'pid', 'local', 'exposure']));
    expect(idsAt(40, { query })).toEqual(['process', 'local', 'exposure']);
    expect(idsAt(20, { query })).toContain('local');
  });

  test('the command line gets the cells that no other column needs', () => {
    const command = (width: number) =>
      placeColumns(width, widest, ALL_SEEN, null, planOf({ seen: ALL_SEEN, query: queryFrom('listen') })).at(
        -1,
      );
    expect(command(80)?.column.id).toBe('command');
    expect(command(80)?.width).toBeGreaterThanOrEqual(12);
    expect(command(140)?.width).toBe(widest.get('command'));
  });
});

describe('the automatic columns', () => {
  test('that say the same in every row leave first; the namespace leaves at any width', () => {
    const query = queryFrom('established');
    const same = {
      query,
      isOfSeveral: true,
      texts: new Map<ColumnId, string>([
        ['state', 'ESTABLISHED'],
        ['netns', '·'],
      ]),
    };
    expect(idsAt(80, { query })).not.toContain('rxRate');
    expect(idsAt(80, { query, same })).toEqual(expect.arrayContaining(['localAddress', 'rxRate', 'txRate']));
    expect(idsAt(80, { query, same })).not.toContain('state');
    expect(idsAt(200, { query, same })).toContain('state');
    expect(idsAt(200, { query, same })).not.toContain('netns');
  });

  test('keep the namespace at 80 columns where rows differ in it; a single row says nothing about that', () => {
    const same = (texts: [ColumnId, string][], isOfSeveral = true) => ({
      query: queryFrom(''),
      isOfSeveral,
      texts: new Map(texts),
    });
    for (const text of ['', 'established', 'state:CLOSE_WAIT', 'listen', 'exposed']) {
      const query = queryFrom(text);
      expect(idsAt(80, { query, same: same([]) }), text).toEqual(
        expect.arrayContaining(['process', 'pid', 'netns']),
      );
      expect(idsAt(80, { query, same: same([], false) }), text).not.toContain('netns');
      expect(idsAt(200, { query, same: same([['netns', 'web']]) }), text).not.toContain('netns');
    }
    expect(idsAt(60, { same: same([]) })).toContain('netns');
  });

  test.each(['state:CLOSE_WAIT', 'state:close_wait,fin_wait2 process:node', 'state:TIME_WAIT', 'close_wait'])(
    'of connections that wait are about their age and queues, at 80 columns and below: %s',
    (text) => {
      const query = queryFrom(text);
      const same = {
        query,
        isOfSeveral: true,
        texts: new Map<ColumnId, string>([
          ['state', 'CLOSE_WAIT'],
          ['netns', '·'],
        ]),
      };
      expect(idsAt(80, { query, same })).toEqual([
        'process',
        'pid',
        'localAddress',
        'localPort',
        'remoteAddress',
        'remotePort',
        'queues',
        'age',
      ]);
      expect(idsAt(60, { query, same })).toEqual(expect.arrayContaining(['process', 'pid', 'queues', 'age']));
      expect(idsAt(40, { query, same })).toEqual(['process', 'remoteAddress', 'queues', 'age']);
    },
  );

  test('of connections that wait have no rates in a narrow pane, but columns that say more', () => {
    const query = queryFrom('rport:443 state:TIME_WAIT');
    const texts = new Map<ColumnId, string>([
      ['state', 'TIME_WAIT'],
      ['remoteAddress', '192.0.2.1'],
      ['remotePort', '443'],
    ]);
    const ids = idsAt(80, { query, same: { query, isOfSeveral: true, texts } });
    expect(ids).toEqual(expect.arrayContaining(['user', 'protocol', 'queues', 'age']));
    expect(ids).not.toContain('rxRate');
  });

  test.each(['', 'state:CLOSE_WAIT,ESTABLISHED', '!state:CLOSE_WAIT'])(
    'of other connections have no queues in a narrow pane: "%s"',
    (text) => {
      expect(idsAt(80, { query: queryFrom(text) })).not.toContain('queues');
    },
  );

  test('contain the column of the sort order, at any width', () => {
    for (const query of ['', 'listen'].map(queryFrom))
      for (const width of [40, 60, 80, 200])
        for (const { id } of COLUMNS) {
          const ids = idsAt(width, { query, sort: { column: id, descending: true } });
          expect(
            ids.filter((it) => it === id),
            `${id} at ${width}`,
          ).toEqual([id]);
        }
  });

  test('sorted by the command line, keep it last, in the cells that are left', () => {
    const placed = (width: number, inputs: Partial<PlanInputs> = {}) =>
      placeColumns(width, widest, ALL_SEEN, null, planOf({ seen: ALL_SEEN, ...inputs }));
    const sort = { column: 'command', descending: false } as const;
    expect(placed(40, { sort }).at(-1)).toMatchObject({ column: { id: 'command' } });
    for (const query of ['', 'listen'].map(queryFrom))
      expect(placed(200, { query, sort })).toEqual(placed(200, { query }));
    expect(placed(80, { query: queryFrom('listen'), sort })).toEqual(
      placed(80, { query: queryFrom('listen') }),
    );
  });

  test('have no command line while none is known', () => {
    const ids = placeColumns(200, new Map(), NOTHING_SEEN).map(({ column }) => column.id);
    expect(ids).not.toContain('command');
  });
});
