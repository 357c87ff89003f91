import { spawn, type SpawnOptions } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { messageOf } from '../errors.ts';

/** Maximum number of commands that run at once. */
export const MAX_RUNNING = 4;
/** Maximum number of commands that wait for others to end. */
export const MAX_WAITING = 100;
/** Maximum time of a command, milliseconds; then it gets SIGTERM. */
export const RUN_MS = 30_000;
/** Time from SIGTERM to SIGKILL, milliseconds. */
export const TERM_MS = 2000;
/** Time after the end of a command in which its last output is read: its children may keep stderr open. */
const OUTPUT_MS = 500;
/** Maximum number of bytes of stderr that are kept for the message about a failure. */
const MAX_STDERR = 4096;

/** A program to run. */
export interface Run {
  /** Program and arguments; no shell reads them. */
  readonly command: readonly string[];
  readonly input: string | Buffer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user and group that it runs as; absent for those of netpane. */
  readonly ids?: { readonly uid: number; readonly gid: number } | undefined;
  /** Receives undefined for success, or why it failed. Untrusted text. Called once. */
  readonly onEnd: (failure: string | undefined) => void;
}

/** The used part of a `ChildProcess`. */
export type Child = EventEmitter & {
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stderr: Readable | null;
};

/** Functions that start and end programs. A test replaces them. */
export interface ProgramTools {
  readonly start: (file: string, args: readonly string[], options: SpawnOptions) => Child;
  /** Sends a signal to a program and its children. */
  readonly end: (pid: number, signal: 'SIGTERM' | 'SIGKILL') => void;
}

const SYSTEM: ProgramTools = {
  // `spawn` is used only in this function, because its first use loads Node's module.
  start: (file, args, options) => spawn(file, args, options),
  end: (pid, signal) => {
    try {
      // A detached child has a process group of its own, except on Windows.
      process.kill(process.platform === 'win32' ? pid : -pid, signal);
    } catch {
      // It has ended.
    }
  },
};

/** Runs programs, a few at once, each for a limited time. */
export class CommandRuns {
  readonly #tools: ProgramTools;
  readonly #waiting: Run[] = [];
  readonly #running = new Set<Child>();
  #isStopped = false;

  constructor(tools = SYSTEM) {
    this.#tools = tools;
  }

  /** Runs a program, at once or after others. Returns false if too many are waiting. */
  add(run: Run): boolean {
    if (this.#isStopped || this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(run);
    this.#startNext();
    return true;
  }

  /** Ends the running programs; those that wait are not started. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    for (const { pid } of this.#running) if (pid !== undefined) this.#tools.end(pid, 'SIGTERM');
  }

  #startNext(): void {
    while (this.#running.size < MAX_RUNNING) {
      const run = this.#waiting.shift();
      if (!run) return;
      this.#start(run);
    }
  }

  #start({ command: [file = '', ...args], input, env, ids, onEnd }: Run): void {
    let child: Child;
    try {
      child = this.#tools.start(file, args, {
        stdio: ['pipe', 'ignore', 'pipe'],
        cwd: '/',
        detached: true,
        windowsHide: true,
        env: { ...env },
        ...ids,
      });
    } catch (error) {
      // For example, an argument is too long.
      onEnd(messageOf(error));
      return;
    }
    this.#running.add(child);
    this.#follow(child, onEnd);
    child.stdin?.on('error', () => undefined).end(input);
  }

  /** Calls `onEnd` when a program has ended, and ends it if it runs too long. */
  #follow(child: Child, onEnd: Run['onEnd']): void {
    const errors = firstBytes(child.stderr);
    let isLate = false;
    const end = (signal: 'SIGTERM' | 'SIGKILL'): void => {
      if (child.pid !== undefined) this.#tools.end(child.pid, signal);
    };
    let timer = setTimeout(() => {
      isLate = true;
      end('SIGTERM');
      timer = setTimeout(() => end('SIGKILL'), TERM_MS);
    }, RUN_MS);
    const finish = (failure: string | undefined): void => {
      if (!this.#running.delete(child)) return;
      clearTimeout(timer);
      child.stderr?.destroy();
      onEnd(failure);
      this.#startNext();
    };
    child.on('error', (error: Error) => finish(messageOf(error)));
    child.on('exit', (code: number | null, signal: string | null) => {
      // Children that ignored SIGTERM must not outlive the program.
      if (isLate) end('SIGKILL');
      clearTimeout(timer);
      const failed = (): string => {
        const [line = ''] = errors().trim().split('\n');
        const how = isLate
          ? `ended after ${RUN_MS / 1000}s`
          : signal === null
            ? `exit code ${code}`
            : `ended by ${signal}`;
        return line === '' ? how : `${how}: ${line}`;
      };
      const done = (): void => finish(code === 0 && !isLate ? undefined : failed());
      timer = setTimeout(done, OUTPUT_MS);
      child.once('close', done);
    });
  }
}

/** Returns a function that returns the first bytes of a stream so far; the others are read and dropped. */
function firstBytes(stream: Readable | null): () => string {
  let kept = Buffer.alloc(0);
  stream?.on('error', () => undefined);
  stream?.on('data', (data: Buffer) => {
    if (kept.length < MAX_STDERR) kept = Buffer.concat([kept, data.subarray(0, MAX_STDERR - kept.length)]);
  });
  return () => kept.toString();
}
