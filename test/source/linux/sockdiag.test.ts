import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { diff } from '../../../src/sampler/diff.ts';
import { NativeError } from '../../../src/source/linux/netlink/native.ts';
import { type Outcome, Proc } from '../../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../../src/source/linux/sockdiag.ts';
import type { SocketBounds } from '../../../src/source/socket-limiter.ts';
import type { ExtraKind } from '../../../src/source/types.ts';
import { ownersText } from '../../helpers/fakes.ts';
import {
  FakeNetlink,
  FakeNetwork,
  type FakeSocket,
  type InetFields,
  inetPayload,
  joined,
  message,
} from '../../helpers/netlink.ts';
import { FakeProc, tableText } from '../../helpers/proc.ts';

const OWN = 4026531833;
const WALL_MS = 1_700_000_000_000;

/**
 * /proc with the size of `fd` folders as since Linux 6.2, and with paths that can be made unreadable. The number of
 * links read serves as the clock.
 */
class CountingProc extends Proc {
  reads = 0;
  readonly forbidden = new Set<string>();
  isGone = false;

  override link(path: string) {
    this.reads++;
    return this.#refused(path) ?? super.link(path);
  }

  override text(path: string) {
    return this.#refused(path) ?? super.text(path);
  }

  override latin1(path: string) {
    return this.#refused(path) ?? super.latin1(path);
  }

  override table(path: string) {
    return this.#refused(path) ?? super.table(path);
  }

  override names(path: string) {
    return this.#refused(path) ?? super.names(path);
  }

  #refused(path: string): Outcome<never> | undefined {
    if (this.isGone) return { failed: 'gone', message: 'ENOENT' };
    return this.forbidden.has(path) ? { failed: 'forbidden', message: 'EACCES' } : undefined;
  }

  override stat(path: string): ReturnType<Proc['stat']> {
    const stat = this.#refused(path) ?? super.stat(path);
    const names = super.names(path);
    if (!('value' in stat) || !('value' in names)) return stat;
    return { value: { ...stat.value, size: names.value.length } };
  }
}

let fake: FakeProc;
let proc: CountingProc;
let kernel: FakeNetlink;
let source: SockDiagSource;
let wallMs: number;

interface Options {
  readonly also?: readonly ExtraKind[];
  readonly tcpDetails?: boolean;
  readonly ownerBudgetMs?: number;
  readonly isRoot?: boolean;
  readonly events?: boolean;
  readonly bounds?: SocketBounds;
}

function open({
  also = [],
  tcpDetails = false,
  ownerBudgetMs = Infinity,
  isRoot = true,
  events = false,
  bounds,
}: Options = {}): void {
  source = new SockDiagSource({
    also,
    tcpDetails,
    ownerBudgetMs,
    isRoot,
    events,
    bounds,
    system: kernel,
    proc,
    passwdPath: '../etc/passwd',
    root: `${fake.root}/..`,
    nowMs: () => proc.reads,
    wallMs: () => wallMs,
  });
}

beforeEach(() => {
  fake = new FakeProc();
  proc = new CountingProc(fake.root);
  kernel = new FakeNetlink();
  wallMs = WALL_MS;
  fake.link('self/ns/net', `net:[${OWN}]`);
  fake.link('self/ns/pid', 'pid:[4026531836]');
  fake.link('1/ns/net', `net:[${OWN}]`);
  fake.write('self/mountinfo', '');
  open();
});
afterEach(() => fake.end());

/** Starts a process in the own namespace that holds sockets with these inodes. */
function start(pid: number, comm: string, ...inodes: number[]): void {
  fake.start(pid, { comm, fds: Object.fromEntries(inodes.map((inode, i) => [i + 3, inode])) });
  fake.link(`${pid}/ns/net`, `net:[${OWN}]`);
}

/** Starts a container: a namespace with one process and these sockets. */
function container(inode: number, pid: number, ...sockets: FakeSocket[]): FakeNetwork {
  fake.start(pid, { comm: `main-${pid}` });
  fake.write(`${pid}/net/tcp`, '');
  fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  const network = new FakeNetwork();
  network.sockets = sockets;
  kernel.networks.set(inode, network);
  return network;
}

/** Runs a poll with these sockets in the own namespace. */
function read(...sockets: FakeSocket[]): Promise<Snapshot> {
  kernel.own.sockets = sockets;
  return source.read();
}

const all = ({ sockets }: Snapshot): Socket[] => [...sockets.values()];
const only = (snapshot: Snapshot): Socket => {
  expect(snapshot.sockets.size).toBe(1);
  return all(snapshot)[0] as Socket;
};
const owners = (snapshot: Snapshot) => all(snapshot).map(ownersText);
const codes = ({ degradations }: Snapshot) => degradations.map(({ code }) => code);
const notice = ({ degradations }: Snapshot, code: string) =>
  degradations.find((it) => it.code === code)?.text;

const LISTEN: InetFields = {
  cookie: 1,
  local: '127.0.0.1:80',
  state: 'LISTEN',
  inode: 7,
  uid: 1000,
  sendQueue: 128,
};
const HELD: InetFields = {
  cookie: 2,
  local: '127.0.0.1:80',
  remote: '127.0.0.1:4000',
  inode: 8,
  uid: 1000,
  info: { bytesSent: 100, bytesReceived: 200, rttMicros: 30, sndCwnd: 10 },
};
const { info: _info, inode: _inode, uid: _uid, ...BARE } = HELD;
const TIME_WAIT: InetFields = { ...BARE, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } };

describe('more sockets than the bounds', () => {
  const remnants = (from: number, count: number): InetFields[] =>
    Array.from({ length: count }, (_, i) => ({
      ...TIME_WAIT,
      cookie: from + i,
      remote: `127.0.0.1:${from + i}`,
    }));
  const ids = ({ sockets }: Snapshot) => [...sockets.keys()].sort();

  test('counts new remnants beyond the bound, keeps those it has, and fills freed room', async () => {
    open({ bounds: { remnants: 3, sockets: 100 } });
    const first = await read(HELD, ...remnants(0x10, 2));
    expect(codes(first)).toEqual([]);
    const flood = await read(...remnants(0x20, 50), HELD, ...remnants(0x10, 2));
    expect(ids(flood)).toEqual(ids(first));
    expect(notice(flood, 'left-out in TIME_WAIT')).toBe(
      '50 sockets in TIME_WAIT are not shown: with more than 3 sockets they are only counted, to limit memory use',
    );
    // The room of closed sockets is free at the poll after the one that missed them.
    await read(HELD, ...remnants(0x20, 50));
    const later = await read(HELD, ...remnants(0x20, 50));
    expect(ids(later)).toEqual(['sk:2', 'sk:20', 'sk:21']);
    expect(codes(await read(HELD))).toEqual([]);
  });

  test('keeps a connection that becomes TIME_WAIT', async () => {
    open({ bounds: { remnants: 1, sockets: 100 } });
    await read(HELD);
    expect(only(await read({ ...TIME_WAIT, cookie: 2 })).state).toBe('TIME_WAIT');
  });

  test('treats FIN_WAIT2 with a timewait timer as a remnant', async () => {
    open({ bounds: { remnants: 1, sockets: 100 } });
    const remnant: InetFields = { ...TIME_WAIT, cookie: 9, state: 'FIN_WAIT2' };
    expect(codes(await read(HELD, remnant))).toEqual(['left-out in TIME_WAIT']);
  });

  test('bounds connections above remnants, and listeners and UDP sockets above connections', async () => {
    open({ bounds: { remnants: 5, sockets: 10 } });
    const connections = Array.from({ length: 30 }, (_, i) => ({
      ...HELD,
      cookie: 0x100 + i,
      inode: 100 + i,
    }));
    const flood = await read(...connections, LISTEN, ...remnants(0x20, 4));
    expect(flood.sockets.size).toBe(11);
    expect(flood.sockets.has('sk:1')).toBe(true);
    expect(notice(flood, 'left-out sockets')).toBe(
      '20 sockets are not shown: netpane keeps 10, to limit memory use',
    );
    expect(notice(flood, 'left-out in TIME_WAIT')).toMatch(/^4 sockets/);
  });

  test('keeps every socket without bounds', async () => {
    expect((await read(...remnants(0x20, 500))).sockets.size).toBe(500);
  });
});

