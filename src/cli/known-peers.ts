import type { Batch } from '../model/batch.ts';
import type { Event } from '../model/event.ts';
import type { Socket } from '../model/socket.ts';
import { peerOf, Peers } from '../store/peers.ts';
import type { Row } from '../store/row.ts';

/** One end of a connection: the parts of a row that `Peers` needs. */
type End = Pick<Row, 'socket' | 'mark' | 'peer'>;

/** Finds the peers of local connections whose two ends were in batches and events. For a query that tests peers. */
export class KnownPeers {
  readonly #ends = new Map<string, End>();
  readonly #peers = new Peers((one, other, isPair) => {
    this.#setPeer(one, isPair ? other : undefined);
    this.#setPeer(other, isPair ? one : undefined);
  });
  /** Ids of the sockets that events have closed since the last batch; their peers may close a little later. */
  readonly #closed = new Set<string>();

  takeBatch({
    spawned,
    changed,
    closed,
    partial,
  }: Pick<Batch, 'spawned' | 'changed' | 'closed' | 'partial'>): void {
    for (const socket of [...spawned, ...changed]) this.#take(socket);
    for (const id of closed) this.#closed.add(id);
    if (partial) return;
    for (const id of this.#closed) {
      const end = this.#ends.get(id);
      if (end) this.#peers.drop(end.socket);
      this.#ends.delete(id);
    }
    this.#closed.clear();
    this.#peers.endBatch(this.#ends);
  }

  /** Takes the sockets of events, which come before the batch that has them. */
  takeEvents(events: readonly Event[]): void {
    for (const event of events) {
      if (event.type === 'close') this.#closed.add(event.socket.id);
      else if (event.type === 'spawn' || event.type === 'change') this.#take(event.socket);
    }
    this.#peers.endBatch(this.#ends);
  }

  /** Returns the id of the peer of a socket; undefined if it is not known. */
  idOf(id: string): string | undefined {
    return this.#ends.get(id)?.peer;
  }

  /** Returns the peer of a socket; undefined if it is not known. */
  peerOf(end: Pick<End, 'socket' | 'peer'>): Socket | undefined {
    return peerOf(this.#ends, end)?.socket;
  }

  #take(socket: Socket): void {
    const before = this.#ends.get(socket.id);
    this.#ends.set(socket.id, { socket, mark: 'none', peer: before?.peer });
    this.#peers.take(socket, before?.socket);
  }

  #setPeer(id: string, peer: string | undefined): void {
    const end = this.#ends.get(id);
    if (end) this.#ends.set(id, { ...end, peer });
  }
}
