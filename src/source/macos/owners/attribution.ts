import type { Owner } from '../../../model/socket.ts';
import type { TableSocket } from '../table/table-sockets.ts';
import type { Holders } from './holders.ts';
import type { ProcessCache } from './process-cache.ts';

/** States in which the process has closed the socket: no process needs to hold it. */
const CLOSED: ReadonlySet<string | undefined> = new Set([
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSING',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
]);

const KERNEL: readonly Owner[] = [{ knowledge: 'kernel' }];
const GONE: readonly Owner[] = [{ knowledge: 'gone' }];
const HIDDEN: readonly Owner[] = [{ knowledge: 'hidden' }];
const PENDING: readonly Owner[] = [{ knowledge: 'pending' }];
const UNKNOWN: readonly Owner[] = [{ knowledge: 'unknown', tried: 'descriptors of every process' }];

/**
 * Decides which process is behind a socket, and how that is known:
 *
 * - `exact`: a descriptor of the process leads to the socket.
 * - `inherited`: the last process that used the socket, by its row. It may have closed the socket or passed it on.
 * - `kernel`: the row names no process: the kernel made the socket (bsd/kern/uipc_socket.c, so_update_last_owner_locked).
 */
export class Attribution {
  readonly #holders: Pick<Holders, 'of' | 'isComplete' | 'unreadable'>;
  readonly #cache: Pick<ProcessCache, 'of'>;

  constructor(holders: Pick<Holders, 'of' | 'isComplete' | 'unreadable'>, cache: Pick<ProcessCache, 'of'>) {
    this.#holders = holders;
    this.#cache = cache;
  }

  /** Returns the owners of a socket; the same list while nothing changes. */
  ownersOf(socket: TableSocket): readonly Owner[] {
    const { handle } = socket.hints;
    const exact = handle === undefined ? [] : this.#holders.of(handle);
    if (exact.length > 0) return exact;
    if (socket.hinted) return socket.hinted;
    // A process that is not searched yet may hold it. A user-space flow has no descriptor.
    if (handle !== undefined && !this.#holders.isComplete) return PENDING;
    const owners = this.#hintedOwners(socket);
    socket.hinted = owners;
    return owners;
  }

  #hintedOwners({ hints, values: { state }, socket }: TableSocket): readonly Owner[] {
    const { lastPid, effectivePid } = hints;
    if (lastPid === 0 && effectivePid === 0) return KERNEL;
    const before = socket?.owners.find(({ pid }) => pid !== undefined && pid === lastPid);
    const last = before ?? this.#cache.of(lastPid) ?? this.#cache.of(effectivePid);
    if (last) return [{ ...last, knowledge: 'inherited' }];
    const known = socket?.owners.find(({ pid }) => pid !== undefined);
    if (known) return [{ ...known, knowledge: 'inherited' }];
    if (CLOSED.has(state)) return GONE;
    return this.#holders.unreadable > 0 ? HIDDEN : UNKNOWN;
  }
}