describe('a socket', () => {
  test('has all fields', async () => {
    start(50, 'web', 7, 8);
    const snapshot = await read(LISTEN, HELD);
    expect(all(snapshot)[1]).toEqual({
      id: 'sk:2',
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '127.0.0.1', port: 80 },
      remote: { address: '127.0.0.1', port: 4000 },
      state: 'ESTABLISHED',
      inode: 8,
      uid: 1000,
      user: 'ana',
      interface: 'lo',
      netns: { inode: OWN, name: 'host' },
      traffic: {
        recvQueue: 0,
        sendQueue: 0,
        rxBytes: 200,
        txBytes: 100,
        rxSegments: 0,
        txSegments: 0,
        retransmits: 0,
        rttMicros: 30,
        rttVarMicros: 0,
        cwnd: 10,
        lastSentAtMs: WALL_MS,
        lastReceivedAtMs: WALL_MS,
      },
      owners: [expect.objectContaining({ knowledge: 'exact', pid: 50, process: 'web' })],
    });
    expect(snapshot.degradations).toEqual([]);
  });

  test('has details only if requested', async () => {
    start(50, 'web', 8);
    expect(only(await read(HELD))).not.toHaveProperty('tcp');
    open({ tcpDetails: true });
    expect(only(await read(HELD)).tcp).toMatchObject({ sndCwnd: 10, bytesSent: 100 });
  });

  test('of each protocol is read', async () => {
    open({ also: ['unix', 'vsock', 'sctp', 'mptcp'] });
    const { sockets } = await read(
      { cookie: 1, protocol: 'udp', local: '0.0.0.0:53', state: 'CLOSE', inode: 1 },
      { cookie: 2, protocol: 'udp', local: '[::]:53', state: 'CLOSE', inode: 2 },
      { cookie: 3, protocol: 'udplite', local: '0.0.0.0:54', state: 'CLOSE', inode: 3 },
      { cookie: 4, protocol: 'raw', local: '0.0.0.0:1', state: 'CLOSE', inode: 4 },
      { cookie: 5, protocol: 'sctp', local: '0.0.0.0:55', state: 'LISTEN', inode: 5 },
      { cookie: 6, protocol: 'mptcp', local: '0.0.0.0:56', state: 'LISTEN', inode: 6 },
      { cookie: 7, protocol: 'packet', inode: 9, interfaceIndex: 1 },
      { cookie: 8, protocol: 'unix', name: '/run/x', inode: 10 },
      { cookie: 9, protocol: 'vsock', local: [3, 22], state: 'LISTEN', inode: 11 },
      { cookie: 10, local: '[::1]:80', state: 'LISTEN', inode: 12 },
    );
    expect(
      [...sockets.values()].map(
        (it) =>
          `${it.id} ${it.protocol} ${it.family} ${it.local.address}:${it.local.port} ${it.state} ${it.local.protocol ?? ''}`,
      ),
    ).toEqual([
      'sk:a tcp ipv6 ::1:80 LISTEN ',
      'sk:1 udp ipv4 0.0.0.0:53 undefined ',
      'sk:2 udp ipv6 :::53 undefined ',
      'sk:3 udplite ipv4 0.0.0.0:54 undefined ',
      'sk:4 raw ipv4 0.0.0.0:0 undefined 1',
      'sk:5 sctp ipv4 0.0.0.0:55 LISTEN ',
      'sk:6 mptcp ipv4 0.0.0.0:56 LISTEN ',
      'sk:7 packet packet lo:0 undefined 3',
      'sk:8 unix unix /run/x:0 ESTABLISHED ',
      'sk:9 vsock vsock 3:22 LISTEN ',
    ]);
  });

  test('of an extra kind is not requested by default', async () => {
    await read();
    expect(kernel.own.requests).not.toContain('unix');
    expect(kernel.own.requests).toEqual([
      'tcp',
      'udp4',
      'udp6',
      'udplite4',
      'udplite6',
      'raw4',
      'raw6',
      'packet',
      'links',
      'addresses',
    ]);
  });

  test('of ping is read from /proc', async () => {
    start(50, 'ping', 70);
    const PING = { local: '0.0.0.0:5', state: '07', inode: 70, uid: 1000, recvQueue: 832 } as const;
    const table = tableText([PING]);
    fake.write('self/net/icmp', table);
    const snapshot = await read();
    expect(only(snapshot)).toMatchObject({
      id: 'icmp:70',
      protocol: 'icmp',
      // The number after the address is the identifier of echo requests, not a port.
      local: { address: '0.0.0.0', port: 0 },
      remote: null,
      traffic: { recvQueue: 832, sendQueue: 0 },
      user: 'ana',
      inode: 70,
    });
    expect(owners(snapshot)).toEqual(['exact ping 50']);
    expect((await read()).sockets).toBe(snapshot.sockets);
    fake.write('self/net/icmp', tableText([{ ...PING, remote: '192.0.2.1:7', state: '01', sendQueue: 9 }]));
    expect(only(await read())).toMatchObject({
      remote: { address: '192.0.2.1', port: 0 },
      state: 'ESTABLISHED',
      traffic: { recvQueue: 832, sendQueue: 9 },
    });
    fake.write('self/net/icmp', `${table}garbage\n`);
    expect(notice(await read(), 'unreadable-messages')).toBe(
      '1 message from the kernel could not be decoded',
    );
    fake.write('self/net/icmp', tableText([]));
    expect((await read()).sockets.size).toBe(0);
  });

  test('of raw IP is read from /proc if the kernel has no diag for it', async () => {
    const RAW: InetFields = { cookie: 4, protocol: 'raw', local: '0.0.0.0:1', state: 'CLOSE', inode: 70 };
    start(50, 'sniffer', 70);
    const line = { local: '0.0.0.0:1', state: '07', inode: 70, uid: 0, recvQueue: 832 } as const;
    fake.write('self/net/raw', tableText([line]));
    // A kernel with diag lists it once.
    expect([...(await read(RAW)).sockets.keys()]).toEqual(['sk:4']);
    open();
    kernel.own.trouble.set('raw4', { errno: 2 });
    kernel.own.trouble.set('raw6', { errno: 2 });
    const snapshot = await read(RAW);
    expect(only(snapshot)).toMatchObject({
      protocol: 'raw',
      local: { address: '0.0.0.0', port: 0, protocol: 1 },
      inode: 70,
      traffic: { recvQueue: 832, sendQueue: 0 },
    });
    expect(owners(snapshot)).toEqual(['exact sniffer 50']);
    expect(snapshot.degradations).toEqual([]);
  });

  test('of packet is read from /proc if the kernel has no diag for it', async () => {
    start(50, 'sniffer', 70);
    kernel.own.trouble.set('packet', { errno: 2 });
    fake.write(
      'self/net/packet',
      `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
000000006529a472 3      3    0003   1     1 832    1000   70
000000006529a473 3      2    0000   0     0 0      0      71
`,
    );
    const snapshot = await read();
    const [bound, unbound] = all(snapshot);
    expect(bound).toMatchObject({
      local: { address: 'lo', port: 0, protocol: 3 },
      user: 'ana',
      traffic: { recvQueue: 832 },
    });
    expect(owners(snapshot)[0]).toBe('exact sniffer 50');
    expect(unbound?.local).toEqual({ address: '*', port: 0 });
    fake.write('self/net/packet', 'sk\ngarbage\n');
    expect(notice(await read(), 'unreadable-messages')).toBe(
      '1 message from the kernel could not be decoded',
    );
  });

  test('with a link-local address has its interface at both endpoints', async () => {
    kernel.own.links = [{ index: 2, name: 'eth0', addresses: ['fe80::1', '2001:db8::1'] }];
    const { sockets } = await read(
      { cookie: 1, local: '[fe80::1]:80', remote: '[fe80::2]:81', inode: 1 },
      { cookie: 2, local: '[2001:db8::1]:80', remote: '[2001:db8::2]:81', inode: 2 },
      { cookie: 3, local: '[fe80::9]:80', remote: '[fe80::2]:81', inode: 3 },
      { cookie: 4, local: '0.0.0.0:80', state: 'LISTEN', inode: 4 },
      { cookie: 5, local: '0.0.0.0:81', state: 'LISTEN', inode: 5, interfaceIndex: 2 },
    );
    expect([...sockets.values()].map((it) => [it.local.address, it.remote?.address, it.interface])).toEqual([
      ['fe80::1%eth0', 'fe80::2%eth0', 'eth0'],
      ['2001:db8::1', '2001:db8::2', 'eth0'],
      ['fe80::9', 'fe80::2', undefined],
      ['0.0.0.0', undefined, undefined],
      ['0.0.0.0', undefined, 'eth0'],
    ]);
  });
});

