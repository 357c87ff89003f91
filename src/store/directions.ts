import { type Direction, isListening, type Socket } from '../model/socket.ts';
import { directionOf, isConnection, Listeners, directionFromKernel } from './listeners.ts';

/**
 * Finds the direction of each connection when it is first seen. In a batch of several parts a listener may come after
 * its connections, so connections without a listener are kept until the batch is complete.
 */
export class Directions {
  readonly #listeners = new Listeners();
  /** Connections of the current batch that have no listener yet, by their local port. */
  readonly #withoutListener = new Map<number, Socket[]>();

  /**
   * Returns the direction of a new or changed socket; undefined when unknown, or when it is not a connection.
   * @param before its direction before the change
   * @param onIncoming called with the id of each earlier connection of this batch that this listener accepted
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
    // The kernel outweighs the listeners: an outgoing connection can start at a port with a listener.
    if (before) return directionFromKernel(socket) ?? before;
    const direction = directionOf(socket, this.#listeners);
    if (direction === undefined && isConnection(socket)) {
      const waiting = this.#withoutListener.get(socket.local.port);
      if (waiting) waiting.push(socket);
      else this.#withoutListener.set(socket.local.port, [socket]);
    }
    return direction;
  }

  drop(id: string): void {
    this.#listeners.drop(id);
  }

  /** Ends a batch: its connections without a listener stay without a direction. */
  endBatch(): void {
    this.#withoutListener.clear();
  }

  #matchListener(port: number, onIncoming: (id: string) => void): void {
    const waiting = this.#withoutListener.get(port);
    if (waiting === undefined) return;
    const left: Socket[] = [];
    for (const socket of waiting) {
      if (this.#listeners.has(socket)) onIncoming(socket.id);
      else left.push(socket);
    }
    this.#withoutListener.set(port, left);
  }
}
