import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** An address as text, and a port. */
export interface Endpoint {
  address: string;
  port: number;
}

/** A socket as a file of /proc/net tells it; `state` is in the kernel's spelling. */
export interface KernelSocket {
  protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6';
  local: Endpoint;
  remote: Endpoint;
  state: string;
  /** 0 when no process holds the socket: TIME_WAIT, and a connection nobody has accepted yet. */
  inode: number;
}

/** A socket of a herd. `id` is its name in the process that owns it. */
export interface HerdSocket {
  id: number;
  pid: number;
  protocol: KernelSocket['protocol'];
  local: Endpoint;
  /** Absent for a listener and for UDP that is not connected. */
  remote?: Endpoint;
  inode: number;
}

/** Both ends of some connections: `near[i]` is connected to `far[i]`. */
export interface Connections {
  near: HerdSocket[];
  far: HerdSocket[];
}

/** The folder that holds package.json, found from here, or from dist/ when this is bundled. */
export const root = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

// include/net/tcp_states.h. UDP uses the first and CLOSE, which tools show as UNCONN.
const states = [
  ...[
    '',
    'ESTABLISHED',
    'SYN_SENT',
    'SYN_RECV',
    'FIN_WAIT1',
    'FIN_WAIT2',
    'TIME_WAIT',
    'CLOSE',
    'CLOSE_WAIT',
  ],
  ...['LAST_ACK', 'LISTEN', 'CLOSING', 'NEW_SYN_RECV'],
];

/** /proc/net prints an address as words of 32 bits, each in the byte order of the machine. */
function parseEndpoint(text: string): Endpoint {
  const [hex = '', port = ''] = text.split(':');
  const bytes = Buffer.from(hex, 'hex');
  if (new Uint8Array(new Uint32Array([1]).buffer)[0] === 1) bytes.swap32();
  return { address: formatAddress(bytes), port: Number.parseInt(port, 16) };
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const isMapped = bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'));
  if (isMapped) return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/**
 * Every TCP and UDP socket that the kernel has now (proc_net(5)), read on a way that the program under test
 * does not use first. While sockets come and go, single ones may be missing: ask again.
 * @param pid a process of the network namespace that is asked about
 */
export function kernelSockets(
  protocols: Iterable<KernelSocket['protocol']> = ['tcp', 'tcp6', 'udp', 'udp6'],
  pid: number | 'self' = 'self',
): KernelSocket[] {
  return [...protocols].flatMap((protocol) => {
    const lines = readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8').trimEnd().split('\n').slice(1);
    return lines.map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      return {
        protocol,
        local: parseEndpoint(local),
        remote: parseEndpoint(remote),
        state: states[Number.parseInt(state, 16)] ?? state,
        inode: Number(inode),
      };
    });
  });
}

const keyOf = ({ protocol, local, remote }: Pick<HerdSocket, 'protocol' | 'local' | 'remote'>) =>
  `${protocol} ${local.address} ${local.port} ${remote?.port ? `${remote.address} ${remote.port}` : ''}`;

