import type { Degradation, Snapshot } from '../../model/batch.ts';
import type { CloseResult, SocketToClose } from '../../model/close.ts';
import type { SocketBounds } from '../socket-limiter.ts';
import type { Source } from '../types.ts';
import type { WindowsApi } from './api.ts';
import { closeSocketsIn } from './close-sockets.ts';
import { CallFailed } from './growing-buffer.ts';
import {
  missingRows,
  notElevated,
  processesUnread,
  protectedPrograms,
  stale,
  statisticsRefused,
  TRAFFIC_IN_TURN,
  unknownStates,
} from './notices.ts';
import { ownersOf } from './owners.ts';
import { Processes } from './processes.ts';
import { WindowsSockets } from './sockets.ts';
import { Statistics } from './statistics.ts';

export interface IphlpapiOptions {
  readonly api: WindowsApi;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** See `SourceOptions`. */
  readonly ownerBudgetMs: number;
  readonly bounds?: SocketBounds | undefined;
}

/**
 * The source `iphlpapi`: TCP and UDP sockets from the tables of the IP Helper API, their owners from the process list.
 *
 *     four tables ─▶ `WindowsSockets`: what changed ─▶ `Processes` ─▶ `ownersOf` ─▶ snapshot
 */
export class IphlpapiSource implements Source {
  readonly name = 'iphlpapi';
  readonly closeSockets = (sockets: readonly SocketToClose[]): CloseResult =>
    closeSocketsIn(this.#options.api, sockets, (id) => this.#sockets.lifeOf(id));
  readonly #options: IphlpapiOptions;
  readonly #sockets: WindowsSockets;
  readonly #processes: Processes;
  /** As administrator. */
  readonly #statistics: Statistics | undefined;
  #last: Snapshot | undefined;

  constructor(options: IphlpapiOptions) {
    this.#options = options;
    this.#sockets = new WindowsSockets(options.api, options.bounds);
    this.#processes = new Processes(options.api, options.nowMs);
    if (options.api.isElevated) this.#statistics = new Statistics(options.api, options.nowMs);
  }

  /** Rejects if a table cannot be read in the first poll; later it returns the previous sockets with a notice. */
  async read(): Promise<Snapshot> {
    const { nowMs, ownerBudgetMs } = this.#options;
    const startMs = nowMs();
    try {
      this.#sockets.readTables();
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (this.#last === undefined)
        throw new Error(`cannot read the sockets of this machine: ${error.message}`, { cause: error });
      return { ...this.#last, degradations: [stale(error.message), ...this.#last.degradations] };
    }
    const tablesMs = nowMs();
    const changedPids = this.#processes.refresh(this.#sockets.pids, ownerBudgetMs);
    const ownersMs = nowMs();
    const changed = this.#sockets.update(
      (row, before) => ownersOf(row, before, this.#processes),
      changedPids,
    );
    this.#statistics?.start(changed);
    this.#statistics?.read((life, traffic) => {
      if (life.socket) this.#sockets.replace(life, { ...life.socket, traffic });
    });
    this.#last = {
      sockets: this.#sockets.publish(),
      interfaces: [],
      degradations: this.#degradations(),
      socketsMs: tablesMs - startMs + (nowMs() - ownersMs),
      ownersMs: ownersMs - tablesMs,
    };
    return this.#last;
  }

  #degradations(): Degradation[] {
    const { missing, unknownStates: unknown } = this.#sockets;
    const { closedCount: closed, failure } = this.#processes;
    const { refusal, isInTurn } = this.#statistics ?? {};
    return [
      ...this.#sockets.notices(),
      ...(failure === undefined ? [] : [processesUnread(failure)]),
      ...(missing > 0 ? [missingRows(missing)] : []),
      ...(this.#options.api.isElevated ? [] : [notElevated(closed)]),
      ...(this.#options.api.isElevated && closed > 0 ? [protectedPrograms(closed)] : []),
      ...(refusal === undefined ? [] : [statisticsRefused(refusal)]),
      ...(isInTurn ? [TRAFFIC_IN_TURN] : []),
      ...(unknown > 0 ? [unknownStates(unknown)] : []),
    ];
  }
}
