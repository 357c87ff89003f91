import { beforeEach, describe, expect, test, vi } from 'vitest';
import { BpfError } from '../../../../src/source/linux/ledger/bpf.ts';
import { Ledger, LedgerUnavailable } from '../../../../src/source/linux/ledger/ledger.ts';
import { COUNT, COUNTERS, PEER, SLOTS } from '../../../../src/source/linux/ledger/layout.ts';
import type { Cookie } from '../../../../src/source/linux/netlink/cookie.ts';
import { FakeBpf } from '../../../helpers/bpf.ts';

const EPERM = 1;
const EINVAL = 22;
const UNKNOWN_FUNCTION =
  'program of this type cannot use helper bpf_get_current_pid_tgid#14\nprocessed 5 insns';

let bpf: FakeBpf;
let closedCgroups: number;
beforeEach(() => {
  bpf = new FakeBpf();
  closedCgroups = 0;
});

const open = ({
  isRoot = true,
  isPart = false,
  maxSockets = 4096,
  readUdpCookies = (): readonly Cookie[] => [],
} = {}): Ledger =>
  Ledger.open({
    bpf,
    readUdpCookies,
    isRoot,
    maxSockets,
    openCgroup: () => ({ descriptor: 3, isRoot: !isPart, close: () => closedCgroups++ }),
  });

describe('opening', () => {
  test('attaches all programs and keeps only maps and links open', () => {
    const ledger = open();
    expect(bpf.attached).toEqual(['created', 'released', 'tcp', 'rx', 'tx']);
    expect([...bpf.open.values()]).toEqual([
      ...['map 0', 'map 1', 'map 2', 'map 3'],
      ...['link created', 'link released', 'link tcp', 'link rx', 'link tx'],
    ]);
    expect(closedCgroups).toBe(1);
    expect(ledger).toMatchObject({ noOwnersReason: undefined, noTrafficReason: undefined, isPartial: false });
    ledger.close();
    expect([...bpf.open.values()]).toEqual([]);
  });

  test('counts traffic without owners on a kernel whose programs cannot name a process', () => {
    bpf.refused.set('created', new BpfError('loading', EINVAL, UNKNOWN_FUNCTION));
    const ledger = open();
    expect(ledger.noOwnersReason).toBe('this kernel is too old');
    expect(ledger.noTrafficReason).toBeUndefined();
    expect([...bpf.open.values()].filter((it) => it.startsWith('link'))).toEqual(['link rx', 'link tx']);
  });

  test('records owners without traffic if one of the traffic programs is refused, and removes the other', () => {
    bpf.refused.set('tx', new BpfError('loading', 7, 'R1 invalid mem access\nprocessed 3 insns'));
    const ledger = open();
    expect(ledger.noTrafficReason).toBe('bpf(2) fails with error 7: R1 invalid mem access');
    expect(ledger.noOwnersReason).toBeUndefined();
    expect([...bpf.open.values()].filter((it) => /rx|tx/.test(it))).toEqual([]);
    ledger.readCounters(() => expect.unreachable());
  });

  test('says if it records only the sockets of a container', () => {
    expect(open({ isPart: true }).isPartial).toBe(true);
  });

  test.each([
    ['needs root', false, new BpfError('creating a map', EPERM), 'it needs root'],
    ['is denied to root', true, new BpfError('creating a map', EPERM), 'access to bpf(2) denied'],
    ['is missing', true, new BpfError('creating a map', 38), 'this kernel has no bpf(2)'],
  ])('fails with the reason if bpf(2) %s', (_, isRoot, failure, reason) => {
    bpf.mapFailure = failure;
    expect(() => open({ isRoot })).toThrow(new LedgerUnavailable(reason));
    expect(bpf.open.size).toBe(0);
    expect(closedCgroups).toBe(1);
  });

  test('fails if no program can be loaded, and says why the kernel refuses one', () => {
    for (const name of ['created', 'rx'])
      bpf.refused.set(name, new BpfError('loading', 13, 'R2 !read_ok\nprocessed 2 insns'));
    expect(() => open()).toThrow(new LedgerUnavailable('the kernel refuses it: R2 !read_ok'));
    expect(bpf.open.size).toBe(0);
  });

  test('fails without cgroup v2', () => {
    expect(() => Ledger.open({ bpf, isRoot: true, openCgroup: () => undefined })).toThrow(
      'there is no cgroup v2',
    );
  });
});

