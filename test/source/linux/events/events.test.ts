import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../../src/model/socket.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../../../src/source/linux/sockdiag.ts';
import type { KernelEvent } from '../../../../src/source/types.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import { FakeNetlink, FakeNetwork, type FakeSocket, type InetFields } from '../../../helpers/netlink.ts';
import { FakeProc } from '../../../helpers/proc.ts';
import { FakeTrace, type Running } from '../../../helpers/trace.ts';

const OWN = 4026531833;
const START_MS = 1000;
const WALL_MS = 1_700_000_000_000;

/** Maximum wait for the close message of a socket after the trace saw its end, milliseconds. */
const CLOSE_MESSAGE_WAIT_MS = 250;

let fake: FakeProc;
let kernel: FakeNetlink;
let trace: FakeTrace;
let source: SockDiagSource;
let nowMs: number;

interface Options {
  /** Result of opening the trace; by default the reason given to an ordinary user. */
  readonly trace?: FakeTrace | string;
  readonly proc?: Proc;
}

function open({ trace = 'tracing needs root', proc = new Proc(fake.root) }: Options = {}): void {
  source = new SockDiagSource({
    also: [],
    tcpDetails: false,
    ownerBudgetMs: Infinity,
    isRoot: typeof trace !== 'string',
    events: true,
    system: kernel,
    proc,
    passwdPath: '../etc/passwd',
    root: `${fake.root}/..`,
    nowMs: () => nowMs,
    wallMs: () => WALL_MS + nowMs,
    openTrace: () => trace,
  });
}

beforeEach(() => {
  fake = new FakeProc();
  kernel = new FakeNetlink();
  nowMs = START_MS;
  trace = new FakeTrace(() => nowMs);
  fake.link('self/ns/net', `net:[${OWN}]`);
  fake.link('self/ns/pid', 'pid:[4026531836]');
  fake.link('1/ns/net', `net:[${OWN}]`);
  fake.write('self/mountinfo', '');
});
afterEach(() => fake.end());

/** Starts a process in netpane's own namespace. */
function start(pid: number, comm: string, ...inodes: number[]): void {
  fake.start(pid, { comm, fds: Object.fromEntries(inodes.map((inode, i) => [i + 3, inode])) });
  fake.link(`${pid}/ns/net`, `net:[${OWN}]`);
}

/** Starts a container: a namespace with one process. */
function container(inode: number, pid: number, comm: string): FakeNetwork {
  fake.start(pid, { comm });
  fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  const network = new FakeNetwork();
  kernel.networks.set(inode, network);
  return network;
}

const endText = (end: Endpoint | null) => (end ? `${end.address}:${end.port}` : '*');

/** Returns a kernel event as a line: time since the start, type and socket, then further fields after semicolons. */
function line(it: KernelEvent): string {
  const at = it.atMs - START_MS;
  if (it.type === 'gap') return `${at} gap of ${it.missed ?? 'some'} by ${it.learntBy}`;
  if (it.type === 'state') {
    const { id, was, now, owners } = it;
    return `${at} ${id} ${was} ${now}${owners ? `; ${owners.map((owner) => ownersText({ owners: [owner] } as never)).join(', ')}` : ''}`;
  }
  const { id, local, remote, state = '-' } = it.socket;
  const head = `${at} ${it.type} ${id} ${state} ${endText(local)} ${endText(remote)}; ${ownersText(it.socket)}`;
  if (it.type === 'appeared') return head;
  const { lifetimeMs, isAtLeast, remnant, learntBy } = it;
  return [
    head,
    ...(lifetimeMs === undefined ? [] : [`${isAtLeast ? 'at least ' : ''}${lifetimeMs} ms`]),
    ...(remnant ? [`left ${remnant.id} ${remnant.state}`] : []),
    `by ${learntBy}`,
  ].join('; ');
}

const drain = (): readonly KernelEvent[] => source.events?.drain() ?? [];
const drainLines = (): string[] => drain().map(line);

/** Advances the clock. */
const advance = (ms: number): void => void (nowMs += ms);

function read(...sockets: FakeSocket[]) {
  kernel.own.sockets = sockets;
  return source.read();
}

type Ended = KernelEvent & { type: 'ended' };

/** Drains and returns the only event, which is a close. */
function drainOnlyEnd(): Ended {
  const all = drain();
  expect(all.map(({ type }) => type)).toEqual(['ended']);
  return all[0] as Ended;
}

const LISTEN: InetFields = { cookie: 1, local: '0.0.0.0:80', state: 'LISTEN', inode: 7, uid: 1000 };
/** TCP details of a connection after some traffic. */
const WITH_TRAFFIC = {
  rttMicros: 30,
  bytesSent: 100,
  bytesAcked: 100,
  bytesReceived: 200,
  dataSegsIn: 3,
  lastDataSentMs: 40,
  lastDataRecvMs: 70,
} as const;
/** Sockets of both sides of a connection: accepted and connected. */
const ACCEPTED: InetFields = {
  cookie: 0xacc,
  local: '127.0.0.1:80',
  remote: '127.0.0.1:4000',
  info: WITH_TRAFFIC,
};
const CONNECTED: InetFields = {
  cookie: 0xc0,
  local: '127.0.0.1:4000',
  remote: '127.0.0.1:80',
  info: { ...WITH_TRAFFIC, bytesAcked: 101 },
};

