import { closeSync, openSync } from 'node:fs';
import type { SocketState } from '../../src/model/socket.ts';
import type { LookupChannel } from '../../src/source/linux/netlink/dump.ts';
import { ERRNO, NativeError } from '../../src/source/linux/netlink/errno.ts';
import type { Channels, CloseReceiver, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';
import { type Outcome, Proc } from '../../src/source/linux/proc/proc.ts';
import {
  addressPayload,
  done,
  inetPayload,
  linkPayload,
  message,
  refusal,
} from '../helpers/netlink/messages.ts';

/*
 * A synthetic machine on which processes, sockets and network namespaces appear and disappear, visible by netlink and
 * /proc. Netlink messages are built when a socket changes, not at each dump: a soak requests hundreds of thousands of
 * dumps. Each open namespace takes real descriptors, so a leaked one shows in the number of open descriptors.
 */

const OWN_NAMESPACE = 4026531840;
const FIRST_OTHER_NAMESPACE = 4026532200;
const PID_NAMESPACE = 'pid:[4026531836]';
/** Inode of /proc/self; the folders of processes have lower ones. */
const OWN_FOLDER = 4_000_000_000;
const MAX_PID = 32_768;

const TCPDIAG_GETSOCK = 18;
const SOCK_DIAG_BY_FAMILY = 20;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const ENOENT = 2;

/** Maximum length of the kernel's datagrams of a dump, bytes. */
const MAX_DATAGRAM = 32_768;

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

/** The kernel side of a netlink socket. */
class FakeChannel implements LookupChannel {
  readonly #messages: (request: Uint8Array) => readonly Uint8Array[];
  #left: Uint8Array[] = [];
  #sequence: Uint8Array = new Uint8Array(4);

  constructor(messages: (request: Uint8Array) => readonly Uint8Array[]) {
    this.#messages = messages;
  }

  /** The machine reports no closes, after which sockets are looked up. */
  receiveWaiting(): number {
    return -ERRNO.EAGAIN;
  }

  send(request: Uint8Array): void {
    this.#sequence = request.slice(8, 12);
    this.#left = [...this.#messages(request), done()].reverse();
  }

  receive(into: Uint8Array): number {
    let length = 0;
    for (;;) {
      const next = this.#left.at(-1);
      // NLMSG_DONE is in a datagram of its own.
      if (
        next === undefined ||
        (length > 0 && (this.#left.length === 1 || length + next.length > MAX_DATAGRAM))
      )
        return length;
      into.set(next, length);
      into.set(this.#sequence, length + 8);
      length += next.length;
      this.#left.pop();
      if (this.#left.length === 0) return length;
    }
  }
}

/** The machine. The seed alone determines what happens on it. */
export class SyntheticMachine implements NetlinkSystem {
  readonly proc: Proc = new SyntheticProc(this);
  readonly namespaces = new Map<number, FakeNamespace>();
  readonly processes = new Map<number, FakeProcess>();
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

const ROUTE = new Map([
  [RTM_GETLINK, [message(RTM_NEWLINK, linkPayload({ index: 1, name: 'lo', isLoopback: true }))]],
  [RTM_GETADDR, [message(RTM_NEWADDR, addressPayload(1, '127.0.0.1'))]],
]);

const routeAnswer = (request: Uint8Array): readonly Uint8Array[] => ROUTE.get(request[4] ?? 0) ?? [];

const GONE: Outcome<never> = { failed: 'gone', message: 'ENOENT' };

/** The /proc of the machine. */
class SyntheticProc extends Proc {
  readonly #machine: SyntheticMachine;

  constructor(machine: SyntheticMachine) {
    super('/nowhere');
    this.#machine = machine;
  }

  #process(path: string): FakeProcess | undefined {
    return this.#machine.processes.get(Number.parseInt(path, 10));
  }

  override canOpen(): boolean {
    return true;
  }

  override latin1(path: string): Outcome<string> {
    return path === 'stat' ? { value: 'btime 1700000000\n' } : GONE;
  }

  override table(): Outcome<string> {
    return GONE;
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
    if (path.endsWith('/ns/net')) return { value: `net:[${process.namespace.inode}]` };
    if (path.endsWith('/exe')) return { value: `/usr/bin/${process.comm}` };
    const socket = process.sockets.get(Number(path.slice(path.lastIndexOf('/') + 1)));
    return socket ? { value: `socket:[${socket.inode}]` } : GONE;
  }

  override names(path: string): Outcome<string[]> {
    if (path === '') return { value: ['self', 'net', ...[...this.#machine.processes.keys()].map(String)] };
    const process = this.#process(path);
    return process ? { value: [...process.sockets.keys()].map(String) } : GONE;
  }

  override stat(path: string): Outcome<{ ino: number; size: number; uid: number }> {
    if (path === 'self') return { value: { ino: OWN_FOLDER, size: 0, uid: 0 } };
    const process = this.#process(path);
    return process ? { value: { ino: process.folder, size: process.sockets.size, uid: 0 } } : GONE;
  }
}
