import { closeSync, openSync } from 'node:fs';
import type { SocketState } from '../../src/model/socket.ts';
import type { Channel } from '../../src/source/linux/netlink/dump.ts';
import { NativeError } from '../../src/source/linux/netlink/native.ts';
import type { Channels, CloseListener, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';
import { type Outcome, Proc } from '../../src/source/linux/proc.ts';
import { addressPayload, done, inetPayload, linkPayload, message, refusal } from '../helpers/netlink.ts';

/*
 * A machine that is made up, on which processes, sockets and network namespaces come and go, told by netlink and /proc.
 * The messages of the kernel are made when something changes, and not at each dump: a hundred thousand dumps are asked
 * for. Each namespace that is held open costs real descriptors, so that one that is never let go is seen.
 */

const OWN_NAMESPACE = 4026531840;
const FIRST_OTHER_NAMESPACE = 4026532200;
const PID_NAMESPACE = 'pid:[4026531836]';
const MOST_PID = 32_768;

const TCPDIAG_GETSOCK = 18;
const SOCK_DIAG_BY_FAMILY = 20;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const ENOENT = 2;

/** The kernel's datagrams of a dump are not longer, bytes. */
const DATAGRAM = 32_768;

/** Ticks for which a TIME_WAIT is there. */
const TIME_WAIT_TICKS = 20;

type TableName = 'tcp' | 'udp4';

interface FakeSocket {
  readonly cookie: number;
  readonly table: TableName;
  readonly network: FakeNetwork;
  readonly local: string;
  readonly remote: string | undefined;
  state: SocketState;
  inode: number;
  owner: FakeProcess | undefined;
  descriptor: number;
  bytes: number;
  goneTick: number;
}

interface FakeNetwork {
  readonly inode: number;
  /** The whole message of each socket, by cookie. */
  readonly tables: Readonly<Record<TableName, Map<number, Uint8Array>>>;
}

interface FakeProcess {
  readonly pid: number;
  /** Inode of its folder `fd`. */
  readonly folder: number;
  readonly network: FakeNetwork;
  comm: string;
  readonly sockets: Map<number, FakeSocket>;
}

/** The kernel side of a netlink socket. */
class FakeChannel implements Channel {
  readonly #messages: (request: Uint8Array) => readonly Uint8Array[];
  #left: Uint8Array[] = [];
  #sequence: Uint8Array = new Uint8Array(4);

  constructor(messages: (request: Uint8Array) => readonly Uint8Array[]) {
    this.#messages = messages;
  }

  send(request: Uint8Array): void {
    this.#sequence = request.slice(8, 12);
    this.#left = [...this.#messages(request), done()].reverse();
  }

  receive(into: Uint8Array): number {
    let length = 0;
    for (;;) {
      const next = this.#left.at(-1);
      // The end comes in a datagram of its own.
      if (next === undefined || (length > 0 && (this.#left.length === 1 || length + next.length > DATAGRAM)))
        return length;
      into.set(next, length);
      into.set(this.#sequence, length + 8);
      length += next.length;
      this.#left.pop();
      if (this.#left.length === 0) return length;
    }
  }
}

/** The machine. What happens on it follows from the seed alone. */
export class World implements NetlinkSystem {
  readonly proc: Proc = new WorldProc(this);
  readonly networks = new Map<number, FakeNetwork>();
  readonly processes = new Map<number, FakeProcess>();
  readonly #sockets: FakeSocket[] = [];
  readonly #waiting: FakeSocket[] = [];
  readonly #own: FakeNetwork;
  #random: number;
  #tick = 0;
  #cookie = 0;
  #inode = 1000;
  #pid = 100;
  #folder = 0;
  /** What has come in all. */
  readonly made = { sockets: 0, processes: 0, networks: 0 };

  constructor(seed: number) {
    this.#random = seed;
    this.#own = this.#addNetwork(OWN_NAMESPACE);
    this.#startProcess(this.#own, 1);
    for (let i = 0; i < 20; i++) this.#startProcess(this.#own);
    for (let i = 0; i < 200; i++) this.#open(this.#anyProcess());
  }

  get socketCount(): number {
    return this.#sockets.length + this.#waiting.length;
  }

  /** A second goes by. */
  step(): void {
    this.#tick++;
    for (let i = 0; i < 2; i++) this.#open(this.#anyProcess());
    for (let i = 0; i < 4; i++) this.#carry();
    while (this.#sockets.length > 200 + this.#below(40)) this.#end(this.#anySocket());
    while ((this.#waiting[0]?.goneTick ?? Infinity) <= this.#tick) this.#forget(this.#waiting.shift());
    if (this.#tick % 7 === 0) this.#startProcess(this.#own);
    if (this.#tick % 7 === 3) this.#endProcess();
    if (this.#tick % 11 === 0) this.#anyProcess().comm = `other-${this.#below(1000)}`;
    if (this.#tick % 50 === 0) {
      const network = this.#addNetwork(this.#freeInode());
      const process = this.#startProcess(network);
      for (let i = 0; i < 5; i++) this.#open(process);
    }
    if (this.#tick % 50 === 25) this.#endNetwork();
  }

  open(namespace: { readonly inode: number } | undefined): Channels {
    const network = this.networks.get(namespace?.inode ?? OWN_NAMESPACE);
    if (network === undefined) throw new NativeError('setns', 22, 'EINVAL');
    const descriptors = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
    return {
      diag: new FakeChannel((request) => this.#answer(network, request)),
      route: new FakeChannel(routeAnswer),
      close: () => descriptors.forEach((descriptor) => closeSync(descriptor)),
    };
  }

  openCloseListener(): CloseListener {
    return { close: () => {} };
  }

  inside<T>(_: unknown, act: () => T): T {
    return act();
  }

  #answer({ tables }: FakeNetwork, request: Uint8Array): readonly Uint8Array[] {
    if (request[4] === TCPDIAG_GETSOCK) return [...tables.tcp.values()];
    const [family, protocol] = [request[16], request[17]];
    if (protocol === 17) return family === 2 ? [...tables.udp4.values()] : [];
    return protocol === 136 ? [refusal(ENOENT)] : [];
  }

  /** A number from 0 up to `limit`, without it. */
  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }

  #anyOf<T>(list: readonly T[]): T {
    const one = list[this.#below(list.length)];
    if (one === undefined) throw new Error('nothing is left');
    return one;
  }

  #anyProcess = (): FakeProcess => this.#anyOf([...this.processes.values()].slice(1));

  #anySocket = (): FakeSocket => this.#anyOf(this.#sockets);

  #addNetwork(inode: number): FakeNetwork {
    const network: FakeNetwork = { inode, tables: { tcp: new Map(), udp4: new Map() } };
    this.networks.set(inode, network);
    this.made.networks++;
    return network;
  }

  /** The kernel gives the lowest number that is free. */
  #freeInode(): number {
    for (let inode = FIRST_OTHER_NAMESPACE; ; inode++) if (!this.networks.has(inode)) return inode;
  }

  #startProcess(network: FakeNetwork, pid?: number): FakeProcess {
    while (pid === undefined || this.processes.has(pid)) pid = this.#pid = (this.#pid % MOST_PID) + 1;
    const process = { pid, folder: ++this.#folder, network, comm: `prog-${pid}`, sockets: new Map() };
    this.processes.set(pid, process);
    this.made.processes++;
    if (pid > 1) this.#listen(process);
    return process;
  }

  #endProcess(): void {
    const inOwn = [...this.processes.values()].slice(1).filter(({ network }) => network === this.#own);
    if (inOwn.length <= 10) return;
    this.#kill(this.#anyOf(inOwn));
  }

  #kill(process: FakeProcess): void {
    for (const socket of [...process.sockets.values()]) this.#end(socket);
    this.processes.delete(process.pid);
  }

  #endNetwork(): void {
    const others = [...this.networks.values()].slice(1);
    if (others.length < 3) return;
    const network = this.#anyOf(others);
    for (const process of [...this.processes.values()]) if (process.network === network) this.#kill(process);
    this.networks.delete(network.inode);
    // With it goes what nobody holds.
    for (let i = this.#waiting.length; i-- > 0;)
      if (this.#waiting[i]?.network === network) this.#waiting.splice(i, 1);
  }

  #address = (): string =>
    `${1 + this.#below(220)}.${this.#below(256)}.${this.#below(256)}.${1 + this.#below(254)}`;

  #listen(process: FakeProcess): void {
    this.#add(process, 'tcp', `0.0.0.0:${1024 + this.#below(30_000)}`, undefined, 'LISTEN');
  }

  #open(process: FakeProcess): void {
    const port = 32_768 + this.#below(28_000);
    if (this.#below(8) === 0) this.#add(process, 'udp4', `127.0.0.1:${port}`, undefined, 'CLOSE');
    else this.#add(process, 'tcp', `127.0.0.1:${port}`, `${this.#address()}:443`, 'ESTABLISHED');
  }

  #add(
    owner: FakeProcess,
    table: TableName,
    local: string,
    remote: string | undefined,
    state: SocketState,
  ): void {
    let descriptor = 3;
    while (owner.sockets.has(descriptor)) descriptor++;
    const socket: FakeSocket = {
      cookie: ++this.#cookie,
      table,
      network: owner.network,
      local,
      remote,
      state,
      inode: ++this.#inode,
      owner,
      descriptor,
      bytes: 100,
      goneTick: 0,
    };
    owner.sockets.set(descriptor, socket);
    this.#sockets.push(socket);
    this.made.sockets++;
    this.#tell(socket);
  }

  #tell(socket: FakeSocket): void {
    const { cookie, local, remote, state, inode, bytes } = socket;
    const info = {
      bytesReceived: bytes,
      bytesSent: bytes,
      bytesAcked: bytes,
      rttMicros: 1000,
      rttVarMicros: 100,
      sndCwnd: 10,
      deliveryRate: 1e6,
    };
    const payload = inetPayload({
      cookie,
      local,
      state,
      inode,
      ...(remote !== undefined && { remote }),
      ...(remote !== undefined && state === 'ESTABLISHED' && { info }),
      ...(state === 'TIME_WAIT' && { timer: { kind: 'timewait', expiresMs: 20_000 } }),
    });
    const type = socket.table === 'tcp' ? TCPDIAG_GETSOCK : SOCK_DIAG_BY_FAMILY;
    socket.network.tables[socket.table].set(cookie, message(type, payload));
  }

  #carry(): void {
    const socket = this.#anySocket();
    if (socket.state !== 'ESTABLISHED') return;
    socket.bytes += 1 + this.#below(10_000);
    this.#tell(socket);
  }

  /** A process lets go of a socket: half of the connections are left in TIME_WAIT. */
  #end(socket: FakeSocket): void {
    this.#sockets.splice(this.#sockets.indexOf(socket), 1);
    socket.owner?.sockets.delete(socket.descriptor);
    socket.owner = undefined;
    if (socket.state !== 'ESTABLISHED' || this.#below(2) === 0) {
      this.#forget(socket);
      return;
    }
    socket.state = 'TIME_WAIT';
    socket.inode = 0;
    socket.goneTick = this.#tick + TIME_WAIT_TICKS;
    this.#waiting.push(socket);
    this.#tell(socket);
  }

  #forget(socket: FakeSocket | undefined): void {
    if (socket) socket.network.tables[socket.table].delete(socket.cookie);
  }
}

const ROUTE = new Map([
  [RTM_GETLINK, [message(RTM_NEWLINK, linkPayload({ index: 1, name: 'lo', isLoopback: true }))]],
  [RTM_GETADDR, [message(RTM_NEWADDR, addressPayload(1, '127.0.0.1'))]],
]);

const routeAnswer = (request: Uint8Array): readonly Uint8Array[] => ROUTE.get(request[4] ?? 0) ?? [];

const GONE: Outcome<never> = { failed: 'gone', message: 'ENOENT' };

/** The /proc of that machine. */
class WorldProc extends Proc {
  readonly #world: World;

  constructor(world: World) {
    super('/nowhere');
    this.#world = world;
  }

  #process(path: string): FakeProcess | undefined {
    return this.#world.processes.get(Number.parseInt(path, 10));
  }

  override canOpen(): boolean {
    return true;
  }

  override latin1(path: string): Outcome<string> {
    return path === 'stat' ? { value: 'btime 1700000000\n' } : GONE;
  }

  override text(path: string): Outcome<string> {
    if (path === 'self/mountinfo') return { value: '' };
    if (path === '../etc/passwd') return { value: 'root:x:0:0::/:/bin/sh\n' };
    const process = this.#process(path);
    if (process === undefined) return GONE;
    const { pid, comm, folder } = process;
    if (path.endsWith('/stat'))
      return { value: `${pid} (${comm}) S 1 1 1 0 -1 0 ${'0 '.repeat(12)}${folder} 0 0\n` };
    if (path.endsWith('/cmdline')) return { value: `/usr/bin/${comm}\0--number\0${folder}\0` };
    return path.endsWith('/cgroup') ? { value: `0::/system.slice/${comm}.service\n` } : GONE;
  }

  override link(path: string): Outcome<string> {
    if (path === 'self/ns/net') return { value: `net:[${OWN_NAMESPACE}]` };
    if (path === 'self/ns/pid') return { value: PID_NAMESPACE };
    const process = this.#process(path);
    if (process === undefined) return GONE;
    if (path.endsWith('/ns/net')) return { value: `net:[${process.network.inode}]` };
    if (path.endsWith('/exe')) return { value: `/usr/bin/${process.comm}` };
    const socket = process.sockets.get(Number(path.slice(path.lastIndexOf('/') + 1)));
    return socket ? { value: `socket:[${socket.inode}]` } : GONE;
  }

  override names(path: string): Outcome<string[]> {
    if (path === '') return { value: ['self', 'net', ...[...this.#world.processes.keys()].map(String)] };
    const process = this.#process(path);
    return process ? { value: [...process.sockets.keys()].map(String) } : GONE;
  }

  override stat(path: string): Outcome<{ ino: number; size: number; uid: number }> {
    const process = this.#process(path);
    return process ? { value: { ino: process.folder, size: process.sockets.size, uid: 0 } } : GONE;
  }
}
