import { cookieId } from '../netlink/cookie.ts';
import { type Channel, dump, getOne } from '../netlink/dump.ts';
import { ERRNO } from '../netlink/errno.ts';
import { AF_INET, AF_INET6, INET } from '../netlink/inet.ts';
import { netlinkBuffer } from '../netlink/wire.ts';
import { type ClosableProtocol, destroyRequest, inetRequest } from '../netlink/inet-requests.ts';

/**
 * Closes sockets of one namespace. Finds each in a dump first, because the kernel closes a socket by its endpoints,
 * interface and cookie.
 * @returns the errno by id: 0 for a socket that is now closed, ENOENT for one that was closed before. If a dump failed, each
 *   socket that no dump contains has the errno of that dump
 * @throws NativeError if the channel fails
 */
export function closeSockets(
  diag: Channel,
  protocol: ClosableProtocol,
  ids: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const requests = new Map<string, Uint8Array>();
  let failure = 0;
  for (const family of [AF_INET, AF_INET6] as const) {
    const { errno, interrupted } = dump(
      diag,
      inetRequest(family, protocol, { details: false }),
      (buffer, start, end) => {
        if (end - start < INET.length) return;
        const id = cookieId(buffer, start + INET.cookie);
        if (ids.has(id)) requests.set(id, destroyRequest(protocol, buffer, start));
      },
    );
    failure ||= errno || (interrupted ? ERRNO.EINTR : 0);
  }
  const outcomes = new Map<string, number>();
  for (const id of ids) {
    const request = requests.get(id);
    outcomes.set(id, request ? getOne(diag, request, () => {}) : failure || ERRNO.ENOENT);
  }
  return outcomes;
}

/**
 * Asks the kernel to close a socket that cannot exist: port 0 has none.
 * @returns ENOENT if the kernel can close sockets, else another errno
 * @throws NativeError if the channel fails
 */
export function canCloseSockets(diag: Channel): number {
  const none = netlinkBuffer(INET.length);
  none.bytes[0] = AF_INET;
  return getOne(diag, destroyRequest('tcp', none, 0), () => {});
}
