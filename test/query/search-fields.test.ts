import { describe, expect, test } from 'vitest';
import type { Endpoint, Socket } from '../../src/model/socket.ts';
import { compileQuery } from '../../src/query/compile.ts';
import { TextPool } from '../../src/query/texts.ts';
import {
  dropSearchFields,
  hasSameSearchFields,
  KeptNames,
  namesOf,
  takeSearchFields,
} from '../../src/query/search-fields.ts';
import { EVERY_FIELD, FIELD_CHANGES } from '../helpers/every-field.ts';
import { queryFrom, socket } from '../helpers/fakes.ts';
import { subject } from '../helpers/queries.ts';

const it: Socket = {
  ...socket({ user: 'ana', uid: 7, interface: 'eth0', netns: { inode: 7, name: 'web' } }),
  owners: [{ knowledge: 'exact', pid: 1, process: 'curl', command: 'curl -s' }],
  traffic: { rxBytes: 1 },
};

const withoutProtocol = ({ protocol: _, ...rest }: Endpoint): Endpoint => rest;

/** Returns the socket, and copies with fewer fields: some fields are searched only if a better one is unknown. */
function shapes(it: Socket): readonly Socket[] {
  const { user: _, ...anonymous } = {
    ...it,
    local: withoutProtocol(it.local),
    remote: it.remote && withoutProtocol(it.remote),
    owners: it.owners.map(({ process: __, ...owner }) => owner),
  };
  const { uid: ___, ...unowned } = anonymous;
  return [it, anonymous, unowned];
}

test('dropping all fields empties the pool', () => {
  const pool = new TextPool();
  const all = [it, socket({ remote: null }), it].map((each) => takeSearchFields(each, pool));
  const texts = () =>
    Array.from({ length: 9 }, (_, number) => pool.text(number)).filter((text) => text !== '');
  expect(texts()).toHaveLength(4);
  for (const each of all) dropSearchFields(each, pool);
  expect(texts()).toEqual([]);
});

describe('search fields differ after a change of', () => {
  test.each<[string, Partial<Socket>]>([
    ['state', { state: 'CLOSE_WAIT' }],
    ['local address', { local: { address: '192.0.2.11', port: 40000 } }],
    ['local port', { local: { address: '192.0.2.10', port: 40001 } }],
    ['remote address', { remote: { address: '198.51.100.8', port: 443 } }],
    ['remote port', { remote: { address: '198.51.100.7', port: 444 } }],
    ['remote endpoint', { remote: null }],
    ['user', { user: 'bob' }],
    ['uid', { uid: 8 }],
    ['interface', { interface: 'lo' }],
    ['namespace', { netns: { inode: 8, name: 'web' } }],
    ['name of the namespace', { netns: { inode: 7, name: 'db' } }],
    ['program', { owners: [{ knowledge: 'exact', pid: 1, process: 'wget', command: 'curl -s' }] }],
    ['pid', { owners: [{ knowledge: 'exact', pid: 2, process: 'curl', command: 'curl -s' }] }],
    ['command', { owners: [{ knowledge: 'exact', pid: 1, process: 'curl', command: 'curl -v' }] }],
    [
      'user of the owner',
      { owners: [{ knowledge: 'exact', pid: 1, process: 'curl', command: 'curl -s', user: 'ana' }] },
    ],
    [
      'knowledge of the owner',
      { owners: [{ knowledge: 'inherited', pid: 1, process: 'curl', command: 'curl -s' }] },
    ],
    [
      'program executed since',
      { owners: [{ knowledge: 'exact', pid: 1, process: 'curl', nowProcess: 'sh', command: 'curl -s' }] },
    ],
    ['number of owners', { owners: [...it.owners, { knowledge: 'exact', pid: 2 }] }],
  ])('%s', (_, change) => {
    expect(hasSameSearchFields(it, { ...it, ...change })).toBe(false);
  });

  test.each(FIELD_CHANGES)('$name, if the table of the model says so', ({ name, row, changed }) => {
    // These never change within a life.
    if (!['id', 'protocol', 'family'].includes(name))
      expect(hasSameSearchFields(EVERY_FIELD, changed)).toBe(row.searched === undefined);
    const pool = new TextPool();
    const fieldsOf = (it: Socket) => shapes(it).map((each) => takeSearchFields(each, pool));
    const same = expect(fieldsOf(changed));
    if (row.searched) same.not.toEqual(fieldsOf(EVERY_FIELD));
    else same.toEqual(fieldsOf(EVERY_FIELD));
  });

  test.each(FIELD_CHANGES)('$name, and kept names are those of the socket', ({ changed }) => {
    const names = new KeptNames();
    for (const each of [...shapes(EVERY_FIELD), ...shapes(changed), EVERY_FIELD])
      expect(names.of(each)).toBe(namesOf(each));
  });

  test('search fields are the same after a change of counters or in a copy', () => {
    expect(hasSameSearchFields(it, { ...it, traffic: { rxBytes: 2 } })).toBe(true);
    expect(hasSameSearchFields(it, structuredClone(it))).toBe(true);
  });
});

