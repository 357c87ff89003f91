import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AddressNames } from '../../src/cli/address-names.ts';
import type { NameAnswer, PeerNames } from '../../src/store/peer-names.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const NONE: NameAnswer = { type: 'none' };

/** Addresses, `first` and those after it. */
const addresses = (count: number, first = 1): string[] =>
  Array.from({ length: count }, (_, i) => `192.0.2.${first + i}`);

/** Returns lookups that are answered by hand, or at once. */
function setUp({ atOnce = false } = {}) {
  const asked: string[] = [];
  const open = new Map<string, (answer: NameAnswer) => void>();
  const names = new AddressNames((address) => {
    asked.push(address);
    return atOnce ? Promise.resolve(NONE) : new Promise((resolve) => open.set(address, resolve));
  });
  const delivered: PeerNames[] = [];
  return {
    asked,
    delivered,
    ask: (of: readonly string[]) => names.ask(of, (answers) => void delivered.push(answers)),
    answer: (address: string, answer: NameAnswer = NONE) => open.get(address)?.(answer),
    pass: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

test('asks nothing in the call itself', () => {
  const { ask, asked } = setUp();
  ask(addresses(3));
  expect(asked).toEqual([]);
});

test('asks for four addresses at once, and for the next when one is answered', async () => {
  const { ask, asked, answer, pass } = setUp();
  ask(addresses(9));
  await pass(5000);
  expect(asked).toEqual(addresses(4));
  answer('192.0.2.2');
  await pass(100);
  expect(asked).toEqual(addresses(5));
});

test('asks for at most 20 addresses a second', async () => {
  const { ask, asked, pass } = setUp({ atOnce: true });
  ask(addresses(100));
  await pass(1000);
  expect(asked).toEqual(addresses(20));
  await pass(4000);
  expect(asked).toEqual(addresses(100));
});

test('drops the addresses of an earlier call that still wait, and never asks twice at once', async () => {
  const { ask, asked, answer, pass } = setUp();
  ask(addresses(9));
  await pass(5000);
  ask(['192.0.2.1', '192.0.2.4', '192.0.2.50']);
  for (const address of addresses(4)) answer(address);
  await pass(60);
  expect(asked).toEqual([...addresses(4), '192.0.2.50']);
});

test('keeps at most 500 waiting addresses', async () => {
  const { ask, asked, pass } = setUp({ atOnce: true });
  ask(Array.from({ length: 2000 }, (_, i) => `198.51.${i >> 8}.${i & 255}`));
  await pass(200_000);
  expect(asked).toHaveLength(500);
});

test('delivers answers together, with the time of each', async () => {
  const { ask, delivered, answer, pass } = setUp();
  ask(addresses(2));
  await pass(100);
  const startMs = performance.now();
  answer('192.0.2.1', { type: 'name', name: 'a.example', others: 0, from: 'reverse-dns' });
  await pass(10);
  answer('192.0.2.2');
  expect(delivered).toEqual([]);
  await pass(240);
  expect(delivered).toEqual([
    new Map([
      ['192.0.2.1', { type: 'name', name: 'a.example', others: 0, from: 'reverse-dns', atMs: startMs }],
      ['192.0.2.2', { type: 'none', atMs: startMs + 10 }],
    ]),
  ]);
});
