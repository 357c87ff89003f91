import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import type { Terminal as Emulator } from '@xterm/headless';
// The package is CommonJS whose names Node does not detect, so the class is a property of the default export.
import headless from '@xterm/headless';
import { cellOf, type Modes, modesOf } from './emulator.ts';
import { kill, sessionPids, ttyModes } from './session.ts';
import type { Cell } from './svg.ts';
import { type KeyName, sequenceOf } from './terminal-keys.ts';

/** The program to run in a {@link Terminal}, and the size of the terminal. */
export interface TerminalOptions {
  command: string;
  args: string[];
  cols: number;
  rows: number;
  /** Variables added to a minimal environment (PATH, HOME, LANG, TERM); `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /**
   * HOME, and with it the folder of configuration and saved state. By default a new empty folder, removed with the
   * terminal: nothing comes from the home of the user who runs the tests, or from another test.
   */
  home?: string;
  cwd?: string;
}

/** How a program ended. `signal` is 0 if it exited without one. */
export interface Exit {
  exitCode: number;
  signal: number;
}

type Falsy = false | 0 | '' | null | undefined;

const prompt = 'PROMPT$ ';

/** A real program in a pseudo-terminal, its output shown by a terminal emulator. */
export class Terminal {
  readonly #pty: IPty;
  readonly #emulator: Emulator;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #bytesWritten = 0;
  #exit: Exit | undefined;
  /** True while a picture is incomplete: blessed saves the cursor (ESC 7) before it and restores it (ESC 8) after it. */
  #isPainting = false;
  /** The temporary HOME, removed with the terminal. */
  readonly #home: string | undefined;
  /** Resolves when the program has ended and all its output is received. */
  readonly exited: Promise<Exit>;

  /** Starts a program. Throws if the command does not exist. */
  static start(options: TerminalOptions): Terminal {
    return new Terminal(options);
  }

  /**
   * Starts an interactive bash and waits for its prompt; it keeps the terminal open after the program under test ends.
   * After a program that was killed or stopped, bash itself restores the *tty* modes (not those of the emulator). To see
   * the tty modes that such a program left, start `bash -c 'set -m; program; exec cat'` instead.
   */
  static async shell(options: Omit<TerminalOptions, 'command' | 'args'>): Promise<Terminal> {
    const terminal = new Terminal({
      ...options,
      command: 'bash',
      // Without line editing: readline sets raw mode and bracketed paste at every prompt, which would hide the modes that
      // the program under test left.
      args: ['--norc', '--noprofile', '--noediting', '-i'],
      // Without a history file the tests' lines do not get into the user's history.
      env: { PS1: prompt, HISTFILE: '', BASH_SILENCE_DEPRECATION_WARNING: '1', ...options.env },
    });
    await terminal.until('the first prompt of the shell', () => terminal.atPrompt());
    return terminal;
  }

