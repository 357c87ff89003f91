import { parseIpv6 } from './address.ts';

/** Bits of an address: one number for IPv4, eight 16-bit groups for IPv6. A v4-mapped address is IPv4. */
export type Bits = number | readonly number[];

/** Parses dotted decimal. Uses no regex, for speed: every connection may have a different peer. */
function parseIpv4(text: string): number | undefined {
  let [bits, byte, digits, dots] = [0, 0, 0, 0];
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? 0x2e : text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || byte > 255 || ++dots > 4) return undefined;
      bits = bits * 256 + byte;
      [byte, digits] = [0, 0];
    } else {
      if (code < 0x30 || code > 0x39 || ++digits > 3) return undefined;
      byte = byte * 10 + code - 0x30;
    }
  }
  return dots === 4 ? bits : undefined;
}

/** Parses an IPv4 or IPv6 address without scope; undefined for any other text. */
export function parseBits(text: string): Bits | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const groups = parseIpv6(text);
  const isMapped = groups?.[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return isMapped ? (groups[6] ?? 0) * 0x10000 + (groups[7] ?? 0) : groups;
}

/** Returns the address without its scope (`%eth0`, RFC 4007), and the scope with its `%`; empty if there is none. */
export const splitScope = (text: string): readonly string[] =>
  /^([^%]*)((?:%[^\s[\]()]+)?)$/.exec(text)?.slice(1) ?? [];

/** Returns the bits of an address, ignoring its scope. */
export const bitsOf = (address: string): Bits | undefined =>
  parseBits(address.includes('%') ? (splitScope(address)[0] ?? '') : address);