describe('close messages for an ordinary user', () => {
  test('name the owners of the listener for an accepted socket', async () => {
    start(50, 'web', 7);
    open();
    await read(LISTEN);
    advance(30);
    kernel.own.destroy(ACCEPTED);
    const end = drainOnlyEnd();
    expect(line(end)).toBe(
      '30 ended sk:acc CLOSE 127.0.0.1:80 127.0.0.1:4000; listener web 50; at least 70 ms; by destroy',
    );
    expect(end.socket).toMatchObject({ netns: { inode: OWN }, uid: 1000, user: 'ana' });
    expect(end.socket).not.toHaveProperty('inode');
    // It is emitted only once.
    expect(drain()).toEqual([]);
  });

  test('give the user of the listener for an accepted socket of another user', async () => {
    // A missing pid 1 means that processes are hidden (hidepid).
    fake.remove('1');
    open();
    await read({ ...LISTEN, uid: 0 });
    kernel.own.destroy(ACCEPTED);
    const { socket } = drainOnlyEnd();
    expect(ownersText(socket)).toBe('hidden - -');
    expect(socket).toMatchObject({ uid: 0, user: 'root' });
  });

  test('name no owner and no user for a connected socket', async () => {
    start(50, 'web', 7);
    open();
    await read(LISTEN);
    kernel.own.destroy(CONNECTED);
    const end = drainOnlyEnd();
    expect(line(end)).toBe(
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -; at least 70 ms; by destroy',
    );
    expect(end.socket).not.toHaveProperty('uid');
    expect(end.socket).not.toHaveProperty('user');
  });

  test('of a container have its namespace and the owners of its own listener', async () => {
    start(50, 'web', 7);
    const there = container(4026532000, 60, 'shop');
    fake.start(60, { comm: 'shop', fds: { 3: 17 } });
    fake.link('60/ns/net', 'net:[4026532000]');
    there.sockets = [{ ...LISTEN, cookie: 2, inode: 17 }];
    open();
    await read(LISTEN);
    there.destroy(ACCEPTED);
    const { socket } = drainOnlyEnd();
    expect(ownersText(socket)).toBe('listener shop 60');
    expect(socket.netns?.inode).toBe(4026532000);
  });

  test('have IPv6 addresses with the interface', async () => {
    open();
    await read();
    kernel.own.destroy({ cookie: 3, local: '[fe80::1]:80', remote: '[fe80::2]:4000', interfaceIndex: 1 });
    expect(drainOnlyEnd().socket).toMatchObject({
      family: 'ipv6',
      local: { address: 'fe80::1%lo', port: 80 },
      remote: { address: 'fe80::2%lo', port: 4000 },
      interface: 'lo',
    });
  });

  test('arrive before the first poll', () => {
    open();
    kernel.own.destroy(CONNECTED);
    expect(drainOnlyEnd().socket.id).toBe('sk:c0');
  });

  test('are sorted by time', () => {
    open();
    kernel.own.destroy(CONNECTED);
    source.events?.collect();
    advance(20);
    kernel.own.destroy(ACCEPTED);
    source.events?.collect();
    advance(20);
    expect(drain().map((it) => it.type === 'ended' && [it.atMs - START_MS, it.socket.id])).toEqual([
      [0, 'sk:c0'],
      [20, 'sk:acc'],
    ]);
  });

  test('of sockets that were never bound are dropped', () => {
    open();
    kernel.own.destroy({ cookie: 5, local: '0.0.0.0:0' });
    kernel.own.destroy({ cookie: 6, protocol: 'udp', local: '0.0.0.0:0' });
    expect(drain()).toEqual([]);
  });

  test('have no user: uid 0 does not mean root', () => {
    open();
    kernel.own.destroy({ ...CONNECTED, uid: 0 });
    const { socket } = drainOnlyEnd();
    expect(socket).not.toHaveProperty('uid');
    expect(socket).not.toHaveProperty('user');
  });
});

describe('UDP', () => {
  test('closes connected and unconnected sockets without owner and traffic', () => {
    open();
    kernel.own.destroy({ cookie: 1, protocol: 'udp', local: '127.0.0.1:53' });
    kernel.own.destroy({ cookie: 2, protocol: 'udp', local: '127.0.0.1:4001', remote: '192.0.2.53:53' });
    expect(drainLines()).toEqual([
      '0 ended sk:1 - 127.0.0.1:53 *; gone - -; by destroy',
      '0 ended sk:2 - 127.0.0.1:4001 192.0.2.53:53; gone - -; by destroy',
    ]);
    // UDP has no remnant to query.
    expect(kernel.own.requests).not.toContain('lookup');
  });
});

describe('bytes of a closed connection', () => {
  const SYN = 1;
  const FIN = 1;
  /** Returns the bytes of a connection that closes with these counters. */
  function bytes(it: InetFields): [rx: number | undefined, tx: number | undefined] {
    kernel.own.destroy(it);
    const { traffic } = drainOnlyEnd().socket;
    return [traffic?.rxBytes, traffic?.txBytes];
  }
  const connected = (info: InetFields['info']): InetFields => ({
    ...CONNECTED,
    info: { rttMicros: 30, bytesSent: 100, dataSegsIn: 3, ...info },
  });
  const accepted = (info: InetFields['info']): InetFields => ({
    ...connected(info),
    ...ACCEPTED,
    info: { rttMicros: 30, bytesSent: 100, dataSegsIn: 3, ...info },
  });

  beforeEach(() => open());

  test('include no FIN if the remnant is in FIN_WAIT2: only this side closed', () => {
    const { info: _, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'FIN_WAIT2', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 }));
    const end = drainOnlyEnd();
    expect(end.remnant).toEqual({ id: 'sk:99', state: 'FIN_WAIT2' });
    expect(end.socket.traffic).toMatchObject({ rxBytes: 200, txBytes: 100 });
  });

  test('exclude the FIN of the peer if the remnant is in TIME_WAIT', () => {
    const { info: _, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 + FIN }));
    const end = drainOnlyEnd();
    expect(end.remnant).toEqual({ id: 'sk:99', state: 'TIME_WAIT' });
    expect(end.socket.traffic).toMatchObject({ rxBytes: 200, txBytes: 100 });
  });

  test('exclude the FIN of the peer if it closed first and no remnant is left', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 + FIN }))).toEqual([200, 100]);
  });

  test('exclude the FIN of the peer on the accepting side while its listener exists', () => {
    kernel.own.sockets = [LISTEN];
    expect(bytes(accepted({ bytesAcked: 100 + FIN, bytesReceived: 200 + FIN }))).toEqual([200, 100]);
    // The listener is not taken for a remnant.
    kernel.own.destroy(accepted({ bytesAcked: 100 + FIN }));
    expect(drainOnlyEnd()).not.toHaveProperty('remnant');
  });

  test('include all bytes if the peer reset the connection', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: 200 }))).toEqual([200, 100]);
    kernel.own.sockets = [LISTEN];
    expect(bytes(accepted({ bytesAcked: 100, bytesReceived: 200 }))).toEqual([200, 100]);
  });

  test('are zero if only the FIN was received, or nothing', () => {
    for (const bytesReceived of [0, FIN]) {
      expect(bytes(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived, dataSegsIn: 0 }))).toEqual([
        0, 100,
      ]);
    }
  });

  test('are zero if only the FIN was received and ours was not acknowledged', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: FIN, dataSegsIn: 0 }))).toEqual([0, 100]);
  });

  test('count retransmitted bytes once', () => {
    expect(
      bytes(connected({ bytesSent: 130, bytesRetrans: 30, bytesAcked: 100 + SYN, bytesReceived: 200 })),
    ).toEqual([200, 100]);
  });

  test('a living connection with the same endpoints is not a remnant', () => {
    kernel.own.sockets = [{ ...CONNECTED, cookie: 0x99 }];
    kernel.own.destroy(CONNECTED);
    expect(drainOnlyEnd()).not.toHaveProperty('remnant');
  });

  test('are missing, like the peer, if this side reset the connection', () => {
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000', info: { rttMicros: 0 } });
    const end = drainOnlyEnd();
    expect(line(end)).toBe('0 ended sk:c0 CLOSE 127.0.0.1:4000 *; gone - -; by destroy');
    expect(end.socket).not.toHaveProperty('traffic');
    // Older kernels keep the address but clear the port.
    kernel.own.destroy({ cookie: 0xc1, local: '127.0.0.1:4000', remote: '127.0.0.1:0' });
    expect(drainOnlyEnd().socket.remote).toBeNull();
  });

  test('are complete if the query for the remnant fails', () => {
    kernel.own.trouble.set('lookup', { broken: 11 });
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: 200 }))).toEqual([200, 100]);
  });
});

