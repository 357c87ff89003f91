import { describe, expect, test } from 'vitest';
import { LOCAL_HOST } from '../../../src/model/host.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { ColumnId } from '../../../src/store/columns.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import { columnOf } from '../../../src/view/columns/columns.ts';
import { matchedPartsOf } from '../../../src/view/table/matches.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { rowLine } from '../../../src/view/table/row-line.ts';
import { ALL_SEEN, queryFrom, socket } from '../../helpers/fakes.ts';
import { subject } from '../../helpers/queries.ts';

const context = { nowMs: 0, takenAtMs: 0, serviceNames: false, lookups: NO_LOOKUPS };

const it: Socket = {
  ...socket({ local: '10.0.0.5:40001', remote: '203.0.113.7:443', user: 'ana', interface: 'eth0' }),
  netns: { inode: 4026531840, name: 'a40' },
  owners: [{ knowledge: 'exact', pid: 443, process: 'curl', command: 'curl -o curl.txt' }],
};
const row = { ...subject(it), id: '1', host: LOCAL_HOST };

/** Returns the marked texts of a column. */
function marked(query: string, column: ColumnId): string[] {
  const text = columnOf(column)?.text(row, context) ?? '';
  const padded = ` ${text}  `;
  const parts = matchedPartsOf(queryFrom(query))?.(column, it, padded) ?? [];
  return parts.map(({ from, to }) => padded.slice(from, to));
}

test('marks the program of the peer', () => {
  const find = matchedPartsOf(queryFrom('peer:RED'));
  expect(find?.('remoteAddress', it, '→ redis ')).toEqual([{ from: 2, to: 5 }]);
  expect(find?.('process', it, 'redis')).toEqual([]);
});

test.each([
  ['process:node*', '(nodemon)', ['node']],
  ['process:*de', 'node +2', ['de']],
  ['process:*d', 'dhcpd', ['d']],
  ['process:a*b*c', 'abc', ['a', 'b', 'c']],
  ['process:node*', 'my-node', []],
  ['process:node*', 'İnode', []],
])('%s in the cell %s marks the texts between its stars', (query, text, parts) => {
  const found = matchedPartsOf(queryFrom(query))?.('process', it, text) ?? [];
  expect(found.map(({ from, to }) => text.slice(from, to))).toEqual(parts);
});

test('marks the texts between the stars in the name of a peer', () => {
  const find = matchedPartsOf(queryFrom('host:*.example'));
  expect(find?.('host', it, '= api.example')).toEqual([{ from: 5, to: 13 }]);
  expect(find?.('host', it, '≈ api.example.com')).toEqual([]);
});

describe('marks in a cell what the query matches', () => {
  test.each<[string, ColumnId, string[]]>([
    ['CUR', 'process', ['cur']],
    ['curl', 'command', ['curl', 'curl']],
    ['curl url', 'command', ['curl', 'curl']],
    ['0.113', 'remoteAddress', ['0.113']],
    ['443', 'remotePort', ['443']],
    ['443', 'localPort', []],
    ['443', 'pid', ['443']],
    ['40', 'netns', []],
    ['10', 'localAddress', []],
    ['40001', 'local', ['40001']],
    ['"40"', 'netns', ['40']],
    [':443', 'remote', ['443']],
    [':1-500', 'remotePort', ['443']],
    ['lport:443', 'remotePort', []],
    ['rport:443', 'remotePort', ['443']],
    [':https', 'remotePort', ['443']],
    ['pid:400-500', 'pid', ['443']],
    ['process:ur', 'process', ['ur']],
    ['process:ur', 'command', []],
    ['process:cu*', 'process', ['cu']],
    ['process:C*L', 'process', ['c', 'l']],
    ['process:*', 'process', []],
    ['process:ur*', 'process', []],
    ['process:*cur', 'process', []],
    ['process:*ur*', 'process', ['ur']],
    ['cmd:curl*.txt', 'command', ['curl', '.txt']],
    ['/^c.*l$/', 'process', ['curl']],
    ['cmd:/txt/', 'command', ['curl -o curl.txt']],
    ['user=ana', 'user', ['ana']],
    ['@10.0.0.5', 'localAddress', ['10.0.0.5']],
    ['@10.0.0.5', 'local', ['10.0.0.5']],
    ['@10.0.0.5', 'remoteAddress', []],
    ['remote:203.0.113.7', 'remoteAddress', ['203.0.113.7']],
    ['!curl', 'process', []],
    ['nginx or curl', 'process', ['curl']],
    ['curl or ur', 'process', ['curl']],
    ['" "', 'command', []],
  ])('%s in %s', (query, column, parts) => {
    expect(marked(query, column)).toEqual(parts);
  });
});

test('a query without texts marks nothing, and costs nothing', () => {
  for (const query of ['', 'listen', '!curl', 'state:LISTEN proto:tcp rtt>5'])
    expect(matchedPartsOf(queryFrom(query))).toBeUndefined();
});

test('a row has the marked parts as spans of their own, and the same text', () => {
  const columns = placeColumns(120, new Map(), ALL_SEEN);
  const line = (query: string, selection: 'none' | 'moving' = 'none', chosen: ColumnId | null = null) =>
    rowLine(row, columns, context, selection, chosen, matchedPartsOf(queryFrom(query)));
  const text = ({ spans }: ReturnType<typeof line>) => spans.map((span) => span.text).join('');
  const matches = ({ spans }: ReturnType<typeof line>) =>
    spans.filter(({ tone }) => tone === 'match').map((span) => span.text);
  expect(text(line('443 cur'))).toBe(text(line('')));
  expect(matches(line('443 cur'))).toEqual(['cur', '443', '443']);
  expect(matches(line('443 cur', 'moving', 'pid'))).toEqual(['cur', '443']);
  expect(line('listen').spans).toHaveLength(1);
});
