import { describe, expect, test } from 'vitest';
import type { SumEvent } from '../../../src/model/event.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { ShortLives } from '../../../src/sampler/merge/short-lives.ts';
import { socket } from '../../helpers/fakes.ts';

const owner = (process: string, pid: number) => [{ knowledge: 'exact', process, pid } as const];
const CURL = owner('curl', 7);

/** A connection that this machine opened. */
const out = (port: number, fields: Partial<Socket> & { readonly to?: string } = {}): Socket => {
  const { to = '192.0.2.1:443', ...rest } = fields;
  return {
    ...socket({ id: `${port} ${to}`, local: `192.0.2.9:${port}`, remote: to }),
    opened: 'out',
    owners: CURL,
    ...rest,
  };
};

/** Returns the sums of these connections, which were closed one millisecond after the other. */
function sumsOf(...sockets: readonly Socket[]): SumEvent[] {
  const lives = new ShortLives(0);
  for (const [i, it] of sockets.entries()) lives.add(it, i + 1);
  return lives.take(1000);
}

test('has room for some lives in each batch', () => {
  const lives = new ShortLives(2);
  expect([lives.takeRoom(), lives.takeRoom(), lives.takeRoom()]).toEqual([true, true, false]);
  expect(lives.take(0)).toEqual([]);
  expect(lives.takeRoom()).toBe(true);
});

describe('a sum', () => {
  test('has the number, the last connection and the bytes of those with one program and peer', () => {
    const [one, two] = [
      out(1001, { traffic: { rxBytes: 3, txBytes: 5 } }),
      out(1002, { traffic: { rxBytes: 4, txBytes: 6 } }),
    ];
    expect(sumsOf(one, two)).toEqual([
      { type: 'sum', atMs: 1002, count: 2, socket: two, differs: ['localPort'], rxBytes: 7, txBytes: 11 },
    ]);
  });

  test('has no bytes if those of one connection are unknown', () => {
    const { traffic: _, ...unknown } = out(1002);
    expect(sumsOf(out(1001, { traffic: { rxBytes: 3, txBytes: 5 } }), unknown)[0]).not.toHaveProperty(
      'rxBytes',
    );
  });

  test('begins again with the next batch', () => {
    const lives = new ShortLives(0);
    lives.add(out(1001), 1);
    lives.take(0);
    lives.add(out(1002), 2);
    expect(lives.take(0).map(({ count }) => count)).toEqual([1]);
  });

  test.each<[string, Socket[], string[]]>([
    ['another program', [out(1001), out(1002, { owners: owner('wget', 8) })], ['1 curl', '1 wget']],
    ['another peer', [out(1001), out(1002, { to: '192.0.2.2:443' })], ['1 curl', '1 curl']],
    ['another port of the peer', [out(1001), out(1002, { to: '192.0.2.1:80' })], ['1 curl', '1 curl']],
    [
      'another process of a program',
      [out(1001), out(1002, { owners: owner('curl', 8) })],
      ['2 curl localPort pid'],
    ],
    [
      'the port of a peer that connected',
      [out(80, { opened: 'in', to: '192.0.2.1:1001' }), out(80, { opened: 'in', to: '192.0.2.1:1002' })],
      ['2 curl remotePort'],
    ],
  ])('has connections with %s, or not', (_, sockets, expected) => {
    const texts = sumsOf(...sockets).map(({ count, socket: it, differs }) =>
      [count, it.owners[0]?.process, ...[...differs].sort()].join(' '),
    );
    expect(texts).toEqual(expected);
  });

  test('without a direction is of the lower port', () => {
    const { opened: _, ...unknown } = out(80, { to: '192.0.2.1:40001' });
    expect(sumsOf(unknown, { ...unknown, remote: { address: '192.0.2.1', port: 40_002 } })).toMatchObject([
      { count: 2, differs: ['remotePort'] },
    ]);
  });

  test('stands for several peers of a program, and for several programs, if there are very many', () => {
    const peers = Array.from({ length: 500 }, (_, i) => out(1001, { to: `198.51.100.1:${i}` }));
    const ofPeers = sumsOf(...peers);
    expect(ofPeers).toHaveLength(101);
    expect(ofPeers.at(-1)).toMatchObject({ count: 400, differs: ['remotePort'] });
    const programs = Array.from({ length: 500 }, (_, i) => out(1001, { owners: owner(`p${i}`, i) }));
    const ofPrograms = sumsOf(...programs);
    expect(ofPrograms).toHaveLength(151);
    expect(ofPrograms.at(-1)).toMatchObject({ count: 350, differs: ['program', 'pid'] });
    expect(ofPrograms.reduce((sum, { count }) => sum + count, 0)).toBe(500);
  });
});

test('the kernel may have remnants of counted connections for a minute, and ten seconds more if its timers are late', () => {
  const lives = new ShortLives(0);
  expect(lives.mayHaveRemnants(5000)).toBe(false);
  lives.add(out(1002), 5000);
  lives.add({ ...out(1003), protocol: 'udp' }, 9000);
  expect([lives.mayHaveRemnants(74_999), lives.mayHaveRemnants(75_000)]).toEqual([true, false]);
});
