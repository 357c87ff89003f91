import { formatIpv6, parseIpv6 } from '../model/address.ts';

/** An address by its bits: of IPv4 32 as one number, of IPv6 eight groups; never a v4-mapped one. */
type Bits = number | readonly number[];

/** Dotted decimal, without a regex: a machine has as many peers as it has connections, and each is looked at. */
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

/** The address without its scope, and the scope with the `%` before it, empty for none. */
const splitScope = (text: string): readonly string[] =>
  /^([^%]*)((?:%[^\s[\]()]+)?)$/.exec(text)?.slice(1) ?? [];

/** The bits of an address, whatever its scope. */
const bitsOf = (address: string): Bits | undefined =>
  parseBits(address.includes('%') ? (splitScope(address)[0] ?? '') : address);

const textOf = (bits: Bits): string =>
  typeof bits === 'number'
    ? [bits >>> 24, (bits >>> 16) & 255, (bits >>> 8) & 255, bits & 255].join('.')
    : formatIpv6(bits);

/** The one spelling of an address: v4-mapped as IPv4, IPv6 as RFC 5952 has it. Undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const [address = '', scope = ''] = splitScope(text);
  const bits = parseBits(address);
  if (bits === undefined || (scope && typeof bits === 'number')) return undefined;
  return textOf(bits) + scope.toLowerCase();
}

/** True where a socket has this canonical address; one without a scope is meant in whatever scope. */
export function isAddress(text: string, wanted: string): boolean {
  if (text === wanted) return true;
  // IPv4 has one spelling only, and a text of IPv6 another at most where a source does not keep to RFC 5952.
  if (!text.includes(':')) return false;
  const address = canonicalAddress(text);
  return address === wanted || (!wanted.includes('%') && (address?.startsWith(`${wanted}%`) ?? false));
}

/** Where an address lies; `any` takes every address of the machine, `many` is of several receivers. */
type Reach = 'any' | 'many' | 'loopback' | 'private' | 'public';

function reachOfIpv4(bits: number): Reach {
  const [first, second] = [bits >>> 24, (bits >>> 16) & 255];
  if (bits === 0) return 'any';
  if (first === 127) return 'loopback';
  if ((first >= 224 && first < 240) || bits === 0xffff_ffff) return 'many';
  // RFC 1918, link-local (RFC 3927) and the shared space of carriers (RFC 6598).
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

/** Where an address lies; undefined for what is none. */
export function reachOf(address: string): Reach | undefined {
  const bits = bitsOf(address);
  if (bits === undefined) return undefined;
  return typeof bits === 'number' ? reachOfIpv4(bits) : reachOfIpv6(bits);
}

export interface Network {
  /** Canonical, its bits past the prefix 0. */
  readonly address: string;
  readonly prefix: number;
}

/** An address with 0 for all bits past the prefix. */
function masked(bits: Bits, prefix: number): Bits {
  if (typeof bits === 'number') return prefix === 0 ? 0 : (bits & (-1 << (32 - prefix))) >>> 0;
  return bits.map((group, i) => group & ~(0xffff >> Math.min(16, Math.max(0, prefix - i * 16))));
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address; undefined for what is none. */
export function parseNetwork(text: string): Network | undefined {
  const [, host = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = parseBits(host);
  if (bits === undefined) return undefined;
  const most = typeof bits === 'number' ? 32 : 128;
  // A v4-mapped network is written with the 96 bits that all of them share.
  const shared = most === 32 && host.includes(':') ? 96 : 0;
  const prefix = length === undefined ? most : Number(length) - shared;
  return prefix < 0 || prefix > most ? undefined : { address: textOf(masked(bits, prefix)), prefix };
}

/** Compiles a network to the question whether an address is in it. */
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
