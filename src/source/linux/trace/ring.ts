import { LITTLE_ENDIAN, type NetlinkBuffer } from '../netlink/wire.ts';
import type { PageLayout } from './format.ts';

/** Values of `type_len` that are no length: enum ring_buffer_type, include/linux/ring_buffer.h. */
const PADDING = 29;
const TIME_EXTEND = 30;
// The last one, 31, is an absolute time.

/** The other bits of `commit` say that events were lost, which `stats` tells better (kernel/trace/ring_buffer.c). */
const COMMIT_MASK = 2 ** 27 - 1;

/** An absolute time has 59 bits; those above are the same as before. */
const STAMP_RANGE = 2 ** 59;

const HIGH = LITTLE_ENDIAN ? 1 : 0;

/**
 * Goes over the events of one page of a ring buffer (kernel/trace/ring_buffer.c): lengths rule, nothing is read past
 * `length`.
 * @param buffer begins with the page
 * @param length bytes of the page; beyond it the buffer holds what was there before
 * @param onEvent is given where the content of an event begins and ends, and its time in milliseconds
 * @returns problems: 1 when a length made no sense, and what came behind it in the page is lost
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
    // Bit fields begin at the other end on a big-endian machine.
    const type = LITTLE_ENDIAN ? head & 31 : head >>> 27;
    const delta = LITTLE_ENDIAN ? head >>> 5 : head & (2 ** 27 - 1);
    // The rest of the page is empty.
    if (type === PADDING && delta === 0) return 0;
    // What follows the head in a word of its own: a length, or the high bits of a time.
    const isLong = type === 0 || type >= PADDING;
    if (isLong && at + 8 > last) return 1;
    const word = isLong ? wordAt(at + 4) : 0;
    if (type >= TIME_EXTEND) {
      const bits = word * 2 ** 27 + delta;
      ns = type === TIME_EXTEND ? ns + bits : absolute(bits, ns);
      at += 8;
      continue;
    }
    // The length in that word counts itself.
    const size = isLong ? word : type * 4;
    if (size % 4 !== 0 || (isLong && size < 4) || at + 4 + size > last) return 1;
    // A discarded event keeps its time, for the next one counts from there, unless that was 0: this says 1 then.
    if (type !== PADDING || delta > 1) ns += delta;
    if (type !== PADDING) onEvent(at + (isLong ? 8 : 4), at + 4 + size, ns / 1e6);
    at += 4 + size;
  }
  return 0;
}

/** An absolute time with the bits that it lacks, taken from the time before (rb_fix_abs_ts). */
function absolute(bits: number, before: number): number {
  const fixed = bits + Math.floor(before / STAMP_RANGE) * STAMP_RANGE;
  return before >= STAMP_RANGE && fixed < before ? fixed + STAMP_RANGE : fixed;
}
