import type { SocketState, Traffic } from '../../../model/socket.ts';
import { AF_INET, AF_INET6 } from './decode.ts';
import { BUFFER_BYTES, SOCKET, STATS, TCPCB } from './layout.ts';
import { ABSENT, type Rows } from './rows.ts';

/** States in which the sequence numbers count the FIN of the peer, or the acknowledged own one, as one byte. */
const AFTER_PEERS_FIN: ReadonlySet<SocketState | undefined> = new Set<SocketState>([
  'CLOSE_WAIT',
  'CLOSING',
  'LAST_ACK',
  'TIME_WAIT',
]);
const AFTER_OWN_FIN: ReadonlySet<SocketState | undefined> = new Set<SocketState>(['FIN_WAIT2', 'TIME_WAIT']);
/** States without a handshake: the sequence numbers count no payload. */
const BEFORE: ReadonlySet<SocketState | undefined> = new Set<SocketState>([
  'CLOSE',
  'LISTEN',
  'SYN_SENT',
  'SYN_RECV',
]);

/**
 * A step back of less than this is a race: the kernel copies the numbers of a connection without its lock
 * (bsd/netinet/in_pcblist.c, get_pcblist_n). A larger one is a step of almost 4 GiB forward.
 */
const MAX_STEP_BACK = 2 ** 16;

/**
 * Returns the new total of a 32-bit counter that wraps.
 * @param total the total at the last poll; its low 32 bits were the counter then
 * @param counter the counter now
 */
export function advance(total: number, counter: number): number {
  const step = (counter - (total % 2 ** 32)) >>> 0;
  return step >= 2 ** 32 - MAX_STEP_BACK ? total : total + step;
}

/**
 * Returns the traffic of the current row.
 * @param before the traffic at the last poll; undefined for a new socket, whose bytes are then known modulo 4 GiB
 */
export function trafficOf(rows: Rows, state: SocketState | undefined, before: Traffic | undefined): Traffic {
  const { words, socket, tcpcb, stats, receiveBuffer, sendBuffer } = rows;
  if (state === 'LISTEN')
    return {
      recvQueue: (words[socket + SOCKET.queueLength] ?? 0) & 0xffff,
      sendQueue: (words[socket + SOCKET.queueLimit] ?? 0) & 0xffff,
    };
  const queues = {
    recvQueue: receiveBuffer === ABSENT ? 0 : (words[receiveBuffer + BUFFER_BYTES] ?? 0) >>> 0,
    sendQueue: sendBuffer === ABSENT ? 0 : (words[sendBuffer + BUFFER_BYTES] ?? 0) >>> 0,
  };
  const family = words[socket + SOCKET.family];
  // A user-space flow counts payload, but the kernel knows neither its sequence numbers nor its queues.
  if (family !== AF_INET && family !== AF_INET6)
    return stats === ABSENT
      ? {}
      : { rxBytes: wide(words, stats + STATS.rxBytes), txBytes: wide(words, stats + STATS.txBytes) };
  if (tcpcb === ABSENT)
    return stats === ABSENT ? queues : { ...queues, txBytes: wide(words, stats + STATS.txBytes) };
  return { ...queues, ...bytesOfTcp(rows, state, before), ...qualityOf(words, tcpcb) };
}

function bytesOfTcp(
  { words, tcpcb }: Rows,
  state: SocketState | undefined,
  before: Traffic | undefined,
): Traffic {
  // The sequence numbers of a closed connection may be its last ones or be cleared: keep the last totals.
  if (BEFORE.has(state)) return { rxBytes: before?.rxBytes ?? 0, txBytes: before?.txBytes ?? 0 };
  const since = (now: number, first: number, isFinCounted: boolean): number =>
    ((words[tcpcb + now] ?? 0) - (words[tcpcb + first] ?? 0) - 1 - (isFinCounted ? 1 : 0)) >>> 0;
  return {
    rxBytes: advance(before?.rxBytes ?? 0, since(TCPCB.rcvNxt, TCPCB.irs, AFTER_PEERS_FIN.has(state))),
    txBytes: advance(before?.txBytes ?? 0, since(TCPCB.sndUna, TCPCB.iss, AFTER_OWN_FIN.has(state))),
  };
}

function qualityOf(words: Int32Array, tcpcb: number): Traffic {
  const [srtt, rttvar] = [words[tcpcb + TCPCB.srtt] ?? 0, words[tcpcb + TCPCB.rttvar] ?? 0];
  const window = (words[tcpcb + TCPCB.sndCwnd] ?? 0) >>> 0;
  const segment = words[tcpcb + TCPCB.maxSegment] ?? 0;
  return {
    ...(srtt > 0 && { rttMicros: Math.round((srtt * 1000) / 32) }),
    ...(srtt > 0 && rttvar > 0 && { rttVarMicros: Math.round((rttvar * 1000) / 16) }),
    ...(segment > 0 && { cwnd: Math.floor(window / segment) }),
  };
}

/** Returns a number of 64 bits. */
const wide = (words: Int32Array, at: number): number =>
  ((words[at + 1] ?? 0) >>> 0) * 2 ** 32 + ((words[at] ?? 0) >>> 0);