describe('an entry', () => {
  const creator = { pid: 20, tid: 21, uid: 1000, comm: 'curl' };

  test.each(['curl', 'fifteen letters', 'naïve', 'größe', ''])('has the name %j of its thread', (comm) => {
    const ledger = open();
    bpf.enter(0xabc, { bornMs: 1, creator: { ...creator, comm } });
    expect(ledger.entryOf('sk:abc')?.creator?.comm).toBe(comm);
  });

  test('has the process that made the socket, when, and the endpoints of its connection', () => {
    const ledger = open();
    bpf.enter(0xabc, {
      bornMs: 1000.5,
      creator,
      tcp: { operation: 'connect', local: '127.0.0.1:5000', remote: '192.0.2.1:443' },
    });
    expect(ledger.entryOf('sk:abc')).toEqual({
      bornMs: 1000.5,
      creator: { pid: 20, tid: 21, comm: 'curl' },
      uid: 1000,
      releasedMs: undefined,
      releasedState: undefined,
      releaser: undefined,
      tcp: {
        operation: 'connect',
        family: 'ipv4',
        local: { address: '127.0.0.1', port: 5000 },
        remote: { address: '192.0.2.1', port: 443 },
      },
    });
  });

  test('of an accepted socket has no creator and no user, but the process that closed it', () => {
    const ledger = open();
    bpf.enter(1, {
      bornMs: 1,
      releasedMs: 2.25,
      releaser: { pid: 30, comm: 'nginx' },
      tcp: { operation: 'accepted', local: '127.0.0.1:80', remote: '127.0.0.1:5000' },
    });
    expect(ledger.entryOf('sk:1')).toMatchObject({
      creator: undefined,
      uid: undefined,
      releasedMs: 2.25,
      releaser: { pid: 30, tid: 30, comm: 'nginx' },
    });
  });

  test('of a listener has no remote endpoint', () => {
    const ledger = open();
    bpf.enter(1, { bornMs: 1, creator, tcp: { operation: 'listen', local: '0.0.0.0:80' } });
    expect(ledger.entryOf('sk:1')?.tcp).toMatchObject({ local: { port: 80 }, remote: null });
  });

  test('is there until it is taken', () => {
    const ledger = open();
    bpf.enter(7, { bornMs: 1, creator });
    bpf.count(7, { rxPackets: 2, rxBytes: 300 });
    expect(ledger.takeEntry('sk:7')?.creator?.pid).toBe(20);
    expect(ledger.takeEntry('sk:7')).toBeUndefined();
    const counters = { rxPackets: 2, rxBytes: 300, txPackets: 0, txBytes: 0 };
    expect(ledger.takeCounters('sk:7')).toEqual({ counters, peers: [] });
    expect(ledger.takeCounters('sk:7')).toBeUndefined();
  });

  test.each(['udp:1', 'icmp:17', 'sk:8', 'sk:700000007'])('is not found by another id: %s', (id) => {
    const ledger = open();
    bpf.enter(7, { bornMs: 1, creator });
    expect(ledger.entryOf(id)).toBeUndefined();
  });
});

test('reads the counters of all sockets with traffic', () => {
  const ledger = open();
  bpf.count(1, { txPackets: 1, txBytes: 2 ** 40 });
  bpf.count(2, { rxPackets: 3, rxBytes: 4 });
  const read: unknown[] = [];
  ledger.readCounters((low, high, counters) => read.push([low, high, counters]));
  expect(read).toEqual([
    [1, 0, { rxPackets: 0, rxBytes: 0, txPackets: 1, txBytes: 2 ** 40 }],
    [2, 0, { rxPackets: 3, rxBytes: 4, txPackets: 0, txBytes: 0 }],
  ]);
});

