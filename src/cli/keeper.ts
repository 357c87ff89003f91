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
 * The main thread of `netpane` and `netpane watch` is the keeper: it only waits, and the command runs in another
 * thread. Node handles signals on its main thread only, so a busy main thread would not react to them.
 *
 *     signal ──▶ keeper ──end──▶ command ──ended──▶ keeper: restores the terminal, prints to stderr, exits
 *                   └── no answer ──▶ restores the terminal, or says that events are lost; the default action of the
 *                       signal ends the process
 */

/**
 * Signals that end the program, with the exit code that a shell reports for them. On Windows, Node emits SIGHUP (the
 * window is closed), SIGINT and, for ctrl-break, SIGBREAK; it accepts listeners for the others and never emits them.
 */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143, SIGBREAK: 149 } as const;
/** Signals with a live screen. Without one ctrl-\\ (SIGQUIT) keeps its default action. */
const SCREEN_SIGNALS = { ...SIGNALS, SIGQUIT: 131 } as const;
type Signal = keyof typeof SCREEN_SIGNALS;

/** Maximum time for an answer of the command, which answers at once unless it is busy or stuck. */
const ANSWER_MS = 2000;
/** The same without a screen: `watch` may be busy with thousands of events, which it prints before it ends. */
const EVENTS_ANSWER_MS = 10_000;

/** Maximum time for the command thread to end: it waits up to 2 s for the sampling thread (STEP_MS). */
const ENDING_MS = 4000;

/** Time after which netpane takes the terminal again if the process has not stopped: no shell could continue it. */
const STOP_MS = 100;

/** Interval at which the keeper checks that stdout has a reader. */
const READER_MS = 500;

/** Young generation of V8 in the command thread, MB. With the default of 48 MB a storm fills all of it. */
const YOUNG_MB = 24;

/**
 * Address space for machine code, MB. V8 reserves it for each thread and aborts if a limit (ulimit -v) leaves none. The
 * default is 128 MB or more; the screen uses about 5 MB.
 */
const CODE_MB = 64;

const CTRL_C = 3;

/** Runs the command in a thread. Ends the process when the command ends or a signal arrives. */
export class Keeper {
  readonly #worker: Worker;
  readonly #terminals = [0, 1, 2].filter((fd) => isatty(fd));
  /** The terminal is in raw mode and shows the alternate screen. */
  #isRaw = false;
  #isStopped = false;
  readonly #progressWords = Progress.sharedWords();
  /** Exit code, and the signal if there was one; undefined until the process is to end. */
  #ending: { readonly code: number; readonly signal?: Signal } | undefined;
  #deadline: NodeJS.Timeout | undefined;
  readonly #hasEvents: boolean;
  /** A signal was forwarded to `watch`, which has not answered yet: events that it has not printed would be lost. */
  #mayLoseEvents = false;

