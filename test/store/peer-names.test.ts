import { expect, test } from 'vitest';
import { connectionKey } from '../../src/model/asked-name.ts';
import {
  addressesToAsk,
  answersAbout,
  MAX_NAMES,
  nameOf,
  peerAddress,
  type PeerName,
  withAnswers,
} from '../../src/store/peer-names.ts';

const MINUTE = 60_000;
const named = (name: string, atMs = 0, from: 'reverse-dns' | 'dns' | 'tls' = 'reverse-dns'): PeerName => ({
  type: 'name',
  name,
  others: 0,
  from,
  atMs,
});

test('the address of a peer is that of a single host, without its scope', () => {
  const addressOf = (address: string) => peerAddress({ address });
  expect(['192.0.2.1', '::ffff:192.0.2.1', 'FE80::1%eth0', '127.0.0.1'].map(addressOf)).toEqual([
    '192.0.2.1',
    '192.0.2.1',
    'fe80::1',
    '127.0.0.1',
  ]);
  expect(['0.0.0.0', '::', '224.0.0.251', 'ff02::fb', '/run/socket', ''].map(addressOf)).toEqual(
    new Array(6).fill(undefined),
  );
  expect(peerAddress(null)).toBeUndefined();
});

test('the oldest answers are dropped beyond the bound', () => {
  const all = Array.from({ length: MAX_NAMES }, (_, i) => [`a${i}`, named(`n${i}`)] as const);
  const full = withAnswers(new Map(), all);
  // A new answer about a known address takes no room.
  const again = withAnswers(full, [['a0', named('new')]]);
  expect(again.size).toBe(MAX_NAMES);
  const more = withAnswers(again, [['b', named('b')]]);
  expect(more.size).toBe(MAX_NAMES);
  expect(['a0', 'a1', 'a2', 'b'].map((it) => more.get(it))).toEqual([
    named('new'),
    undefined,
    named('n2'),
    named('b'),
  ]);
  expect(full.size).toBe(MAX_NAMES);
});

test('a name is asked for again after an hour, any other answer after ten minutes', () => {
  const names = withAnswers(new Map(), [
    ['name', named('x')],
    ['none', { type: 'none', atMs: 0 }],
    ['failed', { type: 'failed', why: 'no answer', atMs: 0 }],
  ]);
  const askedAt = (ms: number) => addressesToAsk(names, ['name', 'none', 'failed', 'new', 'new'], ms);
  expect(askedAt(10 * MINUTE - 1)).toEqual(['new']);
  expect(askedAt(10 * MINUTE)).toEqual(['none', 'failed', 'new']);
  expect(askedAt(60 * MINUTE)).toEqual(['name', 'none', 'failed', 'new']);
});

test('the name of a connection is better than one of its address, and a name that was asked for better than one by reverse DNS', () => {
  const of = (port: number) => ({
    protocol: 'tcp' as const,
    local: { address: '10.0.0.1', port },
    remote: { address: '::ffff:192.0.2.1', port: 443 },
  });
  const remote = { address: '192.0.2.1', port: 443 };
  const tls = named('tls.example', 1, 'tls');
  const dns = named('dns.example', 2, 'dns');
  const asked = new Map([
    [connectionKey('tcp', { address: '10.0.0.1', port: 5000 }, remote), tls],
    ['192.0.2.1', dns],
  ]);
  const reverse = named('reverse.example');
  const known = { names: new Map([['192.0.2.1', reverse]]), asked };
  expect(answersAbout(known, of(5000))).toEqual([tls, dns, reverse]);
  expect([nameOf(known, of(5000)), nameOf(known, of(5001))]).toEqual(['tls.example', 'dns.example']);
  expect(nameOf({ ...known, asked: new Map() }, of(5000))).toBe('reverse.example');
  expect(answersAbout(known, { ...of(5000), remote: null })).toEqual([]);
});
