import type { Protocol, Socket } from '../model/socket.ts';
import { type DiagnosisKind, portKey, programKey } from './diagnosis.ts';

/** Limit of a diagnosis: at least this number of sockets have waited at least this time, milliseconds. */
export interface Limit {
  readonly sockets: number;
  readonly forMs: number;
}

/** Sockets that wait for something. Many of them, or a long wait, are a diagnosis. */
export interface WaitRule {
  /** Returns what the sockets of one diagnosis have in common. */
  readonly groupOf: (socket: Socket) => string;
  readonly starts: (socket: Socket) => boolean;
  /** Returns true if a waiting socket still waits. Its limit may be lower than that of `starts`, so that it does not flicker. */
  readonly lasts: (socket: Socket) => boolean;
  /** Returns true if the wait starts again with this change. Absent if it never does. */
  readonly restarts?: (before: Socket, now: Socket) => boolean;
  /** Returns the bytes of a socket that waits. Absent if they do not matter. */
  readonly bytesOf?: (socket: Socket) => number;
  /** A diagnosis starts when a group reaches one of these limits, and lasts while it reaches one of `keep`. */
  readonly on: readonly Limit[];
  readonly keep: readonly Limit[];
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Share of the backlog at which an accept queue counts as full, and at which it no longer does. */
const FULL = 0.9;
const NOT_FULL = 0.5;

/** Returns the part of the backlog that is taken; 0 if unknown. The `proc` source reads no backlog: it shows 0. */
function backlogShare({ state, traffic }: Socket): number {
  if (state !== 'LISTEN') return 0;
  const { recvQueue = 0, sendQueue = 0 } = traffic ?? {};
  return sendQueue > 0 ? recvQueue / sendQueue : 0;
}

const isHalfOpen = ({ state }: Socket): boolean => state === 'SYN_RECV' || state === 'NEW_SYN_RECV';

const isCloseWait = ({ state }: Socket): boolean => state === 'CLOSE_WAIT';

/** Number of timeouts of a SYN in a row: the second is 2 or 3 s after the first SYN (tcp_syn_linear_timeouts, RFC 6298). */
const UNANSWERED = 2;

const isUnanswered = ({ state, timer }: Socket): boolean =>
  state === 'SYN_SENT' && timer?.kind === 'on' && timer.retransmits >= UNANSWERED;

/** Protocols with queues of data for a program. The queue of a packet socket may be read elsewhere (PACKET_MMAP). */
const WITH_QUEUES: ReadonlySet<Protocol> = new Set(['tcp', 'mptcp', 'sctp', 'udp', 'udplite']);

/** Size at which a queue matters, and below which it no longer does, bytes. */
const FILLED = 16 * 1024;
const DRAINED = 4 * 1024;

/** Bytes that the program has not read; in CLOSE_WAIT it need not read any more. */
const unread = ({ protocol, state, traffic }: Socket): number =>
  WITH_QUEUES.has(protocol) && state !== 'LISTEN' && state !== 'CLOSE_WAIT' ? (traffic?.recvQueue ?? 0) : 0;

/** Bytes that the peer has not acknowledged. */
const unsent = ({ protocol, state, traffic }: Socket): number =>
  WITH_QUEUES.has(protocol) && state !== 'LISTEN' ? (traffic?.sendQueue ?? 0) : 0;

/**
 * Returns false if no rule lets this socket start to wait. Nearly all sockets are of this kind, so most changes cost only
 * this test.
 */
export const mayWait = ({ state, traffic }: Socket): boolean =>
  state !== 'ESTABLISHED' || (traffic?.recvQueue ?? 0) >= FILLED || (traffic?.sendQueue ?? 0) >= FILLED;

/** Returns true if the program has read something. */
function hasRead({ traffic: before }: Socket, { traffic: now }: Socket): boolean {
  const [was, is] = [before?.recvQueue ?? 0, now?.recvQueue ?? 0];
  if (before?.rxBytes === undefined || now?.rxBytes === undefined) return is < was;
  return now.rxBytes - is > before.rxBytes - was;
}

/** Returns true if the peer has acknowledged something, or something new was sent. */
const hasSent = ({ traffic: before }: Socket, { traffic: now }: Socket): boolean =>
  before?.txBytes !== now?.txBytes || (now?.sendQueue ?? 0) < (before?.sendQueue ?? 0);

/** Every kind of diagnosis about waiting sockets. */
export const WAIT_RULES = {
  // The kernel drops the SYN of a new connection when the accept queue is full (tcp_conn_request in tcp_input.c).
  'full-backlog': {
    groupOf: ({ id }) => id,
    starts: (socket) => backlogShare(socket) >= FULL,
    lasts: (socket) => backlogShare(socket) > NOT_FULL,
    on: [{ sockets: 1, forMs: SECOND }],
    keep: [{ sockets: 1, forMs: 0 }],
  },
  // A handshake that is answered takes one round trip.
  'syn-flood': {
    groupOf: portKey,
    starts: isHalfOpen,
    lasts: isHalfOpen,
    on: [{ sockets: 30, forMs: SECOND }],
    keep: [{ sockets: 10, forMs: SECOND }],
  },
  unanswered: {
    groupOf: programKey,
    starts: isUnanswered,
    lasts: isUnanswered,
    on: [{ sockets: 1, forMs: 0 }],
    keep: [{ sockets: 1, forMs: 0 }],
  },
  // A program that reads the end of a connection closes it within milliseconds.
  'close-wait': {
    groupOf: programKey,
    starts: isCloseWait,
    lasts: isCloseWait,
    on: [
      { sockets: 10, forMs: SECOND },
      { sockets: 3, forMs: MINUTE },
    ],
    keep: [
      { sockets: 5, forMs: SECOND },
      { sockets: 2, forMs: MINUTE },
    ],
  },
  unread: {
    groupOf: programKey,
    starts: (socket) => unread(socket) >= FILLED,
    lasts: (socket) => unread(socket) >= DRAINED,
    restarts: hasRead,
    bytesOf: unread,
    on: [{ sockets: 1, forMs: 10 * SECOND }],
    keep: [{ sockets: 1, forMs: 10 * SECOND }],
  },
  unsent: {
    groupOf: programKey,
    starts: (socket) => unsent(socket) >= FILLED,
    lasts: (socket) => unsent(socket) >= DRAINED,
    restarts: hasSent,
    bytesOf: unsent,
    on: [{ sockets: 1, forMs: 10 * SECOND }],
    keep: [{ sockets: 1, forMs: 10 * SECOND }],
  },
} as const satisfies Readonly<Record<Exclude<DiagnosisKind, 'retransmissions'>, WaitRule>>;

export type WaitKind = keyof typeof WAIT_RULES;
export const WAIT_KINDS = Object.keys(WAIT_RULES) as WaitKind[];