describe('the lifetime', () => {
  const life = (info: InetFields['info']) => {
    kernel.own.destroy({ ...CONNECTED, info: { rttMicros: 30, ...info } });
    const { lifetimeMs, isAtLeast } = drainOnlyEnd();
    return [lifetimeMs, isAtLeast];
  };
  beforeEach(() => open());

  test('is at least the time since data was last sent or received, whichever is earlier', () => {
    const both = { bytesSent: 1, dataSegsIn: 1 };
    expect(life({ ...both, lastDataSentMs: 300, lastDataRecvMs: 800 })).toEqual([800, true]);
    expect(life({ ...both, lastDataSentMs: 800, lastDataRecvMs: 300 })).toEqual([800, true]);
  });

  test('is exact if nothing was received or nothing was sent', () => {
    const times = { lastDataSentMs: 300, lastDataRecvMs: 800 };
    expect(life({ ...times, bytesSent: 1, dataSegsIn: 0 })).toEqual([800, false]);
    expect(life({ ...times, bytesSent: 0, dataSegsIn: 1 })).toEqual([800, false]);
    expect(life(times)).toEqual([800, false]);
  });

  test('is absent if no connection was established', () => {
    const { info: _, ...refused } = CONNECTED;
    kernel.own.destroy(refused);
    expect(drainOnlyEnd()).not.toHaveProperty('lifetimeMs');
    kernel.own.destroy({ ...refused, info: { lastDataSentMs: 7 } });
    expect(drainOnlyEnd()).not.toHaveProperty('lifetimeMs');
    kernel.own.destroy({ cookie: 1, local: '127.0.0.1:80' });
    expect(drainOnlyEnd()).not.toHaveProperty('lifetimeMs');
    // They leave no remnant, so none is queried.
    expect(kernel.own.requests).not.toContain('lookup');
  });
});

describe('close messages that exceed the buffer', () => {
  const destroy = (count: number) => {
    for (let i = 0; i < count; i++) kernel.own.destroy({ ...CONNECTED, cookie: 100 + i });
  };

  test('are counted and reported once', () => {
    open();
    kernel.own.bufferSize = 3;
    destroy(10);
    expect(drainLines().map((it) => it.replace(/ended .*/, 'ended'))).toEqual([
      '0 ended',
      '0 ended',
      '0 ended',
      '0 gap of 7 by destroy',
    ]);
    expect(drain()).toEqual([]);
    advance(10);
    destroy(5);
    expect(drainLines().at(-1)).toBe('10 gap of 2 by destroy');
  });

  test('are summed over all namespaces', () => {
    const there = container(4026532000, 60, 'shop');
    open();
    kernel.own.bufferSize = there.bufferSize = 1;
    destroy(3);
    for (let i = 0; i < 4; i++) there.destroy(ACCEPTED);
    expect(drainLines().filter((it) => it.includes('gap'))).toEqual(['0 gap of 5 by destroy']);
  });

  test('are reported without a number if the kernel does not count them', () => {
    kernel.own.countsDrops = false;
    open();
    kernel.own.bufferSize = 1;
    destroy(3);
    expect(drainLines().at(-1)).toBe('0 gap of some by destroy');
    expect(drain()).toEqual([]);
  });

  test('are not reported if they were lost before netpane started', () => {
    kernel.own.drops = 40;
    open();
    destroy(1);
    expect(drain()).toHaveLength(1);
  });

  test('are counted across the overflow of the counter at 2^32', () => {
    kernel.own.drops = 2 ** 32 - 2;
    open();
    kernel.own.bufferSize = 0;
    destroy(3);
    kernel.own.drops = 1;
    expect(drainLines()).toEqual(['0 gap of 3 by destroy']);
  });

  test('do not occur during a poll, which reads the messages', async () => {
    const opening = kernel.open.bind(kernel);
    let received = 0;
    kernel.open = (...where) => {
      const channels = opening(...where);
      const receive = (into: Uint8Array) => {
        advance(10);
        destroy(1);
        received++;
        return channels.diag.receive(into);
      };
      return { ...channels, diag: { send: (request) => channels.diag.send(request), receive } };
    };
    open();
    kernel.own.bufferSize = 15;
    await read(
      ...Array.from({ length: 300 }, (_, i) => ({ ...ACCEPTED, cookie: 1000 + i, inode: 1000 + i })),
    );
    const count = received;
    expect(count).toBeGreaterThan(30);
    expect(drain().map(({ type }) => type)).toEqual(Array(count).fill('ended'));
  });

  test('are not collected again within 10 ms', () => {
    open();
    advance(10);
    source.events?.collect();
    advance(9);
    kernel.own.destroy(CONNECTED);
    source.events?.collect();
    expect(kernel.own.notifications).toHaveLength(1);
    advance(1);
    source.events?.collect();
    expect(kernel.own.notifications).toHaveLength(0);
    expect(drain()).toHaveLength(1);
  });
});

describe('the coverage', () => {
  test('is all closes, with the reason why it is not more', () => {
    open();
    expect(source.events?.coverage).toEqual({
      level: 'closes',
      why: 'tracing needs root',
    });
    expect(source.leftovers).toBeUndefined();
  });

  test('is polls only if the kernel has no groups for close messages', () => {
    kernel.own.reportsCloses = false;
    open();
    expect(source.events?.coverage).toEqual({
      level: 'polls',
      why: 'this kernel does not report closed sockets; tracing needs root',
    });
    expect(drain()).toEqual([]);
  });

  test('is all changes with the trace, which has leftovers', () => {
    open({ trace });
    expect(source.events?.coverage).toEqual({ level: 'changes' });
    expect(source.leftovers).toBe(trace.leftovers);
  });

  test('the next poll has a notice about malformed messages', async () => {
    open({ trace });
    kernel.own.destroy({ ...CONNECTED, family: 99 });
    kernel.own.destroy({ ...CONNECTED, cookie: 2 });
    trace.problems = 2;
    expect(drain()).toHaveLength(1);
    const { degradations } = await read();
    expect(degradations.map(({ text }) => text)).toEqual(['3 messages from the kernel could not be decoded']);
  });
});