describe('from poll to poll', () => {
  test('keeps the same objects and the same map without changes', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    for (let i = 0; i < 40; i++) {
      wallMs += 1000;
      expect((await read(LISTEN, HELD)).sockets).toBe(first.sockets);
    }
  });

  test('replaces a socket with new traffic and keeps its owners', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    const second = await read(LISTEN, { ...HELD, info: { ...HELD.info, bytesReceived: 300 } });
    const { spawned, changed, closed } = diff(first.sockets, second.sockets);
    expect([spawned, closed]).toEqual([[], []]);
    expect(changed.map(({ id, traffic }) => [id, traffic?.rxBytes, traffic?.txBytes])).toEqual([
      ['sk:2', 300, 100],
    ]);
    const [before, after] = [first.sockets.get('sk:2'), second.sockets.get('sk:2')];
    expect(after?.owners).toBe(before?.owners);
    expect({ ...after, traffic: undefined }).toEqual({ ...before, traffic: undefined });
    expect(second.sockets.get('sk:1')).toBe(first.sockets.get('sk:1'));
  });

  test('adds and removes a timer', async () => {
    const first = only(await read({ ...HELD, timer: { kind: 'on', expiresMs: 200 } }));
    expect(first.timer).toEqual({ kind: 'on', dueAtMs: WALL_MS + 200, retransmits: 0 });
    expect(only(await read(HELD))).not.toHaveProperty('timer');
  });

  test('reports another state as a change', async () => {
    start(50, 'web', 8);
    const first = await read(HELD);
    const second = await read({ ...HELD, state: 'CLOSE_WAIT' });
    expect(diff(first.sockets, second.sockets)).toMatchObject({
      spawned: [],
      changed: [{ id: 'sk:2', state: 'CLOSE_WAIT', inode: 8 }],
      closed: [],
    });
  });

  test('keeps id, user, owner and counters in TIME_WAIT', async () => {
    start(50, 'curl', 8);
    const before = only(await read(HELD));
    start(50, 'curl');
    const snapshot = await read(TIME_WAIT);
    const after = only(snapshot);
    expect(after).toMatchObject({
      id: 'sk:2',
      state: 'TIME_WAIT',
      uid: 1000,
      user: 'ana',
      traffic: before.traffic ?? {},
    });
    expect(after).not.toHaveProperty('inode');
    expect(after.timer?.dueAtMs).toBe(WALL_MS + 60_000);
    expect(owners(snapshot)).toEqual(['inherited curl 50']);
    fake.remove('50');
    wallMs += 1000;
    const later = await read({ ...TIME_WAIT, timer: { kind: 'timewait', expiresMs: 59_000 } });
    expect(later.sockets).toBe(snapshot.sockets);
  });

  test('does not know the owner of a TIME_WAIT from before the start', async () => {
    const snapshot = await read(TIME_WAIT);
    expect(owners(snapshot)).toEqual(['gone - -']);
    expect(only(snapshot)).not.toHaveProperty('user');
  });

  test('gives a connection that is not accepted the owner of its listener, in any order', async () => {
    start(50, 'web', 7);
    const queued: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    expect(owners(await read(queued, LISTEN)).sort()).toEqual(['exact web 50', 'listener web 50']);
    // A worker accepts it: it gets its own inode.
    start(51, 'worker', 7, 9);
    const accepted = await read({ ...queued, state: 'ESTABLISHED', inode: 9 }, LISTEN);
    expect(ownersText(accepted.sockets.get('sk:3') as Socket)).toBe('exact worker 51');
    expect(ownersText(accepted.sockets.get('sk:1') as Socket)).toBe('exact web 50, exact worker 51');
  });

  describe('a connection request (SYN_RECV) with a cookie that its connection did not inherit', () => {
    const request: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    /** Sets the sockets that the kernel returns for the endpoints of the request. */
    const setLookupResult = (...found: InetFields[]) =>
      kernel.own.trouble.set('lookup', {
        datagrams: (sequence) => found.map((it) => message(20, inetPayload(it), { sequence, flags: 0 })),
      });
    const states = (snapshot: Snapshot) => all(snapshot).map(({ id, state }) => `${id} ${state}`);

    test('is replaced by the connection', async () => {
      start(50, 'web', 7);
      setLookupResult({ ...request, cookie: 4, state: 'ESTABLISHED' });
      const first = await read(LISTEN, request);
      expect(states(first)).toEqual(['sk:1 LISTEN', 'sk:4 ESTABLISHED']);
      const second = await read(LISTEN, { ...request, cookie: 4, state: 'ESTABLISHED' });
      expect(diff(first.sockets, second.sockets)).toEqual({ spawned: [], changed: [], closed: [] });
    });

    test('is replaced by the remnant of the connection', async () => {
      setLookupResult({ ...TIME_WAIT, cookie: 5 });
      expect(states(await read(request))).toEqual(['sk:5 TIME_WAIT']);
    });

    test('is dropped if only the listener is left', async () => {
      setLookupResult(LISTEN);
      expect(states(await read(LISTEN, request))).toEqual(['sk:1 LISTEN']);
      expect(states(await read(request))).toEqual([]);
    });

    test('is looked up once while it is still a request', async () => {
      expect(states(await read(request))).toEqual(['sk:3 SYN_RECV']);
      expect(kernel.own.requests.filter((it) => it === 'lookup')).toHaveLength(1);
      expect(states(await read({ ...request, recvQueue: 1 }))).toEqual(['sk:3 SYN_RECV']);
      expect(kernel.own.requests.filter((it) => it === 'lookup')).toHaveLength(1);
    });
  });

  test('finds the owner of waiting connections when it finds that of their listener', async () => {
    const queued: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    expect(owners(await read(LISTEN, queued))).toEqual(['unknown - -', 'unknown - -']);
    start(50, 'web', 7);
    expect(owners(await read(LISTEN, queued))).toEqual(['exact web 50', 'listener web 50']);
  });

  test('ignores a listener of another protocol on the same port', async () => {
    open({ also: ['sctp'] });
    start(50, 'web', 7);
    start(60, 'signalling', 70);
    const queued: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    const sctp: InetFields = { ...LISTEN, protocol: 'sctp', cookie: 4, inode: 70 };
    const { sockets } = await read(LISTEN, queued, sctp);
    expect(ownersText(sockets.get('sk:3') as Socket)).toBe('listener web 50');
  });

  test('reports closed sockets', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    const second = await read(LISTEN);
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], changed: [], closed: ['sk:2'] });
    expect((await read()).sockets.size).toBe(0);
  });

  test('gives a reused inode to its new socket', async () => {
    start(50, 'first', 7);
    start(60, 'second');
    await read(LISTEN);
    start(50, 'first', 99);
    start(60, 'second', 7);
    const second = await read({ ...LISTEN, cookie: 9 });
    expect(second.sockets.get('sk:9')?.inode).toBe(7);
    expect(owners(second)).toEqual(['exact second 60']);
  });

  test('treats the same endpoints with another cookie as another life', async () => {
    const first = await read(HELD);
    const second = await read({ ...HELD, cookie: 20, inode: 21 });
    expect(diff(first.sockets, second.sockets)).toMatchObject({
      spawned: [{ id: 'sk:14' }],
      closed: ['sk:2'],
    });
  });

  test('keeps the owner of sockets that share an inode (MPTCP) when one of them closes', async () => {
    open({ also: ['mptcp'] });
    const whole: InetFields = { ...HELD, protocol: 'mptcp', cookie: 30 };
    const flows: InetFields[] = [HELD, { ...HELD, cookie: 31, local: '127.0.0.2:80' }];
    expect(owners(await read(whole, ...flows))).toEqual(Array(3).fill('unknown - -'));
    start(50, 'phone', 8);
    let snapshot = await read(whole, ...flows);
    expect(owners(snapshot)).toEqual(Array(3).fill('exact phone 50'));
    snapshot = await read(whole, HELD);
    snapshot = await read(whole, HELD);
    expect(owners(snapshot)).toEqual(Array(2).fill('exact phone 50'));
    start(51, 'child', 8);
    expect(owners(await read(whole, HELD))).toEqual(Array(2).fill('exact phone 50, exact child 51'));
  });

  test('reports owners that are found late as changes', async () => {
    open({ ownerBudgetMs: 4 });
    const sockets = Array.from({ length: 20 }, (_, i): InetFields => ({
      ...LISTEN,
      cookie: i + 1,
      inode: 100 + i,
    }));
    for (let i = 0; i < 20; i++) start(50 + i, `prog-${i}`, 100 + i);
    let snapshot = await read(...sockets);
    expect(owners(snapshot)).toContain('pending - -');
    let changes = owners(snapshot).filter((it) => it !== 'pending - -').length;
    for (let i = 0; i < 100 && owners(snapshot).includes('pending - -'); i++) {
      const next = await read(...sockets);
      const { spawned, changed, closed } = diff(snapshot.sockets, next.sockets);
      expect([spawned, closed]).toEqual([[], []]);
      changes += changed.length;
      snapshot = next;
    }
    expect(owners(snapshot).sort()).toEqual(sockets.map((_, i) => `exact prog-${i} ${50 + i}`).sort());
    expect(changes).toBe(20);
  });

  test('counts hidden owners by user until they are known', async () => {
    fake.remove('1');
    open({ isRoot: false });
    const first = await read(LISTEN, HELD, { ...HELD, cookie: 3, inode: 9, uid: 0 });
    expect(notice(first, 'owners-hidden')).toBe(
      'owners of 3 sockets are hidden (2 of ana, 1 of root): run with sudo to see them',
    );
    // The notice stays without changes.
    expect(codes(await read(LISTEN, HELD, { ...HELD, cookie: 3, inode: 9, uid: 0 }))).toContain(
      'owners-hidden',
    );
    start(50, 'web', 7, 8, 9);
    fake.start(1, { comm: 'init' });
    expect(codes(await read(LISTEN, HELD))).not.toContain('owners-hidden');
  });
});

