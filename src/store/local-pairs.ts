import type { Direction, Socket } from '../model/socket.ts';
import type { FadingRows } from './fading-rows.ts';
import { directionFromKernel } from './listeners.ts';
import { peerOf, Peers } from './peers.ts';
import { type Row, withDirection, withPeer } from './row.ts';

const OPPOSITE = { in: 'out', out: 'in' } as const satisfies Record<Direction, Direction>;

const opposite = (direction: Direction | undefined): Direction | undefined =>
  direction && OPPOSITE[direction];

/**
 * The local connections among the rows. Each end has the id of the other as its peer, and the opposite direction. What
 * the kernel reports of either end decides the directions, else what a listener or an event showed.
 */
export class LocalPairs {
  readonly #rows: FadingRows;
  readonly #peers = new Peers((id, peer) => {
    const row = this.#rows.get(id);
    if (row && row.peer !== peer) this.#rows.set(withPeer(row, peer));
    // Does nothing until both ends have their peer.
    this.agree(id);
  });

  constructor(rows: FadingRows) {
    this.#rows = rows;
  }

  /** Takes a new socket, or one whose endpoints, state or namespace may have changed. Its row must exist. */
  take(socket: Socket): void {
    this.#peers.take(socket);
  }

  /** Removes a socket that has closed. */
  drop(id: string): void {
    this.#peers.drop(id);
  }

  endBatch(): void {
    this.#peers.endBatch(this.#rows.all);
  }

  /** Makes the directions of a row and of its peer opposite, after one of them may have become known. */
  agree(id: string): void {
    const row = this.#rows.get(id);
    const peer = row && peerOf(this.#rows.all, row);
    if (row === undefined || peer === undefined) return;
    const other = directionFromKernel(peer.socket);
    const direction =
      directionFromKernel(row.socket) ?? opposite(other) ?? row.direction ?? opposite(peer.direction);
    this.#setDirection(row, direction);
    this.#setDirection(peer, other ?? opposite(direction));
  }

  #setDirection(row: Row, direction: Direction | undefined): void {
    if (row.direction !== direction) this.#rows.set(withDirection(row, direction));
  }
}