/** The running thread connects, closes, or accepts a socket at address `sk` of the kernel. */
const connects = (sk: number, running: Running, local = '127.0.0.1:4000', remote = '127.0.0.1:80') => {
  trace.state(sk, 'CLOSE', 'SYN_SENT', local.replace(/\d+$/, '0'), remote, running);
  trace.state(sk, 'SYN_SENT', 'ESTABLISHED', local, remote);
};
const closes = (sk: number, running: Running, local = '127.0.0.1:4000', remote = '127.0.0.1:80') => {
  trace.state(sk, 'ESTABLISHED', 'FIN_WAIT1', local, remote, running);
  trace.state(sk, 'FIN_WAIT1', 'FIN_WAIT2', local, remote);
  trace.state(sk, 'FIN_WAIT2', 'CLOSE', local, remote);
};
const accepts = (sk: number, local = '127.0.0.1:80', remote = '127.0.0.1:4000') => {
  trace.state(sk, 'LISTEN', 'SYN_RECV', local, remote, { tid: 70, inInterrupt: true });
  trace.state(sk, 'SYN_RECV', 'ESTABLISHED', local, remote, { tid: 70, inInterrupt: true });
};

describe('the owner of a connecting socket in the trace', () => {
  beforeEach(() => open({ trace }));

  test('emits every state change between two polls, in order, with the acting process', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    advance(10);
    closes(0xa, { tid: 70 });
    advance(1);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    advance(30);
    expect(drainLines()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '10 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70',
      '10 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '11 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 11 ms; by destroy',
    ]);
    expect(drain()).toEqual([]);
  });

  test('waits for a close message that a later drain receives, then emits all events in order', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    expect(drain()).toEqual([]);
    advance(50);
    kernel.own.destroy(CONNECTED);
    const all = drainLines();
    expect(all.map((it) => it.split(' ', 2).join(' '))).toEqual([
      '0 appeared',
      '0 sk:c0',
      '0 sk:c0',
      '0 sk:c0',
      '0 ended',
    ]);
    expect(all.at(-1)).toContain('by destroy');
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drain()).toEqual([]);
  });

  test('emits spawn and close of a refused connection', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'CLOSE', '127.0.0.1:4000', '127.0.0.1:81');
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000' });
    expect(drainLines()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:81; exact curl 70',
      '0 ended sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:81; exact curl 70; 0 ms; by destroy',
    ]);
  });

  test('emits nothing for a connection without a free local port', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'CLOSE', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.destroy(0xa, 0xc0);
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drain()).toEqual([]);
  });

  test('keeps both ports of a connection whose last record has none after a reset', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    trace.state(0xa, 'ESTABLISHED', 'CLOSE', '0.0.0.0:0', '0.0.0.0:0', { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ cookie: 0xc0, local: '0.0.0.0:0' });
    expect(drainLines().at(-1)).toBe(
      '0 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 0 ms; by destroy',
    );
  });

  test('is the process of a thread, older than the trace or not', () => {
    start(70, 'java');
    fake.thread(71, 70, 'pool-1');
    connects(0xa, { tid: 71 });
    trace.destroy(0xa, 1);
    kernel.own.destroy({ ...CONNECTED, cookie: 1 });
    trace.thread(71, 72, 'pool-2');
    connects(0xb, { tid: 72 });
    trace.destroy(0xb, 2);
    kernel.own.destroy({ ...CONNECTED, cookie: 2 });
    const owners = drain()
      .filter((it): it is Ended => it.type === 'ended')
      .map(({ socket }) => ownersText(socket));
    expect(owners).toEqual(['exact java 70', 'exact java 70']);
  });

  /** Returns the owner of a connection that a thread makes and closes now. */
  let connections = 0;
  function ownerNow(tid: number): string {
    const cookie = 1000 + connections++;
    connects(cookie, { tid });
    trace.destroy(cookie, cookie);
    kernel.own.destroy({ ...CONNECTED, cookie });
    return ownersText((drain().at(-1) as Ended).socket);
  }

  test('has both names if the process executes another program after it connected', () => {
    trace.fork(50, 70, 'python3');
    connects(0xa, { tid: 70 });
    trace.rename(70, 'python3', 'sleep');
    trace.exec(70, '/usr/bin/sleep');
    fake.start(70, { comm: 'sleep', exe: '/usr/bin/sleep' });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const owners = drain().flatMap((it) =>
      it.type === 'ended' || it.type === 'appeared' ? it.socket.owners : [],
    );
    expect(owners).toMatchObject([
      { knowledge: 'exact', pid: 70, process: 'python3', nowProcess: 'sleep' },
      { knowledge: 'exact', pid: 70, process: 'python3', nowProcess: 'sleep' },
    ]);
  });

  test('comes before a process that receives the socket and closes it', () => {
    start(70, 'curl');
    start(80, 'dbus-daemon');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: 80 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(ownersText((drain().at(-1) as Ended).socket)).toBe('exact curl 70, exact dbus-daemon 80');
  });

  test('records that arrive while /proc is read belong to the next drain', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    trace.onDrained = () => {
      trace.onDrained = () => undefined;
      closes(0xa, { tid: 70 });
      trace.destroy(0xa, 0xc0);
    };
    expect(drain()).toEqual([]);
    kernel.own.destroy(CONNECTED);
    expect(drainLines().map((it) => it.split(' ')[1])).toEqual([
      'appeared',
      'sk:c0',
      'sk:c0',
      'sk:c0',
      'ended',
    ]);
  });

  test('is the program that an ended process executed', () => {
    trace.fork(50, 80, 'bash');
    trace.exec(80, '/usr/bin/curl');
    connects(0xa, { tid: 80 });
    trace.exit(80);
    closes(0xa, { tid: 80 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const end = drain().at(-1) as Ended;
    expect(end.socket.owners).toEqual([
      { knowledge: 'exact', pid: 80, process: 'curl', exe: '/usr/bin/curl' },
    ]);
  });

  test.each([true, 'unreported'] as const)(
    'does not read /proc for an ended process, whose pid may be reused (last: %s)',
    (isLast) => {
      trace.exec(80, '/usr/bin/curl');
      trace.exit(80, isLast);
      fake.start(80, { comm: 'later', exe: '/usr/bin/later' });
      expect(ownerNow(80)).toBe('exact curl 80');
    },
  );

  test('has the full name of an ended process beyond 15 bytes', () => {
    trace.fork(50, 80, 'bash');
    trace.exec(80, '/usr/bin/systemd-resolve-monitor');
    trace.exit(80);
    expect(ownerNow(80)).toBe('exact systemd-resolve-monitor 80');
  });

  test('has the name of the parent and its own pid for a fork without exec', () => {
    trace.fork(50, 80, 'worker');
    trace.exit(80);
    expect(ownerNow(80)).toBe('exact worker 80');
    // The child runs the same file as its parent.
    trace.exec(81, '/opt/very-long-program-name');
    trace.fork(81, 82, 'very-long-progr');
    trace.exit(82);
    expect(ownerNow(82)).toBe('exact very-long-program-name 82');
  });

  test('has all fields of /proc for a living process', () => {
    fake.start(70, { comm: 'python3', exe: '/usr/bin/python3.12', args: ['python3', 'get.py'] });
    // A script: `exe` is its interpreter.
    trace.exec(70, '/opt/get.py');
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const end = drain().at(-1) as Ended;
    expect(end.socket.owners).toEqual([
      expect.objectContaining({
        knowledge: 'exact',
        pid: 70,
        process: 'python3',
        command: 'python3 get.py',
        exe: '/usr/bin/python3.12',
        startedAtMs: 1_700_000_001_000,
      }),
    ]);
  });

  test('is the new process after a pid was reused', () => {
    trace.exec(80, '/usr/bin/curl');
    expect(ownerNow(80)).toBe('exact curl 80');
    trace.exit(80);
    advance(100);
    trace.fork(50, 80, 'bash');
    expect(ownerNow(80)).toBe('exact bash 80');
    // Still so after the first one was removed.
    advance(60_000);
    drain();
    expect(ownerNow(80)).toBe('exact bash 80');
  });

  test('is unknown for an ended process that was never traced', () => {
    expect(ownerNow(99)).toBe('gone - -');
  });

  test('is never a kernel thread, older than the trace or not', () => {
    fake.start(2, { comm: 'kthreadd', flags: 0x00200000 });
    fake.start(90, { comm: 'kworker/0:1', flags: 0x00200000 });
    expect(ownerNow(90)).toBe('gone - -');
    trace.fork(2, 91, 'kthreadd');
    fake.start(91, { comm: 'kworker/1:7', flags: 0x00200000 });
    expect(ownerNow(91)).toBe('gone - -');
    // A program that a kernel thread executes is an owner.
    trace.fork(91, 92, 'kworker/1:7');
    trace.exec(92, '/sbin/modprobe');
    expect(ownerNow(92)).toBe('exact modprobe 92');
  });

  test('is the process, by its name, for a thread that is older than the trace', () => {
    trace.exec(80, '/usr/bin/worker');
    fake.thread(81, 80, 'pool-1');
    expect(ownerNow(81)).toBe('exact worker 80');
  });

  test('is unknown for a thread of an unknown process, not a process with that number', () => {
    trace.thread(98, 99, 'pool');
    expect(ownerNow(99)).toBe('gone - -');
    // Nor the process that had the number before.
    trace.exec(80, '/usr/bin/curl');
    expect(ownerNow(80)).toBe('exact curl 80');
    trace.thread(98, 80, 'pool');
    expect(ownerNow(80)).toBe('gone - -');
  });

  test('is not the process that an interrupt occurred in', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:80', { tid: 70, inInterrupt: true });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(ownersText((drain().at(-1) as Ended).socket)).toBe('gone - -');
  });

  test('emits one life for a socket that connects to itself', () => {
    start(70, 'odd');
    const self = '127.0.0.1:4000';
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', self, { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'SYN_RECV', self, self);
    trace.state(0xa, 'SYN_RECV', 'ESTABLISHED', self, self);
    advance(5);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ ...CONNECTED, remote: self });
    expect(drainLines()).toEqual([
      `0 appeared sk:c0 SYN_SENT ${self} ${self}; exact odd 70`,
      '0 sk:c0 SYN_SENT SYN_RECV',
      '0 sk:c0 SYN_RECV ESTABLISHED',
      `5 ended sk:c0 ESTABLISHED ${self} ${self}; exact odd 70; 5 ms; by destroy`,
    ]);
  });

  test('distinguishes two sockets at the same kernel address', () => {
    start(70, 'curl');
    start(71, 'wget');
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    connects(0xa, { tid: 71 }, '127.0.0.1:4001');
    trace.destroy(0xa, 0xc1);
    kernel.own.destroy(CONNECTED);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xc1, local: '127.0.0.1:4001' });
    expect(drainLines().filter((it) => it.includes('ended'))).toEqual([
      expect.stringContaining('sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70'),
      expect.stringContaining('sk:c1 ESTABLISHED 127.0.0.1:4001 127.0.0.1:80; exact wget 71'),
    ]);
  });
});

