import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../src/model/socket.ts';
import { Proc } from '../../../src/source/linux/proc.ts';
import { SockDiagSource } from '../../../src/source/linux/sockdiag.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { ownersText } from '../../helpers/fakes.ts';
import { FakeNetlink, FakeNetwork, type FakeSocket, type InetFields } from '../../helpers/netlink.ts';
import { FakeProc } from '../../helpers/proc.ts';
import { FakeTrace, type Running } from '../../helpers/trace.ts';

const OWN = 4026531833;
const START_MS = 1000;
const WALL_MS = 1_700_000_000_000;

/** The kernel's last word of a socket is waited for so long, milliseconds, when the trace has told of its end. */
const LAST_WORD_MS = 250;

let fake: FakeProc;
let kernel: FakeNetlink;
let trace: FakeTrace;
let source: SockDiagSource;
let nowMs: number;

interface Options {
  /** What opening the trace gives; an ordinary user's answer unless said. */
  readonly trace?: FakeTrace | string;
  readonly proc?: Proc;
}

function open({
  trace = 'the trace of every state change takes root',
  proc = new Proc(fake.root),
}: Options = {}): void {
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

/** A process of our own namespace. */
function start(pid: number, comm: string, ...inodes: number[]): void {
  fake.start(pid, { comm, fds: Object.fromEntries(inodes.map((inode, i) => [i + 3, inode])) });
  fake.link(`${pid}/ns/net`, `net:[${OWN}]`);
}

/** A container: a namespace with one process. */
function container(inode: number, pid: number, comm: string): FakeNetwork {
  fake.start(pid, { comm });
  fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  const network = new FakeNetwork();
  kernel.networks.set(inode, network);
  return network;
}

const endText = (end: Endpoint | null) => (end ? `${end.address}:${end.port}` : '*');

/** A kernel event in a line: time since the start, what, which socket; then, parted by semicolons, what else is told. */
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
const told = (): string[] => drain().map(line);

/** A moment later. */
const later = (ms: number): void => void (nowMs += ms);

function read(...sockets: FakeSocket[]) {
  kernel.own.sockets = sockets;
  return source.read();
}

type Ended = KernelEvent & { type: 'ended' };

/** The one end that is told of. */
function onlyEnd(): Ended {
  const all = drain();
  expect(all.map(({ type }) => type)).toEqual(['ended']);
  return all[0] as Ended;
}

const LISTEN: InetFields = { cookie: 1, local: '0.0.0.0:80', state: 'LISTEN', inode: 7, uid: 1000 };
/** An end that has a connection, after some traffic. */
const LIVELY = {
  rttMicros: 30,
  bytesSent: 100,
  bytesAcked: 100,
  bytesReceived: 200,
  dataSegsIn: 3,
  lastDataSentMs: 40,
  lastDataRecvMs: 70,
} as const;
/** The side that accepted, and the side that connected. */
const ACCEPTED: InetFields = {
  cookie: 0xacc,
  local: '127.0.0.1:80',
  remote: '127.0.0.1:4000',
  info: LIVELY,
};
const CONNECTED: InetFields = {
  cookie: 0xc0,
  local: '127.0.0.1:4000',
  remote: '127.0.0.1:80',
  info: { ...LIVELY, bytesAcked: 101 },
};

describe('an ordinary user hears of sockets that close', () => {
  test('of one that accepted: by its listener', async () => {
    start(50, 'web', 7);
    open();
    await read(LISTEN);
    later(30);
    kernel.own.destroy(ACCEPTED);
    const end = onlyEnd();
    expect(line(end)).toBe(
      '30 ended sk:acc CLOSE 127.0.0.1:80 127.0.0.1:4000; listener web 50; at least 70 ms; by destroy',
    );
    expect(end.socket).toMatchObject({ netns: { inode: OWN }, uid: 1000, user: 'ana' });
    expect(end.socket).not.toHaveProperty('inode');
    // It is told once.
    expect(drain()).toEqual([]);
  });

  test("of one that accepted where its listener is another user's: by that user", async () => {
    // Without pid 1 there are processes that are not seen (hidepid).
    fake.remove('1');
    open();
    await read({ ...LISTEN, uid: 0 });
    kernel.own.destroy(ACCEPTED);
    const { socket } = onlyEnd();
    expect(ownersText(socket)).toBe('hidden - -');
    expect(socket).toMatchObject({ uid: 0, user: 'root' });
  });

  test('of one that connected nobody knows whose it was', async () => {
    start(50, 'web', 7);
    open();
    await read(LISTEN);
    kernel.own.destroy(CONNECTED);
    const end = onlyEnd();
    expect(line(end)).toBe(
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -; at least 70 ms; by destroy',
    );
    expect(end.socket).not.toHaveProperty('uid');
    expect(end.socket).not.toHaveProperty('user');
  });

  test('in a container too: in its namespace, by its own listener', async () => {
    start(50, 'web', 7);
    const there = container(4026532000, 60, 'shop');
    fake.start(60, { comm: 'shop', fds: { 3: 17 } });
    fake.link('60/ns/net', 'net:[4026532000]');
    there.sockets = [{ ...LISTEN, cookie: 2, inode: 17 }];
    open();
    await read(LISTEN);
    there.destroy(ACCEPTED);
    const { socket } = onlyEnd();
    expect(ownersText(socket)).toBe('listener shop 60');
    expect(socket.netns?.inode).toBe(4026532000);
  });

  test('IPv6, and an interface', async () => {
    open();
    await read();
    kernel.own.destroy({ cookie: 3, local: '[fe80::1]:80', remote: '[fe80::2]:4000', interfaceIndex: 1 });
    expect(onlyEnd().socket).toMatchObject({
      family: 'ipv6',
      local: { address: 'fe80::1%lo', port: 80 },
      remote: { address: 'fe80::2%lo', port: 4000 },
      interface: 'lo',
    });
  });

  test('before any reading', () => {
    open();
    kernel.own.destroy(CONNECTED);
    expect(onlyEnd().socket.id).toBe('sk:c0');
  });

  test('several, in the order of time', () => {
    open();
    kernel.own.destroy(CONNECTED);
    source.events?.collect();
    later(20);
    kernel.own.destroy(ACCEPTED);
    source.events?.collect();
    later(20);
    expect(drain().map((it) => it.type === 'ended' && [it.atMs - START_MS, it.socket.id])).toEqual([
      [0, 'sk:c0'],
      [20, 'sk:acc'],
    ]);
  });

  test('one that was never bound has done nothing', () => {
    open();
    kernel.own.destroy({ cookie: 5, local: '0.0.0.0:0' });
    kernel.own.destroy({ cookie: 6, protocol: 'udp', local: '0.0.0.0:0' });
    expect(drain()).toEqual([]);
  });

  test('the user is not told: what looks like root is nobody', () => {
    open();
    kernel.own.destroy({ ...CONNECTED, uid: 0 });
    const { socket } = onlyEnd();
    expect(socket).not.toHaveProperty('uid');
    expect(socket).not.toHaveProperty('user');
  });
});

describe('UDP', () => {
  test('connected and not: nothing is known but where it was', () => {
    open();
    kernel.own.destroy({ cookie: 1, protocol: 'udp', local: '127.0.0.1:53' });
    kernel.own.destroy({ cookie: 2, protocol: 'udp', local: '127.0.0.1:4001', remote: '192.0.2.53:53' });
    expect(told()).toEqual([
      '0 ended sk:1 - 127.0.0.1:53 *; gone - -; by destroy',
      '0 ended sk:2 - 127.0.0.1:4001 192.0.2.53:53; gone - -; by destroy',
    ]);
    // Nothing is asked for of what has no remnant.
    expect(kernel.own.requests).not.toContain('lookup');
  });
});

describe('bytes of a connection that is over', () => {
  const SYN = 1;
  const FIN = 1;
  /** What is told of these counters. */
  function bytes(it: InetFields): [rx: number | undefined, tx: number | undefined] {
    kernel.own.destroy(it);
    const { traffic } = onlyEnd().socket;
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

  test('closed from here, and the peer still to close: FIN_WAIT2 is left', () => {
    const { info: _, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'FIN_WAIT2', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 }));
    const end = onlyEnd();
    expect(end.remnant).toEqual({ id: 'sk:99', state: 'FIN_WAIT2' });
    expect(end.socket.traffic).toMatchObject({ rxBytes: 200, txBytes: 100 });
  });

  test('closed from here, and then by the peer: TIME_WAIT is left', () => {
    const { info: _, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 + FIN }));
    const end = onlyEnd();
    expect(end.remnant).toEqual({ id: 'sk:99', state: 'TIME_WAIT' });
    expect(end.socket.traffic).toMatchObject({ rxBytes: 200, txBytes: 100 });
  });

  test('closed by the peer first: nothing is left', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 + FIN }))).toEqual([200, 100]);
  });

  test('the same on the side that accepted, whose listener is still there', () => {
    kernel.own.sockets = [LISTEN];
    expect(bytes(accepted({ bytesAcked: 100 + FIN, bytesReceived: 200 + FIN }))).toEqual([200, 100]);
    // The listener is no remnant.
    kernel.own.destroy(accepted({ bytesAcked: 100 + FIN }));
    expect(onlyEnd()).not.toHaveProperty('remnant');
  });

  test('reset by the peer: no FIN came', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: 200 }))).toEqual([200, 100]);
    kernel.own.sockets = [LISTEN];
    expect(bytes(accepted({ bytesAcked: 100, bytesReceived: 200 }))).toEqual([200, 100]);
  });

  test('nothing came but its FIN, or not even that', () => {
    for (const bytesReceived of [0, FIN]) {
      expect(bytes(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived, dataSegsIn: 0 }))).toEqual([
        0, 100,
      ]);
    }
  });

  test('nothing came but its FIN, and ours came to nobody', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: FIN, dataSegsIn: 0 }))).toEqual([0, 100]);
  });

  test('what was sent twice counts once', () => {
    expect(
      bytes(connected({ bytesSent: 130, bytesRetrans: 30, bytesAcked: 100 + SYN, bytesReceived: 200 })),
    ).toEqual([200, 100]);
  });

  test('a connection with the same ends that lives is no remnant of it', () => {
    kernel.own.sockets = [{ ...CONNECTED, cookie: 0x99 }];
    kernel.own.destroy(CONNECTED);
    expect(onlyEnd()).not.toHaveProperty('remnant');
  });

  test('reset from here: the kernel has forgotten the peer and all counters', () => {
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000', info: { rttMicros: 0 } });
    const end = onlyEnd();
    expect(line(end)).toBe('0 ended sk:c0 CLOSE 127.0.0.1:4000 *; gone - -; by destroy');
    expect(end.socket).not.toHaveProperty('traffic');
    // Older kernels keep the address and forget the port.
    kernel.own.destroy({ cookie: 0xc1, local: '127.0.0.1:4000', remote: '127.0.0.1:0' });
    expect(onlyEnd().socket.remote).toBeNull();
  });

  test('where the kernel does not answer to what is left', () => {
    kernel.own.trouble.set('lookup', { broken: 11 });
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: 200 }))).toEqual([200, 100]);
  });
});

