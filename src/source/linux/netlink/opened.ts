import type { Direction } from '../../../model/socket.ts';
import { INET, type InfoRange, STATES } from './inet.ts';
import { TCP_INFO } from './tcp-info.ts';
import { counterAt, LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/**
 * Returns the direction of a TCP connection. `bytes_acked` includes the SYN of the connecting side
 * (net/ipv4/tcp_input.c, tcp_snd_una_update), but not that of the accepting side (tcp_create_openreq_child starts
 * counting after it). Once all data is acknowledged, the connecting side has one byte more acknowledged than sent.
 * @param info range of its struct tcp_info
 * @returns undefined while data is unacknowledged, in states in which a FIN may be acknowledged too, and before Linux
 * 4.19
 */
export function decodeOpened(buffer: NetlinkBuffer, start: number, info: InfoRange): Direction | undefined {
  const { bytes, view } = buffer;
  const state = STATES[bytes[start + INET.state] ?? 0];
  if (state !== 'ESTABLISHED' && state !== 'CLOSE_WAIT') return undefined;
  const acked = counterAt(buffer, info.start + TCP_INFO.bytesAcked, info.end);
  const sent = counterAt(buffer, info.start + TCP_INFO.bytesSent, info.end);
  const retransmitted = counterAt(buffer, info.start + TCP_INFO.bytesRetrans, info.end);
  if (acked === undefined || sent === undefined || retransmitted === undefined) return undefined;
  if (view.getUint32(info.start + TCP_INFO.unacked, LITTLE_ENDIAN) !== 0) return undefined;
  const excess = acked - (sent - retransmitted);
  return excess === 1 ? 'out' : excess === 0 ? 'in' : undefined;
}
