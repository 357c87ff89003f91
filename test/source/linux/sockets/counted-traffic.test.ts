import { beforeEach, expect, test, vi } from 'vitest';
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

test('passes on the traffic of sockets with a slot only', () => {
  const counted = new CountedTraffic(ledger());
  counted.update(undefined, udp());
  bpf.count(1, { rxPackets: 1, rxBytes: 10 });
  bpf.count(2, { txPackets: 2, txBytes: 20 });
  const seen: unknown[] = [];
  counted.read(
    (low, high) => (low === 2 ? 40 + high : undefined),
    (slot, traffic) => seen.push([slot, traffic]),
  );
  expect(seen).toEqual([[40, { ...NONE_YET, txBytes: 20, txSegments: 2 }]]);
});

test('reads the ledger only while a counted socket is open', () => {
  const counted = new CountedTraffic(ledger());
  const readAll = vi.spyOn(bpf, 'readAll');
  const read = () =>
    counted.read(
      () => undefined,
      () => expect.unreachable(),
    );
  counted.update(undefined, socket());
  read();
  expect(readAll).not.toHaveBeenCalled();
  counted.update(undefined, udp());
  counted.update(udp(), udp({ traffic: NONE_YET }));
  read();
  expect(readAll).toHaveBeenCalled();
  readAll.mockClear();
  counted.update(udp(), undefined);
  read();
  expect(readAll).not.toHaveBeenCalled();
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