describe('how long it lived', () => {
  const life = (info: InetFields['info']) => {
    kernel.own.destroy({ ...CONNECTED, info: { rttMicros: 30, ...info } });
    const { lifetimeMs, isAtLeast } = onlyEnd();
    return [lifetimeMs, isAtLeast];
  };
  beforeEach(() => open());

  test('at least since the first of the two that data last went, or came', () => {
    const both = { bytesSent: 1, dataSegsIn: 1 };
    expect(life({ ...both, lastDataSentMs: 300, lastDataRecvMs: 800 })).toEqual([800, true]);
    expect(life({ ...both, lastDataSentMs: 800, lastDataRecvMs: 300 })).toEqual([800, true]);
  });

  test('all of it where nothing came, or nothing went', () => {
    const times = { lastDataSentMs: 300, lastDataRecvMs: 800 };
    expect(life({ ...times, bytesSent: 1, dataSegsIn: 0 })).toEqual([800, false]);
    expect(life({ ...times, bytesSent: 0, dataSegsIn: 1 })).toEqual([800, false]);
    expect(life(times)).toEqual([800, false]);
  });

  test('one that never was a connection', () => {
    const { info: _, ...refused } = CONNECTED;
    kernel.own.destroy(refused);
    expect(onlyEnd()).not.toHaveProperty('lifetimeMs');
    kernel.own.destroy({ ...refused, info: { lastDataSentMs: 7 } });
    expect(onlyEnd()).not.toHaveProperty('lifetimeMs');
    kernel.own.destroy({ cookie: 1, local: '127.0.0.1:80' });
    expect(onlyEnd()).not.toHaveProperty('lifetimeMs');
    // Nothing is left of such ones, and nobody asks for it.
    expect(kernel.own.requests).not.toContain('lookup');
  });
});

