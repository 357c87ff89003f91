import type { Socket } from '../model/socket.ts';

/**
 * Kind of data that a command has about a socket, if it has no table: one poll (`ls`) or one event (`watch`). A term may need
 * more: a rate is the difference between two polls.
 */
export type Glimpse = 'poll' | 'event';

/** A socket with the data about it that a query can test, such as a row of the table. */
export interface Subject {
  readonly socket: Socket;
  /** Recent change of the socket. */
  readonly mark: 'none' | 'spawned' | 'changed' | 'closed';
  /** When the socket was first seen, milliseconds on the clock of the batches. */
  readonly firstSeenMs: number;
  /** The socket was opened before netpane started. */
  readonly baseline: boolean;
  /** Side that opened the connection: the peer (`in`) or this machine; undefined if unknown or not a connection. */
  readonly direction?: 'in' | 'out' | undefined;
  /** Id of the socket that is the peer of a local connection; undefined if none is known. */
  readonly peer?: string | undefined;
  /** Bytes per second received in the last tick; undefined if unknown. */
  readonly rxRate: number | undefined;
  /** Bytes per second sent in the last tick; undefined if unknown. */
  readonly txRate: number | undefined;
  /** Lifetime of the connection, milliseconds; absent while it is open. A remnant has it before its mark is `closed`. */
  readonly lifetimeMs?: number;
}
