import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../helpers/herd.ts';
import type { PrivateNet } from './private-net.ts';

/** Programs that are started all the time, fifty a second. */
const FORKS = 'while :; do true & sleep 0.02; done';

/** Network namespaces that live for a third of a second, each with a program and a listener's worth of loopback. */
const NAMESPACES = "while :; do unshare --net sh -c 'ip link set lo up; sleep 0.3'; done";

/** Lets programs, listeners and, as root, namespaces come and go, as on a busy machine. */
export class Turmoil {
  readonly #children: ChildProcess[];

  constructor(net: PrivateNet) {
    const isRoot = process.geteuid?.() === 0;
    const commands = [
      ['sh', '-c', FORKS],
      ...(isRoot ? [['sh', '-c', NAMESPACES]] : []),
      [process.execPath, join(root, 'test', 'bench', 'comings-child.mjs')],
    ];
    this.#children = commands.map((words) => {
      const { file, args } = net.command(words);
      return spawn(file, args, { stdio: 'ignore' });
    });
  }

  /** Listeners and programs stay as they are from now on. */
  stand(): void {
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