describe('words that there was no room for', () => {
  const destroy = (count: number) => {
    for (let i = 0; i < count; i++) kernel.own.destroy({ ...CONNECTED, cookie: 100 + i });
  };

  test('are counted, and told once', () => {
    open();
    kernel.own.bufferSize = 3;
    destroy(10);
    expect(told().map((it) => it.replace(/ended .*/, 'ended'))).toEqual([
      '0 ended',
      '0 ended',
      '0 ended',
      '0 gap of 7 by destroy',
    ]);
    expect(drain()).toEqual([]);
    later(10);
    destroy(5);
    expect(told().at(-1)).toBe('10 gap of 2 by destroy');
  });

  test('of all namespaces together', () => {
    const there = container(4026532000, 60, 'shop');
    open();
    kernel.own.bufferSize = there.bufferSize = 1;
    destroy(3);
    for (let i = 0; i < 4; i++) there.destroy(ACCEPTED);
    expect(told().filter((it) => it.includes('gap'))).toEqual(['0 gap of 5 by destroy']);
  });

  test('where the kernel does not count them, some', () => {
    kernel.own.countsDrops = false;
    open();
    kernel.own.bufferSize = 1;
    destroy(3);
    expect(told().at(-1)).toBe('0 gap of some by destroy');
    expect(drain()).toEqual([]);
  });

  test('those from before netpane are not ours', () => {
    kernel.own.drops = 40;
    open();
    destroy(1);
    expect(drain()).toHaveLength(1);
  });

  test('the count begins anew after 2^32', () => {
    kernel.own.drops = 2 ** 32 - 2;
    open();
    kernel.own.bufferSize = 0;
    destroy(3);
    kernel.own.drops = 1;
    expect(told()).toEqual(['0 gap of 3 by destroy']);
  });

  test('room is made while a reading goes on', async () => {
    const opening = kernel.open.bind(kernel);
    let received = 0;
    kernel.open = (...where) => {
      const channels = opening(...where);
      const receive = (into: Uint8Array) => {
        later(10);
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

  test('to look is not worth it again within 10 ms', () => {
    open();
    later(10);
    source.events?.collect();
    later(9);
    kernel.own.destroy(CONNECTED);
    source.events?.collect();
    expect(kernel.own.notifications).toHaveLength(1);
    later(1);
    source.events?.collect();
    expect(kernel.own.notifications).toHaveLength(0);
    expect(drain()).toHaveLength(1);
  });
});

describe('what is caught', () => {
  test('every close, and why not more', () => {
    open();
    expect(source.events?.coverage).toEqual({
      level: 'closes',
      why: 'the trace of every state change takes root',
    });
    expect(source.leftovers).toBeUndefined();
  });

  test('nothing where the kernel has no groups for it', () => {
    kernel.own.reportsCloses = false;
    open();
    expect(source.events?.coverage).toEqual({
      level: 'polls',
      why: 'this kernel does not tell of closed sockets; the trace of every state change takes root',
    });
    expect(drain()).toEqual([]);
  });

  test('everything with the trace, of which something stays behind', () => {
    open({ trace });
    expect(source.events?.coverage).toEqual({ level: 'changes' });
    expect(source.leftovers).toBe(trace.leftovers);
  });

  test('messages that make no sense are a notice of the next reading', async () => {
    open({ trace });
    kernel.own.destroy({ ...CONNECTED, family: 99 });
    kernel.own.destroy({ ...CONNECTED, cookie: 2 });
    trace.problems = 2;
    expect(drain()).toHaveLength(1);
    const { degradations } = await read();
    expect(degradations.map(({ text }) => text)).toEqual(['3 messages from the kernel could not be decoded']);
  });
});

/** A connection from here: `curl` (70), by its thread `tid`; then what its steps are. */
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

describe('root sees who connects', () => {
  beforeEach(() => open({ trace }));

  test('a whole life between two looks: every step, in order, with who made it', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    later(10);
    closes(0xa, { tid: 70 });
    later(1);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    later(30);
    expect(told()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '10 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70',
      '10 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '11 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 11 ms; by destroy',
    ]);
    expect(drain()).toEqual([]);
  });

  test('word that comes with a later drain than the trace of the end: all at once, in order', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    expect(drain()).toEqual([]);
    later(50);
    kernel.own.destroy(CONNECTED);
    const all = told();
    expect(all.map((it) => it.split(' ', 2).join(' '))).toEqual([
      '0 appeared',
      '0 sk:c0',
      '0 sk:c0',
      '0 sk:c0',
      '0 ended',
    ]);
    expect(all.at(-1)).toContain('by destroy');
    later(LAST_WORD_MS);
    expect(drain()).toEqual([]);
  });

  test('one that is refused', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'CLOSE', '127.0.0.1:4000', '127.0.0.1:81');
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000' });
    expect(told()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:81; exact curl 70',
      '0 ended sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:81; exact curl 70; 0 ms; by destroy',
    ]);
  });

  test('one that found no port to connect from has done nothing', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'CLOSE', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.destroy(0xa, 0xc0);
    later(LAST_WORD_MS);
    expect(drain()).toEqual([]);
  });

  test('one that is reset has neither port at last: they are those that it had', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    trace.state(0xa, 'ESTABLISHED', 'CLOSE', '0.0.0.0:0', '0.0.0.0:0', { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ cookie: 0xc0, local: '0.0.0.0:0' });
    expect(told().at(-1)).toBe(
      '0 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 0 ms; by destroy',
    );
  });

  test('a thread is of its process: one that was there, and one made since', () => {
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

  /** The owner of a connection that a thread makes now. */
  let connections = 0;
  function ownerNow(tid: number): string {
    const cookie = 1000 + connections++;
    connects(cookie, { tid });
    trace.destroy(cookie, cookie);
    kernel.own.destroy({ ...CONNECTED, cookie });
    return ownersText((drain().at(-1) as Ended).socket);
  }

  test('a program that runs another one after it connected has both names', () => {
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

  test('a program that is passed the socket and closes it comes after the one that connected', () => {
    start(70, 'curl');
    start(80, 'dbus-daemon');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: 80 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(ownersText((drain().at(-1) as Ended).socket)).toBe('exact curl 70, exact dbus-daemon 80');
  });

  test('a record that comes while /proc is read comes with the next drain', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    trace.onDrained = () => {
      trace.onDrained = () => undefined;
      closes(0xa, { tid: 70 });
      trace.destroy(0xa, 0xc0);
    };
    expect(drain()).toEqual([]);
    kernel.own.destroy(CONNECTED);
    expect(told().map((it) => it.split(' ')[1])).toEqual(['appeared', 'sk:c0', 'sk:c0', 'sk:c0', 'ended']);
  });

  test('a process that has ended is known by what it ran', () => {
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

  test.each([true, 'untold'] as const)(
    '/proc is not asked who it was: it may tell of another (last: %s)',
    (isLast) => {
      trace.exec(80, '/usr/bin/curl');
      trace.exit(80, isLast);
      fake.start(80, { comm: 'later', exe: '/usr/bin/later' });
      expect(ownerNow(80)).toBe('exact curl 80');
    },
  );

  test('a name longer than the kernel keeps, of a process that has ended', () => {
    trace.fork(50, 80, 'bash');
    trace.exec(80, '/usr/bin/systemd-resolve-monitor');
    trace.exit(80);
    expect(ownerNow(80)).toBe('exact systemd-resolve-monitor 80');
  });

  test('a fork that becomes no other program has the name of its parent, and its own number', () => {
    trace.fork(50, 80, 'worker');
    trace.exit(80);
    expect(ownerNow(80)).toBe('exact worker 80');
    // The child of one that is known to run a file runs the same.
    trace.exec(81, '/opt/very-long-program-name');
    trace.fork(81, 82, 'very-long-progr');
    trace.exit(82);
    expect(ownerNow(82)).toBe('exact very-long-program-name 82');
  });

  test('one that still lives has all that /proc tells', () => {
    fake.start(70, { comm: 'python3', exe: '/usr/bin/python3.12', args: ['python3', 'get.py'] });
    // A script: what is run is another file.
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

  test('a pid that is another process by now', () => {
    trace.exec(80, '/usr/bin/curl');
    expect(ownerNow(80)).toBe('exact curl 80');
    trace.exit(80);
    later(100);
    trace.fork(50, 80, 'bash');
    expect(ownerNow(80)).toBe('exact bash 80');
    // And it stays so when the first one is long forgotten.
    later(60_000);
    drain();
    expect(ownerNow(80)).toBe('exact bash 80');
  });

  test('nobody, where it is gone and nothing was told of it', () => {
    expect(ownerNow(99)).toBe('gone - -');
  });

  test("the kernel's own threads are nobody: one that was there, and one made since", () => {
    fake.start(2, { comm: 'kthreadd', flags: 0x00200000 });
    fake.start(90, { comm: 'kworker/0:1', flags: 0x00200000 });
    expect(ownerNow(90)).toBe('gone - -');
    trace.fork(2, 91, 'kthreadd');
    fake.start(91, { comm: 'kworker/1:7', flags: 0x00200000 });
    expect(ownerNow(91)).toBe('gone - -');
    // What such a one starts is a process from its exec on.
    trace.fork(91, 92, 'kworker/1:7');
    trace.exec(92, '/sbin/modprobe');
    expect(ownerNow(92)).toBe('exact modprobe 92');
  });

  test('a thread that no trace told of is of its process, by the name of that', () => {
    trace.exec(80, '/usr/bin/worker');
    fake.thread(81, 80, 'pool-1');
    expect(ownerNow(81)).toBe('exact worker 80');
  });

  test('a thread of a process that nothing is known of is nobody, and no process of that number', () => {
    trace.thread(98, 99, 'pool');
    expect(ownerNow(99)).toBe('gone - -');
    // Nor what had that number before.
    trace.exec(80, '/usr/bin/curl');
    expect(ownerNow(80)).toBe('exact curl 80');
    trace.thread(98, 80, 'pool');
    expect(ownerNow(80)).toBe('gone - -');
  });

  test('an interrupt that comes while a process runs is none of its doing', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:80', { tid: 70, inInterrupt: true });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(ownersText((drain().at(-1) as Ended).socket)).toBe('gone - -');
  });

  test('one that connects to itself is one life', () => {
    start(70, 'odd');
    const self = '127.0.0.1:4000';
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', self, { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'SYN_RECV', self, self);
    trace.state(0xa, 'SYN_RECV', 'ESTABLISHED', self, self);
    later(5);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ ...CONNECTED, remote: self });
    expect(told()).toEqual([
      `0 appeared sk:c0 SYN_SENT ${self} ${self}; exact odd 70`,
      '0 sk:c0 SYN_SENT SYN_RECV',
      '0 sk:c0 SYN_RECV ESTABLISHED',
      `5 ended sk:c0 ESTABLISHED ${self} ${self}; exact odd 70; 5 ms; by destroy`,
    ]);
  });

  test('an address in the kernel that is another socket by now', () => {
    start(70, 'curl');
    start(71, 'wget');
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    connects(0xa, { tid: 71 }, '127.0.0.1:4001');
    trace.destroy(0xa, 0xc1);
    kernel.own.destroy(CONNECTED);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xc1, local: '127.0.0.1:4001' });
    expect(told().filter((it) => it.includes('ended'))).toEqual([
      expect.stringContaining('sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70'),
      expect.stringContaining('sk:c1 ESTABLISHED 127.0.0.1:4001 127.0.0.1:80; exact wget 71'),
    ]);
  });
});

