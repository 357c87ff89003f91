import type { Mutable } from '../../../model/mutable.ts';
import type { SocketState, Traffic } from '../../../model/socket.ts';
import { INET, type InfoRange, STATES } from './inet.ts';
import { TCP_INFO } from './tcp-info.ts';
import { counterAt, LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/** States after the FIN of the peer, which the kernel counts as one received byte. */
const AFTER_FIN = new Set<SocketState | undefined>(['CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

const u32At = (view: DataView, at: number, end: number): number | undefined =>
  at + 4 <= end ? view.getUint32(at, LITTLE_ENDIAN) : undefined;

/** Traffic that may still be corrected. */
export type MutableTraffic = Mutable<Traffic>;

/** Longer times since the last data mean that there was none: the kernel then counts from boot. */
const NEVER_MS = 2 ** 31;

/**
 * Decodes queues, counters and rates of a socket.
 * @param info range of its struct tcp_info
 * @param nowMs wall-clock time of the message
 */
export function decodeTraffic(
  buffer: NetlinkBuffer,
  start: number,
  info: InfoRange,
  nowMs: number,
): MutableTraffic {
  const { bytes, view } = buffer;
  const state = STATES[bytes[start + INET.state] ?? 0];
  const queues = {
    recvQueue: view.getUint32(start + INET.recvQueue, LITTLE_ENDIAN),
    sendQueue: view.getUint32(start + INET.sendQueue, LITTLE_ENDIAN),
  };
  // The struct tcp_info of a listener only repeats its queues.
  if (info.end === info.start || state === 'LISTEN') return queues;
  const received = counterAt(buffer, info.start + TCP_INFO.bytesReceived, info.end);
  const sent = counterAt(buffer, info.start + TCP_INFO.bytesSent, info.end);
  // Linux before 4.19 has no tcpi_bytes_sent: count acknowledged bytes instead.
  const transmitted =
    sent === undefined
      ? counterAt(buffer, info.start + TCP_INFO.bytesAcked, info.end)
      : sent - (counterAt(buffer, info.start + TCP_INFO.bytesRetrans, info.end) ?? 0);
  const rttMicros = u32At(view, info.start + TCP_INFO.rttMicros, info.end);
  const rttVarMicros = u32At(view, info.start + TCP_INFO.rttVarMicros, info.end);
  const rxSegments = u32At(view, info.start + TCP_INFO.segsIn, info.end);
  const txSegments = u32At(view, info.start + TCP_INFO.segsOut, info.end);
  const retransmits = u32At(view, info.start + TCP_INFO.totalRetrans, info.end);
  const cwnd = u32At(view, info.start + TCP_INFO.sndCwnd, info.end);
  const deliveryRate = counterAt(buffer, info.start + TCP_INFO.deliveryRate, info.end);
  const sentAgoMs = u32At(view, info.start + TCP_INFO.lastDataSentMs, info.end);
  const receivedAgoMs = u32At(view, info.start + TCP_INFO.lastDataRecvMs, info.end);
  if (
    received !== undefined &&
    transmitted &&
    received > 0 &&
    rttMicros &&
    rttVarMicros !== undefined &&
    rxSegments !== undefined &&
    txSegments !== undefined &&
    retransmits !== undefined &&
    cwnd !== undefined &&
    deliveryRate &&
    sentAgoMs !== undefined &&
    receivedAgoMs !== undefined &&
    Math.max(sentAgoMs, receivedAgoMs) < NEVER_MS
  ) {
    // Fast path for nearly every connection: an object literal takes less memory than an object that grows.
    return {
      recvQueue: queues.recvQueue,
      sendQueue: queues.sendQueue,
      rxBytes: received - Number(AFTER_FIN.has(state)),
      txBytes: transmitted,
      rxSegments,
      txSegments,
      retransmits,
      rttMicros,
      rttVarMicros,
      cwnd,
      deliveryRate,
      lastSentAtMs: nowMs - sentAgoMs,
      lastReceivedAtMs: nowMs - receivedAgoMs,
    };
  }
  const traffic: MutableTraffic = queues;
  if (received !== undefined) traffic.rxBytes = received - (AFTER_FIN.has(state) && received > 0 ? 1 : 0);
  if (transmitted !== undefined) traffic.txBytes = transmitted;
  if (rxSegments !== undefined) traffic.rxSegments = rxSegments;
  if (txSegments !== undefined) traffic.txSegments = txSegments;
  if (retransmits !== undefined) traffic.retransmits = retransmits;
  // A round-trip time or rate of 0 was not measured.
  if (rttMicros) traffic.rttMicros = rttMicros;
  if (rttMicros && rttVarMicros !== undefined) traffic.rttVarMicros = rttVarMicros;
  if (cwnd !== undefined) traffic.cwnd = cwnd;
  if (deliveryRate) traffic.deliveryRate = deliveryRate;
  if (transmitted && sentAgoMs !== undefined && sentAgoMs < NEVER_MS)
    traffic.lastSentAtMs = nowMs - sentAgoMs;
  if (received && receivedAgoMs !== undefined && receivedAgoMs < NEVER_MS)
    traffic.lastReceivedAtMs = nowMs - receivedAgoMs;
  return traffic;
}