/** Waits until `condition` gives something truthy, and gives that; rejects with `what` after `timeoutMs`. */
export async function eventually<T>(
  what: () => string,
  condition: () => T | false | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const seen = condition();
    if (seen) return seen;
    if (performance.now() > deadlineMs) throw new Error(`Waited ${timeoutMs} ms for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Waits until the kernel has all these sockets in a state, and gives what it says of them, in their order.
 * `owned` asks besides that a process holds them; `pid` is a process of their network namespace.
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

type Told = Omit<HerdSocket, 'pid' | 'inode'>;

interface Answer {
  as: number;
  error?: string;
  sockets?: Told[];
  pid?: number;
  bytes?: number;
}

/** What a process of a herd is called. */
export interface Naming {
  /** Its argv and, as far as 15 bytes go, its comm. May hold whatever text a hostile program would choose. */
  title?: string;
  /** Another comm, of up to 15 bytes that need not be text. */
  comm?: Uint8Array;
  /** The command and first arguments that run it, in its place: `ip netns exec NAME`. */
  through?: readonly string[];
}

/** A process that opens and closes sockets on order. Each order ends when the kernel shows what it asks for. */
export class HerdProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  #lastOrder = 0;
  readonly pid: number;

  /** Starts a process. Rejects when it does not come up. */
  static async start({
    title = '',
    comm = new Uint8Array(),
    through = [],
  }: Naming = {}): Promise<HerdProcess> {
    const file = join(root, 'test', 'helpers', 'herd-child.mjs');
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
      const asker = this.#pending.get(answer.as);
      this.#pending.delete(answer.as);
      if (answer.error === undefined) asker?.resolve(answer);
      else asker?.reject(new Error(answer.error));
    });
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#pending.values()) reject(new Error(`it ended with ${code ?? signal}`));
      this.#pending.clear();
    });
    // Orders to a process that was killed: its exit tells.
    child.stdin?.on('error', () => {});
  }

  #answer(as: number): Promise<Answer> {
    return new Promise((resolve, reject) => this.#pending.set(as, { resolve, reject }));
  }

  #order(order: string, details: object): Promise<Answer> {
    this.#lastOrder += 1;
    const answer = this.#answer(this.#lastOrder);
    this.#child.stdin?.write(`${JSON.stringify({ ...details, order, as: this.#lastOrder })}\n`);
    return answer;
  }

  async #open(order: string, details: object, state: string): Promise<HerdSocket[]> {
    const { sockets = [] } = await this.#order(order, details);
    const seen = await settled(sockets, state, { pid: this.pid });
    return sockets.map((socket, index) => ({ ...socket, pid: this.pid, inode: seen[index]?.inode ?? 0 }));
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
   * Connects to a listener of `server`, which may be this process itself. `host` is the address to call, when it
   * is not the listener's own (127.0.0.1 to a dual-stack one); `from` the address, and `fromPort` the port, to call from.
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
    const called = host ?? address.replace(/^0\.0\.0\.0$/, '127.0.0.1').replace(/^::$/, '::1');
    const near = await this.#open('connect', { host: called, port, from, fromPort, count }, 'ESTABLISHED');
    const peers = near.map((socket) => socket.local);
    return { near, far: await server.#open('accept', { id: listener.id, peers }, 'ESTABLISHED') };
  }

  /** Starts a process that holds a listener too, like a worker of a pre-forking server. Gives its pid. */
  async share(listener: HerdSocket, { title }: Pick<Naming, 'title'> = {}): Promise<number> {
    const { pid = 0 } = await this.#order('share', { id: listener.id, title });
    return pid;
  }

  /** Sends zeros over each connection; the other side reads them. */
  async send(sockets: readonly HerdSocket[], bytes: number): Promise<void> {
    await this.#order('send', { ids: idsOf(sockets), bytes });
  }

  /** From now on sends so many zeros a second over a connection, in many small parts. */
  async pace(socket: HerdSocket, bytesPerSecond: number): Promise<void> {
    await this.#order('pace', { id: socket.id, bytesPerSecond });
  }

  /** How many bytes have been sent over a connection until now. */
  async sent(socket: HerdSocket): Promise<number> {
    const { bytes = 0 } = await this.#order('sent', { id: socket.id });
    return bytes;
  }

  /** Sends no more: these become FIN_WAIT2, and the other ends, which have to be open, CLOSE_WAIT. */
  async halfClose(sockets: readonly HerdSocket[]): Promise<void> {
    await this.#order('halfClose', { ids: idsOf(sockets) });
    await settled(sockets, 'FIN_WAIT2', { pid: this.pid });
  }

  /**
   * Lets go of these sockets, of whatever kind: the process has them no more. With `reset` a connection ends at
   * once at both ends, and nothing is left in TIME_WAIT.
   */
  async close(sockets: readonly HerdSocket[], { reset = false } = {}): Promise<void> {
    await this.#order('close', { ids: idsOf(sockets), reset });
  }

  /** Ends connections with `server` from this side, so that these ends are left in TIME_WAIT, owned by nobody. */
  async leaveInTimeWait(server: HerdProcess, { near, far }: Connections): Promise<void> {
    await this.halfClose(near);
    await server.close(far);
    await settled(near, 'TIME_WAIT', { owned: false, pid: this.pid });
  }

  /** Ends the process, and those that share its listeners. May be called again. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(impatience);
  }
}

const idsOf = (sockets: readonly HerdSocket[]) => sockets.map(({ id }) => id);

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('nothing was opened');
  return item;
}

/** How many files a process may have open: Node takes all that the hard limit allows. */
function openFilesLimit(): number {
  const [, hard = ''] =
    /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

/** The processes of a test, all on loopback, which end together. */
export class Herd {
  readonly #processes: Promise<HerdProcess>[] = [];

  /** Starts a process that owns nothing yet. */
  spawn(naming?: Naming): Promise<HerdProcess> {
    const started = HerdProcess.start(naming);
    this.#processes.push(started);
    return started;
  }

  /**
   * Opens many connections, by as many pairs of processes as the limit of open files asks for. Every pair has
   * addresses of its own in 127.0.0.0/8, for a pair of addresses has only some 28,000 ports between them.
   */
  async crowd(count: number): Promise<Connections> {
    const most = Math.min(5_000, openFilesLimit() - 100);
    const shares = Array.from({ length: Math.ceil(count / most) }, (_, index) =>
      Math.min(most, count - index * most),
    );
    const made = await Promise.all(
      shares.map(async (share, index) => {
        const [server, client] = await Promise.all([this.spawn(), this.spawn()]);
        const listener = await server.listen({ host: `127.71.${index}.1` });
        return client.connect(server, listener, { count: share, from: `127.72.${index}.1` });
      }),
    );
    return { near: made.flatMap(({ near }) => near), far: made.flatMap(({ far }) => far) };
  }

  /** Ends every process. May be called again. */
  async close(): Promise<void> {
    const started = await Promise.allSettled(this.#processes);
    await Promise.all(started.flatMap((one) => (one.status === 'fulfilled' ? [one.value.end()] : [])));
  }
}
