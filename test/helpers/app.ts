import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import headless from '@xterm/headless';
import { EffectRunner, type World } from '../../src/cli/effects.ts';
import { writeLocalText } from '../../src/cli/locale.ts';
import type { Batch } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import type { HostAnswer } from '../../src/store/lookups.ts';
import type { NameAnswer, PeerNames } from '../../src/store/peer-names.ts';
import type { Message, State, Usage } from '../../src/store/state.ts';
import { App } from '../../src/tui/app.ts';
import { ESCAPE_MS, TerminalInput } from '../../src/tui/input.ts';
import type { StartTimer } from '../../src/tui/timer.ts';
import { openScreen, type Terminal } from '../../src/tui/terminal.ts';
import { FakeProcesses } from './fake-processes.ts';
import { emptyState, NOON_MS } from './fakes.ts';
import { FakeGeoFiles } from './locations.ts';
import { IDLE_WORLD } from './idle-world.ts';

/** A fake stdin: the parts of a terminal's stdin that blessed and netpane use. */
class FakeStdin extends EventEmitter {
  readonly isTTY = true;
  readonly isRaw = true;
  setRawMode = (): this => this;
  resume = (): this => this;
  pause = (): this => this;
}

/** One cell of the emulated terminal. */
export interface CellStyle {
  readonly character: string;
  /** Number of an xterm colour (0–255); undefined for the terminal's default. */
  readonly colour: number | undefined;
  readonly bold: boolean;
  readonly inverse: boolean;
}

/** Line of the first row on the screen; the titles are above it. */
export const TOP_ROW = 4;

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** Answers, a little later, about those addresses that have an answer. */
function answerNames(
  addresses: readonly string[],
  names: Readonly<Record<string, NameAnswer>>,
  atMs: number,
  onAnswers: (answers: PeerNames) => void,
): void {
  const answers = addresses.flatMap((address) => {
    const answer = names[address];
    return answer ? [[address, { ...answer, atMs }] as const] : [];
  });
  if (answers.length > 0) queueMicrotask(() => onAnswers(new Map(answers)));
}

/** The whole app with a fake clock, a fake keyboard and an emulated terminal. It does not touch the machine. */
export class FakeApp {
  readonly app: App;
  readonly quits: number[] = [];
  readonly intervals: number[] = [];
  readonly suspends: number[] = [];
  readonly usageRequests: number[] = [];
  readonly askedWhois: string[] = [];
  /** Host names that the app resolved, in order. */
  readonly resolvedHosts: string[] = [];
  /** Pending lookups, which `answer` completes. */
  readonly #waiting = new Map<string, (answer: HostAnswer) => void>();
  /** Addresses whose names the app asked for, in order of the questions. */
  readonly askedNames: (readonly string[])[] = [];
  /** The answers to the app's questions about addresses. */
  names: Readonly<Record<string, NameAnswer>> = {};
  /** The files with locations. */
  readonly geo = new FakeGeoFiles();
  readonly processes = new FakeProcesses();
  readonly copied: string[] = [];
  readonly saved: { readonly path: string; readonly sockets: readonly Socket[] }[] = [];
  /** States that the app saved. */
  readonly savedStates: State[] = [];
  usage: Usage | undefined;
  /** Result of saving a file; undefined for success. */
  saving: Message | undefined;
  /** Current work of the sampler. */
  sampler = 'between two polls';
  /** Time of the fake clock. Timers of the app fire only in `pass`, however long a test takes. */
  nowMs = 0;
  readonly #timers = new Set<{ readonly then: () => void; readonly atMs: number }>();
  bytesWritten = 0;
  /** Receives the output to the terminal. */
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
    const startTimer: StartTimer = (then, afterMs) => {
      const timer = { then, atMs: this.nowMs + afterMs };
      this.#timers.add(timer);
      return () => void this.#timers.delete(timer);
    };
    this.#input = new TerminalInput(this.#stdin, startTimer);
    this.#screen = openScreen(this.#input, this.#output, 'xterm-256color');
    const terminal: Terminal = {
      screen: this.#screen,
      restore: () => this.#screen.destroy(),
      suspend: () => void this.suspends.push(this.nowMs),
    };
    const world: World = {
      ...IDLE_WORLD,
      suspend: () => terminal.suspend(),
      redraw: () => this.#screen.realloc(),
      quit: () => void this.quits.push(this.nowMs),
      setInterval: (intervalMs) => void this.intervals.push(intervalMs),
      usageOf: (pid) => {
        this.usageRequests.push(pid);
        return Promise.resolve(this.usage && { ...this.usage, pid });
      },
      resolve: (name) => {
        this.resolvedHosts.push(name);
        return new Promise((resolve) => this.#waiting.set(name, resolve));
      },
      askNames: (addresses, onAnswers) => {
        this.askedNames.push(addresses);
        answerNames(addresses, this.names, this.nowMs, onAnswers);
      },
      readLocations: (onLocations) => this.geo.read(onLocations),
      copy: (text, what) => {
        this.copied.push(text);
        return Promise.resolve({ text: `copied ${what}`, isError: false });
      },
      save: (path, sockets) => {
        this.saved.push({ path, sockets });
        const success = { text: `saved ${sockets.length} sockets to ${path}`, isError: false };
        return Promise.resolve(this.saving ?? success);
      },
      askWhois: (address) => void this.askedWhois.push(address),
      saveState: (kept) => void this.savedStates.push(kept),
      samplerActivity: () => this.sampler,
      ...this.processes.world,
      wallMs: () => NOON_MS,
      nowMs: () => this.nowMs,
    };
    const runner = new EffectRunner(world, (action) => this.app.dispatch(action), startTimer);
    this.app = new App(
      terminal,
      state,
      (effect) => runner.run(effect),
      () => this.nowMs,
    );
    this.app.dispatch({ type: 'start', atMs: this.nowMs });
  }

