import type { Socket } from '../model/socket.ts';

/** What a query is asked about: a socket, and what is known of it beyond the socket itself. A row of the table is one. */
export interface Subject {
  readonly socket: Socket;
  /** What happened to it of late. */
  readonly mark: 'none' | 'spawned' | 'changed' | 'closed';
  /** When it was seen first, milliseconds on the clock of the batches. */
  readonly firstSeenMs: number;
  /** It was there before netpane was. */
  readonly baseline: boolean;
  /** Who began the connection: the peer (`in`), or this machine; absent for what is no connection, or unknown. */
  readonly direction?: 'in' | 'out';
  /** Bytes a second received and sent in the last tick; undefined when unknown. */
  readonly rxRate: number | undefined;
  readonly txRate: number | undefined;
  /** How long it lived, milliseconds; absent while it is there. */
  readonly lifetimeMs?: number;
}
