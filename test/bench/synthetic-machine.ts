import { closeSync, openSync } from 'node:fs';
import type { SocketState } from '../../src/model/socket.ts';
import { NativeError } from '../../src/source/linux/netlink/errno.ts';
import type { Channels, CloseReceiver, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';
import type { Proc } from '../../src/source/linux/proc/proc.ts';
import { inetPayload, message, refusal } from '../helpers/netlink/messages.ts';
import { FakeChannel, routeAnswer } from './synthetic-netlink.ts';
import { OWN_NAMESPACE, SyntheticProc } from './synthetic-proc.ts';

/*
 * A synthetic machine on which processes, sockets and network namespaces appear and disappear, visible by netlink and
 * /proc. Netlink messages are built when a socket changes, not at each dump: a soak requests hundreds of thousands of
 * dumps. Each open namespace takes real descriptors, so a leaked one shows in the number of open descriptors.
 */

const FIRST_OTHER_NAMESPACE = 4026532200;
const MAX_PID = 32_768;

const TCPDIAG_GETSOCK = 18;
const SOCK_DIAG_BY_FAMILY = 20;
const ENOENT = 2;

/** Ticks after which a TIME_WAIT socket disappears. */
const TIME_WAIT_TICKS = 20;

type TableName = 'tcp' | 'udp4';

interface FakeSocket {
  readonly cookie: number;
  readonly table: TableName;
  readonly namespace: FakeNamespace;
  readonly local: string;
  readonly remote: string | undefined;
  state: SocketState;
  inode: number;
  owner: FakeProcess | undefined;
  descriptor: number;
  bytes: number;
  removeTick: number;
}

interface FakeNamespace {
  readonly inode: number;
  /** Complete netlink message of each socket, by cookie. */
  readonly tables: Readonly<Record<TableName, Map<number, Uint8Array>>>;
}

interface FakeProcess {
  readonly pid: number;
  /** Inode of its folder `fd`. */
  readonly folder: number;
  readonly namespace: FakeNamespace;
  comm: string;
  readonly sockets: Map<number, FakeSocket>;
}

/** The machine. The seed alone determines what happens on it. */
export class SyntheticMachine implements NetlinkSystem {
  readonly namespaces = new Map<number, FakeNamespace>();
  readonly processes = new Map<number, FakeProcess>();
  readonly proc: Proc = new SyntheticProc(this.processes);
  readonly #sockets: FakeSocket[] = [];
  readonly #timeWait: FakeSocket[] = [];
  readonly #own: FakeNamespace;
  #random: number;
  #tick = 0;
  #cookie = 0;
  #inode = 1000;
  #pid = 100;
  #folder = 0;
  /** Numbers of what was created in all. */
  readonly created = { sockets: 0, processes: 0, namespaces: 0 };

  constructor(seed: number) {
    this.#random = seed;
    this.#own = this.#addNamespace(OWN_NAMESPACE);
    this.#startProcess(this.#own, 1);
    for (let i = 0; i < 20; i++) this.#startProcess(this.#own);
    for (let i = 0; i < 200; i++) this.#open(this.#anyProcess());
  }

  get socketCount(): number {
    return this.#sockets.length + this.#timeWait.length;
  }

  /** Advances by one tick, which is a second. */
  step(): void {
    this.#tick++;
    for (let i = 0; i < 2; i++) this.#open(this.#anyProcess());
    for (let i = 0; i < 4; i++) this.#transfer();
    while (this.#sockets.length > 200 + this.#below(40)) this.#close(this.#anySocket());
    while ((this.#timeWait[0]?.removeTick ?? Infinity) <= this.#tick) this.#remove(this.#timeWait.shift());
    if (this.#tick % 7 === 0) this.#startProcess(this.#own);
    if (this.#tick % 7 === 3) this.#endProcess();
    if (this.#tick % 11 === 0) this.#anyProcess().comm = `other-${this.#below(1000)}`;
    if (this.#tick % 50 === 0) {
      const namespace = this.#addNamespace(this.#freeInode());
      const process = this.#startProcess(namespace);
      for (let i = 0; i < 5; i++) this.#open(process);
    }
    if (this.#tick % 50 === 25) this.#removeNamespace();
  }

  open(reference: { readonly inode: number } | undefined): Channels {
    const namespace = this.namespaces.get(reference?.inode ?? OWN_NAMESPACE);
    if (namespace === undefined) throw new NativeError('setns', 22, 'EINVAL');
    const descriptors = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
    return {
      diag: new FakeChannel((request) => this.#answer(namespace, request)),
      route: new FakeChannel(routeAnswer),
      close: () => descriptors.forEach((descriptor) => closeSync(descriptor)),
    };
  }

  openCloseReceiver(): CloseReceiver {
    return { close: () => {} };
  }

  inside<T>(_: unknown, act: () => T): T {
    return act();
  }

  #answer({ tables }: FakeNamespace, request: Uint8Array): readonly Uint8Array[] {
    if (request[4] === TCPDIAG_GETSOCK) return [...tables.tcp.values()];
    const [family, protocol] = [request[16], request[17]];
    if (protocol === 17) return family === 2 ? [...tables.udp4.values()] : [];
    return protocol === 136 ? [refusal(ENOENT)] : [];
  }

  /** Returns a random whole number from 0 up to but excluding `limit`. */
  #below(limit: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * limit);
  }

  #anyOf<T>(list: readonly T[]): T {
    const one = list[this.#below(list.length)];
    if (one === undefined) throw new Error('the list is empty');
    return one;
  }

  #anyProcess = (): FakeProcess => this.#anyOf([...this.processes.values()].slice(1));

  #anySocket = (): FakeSocket => this.#anyOf(this.#sockets);

  #addNamespace(inode: number): FakeNamespace {
    const namespace: FakeNamespace = { inode, tables: { tcp: new Map(), udp4: new Map() } };
    this.namespaces.set(inode, namespace);
    this.created.namespaces++;
    return namespace;
  }

  /** Returns the lowest free number, as the kernel does. */
  #freeInode(): number {
    for (let inode = FIRST_OTHER_NAMESPACE; ; inode++) if (!this.namespaces.has(inode)) return inode;
  }

  #startProcess(namespace: FakeNamespace, pid?: number): FakeProcess {
    while (pid === undefined || this.processes.has(pid)) pid = this.#pid = (this.#pid % MAX_PID) + 1;
    const process = { pid, folder: ++this.#folder, namespace, comm: `prog-${pid}`, sockets: new Map() };
    this.processes.set(pid, process);
    this.created.processes++;
    if (pid > 1) this.#listen(process);
    return process;
  }

  #endProcess(): void {
    const inOwn = [...this.processes.values()].slice(1).filter(({ namespace }) => namespace === this.#own);
    if (inOwn.length <= 10) return;
    this.#kill(this.#anyOf(inOwn));
  }

  #kill(process: FakeProcess): void {
    for (const socket of [...process.sockets.values()]) this.#close(socket);
    this.processes.delete(process.pid);
  }

  #removeNamespace(): void {
    const others = [...this.namespaces.values()].slice(1);
    if (others.length < 3) return;
    const namespace = this.#anyOf(others);
    for (const process of [...this.processes.values()])
      if (process.namespace === namespace) this.#kill(process);
    this.namespaces.delete(namespace.inode);
    // Its TIME_WAIT sockets, which no process holds, disappear with it.
    for (let i = this.#timeWait.length; i-- > 0;)
      if (this.#timeWait[i]?.namespace === namespace) this.#timeWait.splice(i, 1);
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
      namespace: owner.namespace,
      local,
      remote,
      state,
      inode: ++this.#inode,
      owner,
      descriptor,
      bytes: 100,
      removeTick: 0,
    };
    owner.sockets.set(descriptor, socket);
    this.#sockets.push(socket);
    this.created.sockets++;
    this.#updateMessage(socket);
  }

  #updateMessage(socket: FakeSocket): void {
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
    socket.namespace.tables[socket.table].set(cookie, message(type, payload));
  }

  #transfer(): void {
    const socket = this.#anySocket();
    if (socket.state !== 'ESTABLISHED') return;
    socket.bytes += 1 + this.#below(10_000);
    this.#updateMessage(socket);
  }

  /** Closes a socket of a process; half of the connections leave a TIME_WAIT socket. */
  #close(socket: FakeSocket): void {
    this.#sockets.splice(this.#sockets.indexOf(socket), 1);
    socket.owner?.sockets.delete(socket.descriptor);
    socket.owner = undefined;
    if (socket.state !== 'ESTABLISHED' || this.#below(2) === 0) {
      this.#remove(socket);
      return;
    }
    socket.state = 'TIME_WAIT';
    socket.inode = 0;
    socket.removeTick = this.#tick + TIME_WAIT_TICKS;
    this.#timeWait.push(socket);
    this.#updateMessage(socket);
  }

  #remove(socket: FakeSocket | undefined): void {
    if (socket) socket.namespace.tables[socket.table].delete(socket.cookie);
  }
}
