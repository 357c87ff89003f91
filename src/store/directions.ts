import { type Direction, isListening, type Socket } from '../model/socket.ts';
import { directionOf, isConnection, Listeners, toldDirection } from './listeners.ts';

/**
 * Settles who began each connection, when it is first seen. Of a batch, which may come in parts, what was there at its
 * end counts: a listener may come behind its connections.
 */
export class Directions {
  readonly #listeners = new Listeners();
  /** Connections of the batch that is coming for which nobody was known to listen, by their local port. */
  readonly #called = new Map<number, Socket[]>();

  /**
   * Takes a socket that has come, or that has changed and had this direction. Undefined for what is no connection, and
   * where it is not known.
   * @param onTurned is given the ids of connections of this batch that are `in` after all
   */
  take(socket: Socket, had: Direction | undefined, onTurned: (id: string) => void): Direction | undefined {
    this.#listeners.take(socket);
    if (isListening(socket)) {
      this.#answer(socket.local.port, onTurned);
      return undefined;
    }
    // A connection may come from a port that is listened on: the kernel knows better.
    if (had) return toldDirection(socket) ?? had;
    const direction = directionOf(socket, this.#listeners);
    if (direction === undefined && isConnection(socket)) {
      const called = this.#called.get(socket.local.port);
      if (called) called.push(socket);
      else this.#called.set(socket.local.port, [socket]);
    }
    return direction;
  }

  drop(id: string): void {
    this.#listeners.drop(id);
  }

  /** The batch is complete: what it brought is settled. */
  settle(): void {
    this.#called.clear();
  }

  #answer(port: number, onTurned: (id: string) => void): void {
    const called = this.#called.get(port);
    if (called === undefined) return;
    const left: Socket[] = [];
    for (const socket of called) {
      if (this.#listeners.has(socket)) onTurned(socket.id);
      else left.push(socket);
    }
    this.#called.set(port, left);
  }
}