describe('Unix sockets', () => {
  test('have the name of their peer, and report differences as changes', async () => {
    open({ also: ['unix'] });
    start(50, 'client', 10);
    start(60, 'server', 11, 12);
    const sockets: FakeSocket[] = [
      { protocol: 'unix', cookie: 1, inode: 10, peer: 12 },
      { protocol: 'unix', cookie: 2, name: '/run/x', inode: 11, state: 'LISTEN' },
      { protocol: 'unix', cookie: 3, name: '/run/x', inode: 12, peer: 10 },
      { protocol: 'unix', cookie: 4, inode: 13, peer: 99 },
    ];
    const first = await read(...sockets);
    expect(all(first).map((it) => [it.local.address, it.remote?.address, ownersText(it)])).toEqual([
      ['', '/run/x', 'exact client 50'],
      ['/run/x', undefined, 'exact server 60'],
      ['/run/x', '', 'exact server 60'],
      ['', '', 'unknown - -'],
    ]);
    await read(...sockets);
    const settled = await read(...sockets);
    expect((await read(...sockets)).sockets).toBe(settled.sockets);
    const busy = await read({ ...sockets[0], recvQueue: 5 } as FakeSocket, ...sockets.slice(1));
    expect(diff(settled.sockets, busy.sockets)).toMatchObject({
      spawned: [],
      changed: [{ id: 'sk:1', traffic: { recvQueue: 5, sendQueue: 0 } }],
      closed: [],
    });
  });
});

