import { isListening, type Socket } from '../model/socket.ts';

/**
 * First of the local ports that Linux gives to clients (net.ipv4.ip_local_port_range). A UDP socket without a
 * remote endpoint at such a port is rather a client than a server.
 */
const FIRST_CLIENT_PORT = 32_768;

const isServer = (socket: Socket): boolean =>
  isListening(socket) && (socket.state === 'LISTEN' || socket.local.port < FIRST_CLIENT_PORT);

/** A listener that was opened while netpane ran. */
interface NewListener {
  /** Time at which netpane first saw it, on the batches' clock. */
  readonly sinceMs: number;
  /** True once it was on the screen while the user was there. */
  readonly isSeen: boolean;
}

/** The open listeners that were opened while netpane ran. */
export class NewListeners {
  readonly #listeners = new Map<string, NewListener>();

  /** Takes a socket that spawned or changed, unless it was opened before netpane started. */
  take(socket: Socket, sinceMs: number): void {
    if (!isServer(socket)) this.drop(socket.id);
    else if (!this.#listeners.has(socket.id)) this.#listeners.set(socket.id, { sinceMs, isSeen: false });
  }

  /** Removes a socket that has closed; ignores one that is no new listener. */
  drop(id: string): void {
    this.#listeners.delete(id);
  }

  /** Returns true for a new listener that the user has not seen. */
  isUnseen(id: string): boolean {
    return this.#listeners.get(id)?.isSeen === false;
  }

  /** Notes that the user has seen a listener. */
  see(id: string): void {
    const listener = this.#listeners.get(id);
    if (listener) this.#listeners.set(id, { ...listener, isSeen: true });
  }

  /** Returns the number of listeners first seen after a time. */
  countSince(ms: number): number {
    let count = 0;
    for (const { sinceMs } of this.#listeners.values()) if (sinceMs > ms) count++;
    return count;
  }
}
