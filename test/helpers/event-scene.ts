import { afterEach, beforeEach, expect } from 'vitest';
import type { Endpoint } from '../../src/model/socket.ts';
import type { Ledger } from '../../src/source/linux/ledger/ledger.ts';
import { Proc } from '../../src/source/linux/proc/proc.ts';
import { type SockDiagOptions, SockDiagSource } from '../../src/source/linux/sockdiag.ts';
import type { KernelEvent } from '../../src/source/types.ts';
import { ownersText } from './fakes.ts';
import { FakeNetlink, FakeNetwork } from './netlink/kernel.ts';
import type { FakeSocket, InetFields } from './netlink/fields.ts';
import { FakeProc } from './proc.ts';
import { FakeTrace, type Running } from './trace.ts';

/*
 * The source `sock_diag` with a fake kernel, trace and /proc. Kernel events are compared as lines (see `line`).
 */

/** Inode of netpane's own network namespace. */
export const OWN = 4026531833;
/** The clock at the start of each test, milliseconds. */
export const START_MS = 1000;
export const WALL_MS = 1_700_000_000_000;

/** Maximum wait for the close message of a socket after the trace saw its end, milliseconds. */
export const CLOSE_MESSAGE_WAIT_MS = 250;

/** Set before each test. */
export let fake: FakeProc;
export let kernel: FakeNetlink;
export let trace: FakeTrace;
/** Set by `open`. */
export let source: SockDiagSource;
let nowMs: number;

interface Options {
  /** Result of opening the trace; by default the reason given to an ordinary user. */
  readonly trace?: FakeTrace | string;
  readonly proc?: Proc;
  /** The ledger, or why there is none; undefined if none is requested. */
  readonly ledger?: Ledger | string;
  readonly waiter?: SockDiagOptions['waiter'];
  readonly omitsRemnants?: boolean;
}

/** Clock of the ledger minus that of the sampler, milliseconds. */
export const LEDGER_AHEAD_MS = 5000;

/** Opens the source. */
export function open({
  trace = 'tracing needs root',
  proc = new Proc(fake.root),
  ledger,
  waiter,
  omitsRemnants,
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
    waiter,
    omitsRemnants,
    ...(ledger !== undefined && { openLedger: () => ledger }),
    monotonicMs: () => nowMs + LEDGER_AHEAD_MS,
  });
}

/** Makes the scene before each test of the file. */
export function useEventScene(): void {
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
}

/** Starts a process in netpane's own namespace. */
export function start(pid: number, comm: string, ...inodes: number[]): void {
  fake.start(pid, { comm, fds: Object.fromEntries(inodes.map((inode, i) => [i + 3, inode])) });
  fake.link(`${pid}/ns/net`, `net:[${OWN}]`);
}

/** Starts a container: a namespace with one process. */
export function container(inode: number, pid: number, comm: string): FakeNetwork {
  fake.start(pid, { comm });
  fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  const network = new FakeNetwork();
  kernel.networks.set(inode, network);
  return network;
}

const endText = (end: Endpoint | null) => (end ? `${end.address}:${end.port}` : '*');

/** Returns a kernel event as a line: time since the start, type and socket, then further fields after semicolons. */
export function line(it: KernelEvent): string {
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

export function drain(): readonly KernelEvent[] {
  const kernelEvents = [...(source.events?.drain() ?? [])];
  while (source.events?.hasMore) kernelEvents.push(...source.events.drain(true));
  return kernelEvents;
}
export const drainLines = (): string[] => drain().map(line);

/** Advances the clock. */
export const advance = (ms: number): void => void (nowMs += ms);

export function read(...sockets: FakeSocket[]) {
  kernel.own.sockets = sockets;
  return source.read();
}

export type Ended = KernelEvent & { type: 'ended' };

/** Drains and returns the only event, which is a close. */
export function drainOnlyEnd(): Ended {
  const all = drain();
  expect(all.map(({ type }) => type)).toEqual(['ended']);
  return all[0] as Ended;
}

export const LISTEN: InetFields = { cookie: 1, local: '0.0.0.0:80', state: 'LISTEN', inode: 7, uid: 1000 };
/** TCP details of a connection after some traffic. */
export const WITH_TRAFFIC = {
  rttMicros: 30,
  bytesSent: 100,
  bytesAcked: 100,
  bytesReceived: 200,
  dataSegsIn: 3,
  lastDataSentMs: 40,
  lastDataRecvMs: 70,
} as const;
/** Sockets of both sides of a connection: accepted and connected. */
export const ACCEPTED: InetFields = {
  cookie: 0xacc,
  local: '127.0.0.1:80',
  remote: '127.0.0.1:4000',
  info: WITH_TRAFFIC,
};
export const CONNECTED: InetFields = {
  cookie: 0xc0,
  local: '127.0.0.1:4000',
  remote: '127.0.0.1:80',
  info: { ...WITH_TRAFFIC, bytesAcked: 101 },
};

/** The running thread connects, closes, or accepts a socket at address `sk` of the kernel. */
export const connects = (sk: number, running: Running, local = '127.0.0.1:4000', remote = '127.0.0.1:80') => {
  trace.state(sk, 'CLOSE', 'SYN_SENT', local.replace(/\d+$/, '0'), remote, running);
  trace.state(sk, 'SYN_SENT', 'ESTABLISHED', local, remote);
};
export const closes = (sk: number, running: Running, local = '127.0.0.1:4000', remote = '127.0.0.1:80') => {
  trace.state(sk, 'ESTABLISHED', 'FIN_WAIT1', local, remote, running);
  trace.state(sk, 'FIN_WAIT1', 'FIN_WAIT2', local, remote);
  trace.state(sk, 'FIN_WAIT2', 'CLOSE', local, remote);
};
export const accepts = (sk: number, local = '127.0.0.1:80', remote = '127.0.0.1:4000') => {
  trace.state(sk, 'LISTEN', 'SYN_RECV', local, remote, { tid: 70, inInterrupt: true });
  trace.state(sk, 'SYN_RECV', 'ESTABLISHED', local, remote, { tid: 70, inInterrupt: true });
};
