import type { Direction } from '../../../model/socket.ts';
import { INET, type InfoRange, STATES } from './inet.ts';
import { TCP_INFO } from './tcp-info.ts';
import { counterAt, LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/**
 * Returns who opened a TCP connection. The SYN of the end that connects counts as a byte that the peer acknowledged
 * (net/ipv4/tcp_input.c, tcp_snd_una_update), the SYN of the end that accepts does not (tcp_create_openreq_child begins
 * behind it). Once everything sent is acknowledged, the end that connected counts one byte more than it sent.
 * @param info where its struct tcp_info is
 * @returns undefined while data is under way, in states in which a FIN may be acknowledged as well, and before Linux 4.19
 */
export function decodeOpened(buffer: NetlinkBuffer, start: number, info: InfoRange): Direction | undefined {
  const { bytes, view } = buffer;
  const state = STATES[bytes[start + INET.state] ?? 0];
  if (state !== 'ESTABLISHED' && state !== 'CLOSE_WAIT') return undefined;
  const acked = counterAt(buffer, info.start + TCP_INFO.bytesAcked, info.end);
  const sent = counterAt(buffer, info.start + TCP_INFO.bytesSent, info.end);
  const again = counterAt(buffer, info.start + TCP_INFO.bytesRetrans, info.end);
  if (acked === undefined || sent === undefined || again === undefined) return undefined;
  if (view.getUint32(info.start + TCP_INFO.unacked, LITTLE_ENDIAN) !== 0) return undefined;
  const beyond = acked - (sent - again);
  return beyond === 1 ? 'out' : beyond === 0 ? 'in' : undefined;
}
