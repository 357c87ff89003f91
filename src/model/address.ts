/**
 * Returns the RFC 5952 text of an IPv6 address: lower case, no leading zeros, `::` for the longest run of two or more
 * zero groups (the first of equally long runs), the last 32 bits of a v4-mapped address (`::ffff:0:0/96`) in dotted
 * decimal.
 * @param groups The eight 16-bit groups, most significant first
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
 * Parses an IPv6 address in any spelling of RFC 4291 section 2.2 (`::`, embedded dotted decimal), without scope id.
 * @returns The eight 16-bit groups, or undefined if the text is not an IPv6 address.
 */
export function parseIpv6(text: string): number[] | undefined {
  const dotted = text.includes('.') && /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (dotted) {
    const bytes = dotted.slice(2).map(Number);
    if (bytes.some((byte) => byte > 255)) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = bytes;
    return parseIpv6(`${dotted[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const groups: number[] = [];
  // Number of groups before `::`; -1 without `::`.
  let leading = text.startsWith('::') ? 0 : -1;
  let at = leading === 0 ? 2 : 0;
  while (at < text.length) {
    let [group, digits] = [0, 0];
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, ++at)) {
      group = group * 16 + digit;
      if (++digits > 4) return undefined;
    }
    if (digits === 0) return undefined;
    groups.push(group);
    if (at === text.length) break;
    if (text[at++] !== ':' || at === text.length) return undefined;
    if (text[at] === ':') {
      if (leading >= 0) return undefined;
      leading = groups.length;
      at++;
    }
  }
  if (leading < 0) return groups.length === 8 ? groups : undefined;
  if (groups.length > 7) return undefined;
  groups.splice(leading, 0, ...new Array<number>(8 - groups.length).fill(0));
  return groups;
}

/** Returns the value of a hexadecimal digit, or -1 if there is none at this index. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

/** Returns true for `0.0.0.0` and `::`: the socket is bound to all addresses of the machine. */
export const isAnyAddress = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** Returns the IPv4 address inside a v4-mapped one (`::ffff:192.0.2.1` → `192.0.2.1`), any other text unchanged. */
export const unmapped = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;

/** Returns true for an IPv6 address in fe80::/10, which is unique only together with its scope. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address);

/**
 * Returns one spelling of an address for comparison: that of IPv4 inside a v4-mapped one, in small letters, without scope.
 * Most addresses are IPv4 and return as they are: this runs for every row.
 */
export const comparableAddress = (address: string): string =>
  address.includes(':') || address.includes('%')
    ? unmapped(address).replace(/%.*/, '').toLowerCase()
    : address;
