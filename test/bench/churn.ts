import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import type { PrivateNet } from './private-net.ts';

/** Starts fifty short-lived processes per second. */
const PROCESSES = 'while :; do true & sleep 0.02; done';

/** Creates network namespaces that live for a third of a second, each with a process and the loopback interface. */
const NAMESPACES = "while :; do unshare --net sh -c 'ip link set lo up; sleep 0.3'; done";

/** Background activity of a busy machine: processes, listeners and, as root, namespaces that appear and disappear. */
export class Churn {
  readonly #children: ChildProcess[];

  constructor(net: PrivateNet) {
    const isRoot = process.geteuid?.() === 0;
    const commands = [
      ['sh', '-c', PROCESSES],
      ...(isRoot ? [['sh', '-c', NAMESPACES]] : []),
      [process.execPath, join(root, 'test', 'bench', 'churn-child.mjs')],
    ];
    this.#children = commands.map((words) => {
      const { file, args } = net.command(words);
      return spawn(file, args, { stdio: 'ignore' });
    });
  }

  /** Stops all changes; what is open stays open. */
  pause(): void {
    for (const child of this.#children) child.kill('SIGSTOP');
  }

  /** May be called again. */
  close(): void {
    for (const child of this.#children) {
      child.kill('SIGKILL');
      child.kill('SIGCONT');
    }
  }
}