test('kept names are those of each socket of any number of processes', () => {
  const names = new KeptNames();
  const sockets = Array.from({ length: 2500 }, (_, i) => ({
    ...it,
    owners: [{ knowledge: 'exact', pid: Math.floor(i / 2), process: `curl ${i % 3}` } as const],
  }));
  for (const each of [...sockets, ...sockets]) expect(names.of(each)).toBe(namesOf(each));
});

describe('a socket without ports', () => {
  const raw = (protocol: number): Socket =>
    socket({ protocol: 'raw', local: `127.0.0.1:${protocol}`, remote: null });
  const sniffer: Socket = {
    ...socket({ protocol: 'packet', local: '*:3', remote: null }),
    family: 'packet',
    local: { address: 'lo', port: 0, protocol: 0x88cc },
  };
  const finds = (it: Socket, ...texts: string[]) => {
    const pool = new TextPool();
    const context = { nowMs: 0, baselineMs: undefined, addressesOf: () => undefined };
    return texts.map((text) =>
      compileQuery(queryFrom(text), pool, context)(takeSearchFields(it, pool), subject(it)),
    );
  };

  test.each<[string, Socket, string]>([
    ['a raw ICMP socket', raw(1), '1'],
    ['a raw socket of a protocol without a name', raw(200), '200'],
    ['a packet socket', sniffer, '35020'],
    ['a ping socket', socket({ protocol: 'icmp', local: '*:1', remote: null }), '1'],
  ])('does not match a port: %s', (_, it, n) => {
    const texts = [`:${n}`, `port:${n}`, `lport:${n}`, 'port:0-65535', `-i :${n}`, `@127.0.0.1:${n}`];
    expect(finds(it, ...texts)).not.toContain(true);
  });

  test('matches the shown name of its protocol number', () => {
    expect(finds(raw(1), ':icmp', 'icmp', '/^icmp$/', '127.0.0.1:icmp', 'lport:icmp')).not.toContain(false);
    expect(finds(raw(200), '200', '127.0.0.1:200')).toEqual([true, true]);
    expect(finds(sniffer, 'lldp', ':lldp', 'lo:lldp')).toEqual([true, true, true]);
    expect(finds(raw(58), ':icmp', ':icmp6')).toEqual([false, true]);
  });
});

test('a search reads texts only from the pool', () => {
  const pool = new TextPool();
  const searched = takeSearchFields(it, pool);
  const context = { nowMs: 0, baselineMs: undefined, addressesOf: () => undefined };
  const finds = (text: string) =>
    compileQuery(queryFrom(`proto:tcp ns:web process=CURL ${text}`), pool, context)(searched, subject());
  expect(['ana eth0', 'ana eth1'].map(finds)).toEqual([true, false]);
});
