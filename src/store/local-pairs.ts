import type { Mutable } from '../model/mutable.ts';
import type { Direction, Socket } from '../model/socket.ts';
import type { FadingRows } from './fading-rows.ts';
import { directionFromKernel } from './listeners.ts';
import { peerOf, Peers } from './peers.ts';
import type { Row } from './row.ts';

const OPPOSITE = { in: 'out', out: 'in' } as const satisfies Record<Direction, Direction>;

const opposite = (direction: Direction | undefined): Direction | undefined =>
  direction && OPPOSITE[direction];

/**
 * The local connections among the rows. Each end has the id of the other as its peer, and the opposite direction. The
 * directions come from the kernel's report about either end, else from a listener or an event.
 */
export class LocalPairs {
  readonly #rows: FadingRows;
  readonly #peers = new Peers((one, other, isPair) => {
    const [row, peer] = [this.#get(one), this.#get(other)];
    if (isPair && row && peer) this.#join(row, peer);
    if (isPair) return;
    if (row) this.#set(row, undefined, row.direction);
    if (peer) this.#set(peer, undefined, peer.direction);
  });
  /** The row of a socket that spawns, which is not among the rows yet: only it is changed in place. */
  #spawning: Mutable<Row> | undefined;

  constructor(rows: FadingRows) {
    this.#rows = rows;
  }

  /** Takes the row of a socket that spawns, before any other code has it. Sets its peer and direction, if they are known. */
  spawn(row: Mutable<Row>): void {
    this.#spawning = row;
    this.#peers.take(row.socket, undefined);
    this.#spawning = undefined;
  }

  /** Takes a socket whose endpoints, state or namespace may have changed. */
  change(before: Socket, socket: Socket): void {
    this.#peers.take(socket, before);
  }

  /** Removes a socket that has closed. */
  drop(socket: Socket): void {
    this.#peers.drop(socket);
  }

  endBatch(): void {
    this.#peers.endBatch(this.#rows.all);
  }

  /** Makes the directions of a row and of its peer opposite, after one of them may have become known. */
  agree(id: string): void {
    const row = this.#rows.get(id);
    const peer = row && peerOf(this.#rows.all, row);
    if (row && peer) this.#join(row, peer);
  }

  #join(row: Row, peer: Row): void {
    const other = directionFromKernel(peer.socket);
    const direction =
      directionFromKernel(row.socket) ?? opposite(other) ?? row.direction ?? opposite(peer.direction);
    this.#set(row, peer.id, direction);
    this.#set(peer, row.id, other ?? opposite(direction));
  }

  #get(id: string): Row | undefined {
    return this.#spawning?.id === id ? this.#spawning : this.#rows.get(id);
  }

  #set(row: Row, peer: string | undefined, direction: Direction | undefined): void {
    if (row.peer === peer && row.direction === direction) return;
    if (row === this.#spawning) {
      this.#spawning.peer = peer;
      this.#spawning.direction = direction;
    } else this.#rows.set({ ...row, peer, direction });
  }
}
