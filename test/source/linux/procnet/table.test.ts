import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sighting } from '../../../../src/source/lives.ts';
import {
  decodeAddress,
  parseLinkScopes,
  parseTable,
  type Table,
  TABLES,
  withScope,
} from '../../../../src/source/linux/procnet/table.ts';

const FIXTURES = new URL('../../../../fixtures/linux/proc/net/', import.meta.url);
const fixture = (file: string): string => readFileSync(new URL(file, FIXTURES), 'latin1');

const table = (file: string): Table => {
  const found = TABLES.find((it) => it.file === file);
  if (!found) throw new Error(`there is no table ${file}`);
  return found;
};

const parse = (text: string, file = 'tcp') => parseTable(text, table(file), () => false);

const endpointText = (it: { address: string; port: number } | null) =>
  it ? `${it.address} ${it.port}` : '*';

const brief = ({ local, remote, state, inode, uid }: Sighting): string =>
  [
    endpointText(local),
    endpointText(remote),
    state ?? '-',
    inode === undefined ? 'no inode' : 'inode',
    uid ?? '-',
  ].join(', ');

const briefs = (file: string) =>
  parse(fixture(file), file)
    .items.map(({ sighting }) => brief(sighting))
    .sort();

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const LINE =
  '   4: 0A0200C0:9C42 076433C6:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 472996 2 0000000078f1e1ef 20 0 0 10 -1\n';

describe('a captured /proc/net', () => {
  test('tcp', () => {
    expect(briefs('tcp')).toEqual(
      [
        '0.0.0.0 80, *, LISTEN, inode, 0',
        '127.0.0.1 5432, *, LISTEN, inode, 999',
        '127.0.0.1 7777, *, LISTEN, inode, 1000',
        '127.0.0.53 53, *, LISTEN, inode, 0',
        '127.0.0.1 40001, 127.0.0.1 5432, ESTABLISHED, inode, 999',
        '127.0.0.1 5432, 127.0.0.1 40001, ESTABLISHED, inode, 999',
        // A connection in the accept queue, and one that did not fit there.
        '127.0.0.1 7777, 127.0.0.1 40008, ESTABLISHED, no inode, -',
        '127.0.0.1 40008, 127.0.0.1 7777, ESTABLISHED, inode, 1000',
        '127.0.0.1 40009, 127.0.0.1 7777, SYN_SENT, inode, 1000',
        '192.0.2.10 40002, 192.0.2.10 8080, ESTABLISHED, inode, 1000',
        '192.0.2.10 40005, 192.0.2.10 8080, TIME_WAIT, no inode, -',
        '192.0.2.10 80, 192.0.2.99 40404, SYN_RECV, no inode, 0',
      ].sort(),
    );
  });

  test('tcp6', () => {
    expect(briefs('tcp6')).toEqual(
      [
        ':: 8080, *, LISTEN, inode, 1000',
        '::1 9000, *, LISTEN, inode, 1000',
        'fe80::1 7000, *, LISTEN, inode, 1000',
        '::ffff:192.0.2.10 8080, ::ffff:192.0.2.10 40002, ESTABLISHED, inode, 1000',
        '2001:db8::10 8080, 2001:db8::10 40003, ESTABLISHED, inode, 1000',
        '2001:db8::10 40003, 2001:db8::10 8080, ESTABLISHED, inode, 1000',
        'fe80::1 7000, fe80::1 40004, ESTABLISHED, inode, 1000',
        'fe80::1 40004, fe80::1 7000, ESTABLISHED, inode, 1000',
        '::1 40006, ::1 9000, FIN_WAIT2, inode, 1000',
        '::1 40007, ::1 9000, FIN_WAIT2, no inode, -',
        '::1 9000, ::1 40006, CLOSE_WAIT, inode, 1000',
        '::1 9000, ::1 40007, CLOSE_WAIT, inode, 1000',
      ].sort(),
    );
  });

  test('udp and udp6', () => {
    expect(briefs('udp')).toEqual(
      [
        '127.0.0.53 53, *, -, inode, 0',
        '192.0.2.10 40010, 192.0.2.10 53, ESTABLISHED, inode, 0',
        '0.0.0.0 5353, *, -, inode, 0',
        '0.0.0.0 5353, *, -, inode, 0',
      ].sort(),
    );
    expect(briefs('udp6')).toEqual(
      ['2001:db8::10 40011, 2001:db8::10 53, ESTABLISHED, inode, 0', ':: 546, *, -, inode, 0'].sort(),
    );
  });

  test('parses every line of every table, each with a distinct key', () => {
    for (const it of TABLES) {
      const text = fixture(it.file);
      const { items, problems } = parse(text, it.file);
      expect({ problems, items: items.length }).toEqual({
        problems: 0,
        items: text.trimEnd().split('\n').length - 1,
      });
      expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
    }
  });

  test('returns scopes of link-local addresses that only one interface has', () => {
    expect([...parseLinkScopes(fixture('if_inet6'))].sort()).toEqual([
      ['fe80::1', 'v0'],
      ['fe80::2', 'v1'],
    ]);
  });
});

