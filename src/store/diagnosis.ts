import type { Socket } from '../model/socket.ts';

/** Kinds of trouble that netpane points out, the most urgent first. */
export const DIAGNOSIS_KINDS = [
  'full-backlog',
  'syn-flood',
  'unanswered',
  'close-wait',
  'unread',
  'unsent',
  'retransmissions',
] as const;
export type DiagnosisKind = (typeof DIAGNOSIS_KINDS)[number];

/** Trouble that netpane points out: its kind, sockets, amount and start. */
export interface Diagnosis {
  /** Does not change while the diagnosis lasts. */
  readonly id: string;
  readonly kind: DiagnosisKind;
  /** The socket that has waited longest; for retransmissions the last one that retransmitted. */
  readonly socket: Socket;
  /** Number of sockets; for retransmissions the number of segments in the last 30 seconds. */
  readonly count: number;
  /** Bytes in the queues; segments sent in the last 30 seconds, also those sent again. 0 for other kinds. */
  readonly amount: number;
  /** When the socket started to wait, on the batches' clock. */
  readonly sinceMs: number;
  /** True if the socket may have waited longer: it did so when netpane first saw it. */
  readonly isAtLeast: boolean;
  /** True if it ended a moment ago; the other fields are those of its end. */
  readonly isOver: boolean;
}

/** Returns what the sockets of one program have in common: its name, else its pid, else the user; empty if unknown. */
export function programKey({ owners: [owner], user }: Socket): string {
  if (owner?.process !== undefined) return owner.process;
  // No program name contains the character NUL.
  if (owner?.pid !== undefined) return `\0pid ${owner.pid}`;
  return user === undefined ? '' : `\0user ${user}`;
}

/** Returns what the connections to one listener have in common. */
export const portKey = ({ protocol, netns, local }: Socket): string =>
  `${protocol} ${netns?.inode ?? ''} ${local.port}`;
