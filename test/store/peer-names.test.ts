import { expect, test } from 'vitest';
import {
  addressesToAsk,
  MAX_NAMES,
  nameOf,
  peerAddress,
  type PeerName,
  withAnswers,
} from '../../src/store/peer-names.ts';

const MINUTE = 60_000;
const named = (name: string, atMs = 0): PeerName => ({ type: 'name', name, others: 0, from: 'dns', atMs });

test('the address of a peer is one of a single host, without scope', () => {
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
  expect(['a0', 'a1', 'a2', 'b'].map((it) => nameOf(more, it))).toEqual(['new', undefined, 'n2', 'b']);
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
