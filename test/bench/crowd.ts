import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';

/** Both ends of a connection are in one process, of which none may have more than 20,000 files open here. */
const MOST_OF_A_PROCESS = 9_800;

/** A process that holds both ends of many connections. */
class Holder {
  readonly #child: ChildProcess;
  /** Rejects when the process has ended. */
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => Promise.reject(new Error('a crowd has ended')));
    this.#ended.catch(() => {});
  }

  static async start(index: number): Promise<Holder> {
    const file = join(root, 'test', 'bench', 'crowd-child.mjs');
    const holder = new Holder(fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] }));
    // A pair of addresses of its own, for between two there are some 28,000 ports.
    await holder.order({ order: 'start', host: `127.71.${index}.1`, from: `127.72.${index}.1` });
    return holder;
  }

  async order(order: object): Promise<void> {
    const answered = once(this.#child, 'message') as Promise<[{ error?: string }]>;
    this.#child.send(order);
    const [{ error }] = await Promise.race([answered, this.#ended]);
    if (error !== undefined) throw new Error(error);
  }

  /** May be called again. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** Many established connections on loopback, each of which has carried a question and an answer. */
export class Crowd {
  readonly #holders: Promise<Holder>[] = [];

  /** How many sockets there are beside the two of each connection: a listener a process. */
  static listeners(connections: number): number {
    return Math.ceil(connections / MOST_OF_A_PROCESS);
  }

  async open(connections: number): Promise<void> {
    for (let left = connections; left > 0; left -= MOST_OF_A_PROCESS) {
      const starting = Holder.start(this.#holders.length);
      this.#holders.push(starting);
      await (await starting).order({ order: 'open', count: Math.min(left, MOST_OF_A_PROCESS) });
    }
  }

  /** Closes connections, and opens others in the largest process, whose descriptors take the longest to look through. */
  async replace(closes: number, opens: number): Promise<void> {
    await (await this.#holders[0])?.order({ order: 'replace', closes, opens });
  }

  /** Ends every process, whatever it is doing. May be called again. */
  async close(): Promise<void> {
    const started = await Promise.allSettled(this.#holders);
    await Promise.all(started.flatMap((one) => (one.status === 'fulfilled' ? [one.value.end()] : [])));
  }
}
