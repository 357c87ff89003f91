import { type Direction, isListening, type Socket } from '../model/socket.ts';
import { directionOf, isConnection, Listeners, directionFromKernel } from './listeners.ts';

/**
 * Finds the direction of each connection. In a batch of several parts a listener may come after the connections that it
 * accepted, so connections of unknown direction are kept until the batch is complete.
 */
export class Directions {
  readonly #onIncoming: (id: string) => void;
  readonly #listeners = new Listeners();
  /** Connections of the current batch that have no listener yet, by their local port. */
  readonly #withoutListener = new Map<number, Socket[]>();

  /** @param onIncoming called with a connection that was taken before the listener that accepted it */
  constructor(onIncoming: (id: string) => void) {
    this.#onIncoming = onIncoming;
  }

  /**
   * Returns the direction of a new or changed socket; undefined when unknown, or when it is not a connection.
   * @param before its direction before the change; undefined when unknown or new
   */
  take(socket: Socket, before: Direction | undefined): Direction | undefined {
    this.#listeners.take(socket);
    if (isListening(socket)) {
      this.#matchListener(socket.local.port);
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

  /** Reports the kept connections that now have a listener, and keeps the others. */
  #matchListener(port: number): void {
    const waiting = this.#withoutListener.get(port);
    if (waiting === undefined) return;
    const unmatched: Socket[] = [];
    for (const socket of waiting) {
      if (this.#listeners.has(socket)) this.#onIncoming(socket.id);
      else unmatched.push(socket);
    }
    this.#withoutListener.set(port, unmatched);
  }
}
