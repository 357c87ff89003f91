import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import type { PrivateNet } from './private-net.ts';

/** A process that makes a load: it carries out one order after the other. */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<never>;

  /** @param file its program, a file of this folder */
  constructor(net: PrivateNet, file: string) {
    const command = net.command([process.execPath, join(root, 'test', 'bench', file)]);
    this.#child = spawn(command.file, command.args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#exited = once(this.#child, 'exit').then(() =>
      Promise.reject(new Error('a process of the load has exited')),
    );
    this.#exited.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends an order and returns the answer. Rejects if the order fails or the process exits. */
  async request<Answer>(order: object): Promise<Answer> {
    const answered = once(this.#child, 'message') as Promise<[Answer & { error?: string }]>;
    this.#child.send(order);
    const [answer] = await Promise.race([answered, this.#exited]);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Ends it at once. May be called again. */
  close(): void {
    this.#child.kill('SIGKILL');
  }
}
