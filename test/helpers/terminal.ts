import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import type { Terminal as Emulator } from '@xterm/headless';
// The package is CommonJS that Node finds no names in, so its class is reached through the default export.
import headless from '@xterm/headless';
import type { Cell } from './svg.ts';

/** What to run in a {@link Terminal}, and how large the terminal is. */
export interface TerminalOptions {
  command: string;
  args: string[];
  cols: number;
  rows: number;
  /** On top of a small clean environment (PATH, HOME, LANG, TERM); `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /**
   * HOME, and with it the place of configuration and saved state. Without it the terminal has one of its own, which is
   * empty at first and goes with it: nothing comes from the home of who runs the tests, or from another test.
   */
  home?: string;
  cwd?: string;
}

/** How a program ended. `signal` is 0 when it ended by itself. */
export interface Exit {
  exitCode: number;
  signal: number;
}

/**
 * What the program has made of the terminal, as far as it outlives the program. A program that cleans up
 * leaves a value equal to the one before it started.
 */
export interface Modes {
  alternateScreen: boolean;
  mouse: 'none' | 'x10' | 'vt200' | 'drag' | 'any';
  mouseEncoding: string;
  cursorHidden: boolean;
  applicationCursorKeys: boolean;
  applicationKeypad: boolean;
  bracketedPaste: boolean;
  focusReports: boolean;
  insert: boolean;
  origin: boolean;
  wraparound: boolean;
  /** Text written now would have the terminal's own colours and no attribute. */
  plainStyle: boolean;
  /** Text written now would not be taken for line drawing. */
  plainCharset: boolean;
  /** The lines that scroll are the whole screen. */
  fullScrollRegion: boolean;
}

const keys = {
  enter: '\r',
  escape: '\x1b',
  tab: '\t',
  'shift-tab': '\x1b[Z',
  backspace: '\x7f',
  space: ' ',
  insert: '\x1b[2~',
  delete: '\x1b[3~',
  pageup: '\x1b[5~',
  pagedown: '\x1b[6~',
  f1: '\x1bOP',
  f5: '\x1b[15~',
  'ctrl-c': '\x03',
  'ctrl-d': '\x04',
  'ctrl-l': '\x0c',
  'ctrl-u': '\x15',
  'ctrl-z': '\x1a',
  'ctrl-backslash': '\x1c',
} as const;

/** These keys are sent as ESC O … or ESC [ …, by the cursor-key mode the program has chosen. */
const cursorKeys = { up: 'A', down: 'B', right: 'C', left: 'D', home: 'H', end: 'F' } as const;

/** A key that has a name, for {@link Terminal.press}. */
export type KeyName = keyof typeof keys | keyof typeof cursorKeys;

type Falsy = false | 0 | '' | null | undefined;

const prompt = 'PROMPT$ ';

/** A real program in a real pseudo-terminal, its output shown by a real terminal emulator. */
export class Terminal {
  readonly #pty: IPty;
  readonly #emulator: Emulator;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  #bytesWritten = 0;
  #exit: Exit | undefined;
  /** A picture has begun to come, and has not come whole: blessed saves the cursor before it, and restores it after it. */
  #isPainting = false;
  /** The home that goes with the terminal. */
  readonly #home: string | undefined;
  /** Settles when the program has ended and all it wrote has been received. */
  readonly exited: Promise<Exit>;

  /** Starts a program. Throws when there is no such command. */
  static start(options: TerminalOptions): Terminal {
    return new Terminal(options);
  }

