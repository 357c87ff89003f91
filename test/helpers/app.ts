import { EventEmitter, once } from 'node:events';
import { Writable } from 'node:stream';
import headless from '@xterm/headless';
import { writeLocalText } from '../../src/cli/locale.ts';
import type { Batch } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import type { HostAnswer, Message, State, Usage } from '../../src/store/state.ts';
import { App } from '../../src/tui/app.ts';
import { TerminalInput } from '../../src/tui/input.ts';
import { openScreen, type Terminal } from '../../src/tui/terminal.ts';
import { emptyState } from './fakes.ts';

/** The keyboard: what blessed and netpane use of a terminal's stdin. */
class FakeStdin extends EventEmitter {
  readonly isTTY = true;
  readonly isRaw = true;
  setRawMode = (): this => this;
  resume = (): this => this;
  pause = (): this => this;
}

/** One cell as it looks. */
export interface Look {
  readonly character: string;
  /** Of xterm's 256 colours; undefined for the terminal's own. */
  readonly colour: number | undefined;
  readonly bold: boolean;
  readonly inverse: boolean;
}

const settled = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** The whole app on a fake clock, a fake keyboard and an emulated terminal; nothing of it touches the machine. */
export class FakeApp {
  readonly app: App;
  readonly quits: number[] = [];
  readonly intervals: number[] = [];
  readonly suspends: number[] = [];
  readonly usageAsked: number[] = [];
  /** Host names that were to be looked up, in order. */
  readonly asked: string[] = [];
  /** What the look-ups come to, once `answer` is called. */
  readonly #waiting = new Map<string, (answer: HostAnswer) => void>();
  readonly copied: string[] = [];
  readonly saved: { readonly path: string; readonly sockets: readonly Socket[] }[] = [];
  /** States that were to be kept for the next start. */
  readonly kept: State[] = [];
  usage: Usage | undefined;
  /** What comes of writing a file, where it is not that it went well. */
  saving: Message | undefined;
  /** The work that the sampler is at. */
  sampler = 'between two polls';
  /** Time of the app's clock, which goes only when it is told to. */
  nowMs = 0;
  bytesWritten = 0;
  /** Is given what is written to the terminal. */
  onOutput: (data: Buffer) => void = () => undefined;
  readonly #stdin = new FakeStdin();
  readonly #input: TerminalInput;
  readonly #screen: Terminal['screen'];
  readonly #emulator: InstanceType<typeof headless.Terminal>;
  readonly #output: Writable & { isTTY?: boolean; columns?: number; rows?: number };

  /** @param locale as in LC_ALL */
  constructor(columns: number, rows: number, state: State = emptyState(), locale = 'C.UTF-8') {
    this.#emulator = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
    this.#output = Object.assign(
      new Writable({
        decodeStrings: true,
        write: (data: Buffer, _, done) => {
          this.bytesWritten += data.length;
          this.onOutput(data);
          this.#emulator.write(data, done);
        },
      }),
      { isTTY: true, columns, rows },
    );
    writeLocalText(this.#output, { LC_ALL: locale });
    this.#input = new TerminalInput(this.#stdin);
    this.#screen = openScreen(this.#input, this.#output, 'xterm-256color');
    const terminal: Terminal = {
      screen: this.#screen,
      restore: () => this.#screen.destroy(),
      suspend: () => void this.suspends.push(this.nowMs),
    };
    this.app = new App(terminal, state, {
      quit: () => void this.quits.push(this.nowMs),
      setInterval: (intervalMs) => void this.intervals.push(intervalMs),
      usageOf: (pid) => {
        this.usageAsked.push(pid);
        return Promise.resolve(this.usage && { ...this.usage, pid });
      },
      resolve: (name) => {
        this.asked.push(name);
        return new Promise((resolve) => this.#waiting.set(name, resolve));
      },
      copy: (text): Message => {
        this.copied.push(text);
        return { text: 'copied', isError: false };
      },
      save: (path, sockets) => {
        this.saved.push({ path, sockets });
        const well = { text: `saved ${sockets.length} sockets to ${path}`, isError: false };
        return Promise.resolve(this.saving ?? well);
      },
      saveState: (kept) => void this.kept.push(kept),
      samplerActivity: () => this.sampler,
      nowMs: () => this.nowMs,
    });
  }

  /** Hands batches to the app, each at its time, and waits until they are on the screen. */
  async take(...batches: readonly Batch[]): Promise<this> {
    for (const batch of batches) {
      this.nowMs = batch.monotonicMs;
      this.app.take(batch);
    }
    return this.shown();
  }

  /** Types keys one after the other, each of them a whole sequence, and waits until their effect is on the screen. */
  async press(...sequences: readonly string[]): Promise<this> {
    for (const sequence of sequences) {
      // A lone ESC is known as the key only when nothing follows it.
      const known = sequence === '\x1b' ? once(this.#input, 'data') : undefined;
      this.#stdin.emit('data', Buffer.from(sequence));
      await known;
      await this.shown();
    }
    return this;
  }

  /** A key or a mouse report, and nothing waits for what comes of it. */
  key(sequence: string): void {
    this.#stdin.emit('data', Buffer.from(sequence));
  }

  /** Types a text, character by character. */
  async type(text: string): Promise<this> {
    return this.press(...Array.from(text));
  }

  /** The look-up of a host name comes to its end. */
  async answer(name: string, answer: HostAnswer): Promise<this> {
    this.#waiting.get(name)?.(answer);
    return this.shown();
  }

  /** Clicks with the left button; the first cell is 0, 0. */
  async click(x: number, y: number): Promise<this> {
    return this.press(`\x1b[<0;${x + 1};${y + 1}M`, `\x1b[<0;${x + 1};${y + 1}m`);
  }

  async resize(columns: number, rows: number): Promise<this> {
    this.#emulator.resize(columns, rows);
    Object.assign(this.#output, { columns, rows });
    // Blessed waits for the last of many by a timer; the program tells of the size itself.
    this.#output.emit('resize');
    return this.shown();
  }

  /** Waits until all that was written is on the screen, and a click means it. */
  async shown(): Promise<this> {
    // The app paints two rounds of the event loop after a change, and a click means that picture two rounds later.
    for (let i = 0; i < 6; i++) await settled();
    await new Promise<void>((resolve) => {
      this.#emulator.write('', resolve);
    });
    return this;
  }

  get lines(): string[] {
    const { active } = this.#emulator.buffer;
    return Array.from(
      { length: this.#emulator.rows },
      (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '',
    );
  }

  get text(): string {
    return this.lines.map((line) => `${line.trimEnd()}\n`).join('');
  }

  /** The line that has `text` in it, and where. */
  find(text: string): { y: number; x: number } {
    const y = this.lines.findIndex((line) => line.includes(text));
    if (y < 0) throw new Error(`'${text}' is not on the screen:\n${this.text}`);
    return { y, x: this.lines[y]?.indexOf(text) ?? 0 };
  }

  look(x: number, y: number): Look {
    const { active } = this.#emulator.buffer;
    const cell = active.getLine(active.baseY + y)?.getCell(x);
    if (!cell) throw new RangeError(`there is no cell ${x}, ${y}`);
    return {
      character: cell.getChars(),
      colour: cell.isFgDefault() ? undefined : cell.getFgColor(),
      bold: cell.isBold() !== 0,
      inverse: cell.isInverse() !== 0,
    };
  }

  close(): void {
    this.#screen.destroy();
    this.#emulator.dispose();
  }
}
