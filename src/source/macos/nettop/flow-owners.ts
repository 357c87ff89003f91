import type { Owner } from '../../../model/socket.ts';
import type { Program, ProcessCache } from '../owners/process-cache.ts';
import type { Flow, ListedProcess } from './output.ts';

const KERNEL: readonly Owner[] = [{ knowledge: 'kernel' }];
const UNKNOWN: readonly Owner[] = [{ knowledge: 'unknown', tried: 'the output of nettop' }];

interface Entry {
  readonly program: Program | undefined;
  readonly owners: readonly Owner[];
}

const keyOf = ({ pid, name }: ListedProcess): string => `${pid} ${name}`;

/**
 * Determines the owners of flows (nettop calls sockets flows). nettop lists the process that used a socket last
 * (bsd/net/ntstat.c, so_last_pid), which may have closed it or passed it on: such an owner is `inherited`.
 */
export class FlowOwners {
  readonly #cache: Pick<ProcessCache, 'beginPoll' | 'of'> | undefined;
  /** By pid and name. */
  #entries = new Map<string, Entry>();

  /** @param cache programs of processes; undefined if they cannot be read: then only the names in nettop's output are known */
  constructor(cache: Pick<ProcessCache, 'beginPoll' | 'of'> | undefined) {
    this.#cache = cache;
  }

  /** Starts a poll: determines the owners of these flows. */
  beginPoll(flows: readonly Flow[]): void {
    this.#cache?.beginPoll(new Set(flows.flatMap(({ process }) => process?.pid ?? [])));
    const last = this.#entries;
    this.#entries = new Map();
    for (const { process } of flows) {
      if (process === undefined || this.#entries.has(keyOf(process))) continue;
      const program = this.#programOf(process);
      const before = last.get(keyOf(process));
      this.#entries.set(
        keyOf(process),
        before && before.program === program ? before : { program, owners: [ownerOf(process, program)] },
      );
    }
  }

  /** Returns the owners of a flow of this poll; the same list while nothing changes. */
  readonly of = ({ process }: Flow): readonly Owner[] => {
    if (process?.pid === 0) return KERNEL;
    return (process && this.#entries.get(keyOf(process))?.owners) ?? UNKNOWN;
  };

  /** Returns the program of a process; undefined if unknown, or if another process has its pid by now. */
  #programOf({ pid, name }: ListedProcess): Program | undefined {
    const program = this.#cache?.of(pid);
    // nettop cuts long names.
    return program?.process?.startsWith(name) ? program : undefined;
  }
}

const ownerOf = ({ pid, name }: ListedProcess, program: Program | undefined): Owner => ({
  ...(program ?? { pid, ...(name !== '' && { process: name }) }),
  knowledge: 'inherited',
});
