import type { Degradation, Snapshot } from '../../model/batch.ts';
import { counted } from '../../model/text.ts';
import { type Source, type SourceOptions, SourceUnavailable } from '../types.ts';
import { FlowOwners } from './nettop/flow-owners.ts';
import { FlowSockets } from './nettop/flow-sockets.ts';
import { type NettopOutput, parseNettop } from './nettop/output.ts';
import { NettopFailed, type NettopProgram } from './nettop/program.ts';
import { missingKinds, namesOnly, nettopNotices, staleTable } from './notices.ts';
import type { ProcessCache } from './owners/process-cache.ts';

export interface NettopOptions extends SourceOptions {
  readonly program: Pick<NettopProgram, 'run' | 'close'>;
  /** The programs of processes; if they cannot be read, the reason, a clause. */
  readonly cache: Pick<ProcessCache, 'beginPoll' | 'of'> | string;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
}

/** Runs nettop. @throws NettopFailed also if it lists no sockets: macOS always has some */
async function list(program: NettopOptions['program']): Promise<NettopOutput> {
  const output = parseNettop(await program.run());
  if (output === undefined) throw new NettopFailed('nettop prints another format');
  if (output.flows.length === 0) throw new NettopFailed('nettop lists no sockets');
  return output;
}

/**
 * The source `nettop`: reads the sockets of macOS from the output of the program of that name. It may list
 * sockets that the kernel's lists withhold.
 *
 *     `NettopProgram` ──▶ `parseNettop` ──▶ `FlowOwners` ──▶ `FlowSockets` ──▶ snapshot
 */
export class NettopSource implements Source {
  readonly name = 'nettop';
  readonly runsPrograms = true;
  readonly #options: NettopOptions;
  readonly #owners: FlowOwners;
  readonly #sockets: FlowSockets;
  /** The snapshot of the last run that gave an answer. */
  #last: Snapshot;
  /** True once a poll has returned the snapshot that `open` made. */
  #isFirstTaken = false;
  /** Number of runs without an answer in a row. */
  #failures = 0;

  private constructor(options: NettopOptions, output: NettopOutput, startMs: number) {
    this.#options = options;
    this.#owners = new FlowOwners(typeof options.cache === 'string' ? undefined : options.cache);
    this.#sockets = new FlowSockets(options.bounds);
    this.#last = this.#snapshotOf(output, startMs);
  }

  /** Opens the source: runs nettop once. @throws SourceUnavailable if that gives no answer */
  static async open(options: NettopOptions): Promise<NettopSource> {
    const startMs = options.nowMs();
    try {
      return new NettopSource(options, await list(options.program), startMs);
    } catch (error) {
      if (error instanceof NettopFailed) throw new SourceUnavailable(error.message);
      throw error;
    }
  }

  close(): void {
    this.#options.program.close();
  }

  /** Returns a snapshot; the last known sockets if nettop gives no answer. The first call returns the snapshot of `open`. */
  async read(): Promise<Snapshot> {
    if (!this.#isFirstTaken) {
      this.#isFirstTaken = true;
      return this.#last;
    }
    const startMs = this.#options.nowMs();
    try {
      this.#last = this.#snapshotOf(await list(this.#options.program), startMs);
      this.#failures = 0;
      return this.#last;
    } catch (error) {
      if (!(error instanceof NettopFailed)) throw error;
      return this.#staleSnapshot(error.message, startMs);
    }
  }

  /** Returns the last known sockets, with a notice. @param why a clause */
  #staleSnapshot(why: string, startMs: number): Snapshot {
    this.#failures++;
    const reason = this.#failures === 1 ? why : `${why}, ${counted(this.#failures, 'time')} in a row`;
    return {
      ...this.#last,
      degradations: [staleTable(reason, true), ...this.#last.degradations],
      socketsMs: this.#options.nowMs() - startMs,
      ownersMs: 0,
    };
  }

  #snapshotOf({ flows, unreadable, unknownStates }: NettopOutput, startMs: number): Snapshot {
    const { nowMs } = this.#options;
    const readMs = nowMs();
    this.#owners.beginPoll(flows);
    const ownersMs = nowMs() - readMs;
    const sockets = this.#sockets.read(flows, this.#owners.of);
    return {
      sockets,
      interfaces: [],
      degradations: this.#degradations(unreadable, unknownStates),
      socketsMs: nowMs() - startMs - ownersMs,
      ownersMs,
    };
  }

  #degradations(unreadable: number, unknownStates: number): Degradation[] {
    const { cache, also } = this.#options;
    return [
      ...this.#sockets.notices(),
      ...nettopNotices(unreadable, unknownStates),
      ...(typeof cache === 'string' ? [namesOnly(cache)] : []),
      ...(also.length > 0 ? [missingKinds(also)] : []),
    ];
  }
}
