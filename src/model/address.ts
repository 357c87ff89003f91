/**
 * RFC 5952 text of an IPv6 address: lower case, no leading zeros, the longest run of two or more zero groups as
 * `::` (the first of equals), and v4-mapped addresses (`::ffff:0:0/96`) with their last 32 bits in dotted decimal.
 * @param groups the eight 16-bit groups, most significant first
 */
export function formatIpv6(groups: readonly number[]): string {
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (mapped) {
    const [high = 0, low = 0] = groups.slice(6);
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) [start, length] = [i, run];
    i += run;
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  return start < 0 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/**
 * The eight groups of an IPv6 address in any of its spellings (RFC 4291 2.2: `::`, embedded dotted decimal),
 * without scope id. `undefined` when the text is not one.
 */
export function parseIpv6(text: string): number[] | undefined {
  const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (dotted) {
    const bytes = dotted.slice(2).map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return parseIpv6(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groupsOf = (half: string | undefined) => (half ? half.split(':') : []);
  const [head, tail] = [groupsOf(halves[0]), groupsOf(halves[1])];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((g) => parseInt(g, 16))
    : undefined;
}

/** True for `0.0.0.0` and `::`: the socket takes any address of the machine. */
export const isAnyAddress = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** The IPv4 address inside a v4-mapped one (`::ffff:192.0.2.1` → `192.0.2.1`); any other text as it is. */
export const unmapped = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
