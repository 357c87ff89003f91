import type { NetlinkBuffer } from './wire.ts';

/** The cookie of a socket: its low and high 32 bits. */
export interface Cookie {
  readonly low: number;
  readonly high: number;
}

/**
 * Returns a cookie as a map key: a signed number, because the kernel also counts down from 2^64
 * (net/core/sock_diag.c, __sock_gen_cookie), or a text if a number would not be exact.
 */
export function cookieKey(low: number, high: number): number | string {
  const number = (high | 0) * 2 ** 32 + low;
  return Number.isSafeInteger(number) ? number : `${high} ${low}`;
}

/** Returns the id of the socket with the cookie at an offset: `sk:` and hexadecimal digits, as in ss. */
export const cookieId = ({ u32 }: NetlinkBuffer, cookieAt: number): string => {
  const low = u32[cookieAt >>> 2] ?? 0;
  const high = u32[(cookieAt >>> 2) + 1] ?? 0;
  return high === 0
    ? `sk:${low.toString(16)}`
    : `sk:${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
};