describe('namespaces', () => {
  test('are all read, each socket with its namespace', async () => {
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    fake.write('60/cgroup', '0::/\n');
    const snapshot = await read(LISTEN);
    expect(all(snapshot).map(({ id, netns }) => [id, netns?.inode])).toEqual([
      ['sk:1', OWN],
      ['sk:a', 500],
    ]);
    expect(snapshot.interfaces.map(({ name, netns }) => [name, netns?.inode])).toEqual([
      ['lo', OWN],
      ['lo', 500],
    ]);
  });

  test('do not mix equal endpoints and listeners', async () => {
    start(50, 'outer', 7);
    const queued: InetFields = {
      cookie: 11,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 }, queued);
    fake.link('60/fd/3', 'socket:[70]');
    const { sockets } = await read(LISTEN);
    expect(ownersText(sockets.get('sk:1') as Socket)).toBe('exact outer 50');
    expect(ownersText(sockets.get('sk:b') as Socket)).toBe('listener main-60 60');
  });

  test('that end close their sockets, and are closed', async () => {
    start(50, 'web', 7, 8);
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    const first = await read(LISTEN);
    expect(kernel.openCount).toBe(2);
    fake.remove('60');
    await read(LISTEN);
    const second = await read(LISTEN);
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], changed: [], closed: ['sk:a'] });
    expect(kernel.openCount).toBe(1);
  });

  test('leave nothing open after a thousand have come and gone', async () => {
    for (let i = 0; i < 1000; i++) {
      container(500 + i, 60, { ...LISTEN, cookie: 10 + i, inode: 70 });
      await read(LISTEN);
      expect(kernel.openCount).toBeLessThanOrEqual(3);
      fake.remove('60');
      kernel.networks.delete(500 + i - 1);
    }
    await read(LISTEN);
    const last = await read(LISTEN);
    expect(kernel.openCount).toBe(1);
    expect(kernel.opened).toBeGreaterThan(900);
    expect([...last.sockets.keys()]).toEqual(['sk:1']);
  });

  test('with a name found later report a change of their own sockets only', async () => {
    container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    start(50, 'web', 7);
    await read(LISTEN);
    const first = await read(LISTEN);
    const ID = '3f9a0c6be1d2'.padEnd(64, 'a');
    fake.write('60/cgroup', `0::/system.slice/docker-${ID}.scope\n`);
    let changed: string[] = [];
    let next = first;
    for (let i = 0; i < 50 && changed.length === 0; i++) {
      next = await read(LISTEN);
      changed = diff(first.sockets, next.sockets).changed.map(({ id }) => id);
    }
    expect(changed).toEqual(['sk:a']);
    expect(next.sockets.get('sk:a')?.netns).toEqual({
      inode: 500,
      name: expect.stringContaining('3f9a0c6be1d2') as string,
    });
    expect(next.sockets.get('sk:1')).toBe(first.sockets.get('sk:1'));
  });

  test('that may not be entered are reported and not tried again', async () => {
    container(500, 60);
    kernel.closed.set(500, new NativeError('setns', 1, 'EPERM'));
    const snapshot = await read(LISTEN);
    expect(notice(snapshot, 'namespaces-closed')).toBe(
      'access to 1 network namespace denied, its sockets are not shown: setns: EPERM',
    );
    kernel.closed.clear();
    expect(codes(await read(LISTEN))).toContain('namespaces-closed');
    fake.remove('60');
    await read(LISTEN);
    expect(codes(await read(LISTEN))).not.toContain('namespaces-closed');
  });

  test('that end while being entered give no notice', async () => {
    container(500, 60);
    kernel.closed.set(500, Object.assign(new Error('gone'), { code: 'ENOENT' }));
    expect((await read(LISTEN)).degradations.filter(({ code }) => code !== 'owners-hidden')).toEqual([]);
  });

  test('of unreadable processes are reported with the reason, for root without CAP_SYS_PTRACE', async () => {
    fake.write('self/status', 'CapEff:\t000001fffff7ffff\n');
    proc.forbidden.add('60/ns/net').add('61/ns/net');
    container(500, 60);
    container(500, 61);
    open();
    expect(notice(await read(LISTEN), 'one-namespace')).toBe(
      'only the network namespace that netpane runs in is shown: netpane runs as root without CAP_SYS_PTRACE',
    );
    container(501, 62);
    await read(LISTEN);
    expect(notice(await read(LISTEN), 'namespaces-unseen')).toBe(
      'the network namespace of 2 processes is hidden, so that sockets may be missing: ' +
        'netpane runs as root without CAP_SYS_PTRACE',
    );
  });

  test('of a process that even root may not read are reported', async () => {
    proc.forbidden.add('60/ns/net');
    container(500, 60);
    expect(notice(await read(LISTEN), 'namespaces-unseen')).toBe(
      'the network namespace of 1 process is hidden, so that sockets may be missing: ' +
        'the kernel refuses even root',
    );
  });

  test('outside of a pid namespace are reported as hidden', async () => {
    fake.link('self/ns/pid', 'pid:[4026532178]');
    open();
    expect(notice(await read(LISTEN), 'one-namespace')).toBe(
      'only the network namespace that netpane runs in is shown: ' +
        'netpane runs in a pid namespace: run it outside of this container',
    );
  });

  describe('more than the descriptors allow', () => {
    const fill = () => {
      for (const [i, inode] of [500, 501, 502].entries())
        container(inode, 60 + i, { ...LISTEN, cookie: 10 + i, inode: 70 + i });
    };

    test('are all read', async () => {
      kernel.descriptorsLeft = 4;
      fill();
      for (let i = 0; i < 3; i++) {
        const snapshot = await read(LISTEN);
        expect([...snapshot.sockets.keys()].sort()).toEqual(['sk:1', 'sk:a', 'sk:b', 'sk:c']);
        expect(snapshot.interfaces).toHaveLength(4);
        expect(codes(snapshot)).not.toContain('namespaces-failed');
        // The own one, and the one with enough descriptors.
        expect(kernel.openCount).toBe(2);
      }
    });

    test('are counted if they have no descriptor for close messages', async () => {
      kernel.descriptorsLeft = 4;
      fill();
      open({ events: true });
      expect(notice(await read(LISTEN), 'few-descriptors')).toBe(
        'sockets that close between two polls in 1 network namespace are missed: ' +
          'too few file descriptors (raise ulimit -n)',
      );
      source.close();
      expect([kernel.descriptorsLeft, kernel.openCount]).toEqual([4, 0]);
    });

    test('are kept open once descriptors are free', async () => {
      kernel.descriptorsLeft = 3;
      fill();
      open({ events: true });
      expect(codes(await read(LISTEN))).toContain('few-descriptors');
      fake.remove('60');
      kernel.descriptorsLeft = 9;
      let snapshot = await read(LISTEN);
      for (let i = 0; i < 20; i++) snapshot = await read(LISTEN);
      expect(codes(snapshot)).not.toContain('few-descriptors');
      expect([...snapshot.sockets.keys()].sort()).toEqual(['sk:1', 'sk:b', 'sk:c']);
    });

    test('that exist and cannot be opened are reported and tried again', async () => {
      container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
      kernel.closed.set(500, new NativeError('a netlink socket', 12, 'ENOMEM'));
      expect(notice(await read(LISTEN), 'namespaces-failed')).toBe(
        '1 network namespace could not be opened, its sockets are not shown: a netlink socket: ENOMEM',
      );
      kernel.closed.clear();
      const snapshot = await read(LISTEN);
      expect(codes(snapshot)).not.toContain('namespaces-failed');
      expect(snapshot.sockets.size).toBe(2);
    });
  });

  describe('without the main thread of a process', () => {
    const HIDDEN: InetFields = { ...LISTEN, cookie: 10, inode: 70 };
    const hide = (): FakeNetwork => {
      const network = new FakeNetwork();
      network.sockets = [HIDDEN];
      kernel.networks.set(500, network);
      return network;
    };

    test('are found by a descriptor in the first poll', async () => {
      hide();
      start(50, 'keeper', 70);
      fake.link('50/fd/9', 'net:[500]');
      const { sockets } = await read(LISTEN);
      expect(sockets.get('sk:a')?.netns).toEqual({ inode: 500 });
      expect(ownersText(sockets.get('sk:a') as Socket)).toBe('exact keeper 50');
    });

    test('are found by a passed socket, and stay open while a process holds a socket in them', async () => {
      const network = hide();
      start(50, 'taker', 70);
      kernel.namespaceOfDescriptor.set(3, 500);
      expect((await read(LISTEN)).sockets.get('sk:a')?.netns).toEqual({ inode: 500 });
      // The passed socket may close: the namespace is open by now.
      fake.link('50/fd/4', 'socket:[70]');
      fake.remove('50/fd/3');
      for (let i = 0; i < 5; i++) expect((await read(LISTEN)).sockets.has('sk:a')).toBe(true);
      network.sockets = [];
      fake.remove('50');
      for (let i = 0; i < 3; i++) await read(LISTEN);
      expect(kernel.openCount).toBe(1);
    });

    test('stay open after their last process ends while another one holds a socket in them', async () => {
      container(500, 60, HIDDEN);
      fake.link('60/fd/3', 'socket:[70]');
      start(50, 'taker', 70);
      const first = await read(LISTEN);
      fake.remove('60');
      let last = first;
      for (let i = 0; i < 20; i++) last = await read(LISTEN);
      expect(diff(first.sockets, last.sockets)).toMatchObject({ spawned: [], closed: [] });
      expect(kernel.opened).toBe(2);
    });

    test('are closed with the poll that misses their last process and sockets', async () => {
      const network = container(500, 60, HIDDEN);
      fake.link('60/fd/3', 'socket:[70]');
      await read(LISTEN);
      await read(LISTEN);
      fake.remove('60');
      network.sockets = [];
      await read(LISTEN);
      await read(LISTEN);
      expect(kernel.openCount).toBe(1);
    });

    test('are not found: TCP sockets that no dump lists are counted', async () => {
      fake.write('net/sockstat', 'TCP: inuse 1 orphan 0 tw 0 alloc 3 mem 0\n');
      expect(notice(await read(LISTEN), 'tcp-unlisted')).toBe(
        '2 TCP sockets missing from the socket lists of the kernel: not bound yet, closed but still held by a process, ' +
          'or in a network namespace that netpane cannot enter',
      );
      expect(codes(await read(LISTEN, HELD, { ...HELD, cookie: 3 }))).not.toContain('tcp-unlisted');
    });
  });

  describe('without /proc', () => {
    test('shows the sockets of the own namespace, and says what is missing', async () => {
      proc = new CountingProc(`${fake.root}/nowhere`);
      open();
      const snapshot = await read(LISTEN, HELD);
      expect([...snapshot.sockets.keys()]).toEqual(['sk:1', 'sk:2']);
      expect(only(await read(LISTEN))).not.toHaveProperty('netns');
      expect(owners(snapshot)).toEqual(['hidden - -', 'hidden - -']);
      expect(codes(snapshot)).toEqual(['owners-hidden', 'no-proc']);
      expect(notice(snapshot, 'owners-hidden')).toContain('/proc cannot be read');
      expect(notice(snapshot, 'no-proc')).toMatch(
        /^\/proc cannot be read \(ENOENT.*\): programs, other network namespaces and ping sockets are not shown$/,
      );
    });

    test('keeps all sockets when /proc becomes unreadable, and says so', async () => {
      start(50, 'web', 7);
      container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
      const first = await read(LISTEN);
      proc.isGone = true;
      await read(LISTEN);
      const second = await read(LISTEN);
      expect([...second.sockets.keys()]).toEqual([...first.sockets.keys()]);
      expect(codes(second)).toContain('no-proc');
      proc.isGone = false;
      await read(LISTEN);
      expect(codes(await read(LISTEN))).not.toContain('no-proc');
    });

    test('knows the own namespace once /proc becomes readable', async () => {
      proc.isGone = true;
      open();
      expect(only(await read(LISTEN))).not.toHaveProperty('netns');
      proc.isGone = false;
      await read(LISTEN);
      expect(only(await read(LISTEN)).netns).toEqual({ inode: OWN, name: 'host' });
    });
  });

  test('keep their ping sockets while the table cannot be read, and say so', async () => {
    fake.write('self/net/icmp', tableText([{ local: '0.0.0.0:9', state: '07', inode: 40 }]));
    const first = await read();
    proc.forbidden.add('self/net/icmp');
    const second = await read();
    expect(only(second).id).toBe(only(first).id);
    expect(notice(second, 'tables-unread')).toBe(
      'icmp sockets in /proc/net could not be read: they are missing or outdated',
    );
  });

  test('without a process have their ping sockets read', async () => {
    const path = `${fake.root}/../run/netns/blue`;
    fake.write('../run/netns/blue', '');
    const { ino } = statSync(path);
    fake.write('self/mountinfo', `50 42 0:4 net:[${ino}] ${path} rw - nsfs nsfs rw\n`);
    kernel.networks.set(ino, new FakeNetwork());
    fake.write('thread-self/net/icmp', tableText([{ local: '0.0.0.0:9', state: '07', inode: 40 }]));
    expect(only(await read()).netns).toEqual({ inode: ino, name: 'blue' });
  });

  test('show users by number if their names cannot be read', async () => {
    proc.forbidden.add('../etc/passwd');
    const snapshot = await read(LISTEN);
    expect(only(snapshot)).toMatchObject({ uid: 1000 });
    expect(notice(snapshot, 'users-unread')).toBe(
      'users are shown by number: their names cannot be read (EACCES)',
    );
  });

  test('with unreadable interfaces are reported', async () => {
    kernel.own.trouble.set('links', { errno: 105 });
    const snapshot = await read(LISTEN);
    expect(notice(snapshot, 'interfaces-unread')).toBe(
      'the interfaces of 1 network namespace could not be read; they are missing or out of date: error 105',
    );
  });

  test('of others may be hidden from an ordinary user, who gets a notice', async () => {
    open({ isRoot: false });
    expect(codes(await read())).toEqual(['one-namespace']);
  });
});