describe('the key', () => {
  const keyOf = (line: string) => parse(HEADER + line).items[0]?.key;

  test('stays the same if only line number, queues, timers or counters differ', () => {
    const moved =
      '  17: 0A0200C0:9C42 076433C6:01BB 01 00000010:000000FF 01:0000004F 00000003  1000        0 472996 3 0000000000000000 99 4 30 20 18\n';
    expect(keyOf(moved)).toBe(keyOf(LINE));
  });

  test.each([
    ['local', LINE.replace('9C42', '9C43')],
    ['remote', LINE.replace('01BB', '01BC')],
    ['state', LINE.replace(' 01 ', ' 08 ')],
    ['uid', LINE.replace('1000', '1001')],
    ['inode', LINE.replace('472996', '472997')],
  ])('differs with another %s', (_, line) => {
    expect(keyOf(line)).not.toBe(keyOf(LINE));
    expect(keyOf(line)).toBeDefined();
  });

  test('is enough to skip a known line', () => {
    const key = keyOf(LINE);
    expect(parseTable(HEADER + LINE, table('tcp'), (it) => it === key)).toEqual({ items: [], problems: 0 });
  });

  test('differs between tables', () => {
    expect(parse(HEADER + LINE, 'udp').items[0]?.key).not.toBe(keyOf(LINE));
  });
});

describe('malformed tables', () => {
  test.each([
    ['an empty text', '', 0, 0],
    ['only a header without a line end', HEADER.trimEnd(), 0, 0],
    ['only a header', HEADER, 0, 0],
    ['a last line without a line end', HEADER + LINE.trimEnd(), 1, 0],
    ['a line truncated in the address', `${HEADER}   4: 0A0200C0:9C\n${LINE}`, 1, 1],
    ['a line truncated before the inode', `${HEADER}${LINE.slice(0, LINE.indexOf('472996'))}\n${LINE}`, 1, 1],
    ['an invalid digit', HEADER + LINE.replace('0A0200C0', '0A02G0C0'), 0, 1],
    ['an unknown state', HEADER + LINE.replace(' 01 ', ' 7F ') + LINE, 1, 1],
    ['an inode that is not a number', HEADER + LINE.replace('472996', '47x996'), 0, 1],
    ['an empty line', `${HEADER}\n${LINE}`, 1, 1],
    ['binary garbage', `${HEADER}\x00\xff\x1b[2J\x07:::\x80\n${LINE}`, 1, 1],
  ])('%s', (_, text, items, problems) => {
    const result = parse(text);
    expect({ items: result.items.length, problems: result.problems }).toEqual({ items, problems });
  });

  test('counts IPv6 addresses in the IPv4 table as problems', () => {
    expect(parse(fixture('tcp6'), 'tcp')).toEqual({ items: [], problems: 12 });
  });

  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom(...Array.from(HEADER + LINE), '\n', LINE, HEADER, LINE.slice(0, 40), '\0'), {
        maxLength: 60,
      })
      .map((parts) => parts.join('')),
  );

  test('never throws, and counts every line after the first, for any text', () => {
    fc.assert(
      fc.property(hostile, fc.constantFrom(...TABLES), fc.boolean(), (text, it, isKnown) => {
        let known = 0;
        const { items, problems } = parseTable(text, it, () => {
          if (isKnown) known++;
          return isKnown;
        });
        const lines = text.split('\n').slice(1);
        if (lines.at(-1) === '') lines.pop();
        expect(items.length + problems + known).toBe(lines.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('a line with one changed character is another socket or a problem, and the next line is parsed', () => {
    fc.assert(
      fc.property(fc.nat(LINE.length - 2), fc.constantFrom(' ', '0', 'F', ':', 'x', '-'), (at, character) => {
        const line = LINE.slice(0, at) + character + LINE.slice(at + 1);
        const { items, problems } = parse(HEADER + line + LINE);
        expect(items.length + problems).toBe(2);
        expect(items.at(-1)?.sighting.inode).toBe(472996);
      }),
    );
  });
});

describe('addresses', () => {
  test.each([
    ['0100007F', 'ipv4', true, '127.0.0.1'],
    ['7F000001', 'ipv4', false, '127.0.0.1'],
    ['B80D0120000000000000000010000000', 'ipv6', true, '2001:db8::10'],
    ['20010DB8000000000000000000000010', 'ipv6', false, '2001:db8::10'],
    ['0000000000000000FFFF00000A0200C0', 'ipv6', true, '::ffff:192.0.2.10'],
    ['00000000000000000000FFFFC000020A', 'ipv6', false, '::ffff:192.0.2.10'],
  ] as const)('%s as %s, little endian %s', (hex, family, littleEndian, address) => {
    expect(decodeAddress(hex, family, littleEndian)).toBe(address);
  });

  const sighting = (local: string, remote: string | null): Sighting => ({
    protocol: 'tcp',
    family: 'ipv6',
    local: { address: local, port: 1 },
    remote: remote === null ? null : { address: remote, port: 2 },
  });
  const scopes = new Map([['fe80::1', 'v0']]);

  test('withScope adds the scope to both endpoints of a link-local connection', () => {
    const { local, remote } = withScope(sighting('fe80::1', 'fe80::2'), scopes);
    expect([local.address, remote?.address]).toEqual(['fe80::1%v0', 'fe80::2%v0']);
  });

  test('withScope adds no unknown scope, and none to a global address', () => {
    const unknown = sighting('fe80::9', 'fe80::2');
    expect(withScope(unknown, scopes)).toBe(unknown);
    expect(withScope(sighting('fe80::1', '2001:db8::2'), scopes).remote?.address).toBe('2001:db8::2');
    expect(withScope(sighting('fe80::1', null), scopes).remote).toBeNull();
  });
});