describe('the owner of an accepted socket in the trace', () => {
  const ended = () =>
    drain()
      .filter((it): it is Ended => it.type === 'ended')
      .map(({ socket }) => ownersText(socket));

  test('is that of the listener of the last poll until a process closes the socket', async () => {
    start(50, 'web', 7);
    open({ trace });
    await read(LISTEN);
    accepts(0xb);
    advance(5);
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(drainLines()).toEqual([
      '0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; listener web 50',
      '0 sk:acc SYN_RECV ESTABLISHED',
      '5 ended sk:acc ESTABLISHED 127.0.0.1:80 127.0.0.1:4000; listener web 50; 5 ms; by destroy',
    ]);
  });

  test('is the worker of the listener that closes it', async () => {
    start(50, 'web', 7);
    start(51, 'web-worker', 7);
    open({ trace });
    await read(LISTEN);
    accepts(0xb);
    closes(0xb, { tid: 51 }, '127.0.0.1:80', '127.0.0.1:4000');
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['exact web-worker 51']);
  });

  test('is that of a listener that no poll has seen yet', async () => {
    start(60, 'fresh');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    accepts(0xb);
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['listener fresh 60']);
    // After the listener closed, the owner is unknown.
    trace.state(0x1, 'LISTEN', 'CLOSE', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    trace.destroy(0x1, 0x11);
    kernel.own.destroy({ cookie: 0x11, local: '0.0.0.0:80' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 0xacd });
    expect(ended()).toEqual(['exact fresh 60', 'gone - -']);
  });

  test('is all holders of the listener once a poll has seen it', async () => {
    start(60, 'fresh', 7);
    start(61, 'fresh-worker', 7);
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    await read(LISTEN);
    drain();
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['listener fresh 60, listener fresh-worker 61']);
  });

  test('is that of a listener on its address, or on any address of both families', async () => {
    start(60, 'fresh');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '[::]:80', '[::]:0', { tid: 60 });
    trace.state(0x2, 'CLOSE', 'LISTEN', '127.0.0.1:81', '0.0.0.0:0', { tid: 60 });
    kernel.own.destroy({ ...ACCEPTED, local: '[::ffff:127.0.0.1]:80', remote: '[::ffff:127.0.0.1]:4000' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 2, local: '127.0.0.1:81' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 3, local: '127.0.0.2:81' });
    expect(ended()).toEqual(['listener fresh 60', 'listener fresh 60', 'gone - -']);
  });

  test('is not that of a listener of another namespace', async () => {
    container(4026532000, 60, 'shop');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['gone - -']);
    kernel.networks.get(4026532000)?.destroy({ ...ACCEPTED, cookie: 2 });
    expect(ended()).toEqual(['listener shop 60']);
  });
});