describe('interfaces', () => {
  test('have names, counters and addresses, which stay if they cannot be read', async () => {
    kernel.own.links = [{ index: 2, name: 'eth0', rxBytes: 5, txBytes: 6, addresses: ['192.0.2.1'] }];
    const first = (await read()).interfaces;
    expect(first).toEqual([
      {
        name: 'eth0',
        netns: { inode: OWN, name: 'host' },
        isUp: true,
        rxBytes: 5,
        txBytes: 6,
        addresses: ['192.0.2.1'],
      },
    ]);
    for (const asked of ['links', 'addresses'] as const) {
      kernel.own.trouble.set(asked, { errno: 16 });
      expect((await read()).interfaces).toEqual(first);
      kernel.own.trouble.set(asked, { broken: 105 });
      expect((await read()).interfaces).toEqual(first);
      kernel.own.trouble.clear();
    }
  });

  test('change their name in all their sockets and link-local addresses', async () => {
    const links = (name: string) => [{ index: 2, name, addresses: ['192.0.2.1', 'fe80::1'] }];
    const sockets: InetFields[] = [
      { cookie: 1, local: '192.0.2.1:80', remote: '192.0.2.2:1', inode: 1 },
      { cookie: 2, local: '0.0.0.0:80', state: 'LISTEN', inode: 2, interfaceIndex: 2 },
      { cookie: 3, local: '[fe80::1]:80', remote: '[fe80::2]:1', inode: 3, interfaceIndex: 2 },
      { cookie: 4, local: '127.0.0.1:80', state: 'LISTEN', inode: 4 },
    ];
    kernel.own.links = links('eth0');
    await read(...sockets);
    const first = await read(...sockets);
    kernel.own.links = links('wan');
    const second = await read(...sockets);
    expect(
      all(second).map(({ local, remote, interface: name }) => [local.address, remote?.address, name]),
    ).toEqual([
      ['192.0.2.1', '192.0.2.2', 'wan'],
      ['0.0.0.0', undefined, 'wan'],
      ['fe80::1%wan', 'fe80::2%wan', 'wan'],
      ['127.0.0.1', undefined, undefined],
    ]);
    expect(second.sockets.get('sk:4')).toBe(first.sockets.get('sk:4'));
    // The address moves to another interface.
    kernel.own.links = [
      { index: 2, name: 'wan' },
      { index: 3, name: 'lan', addresses: ['192.0.2.1'] },
    ];
    expect(all(await read(...sockets)).map(({ interface: name }) => name)).toEqual([
      'lan',
      'wan',
      'wan',
      undefined,
    ]);
    kernel.own.links = [{ index: 3, name: 'lan' }];
    expect(all(await read(...sockets)).every(({ interface: name }) => name === undefined)).toBe(true);
  });
});

