import { formatIpv6 } from '../../../model/address.ts';
import type { Endpoint, Family } from '../../../model/socket.ts';
import { SLOT } from './ring.ts';

/** A side of an event. */
export type Side = 'local' | 'remote';

/** Returns the family of the endpoints of an event. */
export const familyOf = (words: Int32Array, at: number): Family =>
  words[at + SLOT.isIpv6] === 1 ? 'ipv6' : 'ipv4';

/** Returns the value of a field of an event. */
export const numberAt = (words: Int32Array, at: number, field: number): number =>
  (words[at + field] ?? 0) >>> 0;

/** Returns an endpoint of an event, without a scope: events have none. */
export function endpointOf(words: Int32Array, at: number, side: Side): Endpoint {
  const first = at + SLOT[side];
  const port = numberAt(words, at, PORTS[side]);
  if (familyOf(words, at) === 'ipv4') return { address: dotted(words[first] ?? 0), port };
  const groups = [0, 1, 2, 3].flatMap((i) => {
    const word = words[first + i] ?? 0;
    return [networkOrder(word & 0xffff), networkOrder(word >>> 16)];
  });
  return { address: formatIpv6(groups), port };
}

/** Field of the port of a side. */
const PORTS = { local: SLOT.localPort, remote: SLOT.remotePort } as const;

const dotted = (word: number): string =>
  `${word & 0xff}.${(word >>> 8) & 0xff}.${(word >>> 16) & 0xff}.${word >>> 24}`;

const networkOrder = (group: number): number => ((group & 0xff) << 8) | (group >>> 8);

/**
 * Returns an endpoint of an event as a part of a key: the bits of port and address, which cost less than their text. Keys
 * of IPv4 and IPv6 differ in length, so they are never equal.
 */
export function endpointKey(words: Int32Array, at: number, side: Side): string {
  const first = at + SLOT[side];
  const port = words[at + PORTS[side]] ?? 0;
  const a = words[first] ?? 0;
  if (familyOf(words, at) === 'ipv4') return String.fromCharCode(port, a, a >>> 16);
  const [b, c, d] = [words[first + 1] ?? 0, words[first + 2] ?? 0, words[first + 3] ?? 0];
  return String.fromCharCode(port, a, a >>> 16, b, b >>> 16, c, c >>> 16, d, d >>> 16);
}
