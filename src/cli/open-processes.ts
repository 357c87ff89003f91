import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessFacts, ProcessTarget, Scope, SignalName, SignalResult } from '../model/process.ts';
import { openProcess } from '../source/processes.ts';
import type { ProcessHandle } from '../source/types.ts';
import { messageOf } from './errors.ts';

/** Maximum time that netpane waits for the end of a process after a signal, milliseconds. */
const WAIT_MS = 3000;
/** Time between two checks whether the process has ended, milliseconds. */
const STEP_MS = 50;

/** The result of a wait for the end of a process. */
export interface Waited {
  readonly hasEnded: boolean;
  /** Duration of the wait, milliseconds. */
  readonly afterMs: number;
}

interface Opened {
  readonly handle: ProcessHandle;
  /** Number of waits for its end that have not ended. */
  waits: number;
  isReleased: boolean;
}

/** The processes that `K` or `netpane kill` has open, by their facts. */
export class OpenProcesses {
  readonly #opened = new Map<ProcessFacts, Opened>();
  readonly #open: (target: ProcessTarget) => Promise<ProcessHandle>;

  constructor(open = openProcess) {
    this.#open = open;
  }

  /** Opens a process. Resolves to its facts, or to why it cannot be opened, as text for the user. Never rejects. */
  readonly open = async (target: ProcessTarget): Promise<ProcessFacts | string> => {
    try {
      const handle = await this.#open(target);
      this.#opened.set(handle.facts, { handle, waits: 0, isReleased: false });
      return handle.facts;
    } catch (error) {
      return messageOf(error);
    }
  };

  /** Sends a signal to a process that is open; any other gets none. */
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

  /** Releases a process, but not before all waits for its end are over. */
  readonly release = (facts: ProcessFacts): void => {
    const opened = this.#opened.get(facts);
    if (opened === undefined) return;
    opened.isReleased = true;
    if (opened.waits > 0) return;
    opened.handle.close();
    this.#opened.delete(facts);
  };
}
