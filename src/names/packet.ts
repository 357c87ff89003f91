import { numberAt } from './bytes.ts';

/** A TCP segment or UDP datagram in an IP packet. Offsets are in the bytes of the packet. */
export interface Packet {
  readonly protocol: 'tcp' | 'udp';
  readonly addressLength: 4 | 16;
  readonly sourceAt: number;
  readonly destinationAt: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

const TCP = 6;
const UDP = 17;
const UDP_HEADER = 8;
const IPV6_HEADER = 40;

/**
 * Returns the segment or datagram in an IP packet; undefined for any other packet, for a fragment that is not the first
 * one, and for IPv6 with extension headers. Bytes after the end of the IP packet, which fill up short frames, are left out.
 */
export function packetIn(bytes: Uint8Array): Packet | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) {
    const header = ((bytes[0] ?? 0) & 15) * 4;
    const isFirst = (numberAt(bytes, 6) & 0x1fff) === 0;
    if (header < 20 || !isFirst) return undefined;
    return transportIn(bytes, header, numberAt(bytes, 2), bytes[9], 4, 12);
  }
  if (version !== 6) return undefined;
  const length = numberAt(bytes, 4);
  return transportIn(bytes, IPV6_HEADER, length === 0 ? 0 : IPV6_HEADER + length, bytes[6], 16, 8);
}

/**
 * Returns the segment or datagram behind an IP header; undefined for another protocol, and if its header is cut.
 * @param header length of the IP header
 * @param total length of the IP packet; 0 if it is longer than its field can say (BIG TCP)
 */
function transportIn(
  bytes: Uint8Array,
  header: number,
  total: number,
  protocol: number | undefined,
  addressLength: 4 | 16,
  sourceAt: number,
): Packet | undefined {
  const end = total === 0 ? bytes.length : Math.min(total, bytes.length);
  const isTcp = protocol === TCP;
  if (!isTcp && protocol !== UDP) return undefined;
  const start = header + (isTcp ? ((bytes[header + 12] ?? 0) >> 4) * 4 : UDP_HEADER);
  if (start > end) return undefined;
  return {
    protocol: isTcp ? 'tcp' : 'udp',
    addressLength,
    sourceAt,
    destinationAt: sourceAt + addressLength,
    sourcePort: numberAt(bytes, header),
    destinationPort: numberAt(bytes, header + 2),
    payload: bytes.subarray(start, end),
  };
}
