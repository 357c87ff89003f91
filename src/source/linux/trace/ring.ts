import { LITTLE_ENDIAN, type NetlinkBuffer } from '../netlink/wire.ts';
import type { PageLayout } from './format.ts';

/** Values of `type_len` that are not a length: enum ring_buffer_type, include/linux/ring_buffer.h. */
const PADDING = 29;
const TIME_EXTEND = 30;
// 31 is an absolute time.

/** The other bits of `commit` report lost events; `stats` counts those exactly (kernel/trace/ring_buffer.c). */
const COMMIT_MASK = 2 ** 27 - 1;

/** An absolute time has 59 bits; its higher bits are taken from the time before. */
const STAMP_RANGE = 2 ** 59;

const HIGH = LITTLE_ENDIAN ? 1 : 0;

/**
 * Calls `onEvent` for each event in a page of a ring buffer (kernel/trace/ring_buffer.c). Checks all lengths and reads
 * nothing beyond `length`.
 * @param buffer starts with the page
 * @param length length of the page, bytes; the rest of the buffer is not part of it
 * @param onEvent receives start and end of the content of an event, and its time in milliseconds
 * @returns number of problems: 1 after an invalid length, which ends the page
 */
export function eachEvent(
  { u32 }: NetlinkBuffer,
  { time, commit, data }: PageLayout,
  length: number,
  onEvent: (start: number, end: number, atMs: number) => void,
): number {
  const whole = Math.min(length, u32.byteLength);
  if (whole < data) return 1;
  const wordAt = (at: number) => u32[at >>> 2] ?? 0;
  const last = data + (wordAt(commit) & COMMIT_MASK);
  if (last > whole) return 1;
  let ns = wordAt(time + 4 * (1 - HIGH)) + wordAt(time + 4 * HIGH) * 2 ** 32;
  for (let at = data; at + 4 <= last;) {
    const head = wordAt(at);
    // On a big-endian machine, bit fields start at the high bits.
    const type = LITTLE_ENDIAN ? head & 31 : head >>> 27;
    const delta = LITTLE_ENDIAN ? head >>> 5 : head & (2 ** 27 - 1);
    // Padding without a time delta: the rest of the page is empty.
    if (type === PADDING && delta === 0) return 0;
    // A second word follows the head: a length, or the high bits of a time.
    const isLong = type === 0 || type >= PADDING;
    if (isLong && at + 8 > last) return 1;
    const word = isLong ? wordAt(at + 4) : 0;
    if (type >= TIME_EXTEND) {
      const bits = word * 2 ** 27 + delta;
      ns = type === TIME_EXTEND ? ns + bits : absolute(bits, ns);
      at += 8;
      continue;
    }
    // The length in that word includes the word.
    const size = isLong ? word : type * 4;
    if (size % 4 !== 0 || (isLong && size < 4) || at + 4 + size > last) return 1;
    // A discarded event keeps its time delta, since the next one counts from there. A delta of 0 is stored as 1.
    if (type !== PADDING || delta > 1) ns += delta;
    if (type !== PADDING) onEvent(at + (isLong ? 8 : 4), at + 4 + size, ns / 1e6);
    at += 4 + size;
  }
  return 0;
}

/** Returns an absolute time with its missing high bits taken from the time before (rb_fix_abs_ts). */
function absolute(bits: number, before: number): number {
  const fixed = bits + Math.floor(before / STAMP_RANGE) * STAMP_RANGE;
  return before >= STAMP_RANGE && fixed < before ? fixed + STAMP_RANGE : fixed;
}