  private constructor({ command, args, cols, rows, env, home, cwd = process.cwd() }: TerminalOptions) {
    this.#emulator = new headless.Terminal({ cols, rows, allowProposedApi: true });
    for (const [final, isPainting] of [
      ['7', true],
      ['8', false],
    ] as const) {
      this.#emulator.parser.registerEscHandler({ final }, () => {
        this.#isPainting = isPainting;
        return false;
      });
    }
    if (home === undefined) this.#home = mkdtempSync(join(tmpdir(), 'netpane-home-'));
    const variables: NonNullable<TerminalOptions['env']> = {
      PATH: process.env['PATH'],
      HOME: home ?? this.#home,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      ...env,
    };
    const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
    const name = variables['TERM'] ?? 'xterm-256color';
    // Bytes instead of text: tests compare bytes.
    this.#pty = spawn(command, args, { name, cols, rows, cwd, env: given, encoding: null });
    this.#pty.onData((data: string | Buffer) => this.#receive(Buffer.from(data)));
    this.exited = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal = 0 }) => {
        this.#exit = { exitCode, signal };
        this.#wake();
        resolve(this.#exit);
      });
    });
  }

  /** The process id of the program that was started (of the shell, for {@link Terminal.shell}). */
  get pid(): number {
    return this.#pty.pid;
  }

  /** True once the program has ended. */
  get hasEnded(): boolean {
    return this.#exit !== undefined;
  }

  /** Number of bytes received from the program. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Returns the bytes received from the program, all or those after an earlier value of `bytesWritten`. */
  received(from = 0): Buffer {
    return Buffer.concat(this.#chunks).subarray(from);
  }

  /** Types text. */
  write(text: string): void {
    this.#pty.write(text);
  }

  /** Presses a key. */
  press(name: KeyName): void {
    this.write(sequenceOf(name, this.#emulator.modes.applicationCursorKeysMode));
  }

  /** Presses and releases the left mouse button on a cell; the first cell is 0, 0. */
  click(x: number, y: number): void {
    this.write(`\x1b[<0;${x + 1};${y + 1}M\x1b[<0;${x + 1};${y + 1}m`);
  }

  /** Turns the mouse wheel by one notch on a cell; the first cell is 0, 0. */
  wheel(x: number, y: number, direction: 'up' | 'down'): void {
    this.write(`\x1b[<${direction === 'up' ? 64 : 65};${x + 1};${y + 1}M`);
  }

  /** Types a line for the shell. Resolves when its echo shows, so that `atPrompt` is false until the command ends. */
  async run(line: string): Promise<void> {
    const before = this.#bytesWritten;
    this.write(`${line}\r`);
    await this.until(`the echo of ${line}`, () => this.#bytesWritten > before);
  }

  /** Returns true if the shell of {@link Terminal.shell} shows its prompt and nothing is typed. */
  atPrompt(): boolean {
    const { cursorX, cursorY } = this.#emulator.buffer.active;
    return cursorX === prompt.length && this.rows()[cursorY] === prompt.trimEnd();
  }

  /** Changes the size of the terminal; the program gets SIGWINCH. */
  resize(cols: number, rows: number): void {
    this.#emulator.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  /** Stops reading the output of the program, which soon blocks in write(2), as behind a stuck ssh. */
  pause(): void {
    this.#pty.pause();
  }

  /** Continues to read. */
  resume(): void {
    this.#pty.resume();
  }

  /** Returns the lines of the screen, without trailing blanks. */
  rows(): string[] {
    const { active } = this.#emulator.buffer;
    return Array.from({ length: this.#emulator.rows }, (_, y) =>
      (active.getLine(active.baseY + y)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  /** Returns the screen as one text. */
  text(): string {
    return this.rows().join('\n');
  }

  /** Returns a cell; the first is 0, 0. Throws outside the screen. */
  cell(x: number, y: number): Cell {
    return cellOf(this.#emulator, x, y);
  }

  /** Returns all cells of the screen, line by line. */
  cells(): Cell[][] {
    const { rows, cols } = this.#emulator;
    return Array.from({ length: rows }, (_, y) => Array.from({ length: cols }, (_, x) => this.cell(x, y)));
  }

  /**
   * Waits until `condition` returns a truthy value and the picture is complete. The condition is evaluated after each
   * output, once it is on the screen, and every 50 ms, because it may depend on more than the terminal.
   * @returns that value; rejects after `timeoutMs` with `what` and the screen, and at once with an error of the condition
   */
  async until<T>(
    what: string,
    condition: (terminal: Terminal) => T | Falsy,
    { timeoutMs = 10_000 }: { timeoutMs?: number } = {},
  ): Promise<T> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      await this.#flush();
      const result = condition(this);
      if (result && !this.#isIncomplete()) return result;
      if (performance.now() > deadlineMs) {
        const end = this.#exit ? `; the program ended with ${JSON.stringify(this.#exit)}` : '';
        throw new Error(`Waited ${timeoutMs} ms for ${what}${end}. The screen:\n${this.text().trimEnd()}\n`);
      }
      await new Promise<void>((resolve) => {
        const go = () => {
          clearTimeout(timer);
          this.#waiting.delete(go);
          resolve();
        };
        const timer = setTimeout(go, 50);
        this.#waiting.add(go);
      });
    }
  }

  /** Returns the modes of the emulator. */
  modes(): Modes {
    return modesOf(this.#emulator);
  }

  /**
   * Returns the flags of the terminal line (termios), by their names in `stty`: `icanon` and `echo` are false in raw
   * mode. Works as long as the started program lives.
   */
  ttyModes(): Record<string, boolean> {
    const path = (this.#pty as IPty & { ptsName?: unknown }).ptsName;
    if (typeof path !== 'string') throw new Error('node-pty no longer has the name of its terminal');
    return ttyModes(path);
  }

  /** Kills the program and all processes of this terminal. May be called again, also after the program has ended. */
  async close(): Promise<void> {
    // The shell's SIGHUP does not end jobs that are stopped or ignore it, so each process is killed by its pid.
    await this.until('the end of all processes of the terminal', () => {
      const alive = this.#alivePids();
      for (const pid of alive) kill(pid);
      return alive.length === 0;
    });
    await this.exited;
    this.#emulator.dispose();
    if (this.#home !== undefined) rmSync(this.#home, { recursive: true, force: true });
  }

  /** Returns the living processes of this terminal: node-pty starts the program as the leader of a new session. */
  #alivePids(): number[] {
    if (process.platform === 'linux') return sessionPids(this.pid);
    return this.#exit ? [] : [this.pid];
  }

  #isIncomplete(): boolean {
    return this.#isPainting && this.#exit === undefined && this.modes().alternateScreen;
  }

  #receive(data: Buffer): void {
    this.#chunks.push(data);
    this.#bytesWritten += data.length;
    this.#emulator.write(data, () => this.#wake());
  }

  #wake(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** Resolves when all received output is on the screen: the emulator parses in the background. */
  #flush(): Promise<void> {
    return new Promise((resolve) => this.#emulator.write('', resolve));
  }
}