describe('sockets that live on', () => {
  const LIVING: InetFields = { ...CONNECTED, inode: 70_000, uid: 1000 };

  test('are queried once: the first state is emitted as a spawn, then the others', () => {
    start(70, 'curl');
    open({ trace });
    kernel.own.sockets = [LIVING];
    connects(0xa, { tid: 70 });
    advance(10);
    const all = drain();
    expect(all.map(line)).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
    ]);
    expect(all[0]).toMatchObject({
      socket: { inode: 70_000, uid: 1000, user: 'ana', traffic: { rxBytes: 200, txBytes: 100 } },
    });
    // Only new state changes are emitted from then on, without another query.
    kernel.own.requests = [];
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    expect(drainLines()).toEqual(['10 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70']);
    expect(kernel.own.requests).toEqual([]);
    advance(5);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '15 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 15 ms; by destroy',
    ]);
  });

  test('are queried in the namespace of the process', () => {
    container(4026532000, 60, 'shop').sockets = [{ ...LIVING, cookie: 0x77 }];
    open({ trace });
    kernel.own.sockets = [LIVING];
    connects(0xa, { tid: 60 });
    const [first] = drain();
    expect(first).toMatchObject({ socket: { id: 'sk:77', netns: { inode: 4026532000 } } });
  });

  test('have their holder as owner, or that of their listener', async () => {
    start(50, 'web', 7, 8);
    open({ trace });
    const held: InetFields = { ...ACCEPTED, cookie: 2, inode: 8, remote: '127.0.0.1:4001' };
    await read(LISTEN, held);
    kernel.own.sockets = [LISTEN, { ...ACCEPTED, inode: 0 }, held];
    accepts(0xb);
    accepts(0xc, '127.0.0.1:80', '127.0.0.1:4001');
    expect(drainLines().filter((it) => it.includes('appeared'))).toEqual([
      '0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; listener web 50',
      '0 appeared sk:2 SYN_RECV 127.0.0.1:80 127.0.0.1:4001; exact web 50',
    ]);
  });

  test('are pending if the next poll has to find the holder', () => {
    open({ trace });
    kernel.own.sockets = [{ ...ACCEPTED, inode: 9 }];
    accepts(0xb);
    expect(drainLines()[0]).toBe('0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; pending - -');
  });

  test('include listeners', () => {
    start(60, 'fresh');
    open({ trace });
    kernel.own.sockets = [{ ...LISTEN, local: '127.0.0.1:81' }];
    trace.state(0x1, 'CLOSE', 'LISTEN', '127.0.0.1:81', '0.0.0.0:0', { tid: 60 });
    expect(drainLines()).toEqual(['0 appeared sk:1 LISTEN 127.0.0.1:81 *; exact fresh 60']);
  });

  test('are not confused with their listener', () => {
    start(50, 'web', 7);
    open({ trace });
    kernel.own.sockets = [LISTEN];
    accepts(0xb);
    expect(drain()).toEqual([]);
  });

  test('are not confused with a TIME_WAIT remnant', () => {
    start(70, 'curl');
    open({ trace });
    const { info: _, ...bare } = CONNECTED;
    connects(0xa, { tid: 70 });
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    // It closed between the trace and the query.
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    expect(drain()).toEqual([]);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines().map((it) => it.split('; ')[0])).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '0 sk:c0 ESTABLISHED FIN_WAIT1',
      '0 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80'.replace('ESTABLISHED', 'FIN_WAIT1'),
    ]);
  });

  test('have no spawn if they are older than netpane', async () => {
    start(70, 'curl', 70_000);
    open({ trace });
    await read(LIVING);
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    expect(drainLines()).toEqual(['0 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70']);
    trace.state(0xa, 'FIN_WAIT1', 'FIN_WAIT2', '127.0.0.1:4000', '127.0.0.1:80');
    trace.state(0xa, 'FIN_WAIT2', 'CLOSE', '127.0.0.1:4000', '127.0.0.1:80');
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; at least 70 ms; by destroy',
    ]);
  });

  test('have no spawn but every state change if they are older and close at once', () => {
    start(70, 'curl');
    open({ trace });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '0 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70',
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; at least 70 ms; by destroy',
    ]);
  });

  test('a FIN in the trace does not count as a received byte', () => {
    open({ trace });
    accepts(0xb);
    trace.state(0xb, 'ESTABLISHED', 'CLOSE_WAIT', '127.0.0.1:80', '127.0.0.1:4000');
    trace.destroy(0xb, 0xacc);
    // It was reset then, so that ours was not acknowledged.
    kernel.own.destroy({ ...ACCEPTED, info: { ...WITH_TRAFFIC, bytesReceived: 201 } });
    expect((drain().at(-1) as Ended).socket.traffic?.rxBytes).toBe(200);
  });
});

describe('closes without a close message', () => {
  function lose(sk: number, cookie: number, port: number): void {
    connects(sk, { tid: 70 }, `127.0.0.1:${port}`);
    trace.destroy(sk, cookie);
    kernel.own.destroy({ ...CONNECTED, cookie, local: `127.0.0.1:${port}` });
  }

  test('are emitted from the trace after the wait for the message', () => {
    start(70, 'curl');
    open({ trace });
    connects(0xa, { tid: 70 });
    advance(10);
    trace.destroy(0xa, 0xc0);
    advance(CLOSE_MESSAGE_WAIT_MS - 1);
    expect(drain()).toEqual([]);
    advance(1);
    expect(drainLines()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '10 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 10 ms; by trace',
    ]);
    expect(drain()).toEqual([]);
  });

  test('are not part of the gap', () => {
    start(70, 'curl');
    open({ trace });
    kernel.own.bufferSize = 1;
    for (let i = 0; i < 4; i++) lose(0xa + i, 0xc0 + i, 4000 + i);
    // UDP closes are not traced.
    for (let i = 0; i < 2; i++) kernel.own.destroy({ ...CONNECTED, protocol: 'udp', cookie: i });
    const first = drainLines();
    expect(first.filter((it) => it.includes('ended'))).toHaveLength(1);
    advance(CLOSE_MESSAGE_WAIT_MS);
    const then = drainLines();
    expect(then.filter((it) => it.includes('ended') && it.includes('by trace'))).toHaveLength(3);
    expect([...first, ...then].filter((it) => it.includes('gap'))).toEqual(['0 gap of 2 by destroy']);
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drain()).toEqual([]);
  });

  test('do not reduce a later gap', () => {
    start(70, 'curl');
    open({ trace });
    // The kernel sends no close message for its own sockets.
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drainLines().at(-1)).toContain('ended');
    advance(1000);
    kernel.own.bufferSize = 0;
    kernel.own.destroy({ ...CONNECTED, protocol: 'udp' });
    const first = drainLines();
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect([...first, ...drainLines()]).toEqual([expect.stringContaining('gap of 1 by destroy')]);
  });

  test('a close message is enough without records of the socket', () => {
    open({ trace });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -; at least 70 ms; by destroy',
    ]);
  });
});

