import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Endpoint, type KernelSocket, kernelSockets } from './kernel-sockets.ts';

/** A socket of a test process. `id` identifies it in the process that owns it. */
export interface HerdSocket {
  id: number;
  pid: number;
  protocol: KernelSocket['protocol'];
  local: Endpoint;
  /** Absent for a listener and for an unconnected UDP socket. */
  remote?: Endpoint;
  inode: number;
}

/** Both sockets of each connection: `near[i]` is the client's, `far[i]` the server's. */
export interface Connections {
  near: HerdSocket[];
  far: HerdSocket[];
}

/** The folder of the project. This file is below it, also when bundled into dist/, which has files package.json of its own. */
export const root = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
})();

const keyOf = ({ protocol, local, remote }: Pick<HerdSocket, 'protocol' | 'local' | 'remote'>) =>
  `${protocol} ${local.address} ${local.port} ${remote?.port ? `${remote.address} ${remote.port}` : ''}`;

/** Waits until `condition` returns a truthy value. @returns that value; rejects with the text `what` after `timeoutMs` */
export async function eventually<T>(
  what: () => string,
  condition: () => T | false | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const result = condition();
    if (result) return result;
    if (performance.now() > deadlineMs) throw new Error(`Waited ${timeoutMs} ms for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Waits until the kernel has all these sockets in a state.
 * @param options `owned`: a process has to hold them; `pid`: a process of their network namespace
 * @returns the sockets as the kernel lists them, in the same order
 */
export async function settled(
  sockets: readonly Pick<HerdSocket, 'protocol' | 'local' | 'remote'>[],
  state: string,
  { owned = true, pid }: { owned?: boolean; pid?: number } = {},
): Promise<KernelSocket[]> {
  let missing = sockets;
  const what = () =>
    `${missing.length} of ${sockets.length} sockets to be ${state}, such as ${missing.slice(0, 3).map(keyOf).join(', ')}`;
  const protocols = new Set(sockets.map(({ protocol }) => protocol));
  return eventually(what, () => {
    const present = new Map(
      kernelSockets(protocols, pid)
        .filter((socket) => socket.state === state && (!owned || socket.inode !== 0))
        .map((socket) => [keyOf(socket), socket]),
    );
    missing = sockets.filter((socket) => !present.has(keyOf(socket)));
    return missing.length === 0 && sockets.flatMap((socket) => present.get(keyOf(socket)) ?? []);
  });
}

type OpenedSocket = Omit<HerdSocket, 'pid' | 'inode'>;

interface Answer {
  requestId: number;
  error?: string;
  sockets?: OpenedSocket[];
  pid?: number;
  bytes?: number;
}

/** Names of a test process. */
export interface Naming {
  /** Its command line and, cut to 15 bytes, its comm. Any text, also a hostile one. */
  title?: string;
  /** Another comm: up to 15 bytes, not necessarily text. */
  comm?: Uint8Array;
  /** A command that runs the process, with its first arguments: `ip netns exec NAME`. */
  through?: readonly string[];
}

/** A process that opens and closes sockets on order. Each order resolves when the kernel lists the result. */
export class HerdProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  #lastRequest = 0;
  readonly pid: number;

  /** Starts a process. Rejects if it exits before it is ready. */
  static async start({
    title = '',
    comm = new Uint8Array(),
    through = [],
  }: Naming = {}): Promise<HerdProcess> {
    const file = join(root, 'test', 'helpers', 'herd-child.cjs');
    const words = [...through, process.execPath, file, title, Buffer.from(comm).toString('hex')];
    const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child, 'spawn');
    const started = new HerdProcess(child);
    await started.#answer(0);
    return started;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    const lines = createInterface({ input: child.stdout ?? process.stdin });
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      const pending = this.#pending.get(answer.requestId);
      this.#pending.delete(answer.requestId);
      if (answer.error === undefined) pending?.resolve(answer);
      else pending?.reject(new Error(answer.error));
    });
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`the process exited with ${code ?? signal}`));
      this.#pending.clear();
    });
    // Writing to a killed process fails; its exit rejects the orders.
    child.stdin?.on('error', () => {});
  }

  #answer(requestId: number): Promise<Answer> {
    return new Promise((resolve, reject) => this.#pending.set(requestId, { resolve, reject }));
  }

  #order(order: string, details: object): Promise<Answer> {
    this.#lastRequest += 1;
    const answer = this.#answer(this.#lastRequest);
    this.#child.stdin?.write(`${JSON.stringify({ ...details, order, requestId: this.#lastRequest })}\n`);
    return answer;
  }

  async #open(order: string, details: object, state: string): Promise<HerdSocket[]> {
    const { sockets = [] } = await this.#order(order, details);
    const listed = await settled(sockets, state, { pid: this.pid });
    return sockets.map((socket, index) => ({ ...socket, pid: this.pid, inode: listed[index]?.inode ?? 0 }));
  }

  /** Opens a TCP listener. On `::` it is dual-stack unless `v6Only`. Port 0 lets the kernel choose. */
  async listen({ host = '127.0.0.1', port = 0, v6Only = false } = {}): Promise<HerdSocket> {
    return first(await this.#open('listen', { host, port, v6Only }, 'LISTEN'));
  }

  /** Opens a UDP socket, connected when `to` is given. */
  async udp({ host = '127.0.0.1', port = 0, to }: { host?: string; port?: number; to?: Endpoint } = {}) {
    return first(await this.#open('udp', { host, port, to }, to ? 'ESTABLISHED' : 'CLOSE'));
  }

  /**
   * Connects to a listener of `server`, which may be this process.
   * @param options `host`: the remote address, if not that of the listener (127.0.0.1 for a dual-stack one); `from` and
   *   `fromPort`: the local address and port
   */
  async connect(
    server: HerdProcess,
    listener: HerdSocket,
    {
      count = 1,
      host,
      from,
      fromPort,
    }: { count?: number; host?: string; from?: string; fromPort?: number } = {},
  ): Promise<Connections> {
    const { address, port } = listener.local;
    const remoteHost = host ?? address.replace(/^0\.0\.0\.0$/, '127.0.0.1').replace(/^::$/, '::1');
    const near = await this.#open(
      'connect',
      { host: remoteHost, port, from, fromPort, count },
      'ESTABLISHED',
    );
    const peers = near.map((socket) => socket.local);
    return { near, far: await server.#open('accept', { id: listener.id, peers }, 'ESTABLISHED') };
  }

  /** Starts a process that inherits a listener, like a worker of a pre-forking server. @returns its pid */
  async share(listener: HerdSocket, { title }: Pick<Naming, 'title'> = {}): Promise<number> {
    const { pid = 0 } = await this.#order('share', { id: listener.id, title });
    return pid;
  }

  /** Sends zeros over each connection; the peer reads them. */
  async send(sockets: readonly HerdSocket[], bytes: number): Promise<void> {
    await this.#order('send', { ids: idsOf(sockets), bytes });
  }

  /** Sends datagrams of zeros from a UDP socket, to an address if it is not connected. */
  async datagrams(socket: HerdSocket, count: number, bytes: number, to?: Endpoint): Promise<void> {
    await this.#order('datagrams', { id: socket.id, to, count, bytes });
  }

  /** Starts to send zeros over a connection at a constant rate, in many small parts. */
  async pace(socket: HerdSocket, bytesPerSecond: number): Promise<void> {
    await this.#order('pace', { id: socket.id, bytesPerSecond });
  }

  /** Returns the number of bytes sent over a connection so far. */
  async sent(socket: HerdSocket): Promise<number> {
    const { bytes = 0 } = await this.#order('sent', { id: socket.id });
    return bytes;
  }

  /** Shuts down sending: these sockets become FIN_WAIT2, and their peers, which have to be open, CLOSE_WAIT. */
  async halfClose(sockets: readonly HerdSocket[]): Promise<void> {
    await this.#order('halfClose', { ids: idsOf(sockets) });
    await settled(sockets, 'FIN_WAIT2', { pid: this.pid });
  }

  /**
   * Closes sockets of any kind. With `reset`, a connection ends at once at both ends, and nothing is left in
   * TIME_WAIT.
   */
  async close(sockets: readonly HerdSocket[], { reset = false } = {}): Promise<void> {
    await this.#order('close', { ids: idsOf(sockets), reset });
  }

  /** Closes connections with `server` from this side first, so that they stay here in TIME_WAIT, without an owner. */
  async leaveInTimeWait(server: HerdProcess, { near, far }: Connections): Promise<void> {
    await this.halfClose(near);
    await server.close(far);
    await settled(near, 'TIME_WAIT', { owned: false, pid: this.pid });
  }

  /** Ends the process, and the processes that share its listeners. May be called again. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const killTimer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(killTimer);
  }
}

const idsOf = (sockets: readonly HerdSocket[]) => sockets.map(({ id }) => id);

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('no socket was opened');
  return item;
}

/** Returns the maximum number of open files: Node raises its soft limit to the hard one. */
function openFilesLimit(): number {
  const [, hard = ''] =
    /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

/** The processes of a test, all on loopback. They are started and ended together. */
export class Herd {
  readonly #processes: Promise<HerdProcess>[] = [];

  /** Starts a process without sockets. */
  spawn(naming?: Naming): Promise<HerdProcess> {
    const started = HerdProcess.start(naming);
    this.#processes.push(started);
    return started;
  }

  /**
   * Opens many connections, with as many pairs of processes as the limit of open files requires. Each pair of processes
   * has its own pair of addresses in 127.0.0.0/8: one pair of addresses has only some 28,000 ports.
   */
  async crowd(count: number): Promise<Connections> {
    const max = Math.min(5_000, openFilesLimit() - 100);
    const shares = Array.from({ length: Math.ceil(count / max) }, (_, index) =>
      Math.min(max, count - index * max),
    );
    const connections = await Promise.all(
      shares.map(async (share, index) => {
        const [server, client] = await Promise.all([this.spawn(), this.spawn()]);
        const listener = await server.listen({ host: `127.71.${index}.1` });
        return client.connect(server, listener, { count: share, from: `127.72.${index}.1` });
      }),
    );
    return { near: connections.flatMap(({ near }) => near), far: connections.flatMap(({ far }) => far) };
  }

  /** Ends every process. May be called again. */
  async close(): Promise<void> {
    const started = await Promise.allSettled(this.#processes);
    await Promise.all(started.flatMap((it) => (it.status === 'fulfilled' ? [it.value.end()] : [])));
  }
}
