import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { YOUNG_MB } from '../../src/cli/sampling-thread.ts';
import type { FirstPoll, PollCosts, PollRequest } from './poll-worker.ts';
import { scriptPath, type ThreadData, withRole } from './role.ts';

const startThread = (role: 'poll' | 'first-poll'): Worker =>
  new Worker(scriptPath(), {
    workerData: { role } satisfies ThreadData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });

/** A thread that polls the sockets as the program's sampling thread does, but on request instead of on a timer. */
export class PollThread {
  readonly #worker = startThread('poll');

  /** Takes one poll. Rejects if the thread has ended. */
  async poll(request: PollRequest): Promise<PollCosts> {
    const answered = once(this.#worker, 'message') as Promise<[PollCosts]>;
    this.#worker.postMessage(request, request.port ? [request.port] : []);
    const [costs] = await answered;
    return costs;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Minimum share of sockets whose process a first poll must know: a poll without owners would be faster. */
const MIN_OWNED = 0.9;

/** Takes a first poll in a process that has loaded none of the source's modules yet. */
export async function takeFirstPoll(): Promise<FirstPoll> {
  const child = fork(scriptPath(), {
    env: withRole('first-poll'),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const answered = once(child, 'message') as Promise<[FirstPoll]>;
    const ended = once(child, 'exit').then(() =>
      Promise.reject(new Error('the process of the first poll exited without a result')),
    );
    ended.catch(() => {});
    const [first] = await Promise.race([answered, ended]);
    if (first.owned < MIN_OWNED * first.holdable)
      throw new Error(`the first poll found the process of only ${first.owned} of ${first.holdable} sockets`);
    return first;
  } finally {
    child.kill('SIGKILL');
  }
}

/** Entry of the process of `takeFirstPoll`: its main thread starts the polling thread, as the program does. */
export async function forwardFirstPoll(): Promise<void> {
  const [first] = (await once(startThread('first-poll'), 'message')) as [FirstPoll];
  process.send?.(first);
}
