/**
 * Returns `length`, or less if the last character of that many bytes is incomplete in UTF-8. Invalid bytes are kept: they
 * are decoded to U+FFFD.
 */
export function wholeLength(bytes: Uint8Array, length: number): number {
  // A character has at most four bytes: if it is incomplete, its first byte is among the last three.
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > back ? length - back : length;
  }
  return length;
}
