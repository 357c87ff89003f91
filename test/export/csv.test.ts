import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { socketJson, socketsCsv } from '../helpers/export.ts';
import type { Socket } from '../../src/model/socket.ts';
import { EVERY_FIELD, FIELD_CHANGES } from '../helpers/every-field.ts';
import { listener, socket } from '../helpers/fakes.ts';
import { HOSTILE, UNSAFE } from '../helpers/lines.ts';
import { SCENE } from '../helpers/scene.ts';

/** Parses CSV strictly by RFC 4180: quotes only around a whole cell, or doubled within one. */
function parse(text: string, separator = ','): string[][] {
  const rows: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      const quoted = /^"((?:[^"]|"")*)"/.exec(text.slice(at));
      const bare = new RegExp(`^[^${separator}"\r\n]*`).exec(text.slice(at));
      const [whole = '', inner] = quoted ?? bare ?? [];
      row.push(inner === undefined ? whole : inner.replaceAll('""', '"'));
      at += whole.length;
      if (text[at] !== separator) break;
      at++;
    }
    if (text.slice(at, at + 2) !== '\r\n')
      throw new Error(`no end of line at ${at}: ${text.slice(at, at + 20)}`);
    at += 2;
    rows.push(row);
  }
  return rows;
}

/** Returns the cells of one socket by column name. */
function record(it: Socket): Record<string, string> {
  const [names = [], cells = [], ...more] = parse(socketsCsv([it]));
  expect(more).toEqual([]);
  expect(cells).toHaveLength(names.length);
  return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']));
}

const NODE_OWNER = { knowledge: 'exact', process: 'node' } as const;

test('writes every JSON field except the TCP details, flattened', () => {
  const it: Socket = {
    ...socket({ id: '42', process: 'node', pid: 7 }),
    inode: 1,
    uid: 2,
    user: 'ana',
    interface: 'eth0',
    netns: { inode: 3, name: '~ana/web', claimedBy: 1000 },
    traffic: { rxBytes: 4, lastSentAtMs: 5 },
    timer: { kind: 'on', dueAtMs: 6, retransmits: 0 },
    tcp: { sndMss: 1448 },
    owners: [
      {
        knowledge: 'exact',
        pid: 7,
        process: 'node',
        nowProcess: 'sh',
        command: 'node a.js',
        exe: '/usr/bin/node',
        user: 'www',
        startedAtMs: 8,
      },
      { ...NODE_OWNER, pid: 9 },
      { ...NODE_OWNER, pid: 10 },
    ],
  };
  const known = Object.fromEntries(Object.entries(record(it)).filter(([, value]) => value !== ''));
  expect(known).toEqual({
    id: '42',
    protocol: 'tcp',
    family: 'ipv4',
    localAddress: '192.0.2.10',
    localPort: '40000',
    remoteAddress: '198.51.100.7',
    remotePort: '443',
    state: 'ESTABLISHED',
    inode: '1',
    uid: '2',
    user: 'ana',
    interface: 'eth0',
    netnsInode: '3',
    netnsName: '~ana/web',
    netnsClaimedBy: '1000',
    rxBytes: '4',
    lastSentAtMs: '5',
    timerKind: 'on',
    timerDueAtMs: '6',
    timerRetransmits: '0',
    pid: '7',
    process: 'node',
    nowProcess: 'sh',
    command: 'node a.js',
    exe: '/usr/bin/node',
    processUser: 'www',
    startedAtMs: '8',
    knowledge: 'exact',
    otherPids: '9 10',
  });
});

test.each(FIELD_CHANGES)('has a column for $name', ({ name, changed }) => {
  // A remote endpoint has no protocol number.
  if (name !== 'remote.protocol') expect(record(changed)).not.toEqual(record(EVERY_FIELD));
});

test('has a column for every JSON field', () => {
  const names = Object.keys(record(SCENE.node));
  const fields = Object.keys(
    JSON.parse(socketJson({ ...socket(), traffic: { cwnd: 1, deliveryRate: 2 } })) as object,
  );
  const nested = ['local', 'remote', 'owners'];
  expect(names).toEqual(expect.arrayContaining(fields.filter((field) => !nested.includes(field))));
});

test('writes only the names without sockets, and one line per socket', () => {
  expect(parse(socketsCsv([]))).toHaveLength(1);
  const all = Array.from({ length: 2500 }, (_, i) => listener({ id: String(i) }));
  expect(
    parse(socketsCsv(all))
      .slice(1)
      .map(([id]) => id),
  ).toEqual(all.map(({ id }) => id));
});

describe('hostile text', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1', "'  =1"],
    ['＝1', "'＝1"],
    ['\t=1', '?=1'],
    ['"=1"', '\'"=1"'],
    ['a;=1', "a;'=1"],
    ['a;"=cmd|\' /C calc\'!A0"', "a;'\"=cmd|' /C calc'!A0\""],
    ['a=1 -b', 'a=1 -b'],
    ['a;b', 'a;b'],
    ['comma, "quote"', 'comma, "quote"'],
    ['two\r\nlines', 'two??lines'],
  ])('writes %j as %j', (process, cell) => {
    expect(record(socket({ process }))['process']).toBe(cell);
  });

  test('is printable, stays in its cell, and starts no formula, with comma or semicolon as separator', () => {
    const text = fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ unit: fc.constantFrom(...Array.from('=+-@;,"\'| \ta1＝\r\n')) }),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, text, (process, command) => {
        const owners = [{ knowledge: 'exact' as const, pid: 1, process, command }];
        const csv = socketsCsv([{ ...socket({ user: process, interface: command }), owners }]);
        expect(csv.replace(/\r\n/g, '')).not.toMatch(UNSAFE);
        const lines = parse(csv);
        expect(lines.map((line) => line.length)).toEqual([lines[0]?.length, lines[0]?.length]);
        const begins = /^[\s"']*[=+\-@＝＋－＠]/;
        const parts = (lines[1] ?? []).flatMap((cell) => cell.split(';'));
        expect(parts.filter((part) => begins.test(part) && !part.startsWith("'"))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