  /**
   * Starts an interactive bash, which keeps the terminal alive when the program under test ends, and waits
   * for its prompt. After a program that was killed or stopped, bash itself repairs the *tty* modes (not the
   * emulator's). To see what such a program left there, start `bash -c 'set -m; program; exec cat'` instead.
   */
  static async shell(options: Omit<TerminalOptions, 'command' | 'args'>): Promise<Terminal> {
    const terminal = new Terminal({
      ...options,
      command: 'bash',
      // Without line editing: readline would switch the tty to raw and bracketed paste on at every prompt,
      // and so hide what the program under test left.
      args: ['--norc', '--noprofile', '--noediting', '-i'],
      // An unset history file keeps the tests' lines out of the history of who runs them.
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
    const wanted: NonNullable<TerminalOptions['env']> = {
      PATH: process.env['PATH'],
      HOME: home ?? this.#home,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
      ...env,
    };
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    const name = wanted['TERM'] ?? 'xterm-256color';
    // Bytes and not text, for a test may ask which bytes came.
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

  /** How many bytes have come from the program. A program that redraws nothing does not move it. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** All bytes that have come from the program, or those from an earlier value of `bytesWritten` on. */
  received(from = 0): Buffer {
    return Buffer.concat(this.#chunks).subarray(from);
  }

  /** Types text, as it is. */
  write(text: string): void {
    this.#pty.write(text);
  }

  /** Presses a key that has a name. */
  press(name: KeyName): void {
    const introducer = this.#emulator.modes.applicationCursorKeysMode ? '\x1bO' : '\x1b[';
    this.write(
      name in cursorKeys
        ? introducer + cursorKeys[name as keyof typeof cursorKeys]
        : keys[name as keyof typeof keys],
    );
  }

  /** Presses and releases the left mouse button on a cell; the first cell is 0, 0. */
  click(x: number, y: number): void {
    this.write(`\x1b[<0;${x + 1};${y + 1}M\x1b[<0;${x + 1};${y + 1}m`);
  }

  /** Turns the mouse wheel by one notch on a cell; the first cell is 0, 0. */
  wheel(x: number, y: number, direction: 'up' | 'down'): void {
    this.write(`\x1b[<${direction === 'up' ? 64 : 65};${x + 1};${y + 1}M`);
  }

  /** Types a line for the shell. Gives back once the line's echo shows, so that `atPrompt` is about what follows. */
  async run(line: string): Promise<void> {
    const before = this.#bytesWritten;
    this.write(`${line}\r`);
    await this.until(`the echo of ${line}`, () => this.#bytesWritten > before);
  }

  /** True when the shell of {@link Terminal.shell} waits for a line and nothing of one has been typed. */
  atPrompt(): boolean {
    const { cursorX, cursorY } = this.#emulator.buffer.active;
    return cursorX === prompt.length && this.rows()[cursorY] === prompt.trimEnd();
  }

  /** Changes the size of the terminal; the program gets SIGWINCH. */
  resize(cols: number, rows: number): void {
    this.#emulator.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  /** Reads no more of what the program writes, which soon cannot write any more, as behind a stuck ssh. */
  pause(): void {
    this.#pty.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#pty.resume();
  }

  /** The lines on the screen, without the blanks at their ends. */
  rows(): string[] {
    const { active } = this.#emulator.buffer;
    return Array.from({ length: this.#emulator.rows }, (_, y) =>
      (active.getLine(active.baseY + y)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  /** The whole screen as one text. */
  text(): string {
    return this.rows().join('\n');
  }

  /** One cell; the first is 0, 0. Throws outside the screen. */
  cell(x: number, y: number): Cell {
    const { active } = this.#emulator.buffer;
    const cell = active.getLine(active.baseY + y)?.getCell(x);
    if (!cell || y < 0 || y >= this.#emulator.rows) throw new RangeError(`there is no cell ${x}, ${y}`);
    const color = (isDefault: boolean, isRgb: boolean, value: number) => {
      if (isDefault) return undefined;
      return isRgb ? `#${value.toString(16).padStart(6, '0')}` : value;
    };
    return {
      text: cell.getChars(),
      width: cell.getWidth(),
      fg: color(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
      bg: color(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
      bold: cell.isBold() !== 0,
      dim: cell.isDim() !== 0,
      italic: cell.isItalic() !== 0,
      underline: cell.isUnderline() !== 0,
      inverse: cell.isInverse() !== 0,
    };
  }

  /** Every cell of the screen, line by line. */
  cells(): Cell[][] {
    const { rows, cols } = this.#emulator;
    return Array.from({ length: rows }, (_, y) => Array.from({ length: cols }, (_, x) => this.cell(x, y)));
  }

  /**
   * Waits until `condition` gives something truthy, and gives that. It is asked again whenever output has
   * come, with all of it on the screen, and now and then besides, for it may look at more than the terminal. The picture
   * is then a whole one, however slowly it comes.
   * Rejects after `timeoutMs` with `what` and the screen, and at once with what the condition throws.
   */
  async until<T>(
    what: string,
    condition: (terminal: Terminal) => T | Falsy,
    { timeoutMs = 10_000 }: { timeoutMs?: number } = {},
  ): Promise<T> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      await this.#flush();
      const seen = condition(this);
      if (seen && !this.#isHalf()) return seen;
      if (performance.now() > deadlineMs) {
        const end = this.#exit ? `, the program having ended with ${JSON.stringify(this.#exit)}` : '';
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

  /** What the emulator is set to now. */
  modes(): Modes {
    const { modes, buffer, rows } = this.#emulator;
    const {
      coreService,
      coreMouseService,
      _charsetService,
      _inputHandler,
      buffer: screen,
    } = inner(this.#emulator);
    const { fg, bg } = _inputHandler._curAttrData;
    return {
      alternateScreen: buffer.active.type === 'alternate',
      mouse: modes.mouseTrackingMode,
      mouseEncoding: coreMouseService.activeEncoding,
      cursorHidden: coreService.isCursorHidden,
      applicationCursorKeys: modes.applicationCursorKeysMode,
      applicationKeypad: modes.applicationKeypadMode,
      bracketedPaste: modes.bracketedPasteMode,
      focusReports: modes.sendFocusMode,
      insert: modes.insertMode,
      origin: modes.originMode,
      wraparound: modes.wraparoundMode,
      plainStyle: fg === 0 && bg === 0,
      plainCharset: _charsetService.charset === undefined,
      fullScrollRegion: screen.scrollTop === 0 && screen.scrollBottom === rows - 1,
    };
  }

  /**
   * The flags of the terminal line (termios), by the names of `stty`: `icanon` and `echo` are false when it is
   * raw. Works as long as the program that was started lives.
   */
  ttyModes(): Record<string, boolean> {
    const path = (this.#pty as IPty & { ptsName?: unknown }).ptsName;
    if (typeof path !== 'string') throw new Error('node-pty no longer tells the name of its terminal');
    // NOCTTY: a test runner without a terminal must not get this one as its own.
    const line = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    try {
      const { stdout, stderr, status } = spawnSync('stty', ['-a'], {
        stdio: [line, 'pipe', 'pipe'],
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`stty: ${stderr}`);
      // The lines before the flags hold `speed …; rows …;` and `intr = ^C;`.
      const words = stdout.replace(/[^;]*;/g, '').split(/\s+/);
      const flags = words.filter((word) => /^-?[a-z][a-z0-9]*$/.test(word));
      return Object.fromEntries(flags.map((flag) => [flag.replace('-', ''), !flag.startsWith('-')]));
    } finally {
      closeSync(line);
    }
  }

  /** Ends the program, and all that it started in this terminal. May be called again, or after it ended. */
  async close(): Promise<void> {
    // The shell's SIGHUP does not end jobs that are stopped or that ignore it, so each is ended by its id.
    await this.until('the end of everything in the terminal', () => {
      const alive = this.#session();
      for (const pid of alive) kill(pid);
      return alive.length === 0;
    });
    await this.exited;
    this.#emulator.dispose();
    if (this.#home !== undefined) rmSync(this.#home, { recursive: true, force: true });
  }

  /** The living processes of this terminal: node-pty makes the program a session of its own, named by its pid. */
  #session(): number[] {
    if (process.platform !== 'linux') return this.#exit ? [] : [this.pid];
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => {
        const stat = readIfThere(`/proc/${name}/stat`);
        // proc_pid_stat(5): after the name, which may itself hold ")", come state, ppid, pgrp and session.
        const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(session) === this.pid && state !== 'Z' && state !== 'X';
      })
      .map(Number);
  }

  #isHalf(): boolean {
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

  /** The emulator parses in the background: only after this is on the screen what has been received. */
  #flush(): Promise<void> {
    return new Promise((resolve) => this.#emulator.write('', resolve));
  }
}

/** The parts of the emulator that its public interface does not show. */
interface Inner {
  coreService: { isCursorHidden: boolean };
  coreMouseService: { activeEncoding: string };
  _charsetService: { charset: unknown };
  _inputHandler: { _curAttrData: { fg: number; bg: number } };
  buffer: { scrollTop: number; scrollBottom: number };
}

type DeepPartial<T> = { [K in keyof T]?: T[K] extends object ? DeepPartial<T[K]> : T[K] };

function inner(emulator: Emulator): Inner {
  const { _core: core } = emulator as Emulator & { _core?: DeepPartial<Inner> };
  // A new version that moved them must fail the tests and not pass them.
  if (
    typeof core?.coreService?.isCursorHidden !== 'boolean' ||
    typeof core.coreMouseService?.activeEncoding !== 'string' ||
    typeof core._inputHandler?._curAttrData?.fg !== 'number' ||
    typeof core.buffer?.scrollBottom !== 'number' ||
    !core._charsetService
  ) {
    throw new Error('this version of @xterm/headless keeps its state elsewhere');
  }
  return core as Inner;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself between the look and the signal.
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
