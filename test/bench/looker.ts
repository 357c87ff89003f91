import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FirstSample, LookCosts, LookOrder } from './looking.ts';
import { self, type ThreadData, withRole, YOUNG_MB } from './role.ts';

const startThread = (role: 'look' | 'first'): Worker =>
  new Worker(self(), {
    workerData: { role } satisfies ThreadData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });

/** A thread that looks at the sockets as the program's sampling thread does, but when it is told to. */
export class Looker {
  readonly #worker = startThread('look');

  /** One look. Rejects when the thread has ended. */
  async look(order: LookOrder): Promise<LookCosts> {
    const answered = once(this.#worker, 'message') as Promise<[LookCosts]>;
    this.#worker.postMessage(order, order.port ? [order.port] : []);
    const [costs] = await answered;
    return costs;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** A first sample in a process that has loaded nothing of it yet. */
export async function firstSample(): Promise<FirstSample> {
  const child = fork(self(), { env: withRole('first'), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const answered = once(child, 'message') as Promise<[FirstSample]>;
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('a first sample was not taken')));
    ended.catch(() => {});
    const [first] = await Promise.race([answered, ended]);
    // One without owners would be quick, and no such thing.
    if (first.owned < 0.9 * first.sockets)
      throw new Error(`a first sample knew the programs of ${first.owned} sockets of ${first.sockets}`);
    return first;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Entry of the process of `firstSample`: its main thread starts the thread, as the program's does. */
export async function tellFirst(): Promise<void> {
  const [first] = (await once(startThread('first'), 'message')) as [FirstSample];
  process.send?.(first);
}
