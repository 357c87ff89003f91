import { execFile, type ExecFileException } from 'node:child_process';

const NETTOP = '/usr/bin/nettop';

/** One sample, addresses and bytes as plain numbers (nettop(1)). */
const ARGUMENTS = ['-L', '1', '-n', '-x'];

/** Limits of one run. */
interface RunLimits {
  readonly milliseconds: number;
  readonly bytes: number;
}

/** A sample may take some seconds; 100,000 sockets need some 20 MiB. */
const LIMITS: RunLimits = { milliseconds: 15_000, bytes: 32 * 2 ** 20 };

/** Thrown if nettop gives no answer. The message is a clause without a full stop. */
export class NettopFailed extends Error {}

/** Runs nettop. */
export class NettopProgram {
  readonly #path: string;
  readonly #limits: RunLimits;
  readonly #end = new AbortController();

  /** @param path replaces the program in tests */
  constructor(path = NETTOP, limits = LIMITS) {
    this.#path = path;
    this.#limits = limits;
  }

  /**
   * Returns its output. A run that exceeds the limits is killed.
   * @throws NettopFailed if it cannot be started, fails, or was killed
   */
  readonly run = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const { milliseconds, bytes } = this.#limits;
      execFile(
        this.#path,
        ARGUMENTS,
        {
          cwd: '/',
          encoding: 'utf8',
          env: { LC_ALL: 'C' },
          timeout: milliseconds,
          maxBuffer: bytes,
          killSignal: 'SIGKILL',
          signal: this.#end.signal,
        },
        (error, stdout) => {
          if (error === null) resolve(stdout);
          else reject(new NettopFailed(this.#reasonOf(error), { cause: error }));
        },
      );
    });

  #reasonOf({ code, killed, signal }: ExecFileException): string {
    const { milliseconds, bytes } = this.#limits;
    if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
      return `nettop printed more than ${bytes / 2 ** 20} MiB and was killed`;
    if (killed) return `nettop took more than ${milliseconds / 1000} s and was killed`;
    if (signal) return `nettop was ended by ${signal}`;
    if (typeof code === 'number') return `nettop failed with exit code ${code}`;
    return `${this.#path} cannot be started (${code ?? 'unknown error'})`;
  }

  /** Kills a run that has not ended. No run can be started after it. */
  close(): void {
    this.#end.abort();
  }
}
