import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A network namespace of its own, so that neither the remnants of other measurements, which stay for a minute, nor other
 * programs disturb a measurement. Without root it is the network namespace of this process.
 */
export class PrivateNet {
  /** Process that keeps the namespace. */
  readonly #holder: ChildProcess | undefined;

  private constructor(holder: ChildProcess | undefined) {
    this.#holder = holder;
  }

  static async open(): Promise<PrivateNet> {
    if (process.geteuid?.() !== 0) return new PrivateNet(undefined);
    // `cat` exits at the end of its input: when this process does.
    const script = 'ip link set lo up && echo up && exec cat >/dev/null';
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = once(holder, 'exit').then(() =>
      Promise.reject(new Error('no network namespace was created')),
    );
    failed.catch(() => {});
    await Promise.race([once(holder.stdout, 'data'), failed]);
    return new PrivateNet(holder);
  }

  /** Returns the command that runs `words` in the namespace; the kernel sends it `signal` when this process dies. */
  command(words: readonly string[], { uid, signal = 'KILL' }: { uid?: number; signal?: string } = {}) {
    const enter = this.#holder ? ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, '--'] : [];
    const user = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const [file = '', ...args] = [...enter, 'setpriv', '--pdeathsig', signal, ...user, ...words];
    return { file, args };
  }

  /** May be called again. */
  close(): void {
    this.#holder?.kill('SIGKILL');
  }
}
