import { join } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import { root } from '../helpers/herd.ts';
import { scratchFolder } from './scratch.ts';

export const COLS = 200;
export const ROWS = 50;

/** Maximum time to wait for output, milliseconds. */
const TIMEOUT_MS = 30_000;

const running = new Set<ProgramPty>();

/**
 * The built program in a pseudo-terminal. Its output is only read and matched: a terminal emulator would take CPU time
 * from what is measured.
 */
export class ProgramPty {
  readonly #pty: IPty;
  readonly #exited: Promise<void>;
  #text = '';
  #onData: () => void = () => {};
  #bytes = 0;
  readonly startedMs: number;

  /** @param options `args` are those of netpane; `nodeArgs` and `env` load a module that measures the program from inside */
  constructor(
    options: {
      readonly args?: readonly string[];
      readonly nodeArgs?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ) {
    const { PATH } = process.env;
    // An empty home: no configuration of the user, and no state of an earlier run.
    const HOME = scratchFolder();
    this.startedMs = performance.now();
    this.#pty = spawn(
      process.execPath,
      [...(options.nodeArgs ?? []), join(root, 'dist', 'netpane.js'), ...(options.args ?? [])],
      {
        cols: COLS,
        rows: ROWS,
        cwd: root,
        env: { PATH, HOME, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...options.env },
        encoding: null,
      },
    );
    running.add(this);
    this.#pty.onData((data: string | Buffer) => {
      this.#bytes += data.length;
      this.#text += data.toString('latin1');
      this.#onData();
    });
    this.#exited = new Promise((resolve) => this.#pty.onExit(() => resolve()));
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** Output received since the last key. */
  get text(): string {
    return this.#text;
  }

  /** Number of bytes received so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Types `text`. @returns milliseconds until the bytes received since then match `pattern` */
  async press(text: string, pattern: RegExp): Promise<number> {
    this.#text = '';
    const startMs = performance.now();
    this.#pty.write(text);
    return (await this.waitFor(pattern, `the effect of ${JSON.stringify(text)}`)) - startMs;
  }

  /** Waits until the bytes received since the last key match. @returns when they did, as `performance.now()` */
  waitFor(pattern: RegExp, what: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onData = () => {};
        const tail = JSON.stringify(this.#text.slice(-300));
        reject(new Error(`waited ${TIMEOUT_MS / 1000} s for ${what}; the output ends with ${tail}`));
      }, TIMEOUT_MS);
      this.#onData = () => {
        const nowMs = performance.now();
        if (!pattern.test(this.#text)) return;
        clearTimeout(timer);
        this.#onData = () => {};
        resolve(nowMs);
      };
      this.#onData();
    });
  }

  /** Sends SIGTERM and waits for the exit. */
  async terminate(): Promise<void> {
    if (running.delete(this)) this.#pty.kill('SIGTERM');
    await this.#exited;
  }

  /** Kills the program. May be called again. */
  async kill(): Promise<void> {
    if (running.delete(this)) this.#pty.kill('SIGKILL');
    await this.#exited;
  }
}

/** Kills all programs that still run. */
export async function killPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill()));
}
