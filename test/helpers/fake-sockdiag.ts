import { afterEach, beforeEach, expect } from 'vitest';
import type { Snapshot } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import { type Outcome, Proc } from '../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../src/source/linux/sockdiag.ts';
import type { SocketBounds } from '../../src/source/socket-limiter.ts';
import type { ExtraKind } from '../../src/source/types.ts';
import { ownersText } from './fakes.ts';
import { FakeNetlink, FakeNetwork } from './netlink/kernel.ts';
import type { FakeSocket, InetFields } from './netlink/fields.ts';
import { FakeProc } from './proc.ts';

/*
 * The source `sock_diag` with a fake kernel and a fake /proc.
 */

/** Inode of netpane's own network namespace. */
export const OWN = 4026531833;
/** The wall clock at the start of each test, milliseconds since 1970. */
export const WALL_MS = 1_700_000_000_000;

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

/** Set before each test. */
export let fake: FakeProc;
export let proc: CountingProc;
export let kernel: FakeNetlink;
/** Set before each test, and by `open`. */
export let source: SockDiagSource;
let wallMs: number;

interface Options {
  readonly also?: readonly ExtraKind[];
  readonly tcpDetails?: boolean;
  readonly ownerBudgetMs?: number;
  readonly isRoot?: boolean;
  readonly events?: boolean;
  readonly omitsRemnants?: boolean;
  readonly bounds?: SocketBounds;
}

/** Opens the source again. */
export function open({
  also = [],
  tcpDetails = false,
  ownerBudgetMs = Infinity,
  isRoot = true,
  events = false,
  omitsRemnants = false,
  bounds,
}: Options = {}): void {
  source = new SockDiagSource({
    also,
    tcpDetails,
    ownerBudgetMs,
    isRoot,
    events,
    omitsRemnants,
    bounds,
    system: kernel,
    proc,
    passwdPath: '../etc/passwd',
    root: `${fake.root}/..`,
    nowMs: () => proc.reads,
    wallMs: () => wallMs,
  });
}

/** Makes the scene before each test of the file, and opens the source. */
export function useFakeSockDiag(): void {
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
}

/** Advances the wall clock. */
export const advance = (ms: number): void => void (wallMs += ms);

/** Uses a /proc in another folder from the next `open` on. */
export function useProcAt(root: string): void {
  proc = new CountingProc(root);
}

/** Starts a process in the own namespace that holds sockets with these inodes. */
export function start(pid: number, comm: string, ...inodes: number[]): void {
  fake.start(pid, { comm, fds: Object.fromEntries(inodes.map((inode, i) => [i + 3, inode])) });
  fake.link(`${pid}/ns/net`, `net:[${OWN}]`);
}

/** Starts a container: a namespace with one process and these sockets. */
export function container(inode: number, pid: number, ...sockets: FakeSocket[]): FakeNetwork {
  fake.start(pid, { comm: `main-${pid}` });
  fake.write(`${pid}/net/tcp`, '');
  fake.link(`${pid}/ns/net`, `net:[${inode}]`);
  const network = new FakeNetwork();
  network.sockets = sockets;
  kernel.networks.set(inode, network);
  return network;
}

/** Runs a poll with these sockets in the own namespace. */
export function read(...sockets: FakeSocket[]): Promise<Snapshot> {
  kernel.own.sockets = sockets;
  return source.read();
}

export const all = ({ sockets }: Snapshot): Socket[] => [...sockets.values()];
export const only = (snapshot: Snapshot): Socket => {
  expect(snapshot.sockets.size).toBe(1);
  return all(snapshot)[0] as Socket;
};
export const owners = (snapshot: Snapshot) => all(snapshot).map(ownersText);
export const codes = ({ degradations }: Snapshot) => degradations.map(({ code }) => code);
export const notice = ({ degradations }: Snapshot, code: string) =>
  degradations.find((it) => it.code === code)?.text;

export const LISTEN: InetFields = {
  cookie: 1,
  local: '127.0.0.1:80',
  state: 'LISTEN',
  inode: 7,
  uid: 1000,
  sendQueue: 128,
};
export const HELD: InetFields = {
  cookie: 2,
  local: '127.0.0.1:80',
  remote: '127.0.0.1:4000',
  inode: 8,
  uid: 1000,
  info: { bytesSent: 100, bytesReceived: 200, rttMicros: 30, sndCwnd: 10 },
};
/** `HELD` without what the kernel forgets at the end of a connection. */
const { info: _info, inode: _inode, uid: _uid, ...BARE } = HELD;
export const TIME_WAIT: InetFields = {
  ...BARE,
  state: 'TIME_WAIT',
  timer: { kind: 'timewait', expiresMs: 60_000 },
};