describe('the trace', () => {
  test('names no owner from before records were lost', () => {
    start(70, 'curl');
    open({ trace });
    start(80, 'old');
    trace.exec(80, '/usr/bin/old');
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 80 });
    trace.route('127.0.0.1:5000', '192.0.2.53:53', { tid: 80 });
    connects(0xa, { tid: 80 });
    drain();
    // The lost records include the end of all these.
    trace.lost = 12;
    start(80, 'new');
    connects(0xb, { tid: 80 }, '127.0.0.1:4001');
    trace.destroy(0xb, 0xcb);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xcb, local: '127.0.0.1:4001' });
    const ends = drainLines();
    expect(ends).toContain('0 gap of 12 by trace');
    expect(ends.find((it) => it.includes('ended'))).toContain('inherited new 80');
    trace.state(0xa, 'ESTABLISHED', 'CLOSE', '127.0.0.1:4002', '127.0.0.1:80');
    trace.destroy(0xa, 0xca);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xca, local: '127.0.0.1:4002' });
    kernel.own.destroy(ACCEPTED);
    kernel.own.destroy({ cookie: 5, protocol: 'udp', local: '127.0.0.1:5000' });
    expect(drainLines().map((it) => it.split('; ').slice(0, 2).join('; '))).toEqual([
      '0 ended sk:ca CLOSE 127.0.0.1:4002 127.0.0.1:80; gone - -',
      '0 ended sk:acc CLOSE 127.0.0.1:80 127.0.0.1:4000; gone - -',
      '0 ended sk:5 - 127.0.0.1:5000 *; gone - -',
    ]);
  });

  test('distinguishes two sockets at one address by their ports if records were lost', () => {
    start(70, 'web');
    open({ trace });
    trace.state(0xa, 'CLOSE_WAIT', 'LAST_ACK', '127.0.0.1:80', '127.0.0.1:4000', { tid: 70 });
    trace.state(0xb, 'CLOSE_WAIT', 'LAST_ACK', '127.0.0.1:80', '127.0.0.1:4001', { tid: 70 });
    trace.lost = 12;
    trace.destroy(0xa, 0xc0);
    trace.state(0xb, 'FIN_WAIT1', 'FIN_WAIT2', '127.0.0.1:4001', '127.0.0.1:80');
    trace.destroy(0xb, 0xc1);
    kernel.own.destroy(CONNECTED);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xc1, local: '127.0.0.1:4001' });
    const ends = drainLines().filter((it) => it.includes('ended'));
    expect(ends.map((it) => it.split('; ').slice(0, 2).join('; '))).toEqual([
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -',
      '0 ended sk:c1 FIN_WAIT2 127.0.0.1:4001 127.0.0.1:80; gone - -',
    ]);
  });

  test('does not name the parent of a process whose exec may be lost', () => {
    start(70, 'bash');
    open({ trace });
    trace.lost = 12;
    trace.fork(70, 81, 'bash');
    connects(0xa, { tid: 81 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines().find((it) => it.includes('ended'))).toContain('; gone - -; ');
  });

  test('is closed after a failure; its reason is reported, and close messages continue', () => {
    start(70, 'curl');
    open({ trace });
    start(80, 'old');
    trace.exec(80, '/usr/bin/old');
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 80 });
    trace.route('127.0.0.1:5000', '192.0.2.53:53', { tid: 80 });
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    drain();
    trace.failure = 'reading the trace failed with error 5';
    advance(CLOSE_MESSAGE_WAIT_MS);
    // The events before the failure are emitted.
    expect(drainLines().at(-1)).toContain('ended sk:c0');
    expect(source.events?.coverage).toEqual({
      level: 'closes',
      why: 'tracing stopped: reading the trace failed with error 5',
    });
    expect(trace.closed).toBe(1);
    expect(source.leftovers).toBeUndefined();
    kernel.own.destroy({ ...CONNECTED, cookie: 4 });
    kernel.own.destroy(ACCEPTED);
    kernel.own.destroy({ cookie: 5, protocol: 'udp', local: '127.0.0.1:5000' });
    expect(drain().map((it) => it.type === 'ended' && ownersText(it.socket))).toEqual(
      Array(3).fill('gone - -'),
    );
  });

  test('and all netlink sockets are closed once', async () => {
    open({ trace });
    await read();
    expect(kernel.openCount).toBe(1);
    source.close();
    expect([trace.closed, kernel.openCount]).toEqual([1, 0]);
    source.close();
    expect(kernel.openCount).toBe(0);
  });
});

describe('the owner of a closed UDP socket', () => {
  const owner = (it: InetFields): string => {
    kernel.own.destroy({ protocol: 'udp', ...it });
    return ownersText(drainOnlyEnd().socket);
  };

  test('is the only process that sent from its port and address', () => {
    start(70, 'dig');
    start(71, 'host');
    open({ trace });
    trace.route('0.0.0.0:5000', '192.0.2.53:53', { tid: 70 });
    trace.route('0.0.0.0:5001', '192.0.2.53:53', { tid: 70 });
    trace.route('0.0.0.0:5001', '192.0.2.53:53', { tid: 71 });
    trace.route('[::]:5000', '[2001:db8::1]:53', { tid: 71 });
    expect(owner({ cookie: 1, local: '192.0.2.1:5000', remote: '192.0.2.53:53' })).toBe('sender dig 70');
    expect(owner({ cookie: 2, local: '0.0.0.0:5001' })).toBe('unknown - -');
    expect(owner({ cookie: 3, local: '[::]:5000' })).toBe('sender host 71');
    // The next socket with that port has another owner.
    expect(owner({ cookie: 4, local: '192.0.2.1:5000', remote: '192.0.2.53:53' })).toBe('gone - -');
  });

  test('is not a process of another network namespace', () => {
    start(70, 'evil');
    start(71, 'decoy');
    fake.link('71/ns/net', 'net:[4026532000]');
    open({ trace });
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 70 });
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 71 });
    expect(owner({ cookie: 1, local: '127.0.0.1:5000' })).toBe('sender evil 70');
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 71 });
    expect(owner({ cookie: 2, local: '127.0.0.1:5000' })).toBe('gone - -');
  });

  test('is an ended process in the namespace that it started in', () => {
    start(60, 'bash');
    start(61, 'runc');
    fake.link('61/ns/net', 'net:[4026532000]');
    open({ trace });
    trace.fork(60, 70, 'dig');
    trace.fork(70, 75, 'dig');
    trace.fork(61, 71, 'decoy');
    trace.fork(60, 72, 'unshare', true);
    const ports: readonly [number, number][] = [
      [70, 5000],
      [75, 5001],
      [71, 5002],
      [72, 5003],
    ];
    for (const [tid, port] of ports) trace.route(`127.0.0.1:${port}`, '127.0.0.1:53', { tid });
    for (const [tid] of ports) trace.exit(tid);
    expect(ports.map(([, port]) => owner({ cookie: port, local: `127.0.0.1:${port}` }))).toEqual([
      'sender dig 70',
      'sender dig 75',
      'gone - -',
      'unknown - -',
    ]);
  });

  test('is the sender whose pid was reused before /proc is read', () => {
    start(60, 'bash');
    open({ trace });
    trace.fork(60, 70, 'dig');
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 70 });
    trace.exit(70);
    trace.fork(60, 70, 'nginx');
    start(70, 'nginx');
    expect(owner({ cookie: 1, local: '127.0.0.1:5000' })).toBe('sender dig 70');
  });

  test('is unknown while another socket has the same port', () => {
    start(70, 'avahi');
    open({ trace });
    kernel.own.sockets = [{ protocol: 'udp', cookie: 9, local: '0.0.0.0:5353', inode: 9 }];
    trace.route('0.0.0.0:5353', '224.0.0.251:5353', { tid: 70 });
    kernel.own.destroy({ protocol: 'udp', cookie: 1, local: '0.0.0.0:5353' });
    expect(drainOnlyEnd().socket.owners).toEqual([
      {
        knowledge: 'unknown',
        tried: 'a program sent from its address and port, but another socket uses them too',
      },
    ]);
    kernel.own.sockets = [];
    expect(owner({ cookie: 9, local: '0.0.0.0:5353' })).toBe('sender avahi 70');
  });

  test('is unknown if the close of the previous socket may be lost', () => {
    start(70, 'dig');
    open({ trace });
    trace.route('0.0.0.0:5000', '192.0.2.53:53', { tid: 70 });
    kernel.own.bufferSize = 0;
    kernel.own.destroy({ cookie: 1, protocol: 'udp', local: '192.0.2.1:5000' });
    drain();
    kernel.own.bufferSize = Infinity;
    expect(owner({ cookie: 2, local: '192.0.2.1:5000' })).toBe('gone - -');
  });

  test('is not a process interrupted by a send, nor a kernel thread', () => {
    start(70, 'dig');
    fake.start(90, { comm: 'kworker', flags: 0x00200000 });
    open({ trace });
    trace.route('192.0.2.1:5000', '192.0.2.53:53', { tid: 70, inInterrupt: true });
    trace.route('192.0.2.1:5001', '192.0.2.53:53', { tid: 90 });
    expect(owner({ cookie: 1, local: '192.0.2.1:5000' })).toBe('gone - -');
    expect(owner({ cookie: 2, local: '192.0.2.1:5001' })).toBe('gone - -');
  });
});