  /** Passes a batch to the app, and does not wait. */
  send(batch: Batch): void {
    this.app.dispatch({ type: 'batch', batch, atMs: this.nowMs });
  }

  /** Passes batches to the app, each at its time, and waits until they are on the screen. */
  async take(...batches: readonly Batch[]): Promise<this> {
    for (const batch of batches) {
      this.nowMs = batch.monotonicMs;
      this.send(batch);
    }
    return this.shown();
  }

  /** Lets time pass without a batch: the timers that elapse fire in order. */
  async pass(ms: number): Promise<this> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers].toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.then();
    }
    this.nowMs = untilMs;
    return this.shown();
  }

  /** Sends key sequences one after the other and waits until their effect is on the screen. */
  async press(...sequences: readonly string[]): Promise<this> {
    for (const sequence of sequences) {
      // A lone ESC counts as the key only after a timeout.
      this.#stdin.emit('data', Buffer.from(sequence));
      if (sequence === '\x1b') await this.pass(ESCAPE_MS);
      else await this.shown();
    }
    return this;
  }

  /** Sends a key or mouse report without waiting for its effect. */
  key(sequence: string): void {
    this.#stdin.emit('data', Buffer.from(sequence));
  }

  /** Types a text, character by character. */
  async type(text: string): Promise<this> {
    return this.press(...Array.from(text));
  }

  /** Completes the lookup of a host name. */
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
    // Blessed debounces resizes with a timer.
    this.#output.emit('resize');
    return this.shown();
  }

  /** Waits until all output is on the screen and clicks refer to it. */
  async shown(): Promise<this> {
    // The app paints two turns of the event loop after a change, and clicks refer to that picture two turns later.
    for (let i = 0; i < 6; i++) await nextTurn();
    do {
      await new Promise<void>((resolve) => {
        this.#emulator.write('', resolve);
      });
    } while (this.#output.writableLength > 0);
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

  /** The line of the selected row, which is inverse; -1 if no row is selected. */
  get selectedLine(): number {
    return this.lines.findIndex((_, y) => this.cellAt(3, y).inverse);
  }

  /** The line of prompts, messages and the query. */
  get said(): string {
    return this.lines[2] ?? '';
  }

  /** Returns the first line with `text`. */
  lineOf(text: string): string {
    return this.lines[this.find(text).y] ?? '';
  }

  /** Returns the position of `text` on the screen. */
  find(text: string): { y: number; x: number } {
    const y = this.lines.findIndex((line) => line.includes(text));
    if (y < 0) throw new Error(`'${text}' is not on the screen:\n${this.text}`);
    return { y, x: this.lines[y]?.indexOf(text) ?? 0 };
  }

  cellAt(x: number, y: number): CellStyle {
    const { active } = this.#emulator.buffer;
    const cell = active.getLine(active.baseY + y)?.getCell(x);
    if (!cell) throw new RangeError(`no cell at ${x}, ${y}`);
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