describe("the kernel's own UDP sockets", () => {
  const port = (number: number): InetFields => ({
    protocol: 'udp',
    cookie: number,
    local: `0.0.0.0:${number}`,
    inode: number,
  });
  const tunnel = (kind: string, attribute: number) => ({
    index: 5,
    name: 'tunnel0',
    tunnel: { kind, attribute, port: 4789 },
  });

  test.each([
    ['vxlan', 15],
    ['geneve', 5],
  ])('are recognised by the port of a %s in the first poll', async (kind, attribute) => {
    kernel.own.links = [tunnel(kind, attribute)];
    expect(owners(await read(port(4789), port(53)))).toEqual(['kernel - -', 'unknown - -']);
  });

  test('need a tunnel that is up, not moved, of a known kind, and in the same namespace', async () => {
    for (const link of [
      { ...tunnel('vxlan', 15), isUp: false },
      { ...tunnel('vxlan', 15), isFromElsewhere: true },
      tunnel('constructor', 15),
      tunnel('vlan', 15),
    ]) {
      open();
      kernel.own.links = [link];
      expect(owners(await read(port(4789)))).toEqual(['unknown - -']);
    }
    open();
    container(500, 60).links = [tunnel('vxlan', 15)];
    expect(owners(await read(port(4789)))).toEqual(['unknown - -']);
  });

  test('exclude ports of TCP and ports held by a program', async () => {
    kernel.own.links = [tunnel('vxlan', 15)];
    start(50, 'decoy', 4789);
    expect(
      owners(await read(port(4789), { cookie: 2, local: '0.0.0.0:4789', state: 'LISTEN', inode: 9 })),
    ).toEqual(['unknown - -', 'exact decoy 50']);
  });
});