test('reads the counters in a slot as those of the socket that has it, and of no other with the same slot', () => {
  const ledger = open();
  bpf.countInSlot(SLOTS + 5, { rxPackets: 3, rxBytes: 4 });
  bpf.countInSlot(0, { rxPackets: 9 });
  const counters = { rxPackets: 3, rxBytes: 4, txPackets: 0, txBytes: 0 };
  const read: unknown[] = [];
  ledger.readCounters((low, high, each) => read.push([low, high, each]));
  expect(read).toEqual([[SLOTS + 5, 0, counters]]);
  expect(ledger.countersOf({ low: SLOTS + 5, high: 0 })).toEqual({ counters, peers: [] });
  expect(ledger.countersOf({ low: SLOTS + 5, high: 1 })).toBeUndefined();
  expect(ledger.countersOf({ low: 5, high: 0 })).toBeUndefined();
  bpf.count(5, { txPackets: 1 });
  expect(ledger.countersOf({ low: 5, high: 0 })?.counters.txPackets).toBe(1);
});

describe('a UDP socket that is older than the ledger', () => {
  const cookies = [5, SLOTS + 6, 7].map((low) => ({ low, high: 0 }));

  test('gets its slot, unless another socket has it', () => {
    const readUdpCookies = vi.fn(() => {
      expect(bpf.attached).toEqual(['created', 'released', 'tcp']);
      bpf.countInSlot(SLOTS + 7, { rxPackets: 1 });
      return cookies;
    });
    const ledger = open({ readUdpCookies });
    const lookUp = vi.spyOn(bpf, 'lookUp');
    const none = { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0 };
    for (const cookie of cookies.slice(0, 2))
      expect(ledger.countersOf(cookie)).toEqual({ counters: none, peers: [] });
    expect(lookUp).not.toHaveBeenCalled();
    expect(ledger.countersOf({ low: 7, high: 0 })).toBeUndefined();
    expect(ledger.countersOf({ low: SLOTS + 7, high: 0 })?.counters.rxPackets).toBe(1);
  });

  test('has no slot if no program would free it', () => {
    bpf.refused.set('created', new BpfError('loading', EINVAL, UNKNOWN_FUNCTION));
    const ledger = open({ readUdpCookies: () => cookies });
    expect(ledger.noTrafficReason).toBeUndefined();
    for (const cookie of cookies) expect(ledger.countersOf(cookie)).toBeUndefined();
  });
});

describe('the last peers of a socket', () => {
  const all = ['192.0.2.1:53', '192.0.2.2:53', '192.0.2.3:0', '192.0.2.4:443', '192.0.2.5:65535'];
  const peersOf = (ledger: Ledger) =>
    ledger.countersOf({ low: 1, high: 0 })?.peers.map(({ address, port }) => `${address}:${port}`);

  test('are four, the latest first', () => {
    const ledger = open();
    bpf.count(1, { txPackets: 2 }, all.slice(0, 2));
    expect(peersOf(ledger)).toEqual(['192.0.2.2:53', '192.0.2.1:53']);
    bpf.count(1, { txPackets: 5 }, all);
    expect(peersOf(ledger)).toEqual(all.slice(1).reverse());
    let read: unknown;
    ledger.readCounters((_low, _high, _counters, readPeers) => (read = readPeers().length));
    expect(read).toBe(4);
  });

  test('do not contain one that was just being written', () => {
    const ledger = open();
    // The address of one peer and the rest of another.
    bpf.count(1, { txPackets: 2 }, all.slice(0, 2)).setUint8(COUNTERS.peers + PEER.lower + 3, 9);
    expect(peersOf(ledger)).toEqual(['192.0.2.2:53']);
  });
});

