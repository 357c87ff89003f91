import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LoadProcess } from './load-process.ts';
import type { PrivateNet } from './private-net.ts';

/** Processes that make the connections: four that stay, or a new process for each connection. */
export type ClientKind = 'permanent' | 'per-connection';

/** A connection that the load made. */
export interface Connection {
  readonly localPort: number;
  readonly host: string;
  readonly port: number;
  /** Process of the client. */
  readonly pid: number;
  readonly serverPid: number;
  /** When the server accepted it, milliseconds since 1970. */
  readonly atMs: number;
}

/** Result of a load. */
export interface LoadResult {
  readonly connections: readonly Connection[];
  /** Connections per second actually reached. */
  readonly rate: number;
  /**
   * Lifetimes, milliseconds, from connect() to the return of close(). For a process per connection from accept() to the
   * FIN, which is shorter.
   */
  readonly lifetimesMs: readonly number[];
}

/** Number of clients, and of servers: a server serves one connection at a time, so each client has its own. */
const PAIRS = 4;
export const FIRST_PORT = 7100;
/** Delay from the order to the first connection, so that all processes start at the same time. */
const START_DELAY_MS = 300;
/** Maximum delay of the end of a load before it counts as failed, milliseconds. */
const TIMEOUT_MS = 60_000;

/** A connection as the server reports it. */
type Served = [startMs: number, lifetimeMs: number, localPort: number, host: string, pid: number];

/** Each client of each load has addresses of its own: a remnant blocks its endpoints for a minute. */
const FIRST_NETWORK = 64;
const NETWORKS = 128;

/** Number of loads so far. */
let loads = 0;

/** Short-lived loopback connections: each sends five bytes, receives three, and is closed by the client. */
export class Load {
  readonly #net: PrivateNet;
  readonly #number = ++loads;
  readonly #servers: readonly LoadProcess[];
  readonly #clients: readonly LoadProcess[];

  constructor(net: PrivateNet) {
    this.#net = net;
    const processes = () => Array.from({ length: PAIRS }, () => new LoadProcess(net, 'load-child.mjs'));
    this.#servers = processes();
    this.#clients = processes();
  }

  async open(): Promise<void> {
    await Promise.all(this.#servers.map((it, i) => it.request({ order: 'open', port: FIRST_PORT + i })));
  }

  /** Makes one connection that is not part of the result: the servers do not accept yet. */
  async connectOnce(): Promise<void> {
    const { file, args } = this.#net.command(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${FIRST_PORT}`]);
    await once(spawn(file, args, { stdio: 'ignore' }), 'exit');
  }

  /** Makes `rate` connections per second for `seconds`. Can be called once. */
  async run(clients: ClientKind, rate: number, seconds: number): Promise<LoadResult> {
    const isProcessPerConnection = clients === 'per-connection';
    const active = isProcessPerConnection ? this.#clients.slice(0, 1) : this.#clients;
    const serving = this.#servers
      .slice(0, active.length)
      .map((server) => server.request<{ connections: Served[] }>({ order: 'serve' }));
    const startAtMs = Date.now() + START_DELAY_MS;
    const everyMs = (1000 * active.length) / rate;
    const connecting = active.map((client, i) =>
      client.request<{ lifetimesMs: number[]; endMs: number }>({
        order: 'connect',
        isProcessPerConnection,
        network: `127.${FIRST_NETWORK + ((PAIRS * this.#number + i) % NETWORKS)}`,
        port: FIRST_PORT + i,
        count: Math.round((rate * seconds) / active.length),
        startAtMs: startAtMs + (i * everyMs) / active.length,
        everyMs,
      }),
    );
    const all = Promise.all([Promise.all(serving), Promise.all(connecting)]);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the load does not end')), 1000 * seconds + TIMEOUT_MS);
    });
    const [served, connected] = await Promise.race([all, timeout]).finally(() => clearTimeout(timer));
    const connections = served.flatMap((answer, i) =>
      answer.connections.map(([atMs, , localPort, host, pid]): Connection => ({
        atMs,
        localPort,
        host,
        port: FIRST_PORT + i,
        pid,
        serverPid: this.#servers[i]?.pid ?? 0,
      })),
    );
    if (connections.length === 0) throw new Error('the load made no connection');
    return {
      connections,
      rate: (1000 * connections.length) / (Math.max(...connected.map(({ endMs }) => endMs)) - startAtMs),
      lifetimesMs: isProcessPerConnection
        ? served.flatMap((answer) => answer.connections.map(([, lifetimeMs]) => lifetimeMs))
        : connected.flatMap((answer) => answer.lifetimesMs),
    };
  }

  /** Kills all its processes. May be called again. */
  close(): void {
    for (const it of [...this.#servers, ...this.#clients]) it.close();
  }
}
