import type { Socket } from '../../../model/socket.ts';
import type { LedgerRecords, OpenRecord } from '../ledger/records.ts';
import type { Listeners } from '../owners/attribution.ts';
import type { SocketMessage } from './make-socket.ts';

/** Maximum number of processes of a socket that are searched first: many may share a listener. */
const MAX_LIKELY = 4;

/** Records of the ledger about the sockets that are new in a poll. Each poll calls `read`, then `of`, then `clear`. */
export class NewRecords {
  readonly #records: LedgerRecords | undefined;
  readonly #byId = new Map<string, OpenRecord>();

  /** @param records undefined if there is no ledger: nothing is known */
  constructor(records: LedgerRecords | undefined) {
    this.#records = records;
  }

  /**
   * Reads the records of the new sockets among these messages.
   * @param before returns the socket of a slot as of the last poll; undefined for a new one
   * @param listeners returns the TCP listeners; called only if needed
   * @returns the processes that probably hold new or just accepted sockets: inodes by pid of those that made or accept them
   */
  read(
    messages: readonly SocketMessage[],
    before: (slot: number) => Socket | undefined,
    listeners: () => Listeners,
  ): ReadonlyMap<number, readonly number[]> {
    const likely = new Map<number, number[]>();
    for (const { slot, id, addresses, inode, network, protocol } of messages) {
      if (addresses === undefined) continue;
      const known = before(slot);
      const record = known ? undefined : this.#records?.ofOpen(id);
      if (record) this.#byId.set(id, record);
      if (inode === 0 || known?.inode !== undefined) continue;
      const owners =
        known?.owners ??
        record?.creators ??
        (protocol === 'tcp' ? listeners().of({ ...addresses, protocol, netns: network.inode }) : undefined);
      for (const { pid } of owners?.slice(0, MAX_LIKELY) ?? []) {
        if (pid === undefined) continue;
        const inodes = likely.get(pid);
        if (inodes) inodes.push(inode);
        else likely.set(pid, [inode]);
      }
    }
    return likely;
  }

  /** Returns the record of a socket that is new in this poll; undefined if it is not, or older than the ledger. */
  of(id: string): OpenRecord | undefined {
    return this.#byId.get(id);
  }

  clear(): void {
    this.#byId.clear();
  }
}
