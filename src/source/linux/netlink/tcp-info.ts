import type { TcpInfo } from '../../../model/socket.ts';
import { counterAt, LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/**
 * Fields of struct tcp_info as `[name, byte offset, bytes]` (include/uapi/linux/tcp.h; new fields are only ever
 * appended). Times are microseconds unless the name ends in Ms; rates are bytes per second; windows are bytes; other
 * fields count segments.
 */
const FIELDS = [
  ['retransmitsInRow', 2, 1],
  ['probes', 3, 1],
  ['backoff', 4, 1],
  ['rtoMicros', 8, 4],
  ['atoMicros', 12, 4],
  ['sndMss', 16, 4],
  ['rcvMss', 20, 4],
  ['unacked', 24, 4],
  ['sacked', 28, 4],
  ['lost', 32, 4],
  ['retrans', 36, 4],
  ['lastDataSentMs', 44, 4],
  ['lastDataRecvMs', 52, 4],
  ['lastAckRecvMs', 56, 4],
  ['pmtu', 60, 4],
  ['rcvSsthresh', 64, 4],
  ['rttMicros', 68, 4],
  ['rttVarMicros', 72, 4],
  ['sndSsthresh', 76, 4],
  ['sndCwnd', 80, 4],
  ['advMss', 84, 4],
  ['reordering', 88, 4],
  ['rcvRttMicros', 92, 4],
  ['rcvSpace', 96, 4],
  ['totalRetrans', 100, 4],
  ['pacingRate', 104, 8],
  ['maxPacingRate', 112, 8],
  ['bytesAcked', 120, 8],
  ['bytesReceived', 128, 8],
  ['segsOut', 136, 4],
  ['segsIn', 140, 4],
  ['notsentBytes', 144, 4],
  ['minRttMicros', 148, 4],
  ['dataSegsIn', 152, 4],
  ['dataSegsOut', 156, 4],
  ['deliveryRate', 160, 8],
  ['busyTimeMicros', 168, 8],
  ['rwndLimitedMicros', 176, 8],
  ['sndbufLimitedMicros', 184, 8],
  ['delivered', 192, 4],
  ['deliveredCe', 196, 4],
  ['bytesSent', 200, 8],
  ['bytesRetrans', 208, 8],
  ['dsackDups', 216, 4],
  ['reordSeen', 220, 4],
  ['rcvOooPack', 224, 4],
  ['sndWnd', 228, 4],
  ['rcvWnd', 232, 4],
  ['rehash', 236, 4],
  ['totalRto', 240, 2],
  ['totalRtoRecoveries', 242, 2],
  ['totalRtoTimeMs', 244, 4],
] as const satisfies readonly (readonly [string, number, 1 | 2 | 4 | 8])[];

/** Byte offsets of the fields, by name. */
export const TCP_INFO = Object.fromEntries(FIELDS.map(([name, offset]) => [name, offset])) as Readonly<
  Record<(typeof FIELDS)[number][0], number>
>;

/** Bits of tcpi_options. */
const OPTIONS = { timestamps: 1, sack: 2, windowScaling: 4, ecn: 8, ecnSeen: 16, synData: 32 } as const;

/** The kernel reports an unlimited pacing rate as all ones. */
const UNLIMITED = 2 ** 64;

/**
 * Returns every field of a struct tcp_info that the attribute is long enough for; older kernels send fewer fields.
 * @param start start of the attribute's payload
 * @param end its end
 */
export function decodeTcpInfo(buffer: NetlinkBuffer, start: number, end: number): TcpInfo {
  const { bytes, view } = buffer;
  const info: Record<string, number | string | boolean> = {};
  for (const [name, offset, size] of FIELDS) {
    const at = start + offset;
    if (at + size > end) continue;
    const value =
      size === 8
        ? (counterAt(buffer, at, end) ?? 0)
        : size === 4
          ? view.getUint32(at, LITTLE_ENDIAN)
          : size === 2
            ? view.getUint16(at, LITTLE_ENDIAN)
            : view.getUint8(at);
    if (value < UNLIMITED) info[name] = value;
  }
  if (start + 8 > end) return info;
  const options = bytes[start + 5] ?? 0;
  for (const [name, bit] of Object.entries(OPTIONS)) info[name] = (options & bit) !== 0;
  const scales = bytes[start + 6] ?? 0;
  // Bit fields start at the low bits on little-endian machines and at the high bits on others.
  info['sndWscale'] = LITTLE_ENDIAN ? scales & 15 : scales >> 4;
  info['rcvWscale'] = LITTLE_ENDIAN ? scales >> 4 : scales & 15;
  info['appLimited'] = ((bytes[start + 7] ?? 0) & (LITTLE_ENDIAN ? 1 : 128)) !== 0;
  return info;
}
