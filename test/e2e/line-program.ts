import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanUp } from './netpane.ts';

/** Maximum time of any wait of these tests, milliseconds. */
export const PATIENCE_MS = 30_000;

/** Settles like `promise`, or rejects with `what` and the state after PATIENCE_MS. */
export function withinPatience<T>(
  what: string,
  promise: Promise<T>,
  state: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what}: not within ${PATIENCE_MS} ms\n${state()}`)),
      PATIENCE_MS,
    );
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

/** A running program that prints lines. */
export class LineProgram {
  readonly child: ChildProcess;
  readonly lines: string[] = [];
  stderr = '';
  /** Exit code, or the signal that ended it; settles when all output is read. */
  readonly ended: Promise<number | string | null>;
  readonly #onOutput = new Set<() => void>();

  constructor(words: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(words[0] ?? '', words.slice(1), {
      stdio: 'pipe',
      cwd: '/',
      env: { ...process.env, TZ: 'UTC', ...env },
    });
    cleanUp(() => this.child.kill('SIGKILL'));
    let rest = '';
    this.child.stdin?.on('error', () => {});
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
      for (const check of this.#onOutput) check();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      for (const check of this.#onOutput) check();
    });
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => (code ?? signal) as number | string | null,
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Waits until `find` returns a value. Calls it now, after every output, and when the program has ended. */
  until<T>(what: string, find: () => T | undefined | false): Promise<T> {
    let check = () => {};
    const found = new Promise<T>((resolve) => {
      check = () => {
        const value = find();
        if (value !== undefined && value !== false) resolve(value);
      };
      this.#onOutput.add(check);
      check();
    });
    const state = () => [...this.lines.slice(-5).map((line) => line.slice(0, 500)), this.stderr].join('\n');
    const over = this.ended.then((how) => {
      // The last output may hold the value.
      check();
      return Promise.reject(new Error(`${what}: the program ended with ${how}\n${state()}`));
    });
    return withinPatience(what, Promise.race([found, over]), state).finally(() =>
      this.#onOutput.delete(check),
    );
  }
}
