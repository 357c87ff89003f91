import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BpfError } from '../../../../src/source/linux/ledger/bpf.ts';
import { Ledger } from '../../../../src/source/linux/ledger/ledger.ts';
import { CountedTraffic } from '../../../../src/source/linux/sockets/counted-traffic.ts';
import { FakeBpf } from '../../../helpers/bpf.ts';
import { socket, udp } from '../../../helpers/fakes.ts';

let bpf: FakeBpf;
beforeEach(() => {
  bpf = new FakeBpf();
});

const ledger = () =>
  Ledger.open({
    bpf,
    isRoot: true,
    openCgroup: () => ({ descriptor: 3, isRoot: true, close: () => undefined }),
  });

const NONE_YET = { rxBytes: 0, txBytes: 0, rxSegments: 0, txSegments: 0 };

test('new sockets of counted protocols start at 0', () => {
  const counted = new CountedTraffic(ledger());
  expect(counted.ofNew('udp')).toEqual(NONE_YET);
  expect(counted.ofNew('raw')).toEqual(NONE_YET);
  expect(counted.ofNew('tcp')).toEqual({});
});

test('nothing is known without a ledger that counts', () => {
  bpf.refused.set('rx', new BpfError('loading', 22));
  for (const counted of [new CountedTraffic(undefined), new CountedTraffic(ledger())]) {
    expect(counted.ofNew('udp')).toEqual({});
    expect(counted.ofListed('icmp', 7)).toEqual({});
    counted.read(
      () => 1,
      () => expect.unreachable(),
    );
  }
});

describe.each([
  { name: 'few open sockets, which are looked up one by one', others: 0 },
  { name: 'many open sockets, for which the whole ledger is read', others: 64 },
])('with $name', ({ others }) => {
  test('passes on the traffic of those with a slot only', () => {
    const counted = new CountedTraffic(ledger());
    for (let i = 0; i < others; i++) counted.update(undefined, udp({ id: `sk:${(1000 + i).toString(16)}` }));
    for (const id of ['sk:1', 'sk:2', 'sk:3', 'sk:300000402', 'udp:7'])
      counted.update(undefined, udp({ id }));
    bpf.count(1, { rxPackets: 1, rxBytes: 10 });
    bpf.count(2, { txPackets: 2, txBytes: 20 });
    bpf.countInSlot(3, { rxPackets: 3, rxBytes: 30 });
    const seen: unknown[] = [];
    const readAll = vi.spyOn(bpf, 'readAll');
    counted.read(
      (low, high) => (low > 1 ? 40 + low + high : undefined),
      (slot, traffic, readPeers) => seen.push([slot, traffic, readPeers()]),
    );
    expect(seen.sort()).toEqual([
      [42, { ...NONE_YET, txBytes: 20, txSegments: 2 }, []],
      [43, { ...NONE_YET, rxBytes: 30, rxSegments: 3 }, []],
    ]);
    expect(readAll.mock.calls.length > 0).toBe(others > 0);
  });
});

test('looks up each socket once while its traffic changes', () => {
  const counted = new CountedTraffic(ledger());
  const socket = udp({ id: 'sk:2' });
  counted.update(undefined, socket);
  bpf.count(2, { txPackets: 1 });
  let count = 0;
  counted.read(
    () => 1,
    (_, traffic) => {
      expect(++count).toBe(1);
      counted.update(socket, { ...socket, traffic });
    },
  );
});

test('reads the ledger only while a counted socket is open', () => {
  const counted = new CountedTraffic(ledger());
  const lookUp = vi.spyOn(bpf, 'lookUp');
  const read = () =>
    counted.read(
      () => undefined,
      () => expect.unreachable(),
    );
  const [before, after] = [udp({ id: 'sk:5' }), udp({ id: 'sk:5', traffic: NONE_YET })];
  counted.update(undefined, socket());
  read();
  expect(lookUp).not.toHaveBeenCalled();
  counted.update(undefined, before);
  counted.update(before, after);
  read();
  expect(lookUp).toHaveBeenCalled();
  lookUp.mockClear();
  counted.update(after, undefined);
  read();
  expect(lookUp).not.toHaveBeenCalled();
});

test('finds a socket from /proc by the cookie that its holder shows, once it is known', () => {
  let cookie: { low: number; high: number } | undefined;
  const asked: number[] = [];
  const counted = new CountedTraffic(ledger(), (inode) => {
    asked.push(inode);
    return cookie;
  });
  bpf.count(5, { rxPackets: 1, rxBytes: 64 }, ['192.0.2.1:0']);
  expect(counted.ofListed('icmp', 7)).toEqual({});
  cookie = { low: 5, high: 0 };
  const found = { traffic: { rxBytes: 64 }, peers: [{ address: '192.0.2.1', port: 0 }] };
  expect(counted.ofListed('icmp', 7)).toMatchObject(found);
  expect(counted.ofListed('icmp', 7)).toMatchObject(found);
  expect(asked).toEqual([7, 7]);
  cookie = { low: 6, high: 0 };
  expect(counted.ofListed('raw', 8)).toEqual({ traffic: NONE_YET });
  expect(counted.ofListed('packet', 9)).toEqual({});
  expect(counted.ofListed('icmp', undefined)).toEqual({});
});
