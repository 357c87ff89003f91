import { formatIpv6 } from '../model/address.ts';
import { type Bits, bitsOf, parseBits, splitScope } from '../model/address-bits.ts';

const textOf = (bits: Bits): string =>
  typeof bits === 'number'
    ? [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.')
    : formatIpv6(bits);

/** Returns the canonical spelling: v4-mapped as IPv4, IPv6 as in RFC 5952. Undefined if the text is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const [address = '', scope = ''] = splitScope(text);
  const bits = parseBits(address);
  if (bits === undefined || (scope && typeof bits === 'number')) return undefined;
  return textOf(bits) + scope.toLowerCase();
}

/** Returns true if the text is the wanted canonical address. A wanted address without a scope matches any scope. */
export function isAddress(text: string, wanted: string): boolean {
  if (text === wanted) return true;
  // IPv4 has one spelling. IPv6 differs only if a source does not follow RFC 5952.
  if (!text.includes(':')) return false;
  const address = canonicalAddress(text);
  return address === wanted || (!wanted.includes('%') && (address?.startsWith(`${wanted}%`) ?? false));
}

/** A range of addresses. */
export interface Network {
  /** Canonical address; its bits past the prefix are 0. */
  readonly address: string;
  readonly prefix: number;
}

/** Returns the address with all bits past the prefix cleared. */
function masked(bits: Bits, prefix: number): Bits {
  if (typeof bits === 'number') return prefix === 0 ? 0 : (bits & (-1 << (32 - prefix))) >>> 0;
  return bits.map((group, i) => group & ~(0xffff >> Math.min(16, Math.max(0, prefix - i * 16))));
}

/** Parses `10.0.0.0/8`, `2001:db8::/32` or a single address. Returns undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [, host = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = parseBits(host);
  if (bits === undefined) return undefined;
  const maxPrefix = typeof bits === 'number' ? 32 : 128;
  // The prefix of a v4-mapped network counts its fixed 96 bits too.
  const mappedBits = maxPrefix === 32 && host.includes(':') ? 96 : 0;
  const prefix = length === undefined ? maxPrefix : Number(length) - mappedBits;
  return prefix < 0 || prefix > maxPrefix ? undefined : { address: textOf(masked(bits, prefix)), prefix };
}

/** Compiles a network to a test that returns true for an address in it. */
export function compileNetwork({ address, prefix }: Network): (text: string) => boolean {
  const network = parseBits(address);
  const mask = masked(typeof network === 'number' ? 0xffff_ffff : Array<number>(8).fill(0xffff), prefix);
  return (text) => {
    const bits = bitsOf(text);
    if (typeof bits === 'number') return typeof mask === 'number' && (bits & mask) >>> 0 === network;
    if (bits === undefined || typeof mask === 'number' || typeof network !== 'object') return false;
    for (let i = 0; i < mask.length; i++) if (((bits[i] ?? 0) & (mask[i] ?? 0)) !== network[i]) return false;
    return true;
  };
}
