import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';

/**
 * Maximum number of connections per process, which holds both ends of each: the limit of open files is 20,000 on the
 * machine of the published figures.
 */
const MAX_PER_PROCESS = 9_800;

/** A process that holds both ends of many connections (open-connections-child.mjs). */
class ConnectionProcess {
  readonly #child: ChildProcess;
  /** Rejects when the process exits. */
  readonly #exited: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit').then(() =>
      Promise.reject(new Error('a process that holds connections has exited')),
    );
    this.#exited.catch(() => {});
  }

  static async start(index: number): Promise<ConnectionProcess> {
    const file = join(root, 'test', 'bench', 'open-connections-child.mjs');
    const holder = new ConnectionProcess(
      fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] }),
    );
    // Each process has its own pair of addresses: one pair has only some 28,000 ports.
    await holder.request({ order: 'start', host: `127.71.${index}.1`, from: `127.72.${index}.1` });
    return holder;
  }

  async request(order: object): Promise<void> {
    const answered = once(this.#child, 'message') as Promise<[{ error?: string }]>;
    this.#child.send(order);
    const [{ error }] = await Promise.race([answered, this.#exited]);
    if (error !== undefined) throw new Error(error);
  }

  /** May be called again. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** Many established loopback connections, each of which has carried a request and a response. */
export class OpenConnections {
  readonly #processes: Promise<ConnectionProcess>[] = [];

  /** Returns the number of sockets besides the two of each connection: one listener per process. */
  static listeners(connections: number): number {
    return Math.ceil(connections / MAX_PER_PROCESS);
  }

  async open(connections: number): Promise<void> {
    for (let left = connections; left > 0; left -= MAX_PER_PROCESS) {
      const starting = ConnectionProcess.start(this.#processes.length);
      this.#processes.push(starting);
      await (await starting).request({ order: 'open', count: Math.min(left, MAX_PER_PROCESS) });
    }
  }

  /** Closes the oldest connections and opens new ones, in the process with the most descriptors to search. */
  async replace(closes: number, opens: number): Promise<void> {
    await (await this.#processes[0])?.request({ order: 'replace', closes, opens });
  }

  /** Kills every process, also one that is starting. May be called again. */
  async close(): Promise<void> {
    const started = await Promise.allSettled(this.#processes);
    await Promise.all(started.flatMap((it) => (it.status === 'fulfilled' ? [it.value.end()] : [])));
  }
}
