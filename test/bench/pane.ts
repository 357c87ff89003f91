import { join } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import { root } from '../helpers/herd.ts';
import { scratchFolder } from './scratch.ts';

export const COLS = 200;
export const ROWS = 50;

const open = new Set<Pane>();

/**
 * The real program in a real pseudo-terminal, of which only the bytes are read: a terminal emulator would take its
 * own time, and the time of the machine that is measured.
 */
export class Pane {
  readonly #pty: IPty;
  readonly #ended: Promise<void>;
  #text = '';
  #onData: () => void = () => {};
  #bytes = 0;
  readonly startedMs: number;

  /** @param watched `nodeArgs` and `env` are for what watches the program from inside */
  constructor(
    watched: { readonly nodeArgs?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
  ) {
    const { PATH } = process.env;
    // Neither what the user has set, nor what was on the screen the last time.
    const HOME = scratchFolder();
    this.startedMs = performance.now();
    this.#pty = spawn(process.execPath, [...(watched.nodeArgs ?? []), join(root, 'dist', 'netpane.js')], {
      cols: COLS,
      rows: ROWS,
      cwd: root,
      env: { PATH, HOME, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...watched.env },
      encoding: null,
    });
    open.add(this);
    this.#pty.onData((data: string | Buffer) => {
      this.#bytes += data.length;
      this.#text += data.toString('latin1');
      this.#onData();
    });
    this.#ended = new Promise((resolve) => this.#pty.onExit(() => resolve()));
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** How many bytes have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Types `text` and gives the milliseconds until the bytes that came since match `pattern`. */
  async press(text: string, pattern: RegExp): Promise<number> {
    this.#text = '';
    const startMs = performance.now();
    this.#pty.write(text);
    return (await this.until(pattern, `the effect of ${JSON.stringify(text)}`)) - startMs;
  }

  /** Waits until the bytes since the last key match, and gives the moment when they came. */
  until(pattern: RegExp, what: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onData = () => {};
        reject(
          new Error(`waited 30 s for ${what}; what came ends with ${JSON.stringify(this.#text.slice(-300))}`),
        );
      }, 30_000);
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

  /** Lets the program end by itself. */
  async end(): Promise<void> {
    if (open.delete(this)) this.#pty.kill('SIGTERM');
    await this.#ended;
  }

  /** Ends the program. May be called again. */
  async close(): Promise<void> {
    if (open.delete(this)) this.#pty.kill('SIGKILL');
    await this.#ended;
  }
}

/** Ends every program that runs. */
export async function closePanes(): Promise<void> {
  await Promise.all([...open].map((pane) => pane.close()));
}
