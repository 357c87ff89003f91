import { formatIpv6 } from '../../../model/address.ts';
import type { Endpoint, Family } from '../../../model/socket.ts';
import { SLOT } from './ring.ts';

/** A side of an event. */
export type Side = 'local' | 'remote';

export const familyOf = (words: Int32Array, at: number): Family =>
  words[at + SLOT.isIpv6] === 1 ? 'ipv6' : 'ipv4';

/** Returns the number of a field of an event. */
export const numberAt = (words: Int32Array, at: number, field: number): number =>
  (words[at + field] ?? 0) >>> 0;

/** Returns an endpoint of an event. Events have no scope of an address. */
export function endpointOf(words: Int32Array, at: number, side: Side): Endpoint {
  const first = at + SLOT[side];
  const port = numberAt(words, at, side === 'local' ? SLOT.localPort : SLOT.remotePort);
  const bytes = (i: number): number[] => {
    const word = words[first + i] ?? 0;
    return [word & 0xff, (word >>> 8) & 0xff, (word >>> 16) & 0xff, word >>> 24];
  };
  if (familyOf(words, at) === 'ipv4') return { address: bytes(0).join('.'), port };
  const groups = [0, 1, 2, 3].flatMap((i) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes(i);
    return [(a << 8) | b, (c << 8) | d];
  });
  return { address: formatIpv6(groups), port };
}

/** Returns an endpoint of an event as a part of a key. */
export function endpointKey(words: Int32Array, at: number, side: Side): string {
  const first = at + SLOT[side];
  const port = words[at + (side === 'local' ? SLOT.localPort : SLOT.remotePort)] ?? 0;
  return familyOf(words, at) === 'ipv4'
    ? `${words[first]} ${port}`
    : `${words[first]} ${words[first + 1]} ${words[first + 2]} ${words[first + 3]} ${port}`;
}
