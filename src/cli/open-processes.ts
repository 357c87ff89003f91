import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../model/process.ts';
import { openProcess } from '../source/processes.ts';
import type { ProcessHandle } from '../source/types.ts';
import { messageOf } from './errors.ts';

/** How long netpane waits for the end of a process after a signal, milliseconds. */
const WAIT_MS = 3000;
const STEP_MS = 50;

/** How a wait for the end of a process ended. */
export interface Waited {
  readonly hasEnded: boolean;
  readonly afterMs: number;
}

interface Opened {
  readonly handle: ProcessHandle;
  /** Number of waits for its end. */
  waits: number;
  isReleased: boolean;
}

/** The processes that the screen has open, by their facts. */
export class OpenProcesses {
  readonly #opened = new Map<ProcessFacts, Opened>();
  readonly #open: (target: ProcessTarget) => Promise<ProcessHandle>;

  constructor(open = openProcess) {
    this.#open = open;
  }

  /** Resolves to the facts of a process that is open from then on, or why it could not be opened. Never rejects. */
  readonly open = async (target: ProcessTarget): Promise<ProcessFacts | string> => {
    try {
      const handle = await this.#open(target);
      this.#opened.set(handle.facts, { handle, waits: 0, isReleased: false });
      return handle.facts;
    } catch (error) {
      return messageOf(error);
    }
  };

  readonly signal = (facts: ProcessFacts, name: SignalName, scope: Scope): SignalResult =>
    this.#opened.get(facts)?.handle.signal(name, scope) ?? { reached: 0 };

  /** Resolves when the process has ended, or after a maximum time. Never rejects. */
  readonly waitForEnd = async (facts: ProcessFacts, maxMs = WAIT_MS): Promise<Waited> => {
    const opened = this.#opened.get(facts);
    const startMs = performance.now();
    const waited = () => performance.now() - startMs;
    if (opened === undefined) return { hasEnded: false, afterMs: 0 };
    opened.waits++;
    while (!opened.handle.hasEnded && waited() < maxMs) await sleep(STEP_MS);
    opened.waits--;
    const result = { hasEnded: opened.handle.hasEnded, afterMs: waited() };
    if (opened.isReleased) this.release(facts);
    return result;
  };

  /** Releases a process, at the end of a wait for its end. */
  readonly release = (facts: ProcessFacts): void => {
    const opened = this.#opened.get(facts);
    if (opened === undefined) return;
    opened.isReleased = true;
    if (opened.waits > 0) return;
    opened.handle.close();
    this.#opened.delete(facts);
  };
}
