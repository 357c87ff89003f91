/**
 * Returns how many of the first `length` bytes are whole UTF-8 characters: a character that the end cuts is left out.
 * Bytes that are no UTF-8 at all stay: they are decoded to U+FFFD.
 */
export function wholeLength(bytes: Uint8Array, length: number): number {
  // A character has at most four bytes: its first one is among the last three, or the end cuts nothing.
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > back ? length - back : length;
  }
  return length;
}
