import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Worker } from 'node:worker_threads';
import { Progress } from '../model/progress.ts';
import { type LibC, loadLibC } from '../source/libc.ts';
import { EMERGENCY_RESTORE } from '../tui/sequences.ts';
import { crashText } from './errors.ts';
import type { CommandData, CommandMessage, KeeperMessage } from './link.ts';
import { say } from './say.ts';
import { SilenceNotice } from './silence-notice.ts';

/*
 * The main thread of `netpane` and `netpane watch` does no work of its own: the command runs in a thread of its own, and
 * this one, the keeper, waits. Node hears signals on its main thread only, so a busy main thread would hear none.
 *
 *     signal ──▶ keeper ──end──▶ command ──ended──▶ keeper: terminal as it was, lines to stderr, exit
 *                   └── no answer ──▶ terminal as it was, and the signal ends the process by its default action
 */

/** Signals that end the program, with the exit code that a shell gives a program ended by them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** Without a screen ctrl-\\ keeps its default action. */
const SCREEN_SIGNALS = { ...SIGNALS, SIGQUIT: 131 } as const;
type Signal = keyof typeof SCREEN_SIGNALS;

/** The command answers at once unless it is busy or stuck; after this time it is ended without its help. */
const ANSWER_MS = 2000;

/** It waits up to 2 s for foreign code that is being loaded before it ends (OPENING_MS). */
const ENDING_MS = 4000;

/** If a stop has not happened after this time, no shell is there to stop for. */
const STOP_MS = 100;

/** How often it is asked whether something still reads stdout. */
const READER_MS = 500;

/** Room for short-lived objects of the command; with the default of 48 MB a storm fills all of it. */
const YOUNG_MB = 24;

/**
 * V8 reserves address space for the machine code of each thread, and aborts where a limit (ulimit -v) leaves none. Its
 * default is 128 MB or more; the screen makes some 5 MB.
 */
const CODE_MB = 64;

const CTRL_C = 3;

/** Runs the command of this process in a thread, and ends the process when it has ended or a signal comes. */
export class Keeper {
  readonly #worker: Worker;
  readonly #terminals = [0, 1, 2].filter((fd) => isatty(fd));
  /** The screen is the command's: raw input, the alternate screen. */
  #isRaw = false;
  #isStopped = false;
  readonly #words = Progress.sharedWords();
  /** How it ends; undefined until the first reason. */
  #ending: { readonly code: number; readonly signal?: Signal } | undefined;
  #deadline: NodeJS.Timeout | undefined;