describe('root sees who accepts', () => {
  const ended = () =>
    drain()
      .filter((it): it is Ended => it.type === 'ended')
      .map(({ socket }) => ownersText(socket));

  test('the listener of the last reading, until somebody closes it', async () => {
    start(50, 'web', 7);
    open({ trace });
    await read(LISTEN);
    accepts(0xb);
    later(5);
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(told()).toEqual([
      '0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; listener web 50',
      '0 sk:acc SYN_RECV ESTABLISHED',
      '5 ended sk:acc ESTABLISHED 127.0.0.1:80 127.0.0.1:4000; listener web 50; 5 ms; by destroy',
    ]);
  });

  test('whoever closes it: a worker of the listener', async () => {
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

  test('a listener that no reading has seen yet', async () => {
    start(60, 'fresh');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    accepts(0xb);
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['listener fresh 60']);
    // It is gone, and what comes then is nobody's.
    trace.state(0x1, 'LISTEN', 'CLOSE', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    trace.destroy(0x1, 0x11);
    kernel.own.destroy({ cookie: 0x11, local: '0.0.0.0:80' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 0xacd });
    expect(ended()).toEqual(['exact fresh 60', 'gone - -']);
  });

  test('all who hold the listener, once a reading has seen that', async () => {
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

  test('on one address, and on both families', async () => {
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

  test('a listener of the same port in another namespace is not its', async () => {
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

  test('are asked for: what is told is the first state, and then the others', () => {
    start(70, 'curl');
    open({ trace });
    kernel.own.sockets = [LIVING];
    connects(0xa, { tid: 70 });
    later(10);
    const all = drain();
    expect(all.map(line)).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
    ]);
    expect(all[0]).toMatchObject({
      socket: { inode: 70_000, uid: 1000, user: 'ana', traffic: { rxBytes: 200, txBytes: 100 } },
    });
    // Only what is new is told from then on, and nothing is asked for again.
    kernel.own.requests = [];
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    expect(told()).toEqual(['10 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70']);
    expect(kernel.own.requests).toEqual([]);
    later(5);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(told()).toEqual([
      '15 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 15 ms; by destroy',
    ]);
  });

  test('in the namespace of the process', () => {
    container(4026532000, 60, 'shop').sockets = [{ ...LIVING, cookie: 0x77 }];
    open({ trace });
    kernel.own.sockets = [LIVING];
    connects(0xa, { tid: 60 });
    const [first] = drain();
    expect(first).toMatchObject({ socket: { id: 'sk:77', netns: { inode: 4026532000 } } });
  });

  test('accepted by whoever holds them, or else by their listener', async () => {
    start(50, 'web', 7, 8);
    open({ trace });
    const held: InetFields = { ...ACCEPTED, cookie: 2, inode: 8, remote: '127.0.0.1:4001' };
    await read(LISTEN, held);
    kernel.own.sockets = [LISTEN, { ...ACCEPTED, inode: 0 }, held];
    accepts(0xb);
    accepts(0xc, '127.0.0.1:80', '127.0.0.1:4001');
    expect(told().filter((it) => it.includes('appeared'))).toEqual([
      '0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; listener web 50',
      '0 appeared sk:2 SYN_RECV 127.0.0.1:80 127.0.0.1:4001; exact web 50',
    ]);
  });

  test('held by somebody whom the next reading looks for', () => {
    open({ trace });
    kernel.own.sockets = [{ ...ACCEPTED, inode: 9 }];
    accepts(0xb);
    expect(told()[0]).toBe('0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; pending - -');
  });

  test('a listener', () => {
    start(60, 'fresh');
    open({ trace });
    kernel.own.sockets = [{ ...LISTEN, local: '127.0.0.1:81' }];
    trace.state(0x1, 'CLOSE', 'LISTEN', '127.0.0.1:81', '0.0.0.0:0', { tid: 60 });
    expect(told()).toEqual(['0 appeared sk:1 LISTEN 127.0.0.1:81 *; exact fresh 60']);
  });

  test('the listener behind a connection is not the connection', () => {
    start(50, 'web', 7);
    open({ trace });
    kernel.own.sockets = [LISTEN];
    accepts(0xb);
    expect(drain()).toEqual([]);
  });

  test('what is left of a connection is not the connection', () => {
    start(70, 'curl');
    open({ trace });
    const { info: _, ...bare } = CONNECTED;
    connects(0xa, { tid: 70 });
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    // It ended between the trace and the question.
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    expect(drain()).toEqual([]);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(told().map((it) => it.split('; ')[0])).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '0 sk:c0 ESTABLISHED FIN_WAIT1',
      '0 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80'.replace('ESTABLISHED', 'FIN_WAIT1'),
    ]);
  });

  test('one that was there before netpane: only what it does', async () => {
    start(70, 'curl', 70_000);
    open({ trace });
    await read(LIVING);
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    expect(told()).toEqual(['0 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70']);
    trace.state(0xa, 'FIN_WAIT1', 'FIN_WAIT2', '127.0.0.1:4000', '127.0.0.1:80');
    trace.state(0xa, 'FIN_WAIT2', 'CLOSE', '127.0.0.1:4000', '127.0.0.1:80');
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(told()).toEqual([
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; at least 70 ms; by destroy',
    ]);
  });

  test('one that was there before, and ends at once: every step', () => {
    start(70, 'curl');
    open({ trace });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(told()).toEqual([
      '0 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70',
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; at least 70 ms; by destroy',
    ]);
  });

  test('a FIN that was seen to come is no byte received', () => {
    open({ trace });
    accepts(0xb);
    trace.state(0xb, 'ESTABLISHED', 'CLOSE_WAIT', '127.0.0.1:80', '127.0.0.1:4000');
    trace.destroy(0xb, 0xacc);
    // It was reset then, so that ours was not acknowledged.
    kernel.own.destroy({ ...ACCEPTED, info: { ...LIVELY, bytesReceived: 201 } });
    expect((drain().at(-1) as Ended).socket.traffic?.rxBytes).toBe(200);
  });
});

describe('ends that only the trace tells of', () => {
  function lose(sk: number, cookie: number, port: number): void {
    connects(sk, { tid: 70 }, `127.0.0.1:${port}`);
    trace.destroy(sk, cookie);
    kernel.own.destroy({ ...CONNECTED, cookie, local: `127.0.0.1:${port}` });
  }

  test('are told when no word has come for a while', () => {
    start(70, 'curl');
    open({ trace });
    connects(0xa, { tid: 70 });
    later(10);
    trace.destroy(0xa, 0xc0);
    later(LAST_WORD_MS - 1);
    expect(drain()).toEqual([]);
    later(1);
    expect(told()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '10 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 10 ms; by trace',
    ]);
    expect(drain()).toEqual([]);
  });

  test('are not missed, and so no part of the gap', () => {
    start(70, 'curl');
    open({ trace });
    kernel.own.bufferSize = 1;
    for (let i = 0; i < 4; i++) lose(0xa + i, 0xc0 + i, 4000 + i);
    // Of these the trace told nothing.
    for (let i = 0; i < 2; i++) kernel.own.destroy({ ...CONNECTED, protocol: 'udp', cookie: i });
    const first = told();
    expect(first.filter((it) => it.includes('ended'))).toHaveLength(1);
    later(LAST_WORD_MS);
    const then = told();
    expect(then.filter((it) => it.includes('ended') && it.includes('by trace'))).toHaveLength(3);
    expect([...first, ...then].filter((it) => it.includes('gap'))).toEqual(['0 gap of 2 by destroy']);
    later(LAST_WORD_MS);
    expect(drain()).toEqual([]);
  });

  test('make good for nothing that is lost later', () => {
    start(70, 'curl');
    open({ trace });
    // Of a socket of the kernel's own there is never word.
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    later(LAST_WORD_MS);
    expect(told().at(-1)).toContain('ended');
    later(1000);
    kernel.own.bufferSize = 0;
    kernel.own.destroy({ ...CONNECTED, protocol: 'udp' });
    const first = told();
    later(LAST_WORD_MS);
    expect([...first, ...told()]).toEqual([expect.stringContaining('gap of 1 by destroy')]);
  });

  test('word without a trace is word all the same', () => {
    open({ trace });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(told()).toEqual([
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -; at least 70 ms; by destroy',
    ]);
  });
});

describe('the trace', () => {
  test('that lost something: nobody is named by what was known before', () => {
    start(70, 'curl');
    open({ trace });
    start(80, 'old');
    trace.exec(80, '/usr/bin/old');
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 80 });
    trace.route('127.0.0.1:5000', '192.0.2.53:53', { tid: 80 });
    connects(0xa, { tid: 80 });
    drain();
    // The end of all that, and what came at their places.
    trace.lost = 12;
    start(80, 'new');
    connects(0xb, { tid: 80 }, '127.0.0.1:4001');
    trace.destroy(0xb, 0xcb);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xcb, local: '127.0.0.1:4001' });
    const ends = told();
    expect(ends).toContain('0 gap of 12 by trace');
    expect(ends.find((it) => it.includes('ended'))).toContain('inherited new 80');
    trace.state(0xa, 'ESTABLISHED', 'CLOSE', '127.0.0.1:4002', '127.0.0.1:80');
    trace.destroy(0xa, 0xca);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xca, local: '127.0.0.1:4002' });
    kernel.own.destroy(ACCEPTED);
    kernel.own.destroy({ cookie: 5, protocol: 'udp', local: '127.0.0.1:5000' });
    expect(told().map((it) => it.split('; ').slice(0, 2).join('; '))).toEqual([
      '0 ended sk:ca CLOSE 127.0.0.1:4002 127.0.0.1:80; gone - -',
      '0 ended sk:acc CLOSE 127.0.0.1:80 127.0.0.1:4000; gone - -',
      '0 ended sk:5 - 127.0.0.1:5000 *; gone - -',
    ]);
  });

  test('that lost the end of one socket and the beginning of the next at its address: ports tell them apart', () => {
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
    const ends = told().filter((it) => it.includes('ended'));
    expect(ends.map((it) => it.split('; ').slice(0, 2).join('; '))).toEqual([
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -',
      '0 ended sk:c1 FIN_WAIT2 127.0.0.1:4001 127.0.0.1:80; gone - -',
    ]);
  });

  test('that may have lost what a process became: nobody is named by its parent', () => {
    start(70, 'bash');
    open({ trace });
    trace.lost = 12;
    trace.fork(70, 81, 'bash');
    connects(0xa, { tid: 81 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(told().find((it) => it.includes('ended'))).toContain('; gone - -; ');
  });

  test('that breaks off: it is closed, that is said, and closes are told without it', () => {
    start(70, 'curl');
    open({ trace });
    start(80, 'old');
    trace.exec(80, '/usr/bin/old');
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 80 });
    trace.route('127.0.0.1:5000', '192.0.2.53:53', { tid: 80 });
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    drain();
    trace.failure = 'reading the trace fails with error 5';
    later(LAST_WORD_MS);
    // What it told last is told.
    expect(told().at(-1)).toContain('ended sk:c0');
    expect(source.events?.coverage).toEqual({
      level: 'closes',
      why: 'the trace of the kernel broke off: reading the trace fails with error 5',
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

  test('and everything else are let go once', async () => {
    open({ trace });
    await read();
    expect(kernel.openCount).toBe(1);
    source.close();
    expect([trace.closed, kernel.openCount]).toEqual([1, 0]);
    source.close();
    expect(kernel.openCount).toBe(0);
  });
});

describe('whose UDP it was', () => {
  const owner = (it: InetFields): string => {
    kernel.own.destroy({ protocol: 'udp', ...it });
    return ownersText(onlyEnd().socket);
  };

  test('the only program that sent from its port and address', () => {
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
    // The next one with that port is another's.
    expect(owner({ cookie: 4, local: '192.0.2.1:5000', remote: '192.0.2.53:53' })).toBe('gone - -');
  });

  test('another network namespace is none of it', () => {
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

  test('a process that sent and ended was in the namespace that it was made in', () => {
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

  test('a pid that is reused before /proc is read has no owner', () => {
    start(60, 'bash');
    open({ trace });
    trace.fork(60, 70, 'dig');
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 70 });
    trace.exit(70);
    trace.fork(60, 70, 'nginx');
    start(70, 'nginx');
    expect(owner({ cookie: 1, local: '127.0.0.1:5000' })).toBe('sender dig 70');
  });

  test('a socket that shares its port with one that is still there may be either', () => {
    start(70, 'avahi');
    open({ trace });
    kernel.own.sockets = [{ protocol: 'udp', cookie: 9, local: '0.0.0.0:5353', inode: 9 }];
    trace.route('0.0.0.0:5353', '224.0.0.251:5353', { tid: 70 });
    kernel.own.destroy({ protocol: 'udp', cookie: 1, local: '0.0.0.0:5353' });
    expect(onlyEnd().socket.owners).toEqual([
      {
        knowledge: 'unknown',
        tried: 'a program sent from its port and address, which another socket has too',
      },
    ]);
    kernel.own.sockets = [];
    expect(owner({ cookie: 9, local: '0.0.0.0:5353' })).toBe('sender avahi 70');
  });

  test('nobody, where word of the one before it may be among what was lost', () => {
    start(70, 'dig');
    open({ trace });
    trace.route('0.0.0.0:5000', '192.0.2.53:53', { tid: 70 });
    kernel.own.bufferSize = 0;
    kernel.own.destroy({ cookie: 1, protocol: 'udp', local: '192.0.2.1:5000' });
    drain();
    kernel.own.bufferSize = Infinity;
    expect(owner({ cookie: 2, local: '192.0.2.1:5000' })).toBe('gone - -');
  });

  test('not whoever an interrupt came upon, and no thread of the kernel', () => {
    start(70, 'dig');
    fake.start(90, { comm: 'kworker', flags: 0x00200000 });
    open({ trace });
    trace.route('192.0.2.1:5000', '192.0.2.53:53', { tid: 70, inInterrupt: true });
    trace.route('192.0.2.1:5001', '192.0.2.53:53', { tid: 90 });
    expect(owner({ cookie: 1, local: '192.0.2.1:5000' })).toBe('gone - -');
    expect(owner({ cookie: 2, local: '192.0.2.1:5001' })).toBe('gone - -');
  });
});

describe('packets of UDP without end', () => {
  const route = (port: number) => trace.route(`192.0.2.1:${port}`, '192.0.2.53:53', { tid: 70 });
  const ownerOf = (port: number): string => {
    kernel.own.destroy({ cookie: port, protocol: 'udp', local: `192.0.2.1:${port}` });
    return ownersText(onlyEnd().socket);
  };
  beforeEach(() => {
    start(70, 'dig');
    open({ trace });
    drain();
  });

  test('of 10,000 ports it is known who sent from them; those that sent last are kept', () => {
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
  ])('%i a second are looked up: %s', (count, isLookedUp) => {
    for (let i = 0; i < count; i++) route(1);
    later(1000);
    drain();
    expect(trace.hasRoutes).toBe(isLookedUp);
    expect(source.events?.coverage).toEqual({
      level: 'changes',
      ...(!isLookedUp && {
        why: 'programs of short UDP sockets are not told: there are too many packets to look each of them up',
      }),
    });
    // What the kernel had told before it heard of that is not taken for the last word of who sends.
    route(2);
    drain();
    expect([1, 2].map(ownerOf)).toEqual(Array(2).fill(isLookedUp ? 'sender dig 70' : 'gone - -'));
  });

  test('more than that for a moment are not too many', () => {
    for (let i = 0; i < 30_000; i++) route(1);
    later(2000);
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
  /** What is kept of so many turns, bytes for each. */
  const keptOf = (turns: number, turn: (i: number) => void): number => {
    for (let i = 0; i < turns / 2; i++) turn(i);
    const before = used();
    for (let i = 0; i < turns; i++) turn(turns + i);
    return (used() - before) / turns;
  };

  test('nothing is kept of a connection that is over, in whichever way it is learnt', () => {
    start(70, 'curl');
    open({ trace });
    const kept = keptOf(10_000, (i) => {
      const place = { local: `127.0.0.1:${1 + (i % 60_000)}` };
      // Heard of by both, by the trace, by word; one that lives when it is met; a listener.
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
      later(LAST_WORD_MS);
    });
    expect(kept).toBeLessThan(50);
  });

  test('nor of a process or a thread that has ended, of whatever kind', () => {
    open({ trace });
    const kept = keptOf(50_000, (i) => {
      const pid = 10 * (i + 10);
      trace.fork(1, pid, 'sh');
      trace.exec(pid, '/usr/bin/worker');
      trace.thread(pid, pid + 1, 'pool');
      trace.exit(pid, false);
      trace.exit(pid + 1, true);
      // Those that nothing was known of, and a kernel that does not tell which is the last of a process.
      trace.exit(pid + 2);
      trace.exit(pid + 3, 'untold');
      trace.fork(pid, pid + 4, 'sh');
      trace.exit(pid + 4, 'untold');
      if (i % 100 === 0) drain();
      later(50);
    });
    expect(kept).toBeLessThan(15);
  });

  test('nor of one that was looked up while it ended', () => {
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
      later(50);
    });
    expect(named).toBe(3000);
    expect(kept).toBeLessThan(200);
  });
});
