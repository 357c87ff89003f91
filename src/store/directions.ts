import { type Direction, isListening, type Socket } from '../model/socket.ts';
import { directionOf, isConnection, Listeners, directionFromKernel } from './listeners.ts';

/**
 * Finds the direction of each connection. In a batch of several parts a listener may come after the connections that it
 * accepted, so connections of unknown direction are kept until the batch is complete.
 */
export class Directions {
  readonly #listeners = new Listeners();
  /** Connections of the current batch that have no listener yet, by their local port. */
  readonly #withoutListener = new Map<number, Socket[]>();

  /**
   * Returns the direction of a new or changed socket; undefined when unknown, or when it is not a connection.
   * @param before its direction before the change; undefined when unknown or new
   * @param onIncoming if the socket is a listener, called with the id of each connection earlier in this batch that the
   * listener accepted
   */
  take(
    socket: Socket,
    before: Direction | undefined,
    onIncoming: (id: string) => void,
  ): Direction | undefined {
    this.#listeners.take(socket);
    if (isListening(socket)) {
      this.#matchListener(socket.local.port, onIncoming);
      return undefined;
    }
    // A direction from a listener may be wrong: an outgoing connection can use its port. The kernel corrects it.
    if (before) return directionFromKernel(socket) ?? before;
    const direction = directionOf(socket, this.#listeners);
    if (direction === undefined && isConnection(socket)) {
      const waiting = this.#withoutListener.get(socket.local.port);
      if (waiting) waiting.push(socket);
      else this.#withoutListener.set(socket.local.port, [socket]);
    }
    return direction;
  }

  /** Removes a socket that has closed. */
  drop(id: string): void {
    this.#listeners.drop(id);
  }

  /** Ends a batch. Connections without a listener keep an unknown direction until they change. */
  endBatch(): void {
    this.#withoutListener.clear();
  }

  /** Calls `onIncoming` for the kept connections that now have a listener, and keeps the others. */
  #matchListener(port: number, onIncoming: (id: string) => void): void {
    const waiting = this.#withoutListener.get(port);
    if (waiting === undefined) return;
    const unmatched: Socket[] = [];
    for (const socket of waiting) {
      if (this.#listeners.has(socket)) onIncoming(socket.id);
      else unmatched.push(socket);
    }
    this.#withoutListener.set(port, unmatched);
  }
}
