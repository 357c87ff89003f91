import { formatIpv6 } from '../model/address.ts';

/** Maximum length of a host name, characters (RFC 1035, section 2.3.4). */
export const MAX_NAME_LENGTH = 253;

/** Returns the 16-bit number at an offset, in network byte order; bytes after the end count as 0. */
export const numberAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Returns the text of the IPv4 or IPv6 address at an offset. @param length 4 or 16 */
export function addressAt(bytes: Uint8Array, at: number, length: 4 | 16): string {
  if (length === 4)
    return `${bytes[at] ?? 0}.${bytes[at + 1] ?? 0}.${bytes[at + 2] ?? 0}.${bytes[at + 3] ?? 0}`;
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(numberAt(bytes, at + i));
  return formatIpv6(groups);
}

/**
 * Returns the characters of a part of a host name, in small letters. A byte that no host name has is written as `\ddd`
 * (RFC 1035, section 5.1), so that no text of a packet is mistaken for another one.
 */
export function nameText(bytes: Uint8Array, start: number, end: number, allowsDots: boolean): string {
  let text = '';
  for (let i = start; i < end; i++) text += CHARACTERS[allowsDots ? 1 : 0][bytes[i] ?? 0] ?? '';
  return text;
}

/** The text of each byte of a name: in a label, and in a whole name, where a dot separates labels. */
const CHARACTERS = [charactersOf(/[a-z\d_-]/), charactersOf(/[a-z\d_.-]/)] as const;

function charactersOf(allowed: RegExp): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte).toLowerCase();
    return byte < 128 && allowed.test(character) ? character : `\\${String(byte).padStart(3, '0')}`;
  });
}