describe('a full ledger', () => {
  const CLOSED = [1, 2, 3];
  const OPEN = 4;
  const fill = (maxSockets: number): Ledger => {
    const ledger = open({ maxSockets });
    for (const cookie of CLOSED) {
      bpf.enter(cookie, { bornMs: 1, releasedMs: 1000 * cookie });
      bpf.count(cookie, { rxPackets: 1 });
    }
    bpf.enter(OPEN, { bornMs: 1 });
    bpf.setCount(COUNT.entries, 4);
    return ledger;
  };
  const known = (ledger: Ledger) =>
    [...CLOSED, OPEN].filter((cookie) => ledger.entryOf(`sk:${cookie}`) !== undefined);

  test('counts what the kernel had no room for', () => {
    const ledger = fill(4);
    expect(ledger.lost).toBe(0);
    bpf.setCount(COUNT.refused, 5);
    expect(ledger.lost).toBe(5);
  });

  test('keeps closed sockets as long as no message was lost', () => {
    const ledger = fill(4);
    for (const isPoll of [true, false]) ledger.makeRoom(10_000, isPoll);
    expect([known(ledger), ledger.lost]).toEqual([[...CLOSED, OPEN], 0]);
  });

  test('forgets as many as messages were lost, those that were closed first, and does not count these as lost', () => {
    const ledger = fill(4);
    ledger.takeEntry('sk:3');
    ledger.noteMissed(1);
    ledger.makeRoom(3000);
    expect([known(ledger), ledger.lost]).toEqual([[2, OPEN], 0]);
  });

  test('forgets at once the sockets of known messages that were lost', () => {
    const ledger = fill(4);
    ledger.noteMissed(1, [{ low: 2, high: 0 }]);
    expect([known(ledger), ledger.lost]).toEqual([[1, 3, OPEN], 0]);
  });

  test('keeps a socket that was closed after one whose message has come', () => {
    const ledger = fill(4);
    ledger.takeEntry('sk:1');
    ledger.noteMissed(3);
    ledger.makeRoom(10_000);
    expect(known(ledger)).toEqual([2, 3, OPEN]);
  });

  test('leaves half of it in use', () => {
    const ledger = fill(5);
    bpf.setCount(COUNT.entries, 5);
    ledger.takeEntry('sk:3');
    ledger.noteMissed(3);
    ledger.makeRoom(10_000);
    expect(known(ledger)).toEqual([2, OPEN]);
  });

  test('forgets sockets whose message would be 30 s late, with their counters, and counts them as lost', () => {
    const ledger = fill(5);
    ledger.makeRoom(32_500, true);
    expect(known(ledger)).toEqual([3, OPEN]);
    expect([1, 2, 3].map((id) => ledger.takeCounters(`sk:${id}`)?.counters.rxPackets)).toEqual([
      ...[undefined, undefined, 1],
    ]);
    expect(ledger.lost).toBe(2);
  });

  test('forgets nothing as long as a quarter of it is free', () => {
    const ledger = fill(6);
    ledger.makeRoom(100_000, true);
    expect(known(ledger)).toEqual([...CLOSED, OPEN]);
  });

  test('forgets one entry less for each that was taken', () => {
    const ledger = fill(5);
    ledger.takeEntry('sk:1');
    ledger.makeRoom(100_000, true);
    expect(known(ledger)).toEqual([2, 3, OPEN]);
  });

  test('reads its entries again between two polls only if it has filled by an eighth', () => {
    const ledger = fill(5);
    ledger.noteMissed(1);
    const reads = vi.spyOn(bpf, 'readAll');
    const readsWith = (entries: number): number => {
      bpf.setCount(COUNT.entries, entries);
      ledger.makeRoom(500);
      return reads.mock.calls.length;
    };
    expect([4, 4, 5].map(readsWith)).toEqual([1, 1, 2]);
    ledger.makeRoom(500, true);
    expect(reads).toHaveBeenCalledTimes(3);
  });
});

test('knows nothing after it was closed', () => {
  const ledger = open();
  bpf.enter(1, { bornMs: 1 });
  bpf.count(1, { rxBytes: 1 });
  ledger.close();
  expect(ledger.takeEntry('sk:1')).toBeUndefined();
  ledger.readCounters(() => expect.unreachable());
});
