import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import type { PrivateNet } from './private-net.ts';

/** Who makes the connections: a few processes that stay, or for each a process of its own. */
export type Callers = 'lasting' | 'brief';

/** A connection that was made: its ends, and who made it. */
export interface Call {
  readonly localPort: number;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly serverPid: number;
  /** Wall-clock time when it was accepted, milliseconds since 1970. */
  readonly atMs: number;
}

/** What a load was. */
export interface Calls {
  readonly calls: readonly Call[];
  /** Connections a second that were reached. */
  readonly rate: number;
  /**
   * Milliseconds from connect() to the end of close(); of brief callers from accept() to the FIN, which is less.
   */
  readonly lifetimesMs: readonly number[];
}

/** Callers, and as many servers; each has one of its own, for a server answers one at a time. */
const PAIRS = 4;
const FIRST_PORT = 7100;
/** From the order to the first connection, so that all processes begin at once. */
const LEAD_MS = 300;
/** A load that takes so much longer than it should has failed, milliseconds. */
const PATIENCE_MS = 60_000;

type Served = [startMs: number, lifetimeMs: number, localPort: number, host: string, pid: number];

/** Each caller of each load has addresses of its own: what is left of connections stays for a minute. */
const FIRST_NETWORK = 64;
const NETWORKS = 128;

/** Loads so far. */
let loads = 0;

class Side {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(net: PrivateNet) {
    const { file, args } = net.command([process.execPath, join(root, 'test', 'bench', 'calls-child.mjs')]);
    this.#child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#ended = once(this.#child, 'exit').then(() =>
      Promise.reject(new Error('a side of the load has ended')),
    );
    this.#ended.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async order<Answer>(order: object): Promise<Answer> {
    const answered = once(this.#child, 'message') as Promise<[Answer & { error?: string }]>;
    this.#child.send(order);
    const [answer] = await Promise.race([answered, this.#ended]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Connections on loopback, each over at once: five bytes go, three come, and the caller closes. */
export class Load {
  readonly #net: PrivateNet;
  readonly #number = ++loads;
  readonly #servers: readonly Side[];
  readonly #clients: readonly Side[];

  constructor(net: PrivateNet) {
    this.#net = net;
    const sides = () => Array.from({ length: PAIRS }, () => new Side(net));
    this.#servers = sides();
    this.#clients = sides();
  }

  async open(): Promise<void> {
    await Promise.all(this.#servers.map((it, i) => it.order({ order: 'open', port: FIRST_PORT + i })));
  }

  /** Makes one more connection, which is not among those that are counted: the servers do not answer yet. */
  async poke(): Promise<void> {
    const { file, args } = this.#net.command(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${FIRST_PORT}`]);
    await once(spawn(file, args, { stdio: 'ignore' }), 'exit');
  }

  /** Makes so many connections a second for so long. Once. */
  async run(callers: Callers, rate: number, seconds: number): Promise<Calls> {
    const clients = callers === 'brief' ? this.#clients.slice(0, 1) : this.#clients;
    const served = this.#servers
      .slice(0, clients.length)
      .map((server) => server.order<{ calls: Served[] }>({ order: 'serve' }));
    const startAtMs = Date.now() + LEAD_MS;
    const everyMs = (1000 * clients.length) / rate;
    const called = clients.map((client, i) =>
      client.order<{ lifetimesMs: number[]; endMs: number }>({
        order: 'call',
        briefly: callers === 'brief',
        network: `127.${FIRST_NETWORK + ((PAIRS * this.#number + i) % NETWORKS)}`,
        port: FIRST_PORT + i,
        count: Math.round((rate * seconds) / clients.length),
        startAtMs: startAtMs + (i * everyMs) / clients.length,
        everyMs,
      }),
    );
    const all = Promise.all([Promise.all(served), Promise.all(called)]);
    let impatience: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      impatience = setTimeout(() => reject(new Error('the load does not end')), 1000 * seconds + PATIENCE_MS);
    });
    const [answers, makers] = await Promise.race([all, late]).finally(() => clearTimeout(impatience));
    const calls = answers.flatMap((answer, i) =>
      answer.calls.map(([atMs, , localPort, host, pid]): Call => ({
        atMs,
        localPort,
        host,
        port: FIRST_PORT + i,
        pid,
        serverPid: this.#servers[i]?.pid ?? 0,
      })),
    );
    if (calls.length === 0) throw new Error('no connection was made');
    return {
      calls,
      rate: (1000 * calls.length) / (Math.max(...makers.map(({ endMs }) => endMs)) - startAtMs),
      lifetimesMs:
        callers === 'brief'
          ? answers.flatMap((answer) => answer.calls.map(([, lifetimeMs]) => lifetimeMs))
          : makers.flatMap((maker) => maker.lifetimesMs),
    };
  }

  /** Ends all its processes. May be called again. */
  close(): void {
    for (const side of [...this.#servers, ...this.#clients]) side.end();
  }
}
