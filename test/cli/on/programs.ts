import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { SpawnOptions } from 'node:child_process';
import type { Child, ProgramTools } from '../../../src/cli/on/command-runs.ts';

/** A program that was started. */
export interface Started {
  readonly words: readonly string[];
  readonly options: SpawnOptions;
  readonly input: () => string;
  /** Signals that it got. */
  readonly signals: string[];
  /** Writes to its stderr. */
  readonly complain: (text: string) => void;
  /** Ends it; its stderr stays open if `keepsOutput`. */
  readonly exit: (code: number | null, signal?: string, keepsOutput?: boolean) => void;
  readonly fail: (error: Error) => void;
}

/** Programs that run only in the test. */
export class FakePrograms implements ProgramTools {
  readonly started: Started[] = [];
  readonly #signals = new Map<number, string[]>();

  readonly start: ProgramTools['start'] = (file, args, options): Child => {
    const pid = 1000 + this.started.length;
    const [stdin, stderr] = [new PassThrough(), new PassThrough()];
    const child = Object.assign(new EventEmitter(), { pid, stdin, stderr });
    const signals: string[] = [];
    this.#signals.set(pid, signals);
    this.started.push({
      words: [file, ...args],
      options,
      input: () => String(stdin.read() ?? ''),
      signals,
      complain: (text) => void stderr.emit('data', Buffer.from(text)),
      exit: (code, signal, keepsOutput = false) => {
        child.emit('exit', code, signal ?? null);
        if (!keepsOutput) child.emit('close', code, signal ?? null);
      },
      fail: (error) => void child.emit('error', error),
    });
    return child;
  };

  readonly end: ProgramTools['end'] = (pid, signal) => void this.#signals.get(pid)?.push(signal);

  /** The program with this index. */
  at(index: number): Started {
    const started = this.started.at(index);
    if (!started) throw new RangeError(`only ${this.started.length} programs were started`);
    return started;
  }
}