  /**
   * @param file the program, which runs the command when it is loaded in a thread
   * @param hasTerminal the command is the live screen
   */
  constructor(file: URL, hasTerminal: boolean) {
    const workerData: CommandData = { isCommand: true, progress: this.#words };
    for (const signal of Object.keys(hasTerminal ? SCREEN_SIGNALS : SIGNALS) as Signal[])
      process.on(signal, () => this.#endBy(signal));
    this.#worker = new Worker(file, {
      argv: process.argv.slice(2),
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, codeRangeSizeMb: CODE_MB },
    });
    this.#worker.on('message', (message: CommandMessage) => this.#hear(message));
    this.#worker.on('error', (error) => this.#crash(error));
    this.#worker.on('exit', (code) => this.#exit(this.#ending?.code ?? code));
    if (hasTerminal) this.#keepTerminal();
    else this.#watchOutput();
  }

  #post(message: KeeperMessage): void {
    this.#worker.postMessage(message);
  }

  #hear(message: CommandMessage): void {
    switch (message.type) {
      case 'alive':
        if (!this.#ending) clearTimeout(this.#deadline);
        return;
      case 'raw':
        this.#setRaw(message.on);
        return;
      case 'suspended':
        this.#stop();
        return;
      case 'hangup':
        this.#endBy('SIGHUP');
        return;
      case 'ending':
        this.#force(message.patienceMs);
        return;
      case 'ended':
        this.#restore();
        for (const line of message.lines) say(line);
        this.#ending = { ...this.#ending, code: message.code };
        this.#force(ENDING_MS);
    }
  }

  /** Lets the command end in order; where it does not answer, it is ended without it. */
  #endBy(signal: Signal): void {
    if (this.#ending) return;
    const code = SCREEN_SIGNALS[signal];
    this.#ending = { code, signal };
    this.#post({ type: 'end', code });
    this.#force(ANSWER_MS);
  }

  /** Ends the process after this time, whatever its threads are doing. */
  #force(afterMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#restore();
      const { signal, code = 1 } = this.#ending ?? {};
      if (signal) this.#dieBy(signal);
      else void loadLibC().then((libc) => (libc ? libc.exitNow(code) : process.kill(process.pid, 'SIGKILL')));
    }, afterMs);
  }

  /** The default action of a signal ends the process at once, and waits for no thread. */
  #dieBy(signal: Signal): void {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }

  #crash(error: unknown): void {
    this.#restore();
    say(crashText(error));
    this.#ending ??= { code: 1 };
  }

  #exit(code: number): void {
    this.#restore();
    // Node 20 crashes where it is to give back a terminal that has gone (ResetStdio in src/node.cc).
    if (this.#terminals.some((fd) => !isatty(fd))) this.#dieBy('SIGHUP');
    else process.exit(code);
  }

  /** Gives the terminal back, unless the command has done so. */
  #restore(): void {
    if (!this.#isRaw) return;
    writeNow(EMERGENCY_RESTORE);
    this.#setRaw(false);
  }

  #setRaw(on: boolean): void {
    this.#isRaw = on;
    try {
      process.stdin.setRawMode(on);
    } catch {
      // The terminal has gone.
    }
  }

  #keepTerminal(): void {
    const { stdin, stdout } = process;
    stdin.on('data', (data: Buffer) => {
      this.#post({ type: 'input', data });
      if (data.includes(CTRL_C)) this.#expectAnswer();
    });
    for (const stream of [stdin, stdout]) stream.on('error', () => this.#endBy('SIGHUP'));
    stdin.on('end', () => this.#endBy('SIGHUP'));
    stdout.on('resize', () => this.#post({ type: 'size', columns: stdout.columns, rows: stdout.rows }));
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', () => this.#take());
  }

  /** In raw mode ctrl-c is a key that the command has to read: where it does not answer, the key acts as SIGINT. */
  #expectAnswer(): void {
    if (this.#ending) return;
    this.#post({ type: 'ping' });
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#restore();
      this.#dieBy('SIGINT');
    }, ANSWER_MS);
  }

  readonly #onStop = (): void => this.#post({ type: 'suspend' });

  /** The command has left the screen: the terminal is given to the shell, and the process group stops, as by ctrl-z. */
  #stop(): void {
    // Windows has no such signal.
    if (this.#isStopped || this.#ending || process.platform === 'win32') return;
    this.#isStopped = true;
    this.#setRaw(false);
    // While something listens for the signal, it does not stop the process.
    process.off('SIGTSTP', this.#onStop);
    // Raw keys reach this process alone: the group (npm, sudo, a script) is stopped with it, as the terminal would do.
    process.kill(0, 'SIGTSTP');
    // An orphaned group is not stopped, and nothing would ever continue it.
    setTimeout(() => {
      if (this.#isStopped) this.#take();
    }, STOP_MS);
  }

  /** Takes the terminal again after a stop. */
  #take(): void {
    if (this.#ending) return;
    if (this.#isStopped) process.on('SIGTSTP', this.#onStop);
    this.#isStopped = false;
    // In the background this stops the process (SIGTTOU) before anything is written. Off and on, for a shell may have
    // changed the line while the process was stopped from outside, and Node takes it to be raw still.
    this.#setRaw(false);
    this.#setRaw(true);
    process.stdin.resume();
    this.#post({ type: 'resume' });
  }

  /** Ends the command when nothing reads stdout any more, though there is nothing to print; and tells of a busy sampler. */
  #watchOutput(): void {
    const silence = new SilenceNotice(new Progress(this.#words), () => performance.now(), say);
    let libc: LibC | undefined;
    void loadLibC().then((it) => (libc = it));
    setInterval(() => {
      if (this.#ending) return;
      silence.check();
      if (!libc?.hasNoReader(1)) return;
      this.#ending = { code: 0 };
      this.#post({ type: 'end', code: 0 });
      this.#force(ANSWER_MS);
    }, READER_MS).unref();
  }
}

/** Writes to the terminal, but does not wait where it takes nothing. */
function writeNow(text: string): void {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const path = process.platform === 'linux' ? '/proc/self/fd/1' : '/dev/tty';
    const fd = openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  } catch {
    // It has gone, or takes nothing.
  }
}
