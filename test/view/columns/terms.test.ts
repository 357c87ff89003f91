import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LOCAL_HOST } from '../../../src/model/host.ts';
import { compileForSubjects } from '../../../src/query/compile.ts';
import { parseQuery } from '../../../src/query/query.ts';
import { COLUMN_IDS } from '../../../src/store/columns.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import { GROUPS } from '../../../src/store/state.ts';
import type { Row } from '../../../src/store/row.ts';
import { termOfCell, termOfGroup } from '../../../src/view/columns/terms.ts';
import { listener, queryFrom, socket, udp } from '../../helpers/fakes.ts';
import { HOSTILE } from '../../helpers/lines.ts';
import { anySubject, subject } from '../../helpers/queries.ts';

const rowOf = (...args: Parameters<typeof subject>): Row => ({
  id: 'x',
  host: LOCAL_HOST,
  ...subject(...args),
});
const context = { nowMs: 10_000, baselineMs: undefined, addressesOf: () => undefined };

const FULL = rowOf(
  {
    ...socket({ user: 'ana', interface: 'eth0', netns: { inode: 7, name: 'my net' } }),
    owners: [{ knowledge: 'exact', pid: 100, process: 'my app', command: 'my app -v' }],
  },
  { direction: 'out' },
);

describe('the term of a cell', () => {
  test.each([
    ['process', 'process="my app"'],
    ['pid', 'pid:100'],
    ['user', 'user=ana'],
    ['protocol', 'proto:tcp'],
    ['netns', 'ns:"my net"'],
    ['localAddress', '@192.0.2.10'],
    ['localPort', 'lport:40000'],
    ['remoteAddress', '@198.51.100.7'],
    ['remotePort', 'rport:443'],
    ['state', 'state:ESTABLISHED'],
    ['interface', 'if=eth0'],
    ['command', 'cmd="my app -v"'],
    ['service', ':443'],
    ['direction', 'out'],
    // Columns without a term, or no column, give the term of the program.
    ['rxRate', 'process="my app"'],
    [null, 'process="my app"'],
  ] as const)('%s: %s', (column, expected) => {
    expect(termOfCell(column, FULL, NO_LOOKUPS)).toBe(expected);
  });

  test('is undefined for an unknown value', () => {
    const bare = rowOf(listener({ owners: [{ knowledge: 'hidden' }] }));
    for (const column of [
      'process',
      'pid',
      'user',
      'netns',
      'remoteAddress',
      'remotePort',
      'command',
      null,
    ] as const)
      expect(termOfCell(column, bare, NO_LOOKUPS)).toBeUndefined();
    const unix = rowOf(socket({ protocol: 'unix', family: 'unix', local: '/run/x:0', remote: '/run/y:0' }));
    expect([
      termOfCell('localAddress', unix, NO_LOOKUPS),
      termOfCell('remoteAddress', unix, NO_LOOKUPS),
    ]).toEqual([undefined, undefined]);
  });

  test('is the protocol name of a raw socket, if it has one', () => {
    const raw = (protocol: number) =>
      rowOf(socket({ protocol: 'raw', local: `*:${protocol}`, remote: '192.0.2.1:0' }));
    expect(
      (['localPort', 'service', 'remotePort'] as const).map((id) => termOfCell(id, raw(1), NO_LOOKUPS)),
    ).toEqual(['lport:icmp', ':icmp', undefined]);
    expect(termOfCell('localPort', raw(200), NO_LOOKUPS)).toBeUndefined();
  });

  test('names the user that the column shows', () => {
    const owner = { knowledge: 'exact', pid: 1, process: 'x', user: 'bob' } as const;
    const term = termOfCell('user', rowOf(socket({ owners: [owner] })), NO_LOOKUPS);
    expect(term).toBe('user=bob');
    const matches = compileForSubjects(queryFrom(term ?? ''), context);
    expect(matches(rowOf(socket({ owners: [owner] })))).toBe(true);
    expect(matches(rowOf(socket({ owners: [owner], user: 'ana' })))).toBe(false);
  });
});

const hostileRow = fc.constantFrom(...HOSTILE, 'a"b', '\\', '/x/', '!', '(').map((text) =>
  rowOf({
    ...udp({ interface: text, user: text, netns: { inode: 1, name: text } }),
    local: { address: text, port: 1 },
    remote: { address: text, port: 2 },
    owners: [{ knowledge: 'exact', process: text, command: text }],
  }),
);
const anyRow = fc.oneof(
  anySubject.map((it): Row => ({ id: 'x', host: LOCAL_HOST, ...it })),
  hostileRow,
);

test('the terms of any row and its groups match the row', () => {
  fc.assert(
    fc.property(
      anyRow,
      fc.constantFrom(null, ...COLUMN_IDS),
      fc.constantFrom(...GROUPS),
      (row, column, group) => {
        for (const term of [termOfCell(column, row, NO_LOOKUPS), termOfGroup(row, group, NO_LOOKUPS)]) {
          if (term === undefined) continue;
          const parsed = parseQuery(`!${term}`);
          if ('problem' in parsed) throw new Error(`${term}: ${parsed.problem.message}`);
          expect(parsed.query.expression.kind).toBe('not');
          expect(compileForSubjects(parsed.query, context)(row), term).toBe(false);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
