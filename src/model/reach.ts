import { bitsOf } from './address-bits.ts';

/** Where an address reaches; `any` is the wildcard address (0.0.0.0, ::), `many` multicast or broadcast. */
export type Reach = 'any' | 'many' | 'loopback' | 'private' | 'public';

function reachOfIpv4(bits: number): Reach {
  const [first, second] = [bits >>> 24, (bits >>> 16) & 255];
  if (bits === 0) return 'any';
  if (first === 127) return 'loopback';
  if ((first >= 224 && first < 240) || bits === 0xffff_ffff) return 'many';
  // RFC 1918, link-local (RFC 3927) and carrier-grade NAT (RFC 6598).
  const isPrivate =
    first === 10 ||
    (first === 172 && second >> 4 === 1) ||
    (first === 192 && second === 168) ||
    (first === 169 && second === 254) ||
    (first === 100 && second >> 6 === 1);
  return isPrivate ? 'private' : 'public';
}

function reachOfIpv6(groups: readonly number[]): Reach {
  const [first = 0] = groups;
  const low = groups[7] ?? 0;
  if (low <= 1 && groups.slice(0, 7).every((group) => group === 0)) return low === 0 ? 'any' : 'loopback';
  if (first >= 0xff00) return 'many';
  // Unique local fc00::/7 (RFC 4193) and link-local fe80::/10.
  return first >> 9 === 0xfc00 >> 9 || first >> 6 === 0xfe80 >> 6 ? 'private' : 'public';
}

/** Returns where an address reaches; undefined if the text is not an address. */
export function reachOf(address: string): Reach | undefined {
  const bits = bitsOf(address);
  if (bits === undefined) return undefined;
  return typeof bits === 'number' ? reachOfIpv4(bits) : reachOfIpv6(bits);
}
