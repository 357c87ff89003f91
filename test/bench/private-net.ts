import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * A network namespace of its own, for what disturbs others or is disturbed by what others left: connections that are
 * over stay in it for a minute. Without root it is the network there is.
 */
export class PrivateNet {
  readonly #holder: ChildProcess | undefined;

  private constructor(holder: ChildProcess | undefined) {
    this.#holder = holder;
  }

  static async open(): Promise<PrivateNet> {
    if (process.geteuid?.() !== 0) return new PrivateNet(undefined);
    // Its input ends with us, and it with that.
    const script = 'ip link set lo up && echo up && exec cat >/dev/null';
    const holder = spawn('unshare', ['--net', 'sh', '-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const failed = once(holder, 'exit').then(() => Promise.reject(new Error('no network namespace')));
    failed.catch(() => {});
    await Promise.race([once(holder.stdout, 'data'), failed]);
    return new PrivateNet(holder);
  }

  /** A command that runs in it, and ends by this signal when we are gone. */
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
