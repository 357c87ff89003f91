import { formatIpv6, parseIpv6 } from '../model/address.ts';

/** Bits of an address: one number for IPv4, eight 16-bit groups for IPv6. A v4-mapped address is IPv4. */
type Bits = number | readonly number[];

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

function parseBits(text: string): Bits | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const groups = parseIpv6(text);
  const isMapped = groups?.[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return isMapped ? (groups[6] ?? 0) * 0x10000 + (groups[7] ?? 0) : groups;
}

/** Returns the address without its scope (`%eth0`, RFC 4007), and the scope with its `%`; empty if there is none. */
const splitScope = (text: string): readonly string[] =>
  /^([^%]*)((?:%[^\s[\]()]+)?)$/.exec(text)?.slice(1) ?? [];

/** Returns the bits of an address, ignoring its scope. */
const bitsOf = (address: string): Bits | undefined =>
  parseBits(address.includes('%') ? (splitScope(address)[0] ?? '') : address);

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

/** Where an address reaches; `any` is the wildcard address (0.0.0.0, ::), `many` multicast or broadcast. */
type Reach = 'any' | 'many' | 'loopback' | 'private' | 'public';

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