describe('when the kernel refuses or sends malformed messages', () => {
  test('rejects the first poll with the reason', async () => {
    kernel.own.trouble.set('tcp', { errno: 1 });
    kernel.own.trouble.set('tcp4', { errno: 13 });
    await expect(read(LISTEN)).rejects.toThrow(/^cannot read the sockets of this machine: error 13$/);
  });

  test('dumps TCP by family if the request for both is refused', async () => {
    kernel.own.trouble.set('tcp', { errno: 22 });
    const six: InetFields = { ...LISTEN, cookie: 3, local: '[::1]:80', inode: 9 };
    const first = await read(LISTEN, six);
    expect([...first.sockets.keys()]).toEqual(['sk:1', 'sk:3']);
    kernel.own.requests = [];
    await read(LISTEN, six);
    expect(kernel.own.requests.slice(0, 2)).toEqual(['tcp4', 'tcp6']);
    expect(kernel.own.requests).not.toContain('tcp');
  });

  test('keeps the sockets of an incomplete dump with a notice, and closes those of other dumps', async () => {
    const udp: InetFields = { cookie: 3, protocol: 'udp', local: '0.0.0.0:53', state: 'CLOSE', inode: 9 };
    kernel.own.trouble.set('tcp', { errno: 22 });
    const first = await read(LISTEN, HELD, udp);
    kernel.own.trouble.set('tcp4', { errno: 105, breaksOffAfter: 1 });
    const second = await read(LISTEN, HELD);
    expect(codes(second)).toContain('stale');
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], closed: ['sk:3'] });
    kernel.own.trouble.delete('tcp4');
    const third = await read(LISTEN);
    expect(codes(third)).not.toContain('stale');
    expect([...third.sockets.keys()]).toEqual(['sk:1']);
  });

  test('keeps sockets of an incomplete dump of other families and namespaces', async () => {
    open({ also: ['unix'] });
    const unix: FakeSocket = { protocol: 'unix', cookie: 3, name: '/run/x', inode: 9 };
    const inner = container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    const first = await read(LISTEN, unix, { protocol: 'packet', cookie: 4, inode: 12 });
    inner.sockets = [];
    kernel.own.trouble.set('unix', { broken: 105 });
    kernel.own.trouble.set('packet', { errno: 1 });
    const second = await read(LISTEN);
    expect(codes(second)).toContain('stale');
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], closed: ['sk:a'] });
    kernel.own.trouble.clear();
    expect([...(await read(LISTEN)).sockets.keys()]).toEqual(['sk:1']);
  });

  test('keeps all sockets after a malformed message, with a notice', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    kernel.own.trouble.set('tcp', {
      datagrams: (sequence) => [
        message(20, new Uint8Array(80), { sequence, length: 4000 }),
        message(3, new Uint8Array(4), { sequence }),
      ],
    });
    const second = await read(LISTEN, HELD);
    expect(notice(second, 'unreadable-messages')).toBe('1 message from the kernel could not be decoded');
    expect(second.sockets).toBe(first.sockets);
  });

  test('counts sockets of an unknown state or family while they exist', async () => {
    const odd: InetFields[] = [
      { ...HELD, cookie: 20, state: 77 },
      { ...HELD, cookie: 21, family: 9 },
    ];
    const expected = '2 messages from the kernel could not be decoded';
    expect(notice(await read(LISTEN, ...odd), 'unreadable-messages')).toBe(expected);
    expect(notice(await read(LISTEN, ...odd), 'unreadable-messages')).toBe(expected);
    // Traffic of an undecodable socket adds no socket.
    const busy = odd.map((it): InetFields => ({ ...it, recvQueue: 5 }));
    const third = await read(LISTEN, ...busy);
    expect(notice(third, 'unreadable-messages')).toBe(expected);
    expect([...third.sockets.keys()]).toEqual(['sk:1']);
    // One of them gets a known state.
    const fourth = await read(LISTEN, { ...HELD, cookie: 20 });
    expect(codes(fourth)).not.toContain('unreadable-messages');
    expect([...fourth.sockets.keys()].sort()).toEqual(['sk:1', 'sk:14']);
  });

  test('counts messages that are too short', async () => {
    kernel.own.trouble.set('packet', {
      datagrams: (sequence) => [
        joined(message(20, new Uint8Array(8), { sequence }), message(3, new Uint8Array(4), { sequence })),
      ],
    });
    kernel.own.trouble.set('udp4', {
      datagrams: (sequence) => [
        joined(message(20, new Uint8Array(71), { sequence }), message(3, new Uint8Array(4), { sequence })),
      ],
    });
    expect(notice(await read(), 'unreadable-messages')).toBe(
      '2 messages from the kernel could not be decoded',
    );
  });

  test('repeats a dump while the table changes, and gives a notice after three', async () => {
    kernel.own.trouble.set('tcp', { interrupted: 1, lacks: 1 });
    const first = await read(LISTEN, HELD);
    expect(first.sockets.size).toBe(2);
    expect(codes(first)).not.toContain('interrupted-dumps');
    kernel.own.requests = [];
    kernel.own.trouble.set('tcp', { interrupted: 1000 });
    const second = await read(LISTEN, HELD);
    expect(kernel.own.requests.filter((it) => it === 'tcp')).toHaveLength(3);
    expect(notice(second, 'interrupted-dumps')).toMatch(
      /^1 socket list of the kernel changed during every read/,
    );
    expect(second.sockets.size).toBe(2);
  });

  test('keeps the owner of a socket that changes between two attempts of a dump', async () => {
    start(50, 'curl', 8);
    let tries = 0;
    const answer = kernel.own.answer.bind(kernel.own);
    kernel.own.trouble.set('tcp', { interrupted: 1 });
    kernel.own.answer = (request, isRoute) => {
      const datagrams = answer(request, isRoute);
      if (kernel.own.requests.at(-1) === 'tcp' && tries++ === 0) kernel.own.sockets = [{ ...TIME_WAIT }];
      return datagrams;
    };
    const snapshot = await read(HELD);
    expect(only(snapshot)).toMatchObject({ id: 'sk:2', state: 'TIME_WAIT' });
    expect(only(await read(HELD))).toMatchObject({ state: 'ESTABLISHED', inode: 8 });
    expect(owners(await read(HELD))).toEqual(['exact curl 50']);
  });

  test('keeps the owner of an inode when one of its subflows closes between two attempts', async () => {
    open({ also: ['mptcp'] });
    start(50, 'phone', 8);
    const whole: InetFields = { ...HELD, protocol: 'mptcp', cookie: 30 };
    await read(whole, HELD);
    kernel.own.trouble.set('tcp', { interrupted: 1 });
    const answer = kernel.own.answer.bind(kernel.own);
    kernel.own.answer = (request, isRoute) => {
      const datagrams = answer(request, isRoute);
      // The second dump lists the subflow in another state.
      kernel.own.sockets = [whole, { ...TIME_WAIT, recvQueue: 1, remote: '127.0.0.1:4001' }];
      return datagrams;
    };
    await read(whole, TIME_WAIT);
    start(51, 'child', 8);
    const { sockets } = await read(whole, TIME_WAIT);
    expect(ownersText(sockets.get('sk:1e') as Socket)).toBe('exact phone 50, exact child 51');
  });

  test('reports unsupported kinds only if requested', async () => {
    open({ also: ['sctp', 'vsock', 'unix'] });
    for (const asked of ['sctp4', 'sctp6', 'vsock', 'raw4', 'udplite6'] as const)
      kernel.own.trouble.set(asked, { errno: 2 });
    const first = await read(LISTEN);
    expect(notice(first, 'missing-kinds')).toBe('this kernel does not list sctp, vsock sockets');
    expect(codes(first)).not.toContain('stale');
    kernel.own.requests = [];
    expect(notice(await read(LISTEN), 'missing-kinds')).toBe('this kernel does not list sctp, vsock sockets');
    expect(kernel.own.requests).not.toContain('vsock');
    expect(kernel.own.requests).not.toContain('raw4');
    expect(kernel.own.requests).toContain('unix');
  });

  test('measures the cost of a poll', async () => {
    start(50, 'web', 7);
    const { sampleMs, ownersMs } = await read(LISTEN);
    expect(sampleMs).toBeGreaterThan(0);
    expect(ownersMs).toBeGreaterThan(0);
  });
});