describe('many UDP packets', () => {
  const route = (port: number) => trace.route(`192.0.2.1:${port}`, '192.0.2.53:53', { tid: 70 });
  const ownerOf = (port: number): string => {
    kernel.own.destroy({ cookie: port, protocol: 'udp', local: `192.0.2.1:${port}` });
    return ownersText(drainOnlyEnd().socket);
  };
  beforeEach(() => {
    start(70, 'dig');
    open({ trace });
    drain();
  });

  test('keep the senders of the 10,000 most recent ports', () => {
    for (let port = 1; port <= 10_000; port++) route(port);
    route(1);
    route(10_001);
    expect(drain()).toEqual([]);
    expect([1, 2, 3, 10_001].map(ownerOf)).toEqual([
      'sender dig 70',
      'gone - -',
      'sender dig 70',
      'sender dig 70',
    ]);
  });

  test.each([
    [19_999, true],
    [20_000, false],
  ])('%i per second are traced: %s', (count, isTraced) => {
    for (let i = 0; i < count; i++) route(1);
    advance(1000);
    drain();
    expect(trace.hasRoutes).toBe(isTraced);
    expect(source.events?.coverage).toEqual({
      level: 'changes',
      ...(!isTraced && {
        why: 'programs of short-lived UDP sockets are unknown: too many packets to trace',
      }),
    });
    // Records that the kernel wrote before it stopped are ignored.
    route(2);
    drain();
    expect([1, 2].map(ownerOf)).toEqual(Array(2).fill(isTraced ? 'sender dig 70' : 'gone - -'));
  });

  test('stay traced if they exceed the limit only briefly', () => {
    for (let i = 0; i < 30_000; i++) route(1);
    advance(2000);
    drain();
    expect(trace.hasRoutes).toBe(true);
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const used = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  /** Returns the bytes of memory kept per turn. */
  const keptOf = (turns: number, turn: (i: number) => void): number => {
    for (let i = 0; i < turns / 2; i++) turn(i);
    const before = used();
    for (let i = 0; i < turns; i++) turn(turns + i);
    return (used() - before) / turns;
  };

  test('is released after a close, however it was learnt', () => {
    start(70, 'curl');
    open({ trace });
    const kept = keptOf(10_000, (i) => {
      const place = { local: `127.0.0.1:${1 + (i % 60_000)}` };
      // Closed by both, by the trace, by the message; a living socket; a listener.
      connects(i, { tid: 70 }, place.local);
      trace.destroy(i, 5 * i);
      kernel.own.destroy({ ...CONNECTED, ...place, cookie: 5 * i });
      accepts(i, '127.0.0.1:80', place.local);
      trace.destroy(i, 5 * i + 1);
      kernel.own.destroy({ ...CONNECTED, ...place, cookie: 5 * i + 2 });
      kernel.own.sockets = [{ ...CONNECTED, ...place, cookie: 5 * i + 3 }];
      connects(-i, { tid: 70 }, place.local);
      trace.state(1e9 + i, 'CLOSE', 'LISTEN', place.local, '0.0.0.0:0', { tid: 70 });
      drain();
      trace.destroy(-i, 5 * i + 3);
      trace.state(1e9 + i, 'LISTEN', 'CLOSE', place.local, '0.0.0.0:0', { tid: 70 });
      trace.destroy(1e9 + i, 5 * i + 4);
      kernel.own.requests = [];
      advance(CLOSE_MESSAGE_WAIT_MS);
    });
    expect(kept).toBeLessThan(50);
  });

  test('is released after the end of a process or thread of any kind', () => {
    open({ trace });
    const kept = keptOf(50_000, (i) => {
      const pid = 10 * (i + 10);
      trace.fork(1, pid, 'sh');
      trace.exec(pid, '/usr/bin/worker');
      trace.thread(pid, pid + 1, 'pool');
      trace.exit(pid, false);
      trace.exit(pid + 1, true);
      // Unknown threads, and a kernel that does not report the last thread of a process.
      trace.exit(pid + 2);
      trace.exit(pid + 3, 'unreported');
      trace.fork(pid, pid + 4, 'sh');
      trace.exit(pid + 4, 'unreported');
      if (i % 100 === 0) drain();
      advance(50);
    });
    expect(kept).toBeLessThan(15);
  });

  test('is released of a process that was read while it ended', () => {
    open({ trace });
    let named = 0;
    const kept = keptOf(2000, (i) => {
      const pid = 100 + i;
      start(pid, 'old');
      trace.exit(pid);
      connects(pid, { tid: pid });
      trace.destroy(pid, pid);
      kernel.own.destroy({ ...CONNECTED, cookie: pid });
      if (ownersText((drain().at(-1) as Ended).socket) === `exact old ${pid}`) named++;
      fake.remove(String(pid));
      advance(50);
    });
    expect(named).toBe(3000);
    expect(kept).toBeLessThan(200);
  });
});