  /**
   * @param file the program; it runs the command when loaded in a thread
   * @param hasTerminal true for the live screen
   */
  constructor(file: URL, hasTerminal: boolean) {
    this.#hasEvents = !hasTerminal;
    const workerData: CommandData = { isCommand: true, progress: this.#progressWords };
    for (const signal of Object.keys(hasTerminal ? SCREEN_SIGNALS : SIGNALS) as Signal[])
      process.on(signal, () => this.#endBy(signal));
    this.#worker = new Worker(file, {
      argv: process.argv.slice(2),
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, codeRangeSizeMb: CODE_MB },
    });
    this.#worker.on('message', (message: CommandMessage) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#reportCrash(error));
    this.#worker.on('exit', (code) => this.#exit(this.#ending?.code ?? code));
    if (hasTerminal) this.#keepTerminal();
    else this.#watchOutput();
  }

  #post(message: KeeperMessage): void {
    this.#worker.postMessage(message);
  }

  #onMessage(message: CommandMessage): void {
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
        this.#mayLoseEvents = false;
        this.#forceEnd(message.maxMs);
        return;
      case 'ended':
        this.#mayLoseEvents = false;
        this.#restore();
        for (const line of message.lines) say(line);
        this.#ending = { ...this.#ending, code: message.code };
        this.#forceEnd(ENDING_MS);
    }
  }

  /** Asks the command to end. If it does not answer, ends the process; a second signal shortens the wait for `watch`. */
  #endBy(signal: Signal): void {
    if (this.#ending) {
      if (this.#mayLoseEvents) this.#forceEnd(ANSWER_MS);
      return;
    }
    const code = SCREEN_SIGNALS[signal];
    this.#ending = { code, signal };
    this.#mayLoseEvents = this.#hasEvents;
    this.#post({ type: 'end', code });
    this.#forceEnd(this.#hasEvents ? EVENTS_ANSWER_MS : ANSWER_MS);
  }

  /** Ends the process after this time, whatever its threads are doing. */
  #forceEnd(afterMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#restore();
      const { signal, code = 1 } = this.#ending ?? {};
      if (this.#mayLoseEvents) say('the last events are lost: they could not be read before the end');
      if (signal) this.#dieBy(signal);
      else void loadLibC().then((libc) => (libc ? libc.exitNow(code) : process.kill(process.pid, 'SIGKILL')));
    }, afterMs);
  }

  /** Ends the process by the default action of a signal: at once, without waiting for a thread. */
  #dieBy(signal: Signal): void {
    process.removeAllListeners(signal);
    // On Windows a process cannot send itself SIGHUP or SIGBREAK.
    process.kill(process.pid, process.platform === 'win32' ? 'SIGKILL' : signal);
  }

  #reportCrash(error: unknown): void {
    this.#restore();
    say(crashText(error));
    this.#ending ??= { code: 1 };
  }

  #exit(code: number): void {
    this.#restore();
    // Node 20 crashes if a terminal is gone that it wants to restore (ResetStdio in src/node.cc).
    if (this.#terminals.some((fd) => !isatty(fd))) this.#dieBy('SIGHUP');
    else process.exit(code);
  }

  /** Restores the terminal, unless the command has done so. */
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
      // The terminal is gone.
    }
  }

  /** Forwards input, size and stop signals to the command. */
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
    process.on('SIGCONT', () => this.#retakeTerminal());
  }

  /** In raw mode the command reads ctrl-c as a key. If it does not answer in time, the key acts as SIGINT. */
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

  /** Stops the process group, as ctrl-z does. The command has left the alternate screen. */
  #stop(): void {
    // Windows does not have SIGTSTP.
    if (this.#isStopped || this.#ending || process.platform === 'win32') return;
    this.#isStopped = true;
    this.#setRaw(false);
    // With a listener the signal does not stop the process.
    process.off('SIGTSTP', this.#onStop);
    // Raw keys reach only this process. Stop the whole group (npm, sudo, a script), as the terminal would.
    process.kill(0, 'SIGTSTP');
    // The kernel does not stop an orphaned group: nothing would continue it.
    setTimeout(() => {
      if (this.#isStopped) this.#retakeTerminal();
    }, STOP_MS);
  }

  /** Takes the terminal again after a stop. */
  #retakeTerminal(): void {
    if (this.#ending) return;
    if (this.#isStopped) process.on('SIGTSTP', this.#onStop);
    this.#isStopped = false;
    // In the background this stops the process (SIGTTOU) before it writes anything. Raw mode is turned off and on,
    // because a shell may have left it while the process was stopped from outside, and Node would not set it again.
    this.#setRaw(false);
    this.#setRaw(true);
    process.stdin.resume();
    this.#post({ type: 'resume' });
  }

  /** Ends the command when stdout loses its reader, even if there is nothing to print. Reports a busy sampler. */
  #watchOutput(): void {
    const silence = new SilenceNotice(new Progress(this.#progressWords), () => performance.now(), say);
    let libc: LibC | undefined;
    void loadLibC().then((it) => (libc = it));
    setInterval(() => {
      if (this.#ending) return;
      silence.check();
      if (!libc?.hasNoReader(1)) return;
      this.#ending = { code: 0 };
      this.#post({ type: 'end', code: 0 });
      this.#forceEnd(ANSWER_MS);
    }, READER_MS).unref();
  }
}

/** Writes to the terminal without waiting if it accepts nothing. */
function writeNow(text: string): void {
  try {
    if (process.platform === 'win32') {
      // A console always accepts text, and its device has no path.
      writeSync(1, text);
      return;
    }
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    const path = process.platform === 'linux' ? '/proc/self/fd/1' : '/dev/tty';
    const fd = openSync(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  } catch {
    // The terminal is gone or accepts nothing.
  }
}
