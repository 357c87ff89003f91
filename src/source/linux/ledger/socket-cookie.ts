import type { Cookie } from '../netlink/cookie.ts';
import { type Channel, dump } from '../netlink/dump.ts';
import { AF_INET, AF_INET6, INET } from '../netlink/inet.ts';
import { inetRequest } from '../netlink/inet-requests.ts';
import type { Native } from '../netlink/native.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';

/** Numbers of pidfd_open(2) and pidfd_getfd(2), equal on every architecture, and of getsockopt(2) by architecture. */
const SYS = { pidfdOpen: 434, pidfdGetfd: 438 } as const;
const SYS_GETSOCKOPT: Readonly<Partial<Record<NodeJS.Architecture, number>>> = {
  x64: 55,
  arm64: 209,
  riscv64: 209,
  loong64: 209,
};
const SOL_SOCKET = 1;
const SO_COOKIE = 57;
const COOKIE_LENGTH = 8;

/**
 * Returns the cookie of a socket of another process (pidfd_getfd(2), Linux 5.6); undefined if the process or its
 * descriptor is gone, or if the kernel refuses. Only for sockets whose last close never waits: netpane's copy may be it.
 */
export function cookieOfSocket(
  native: Pick<Native, 'systemCall' | 'allocate' | 'free' | 'close'>,
  pid: number,
  descriptor: number,
): Cookie | undefined {
  const getsockopt = SYS_GETSOCKOPT[process.arch];
  const pidfd = native.systemCall(SYS.pidfdOpen, pid, 0);
  if (getsockopt === undefined || pidfd < 0) return undefined;
  const socket = native.systemCall(SYS.pidfdGetfd, pidfd, descriptor);
  native.close(pidfd);
  if (socket < 0) return undefined;
  const memory = native.allocate(COOKIE_LENGTH + 4);
  try {
    const { view, address } = memory;
    view.setUint32(COOKIE_LENGTH, COOKIE_LENGTH, LITTLE_ENDIAN);
    const [valueAt, lengthAt] = [Number(address), Number(address) + COOKIE_LENGTH];
    const result = native.systemCall(getsockopt, socket, SOL_SOCKET, SO_COOKIE, valueAt, lengthAt);
    if (result < 0) return undefined;
    return {
      low: view.getUint32(LITTLE_ENDIAN ? 0 : 4, LITTLE_ENDIAN),
      high: view.getUint32(LITTLE_ENDIAN ? 4 : 0, LITTLE_ENDIAN),
    };
  } finally {
    native.close(socket);
    native.free(memory);
  }
}

/** Returns the cookies of the open UDP sockets of a namespace; those that the kernel refuses to list are missing. */
export function udpCookies(diag: Channel): Cookie[] {
  const cookies: Cookie[] = [];
  for (const family of [AF_INET, AF_INET6] as const)
    dump(diag, inetRequest(family, 'udp', { details: false }), ({ u32 }, start) => {
      const at = (start + INET.cookie) >>> 2;
      cookies.push({ low: u32[at] ?? 0, high: u32[at + 1] ?? 0 });
    });
  return cookies;
}
