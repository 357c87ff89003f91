import type { Protocol } from '../../../model/socket.ts';
import type { ExtraKind } from '../../types.ts';
import { AF_INET, AF_INET6 } from '../netlink/inet.ts';
import { type DumpOptions, inetRequest, type IPPROTO, tcpRequest } from '../netlink/inet-requests.ts';
import { OTHERS } from '../netlink/others.ts';

/** A request to dump sockets, and the protocol of the sockets in the response. */
export interface DumpRequest {
  readonly protocol: Protocol;
  readonly request: Uint8Array;
  /** The request for listeners only; TCP has one. */
  readonly listeners?: Uint8Array;
  /** Requests to send instead if the kernel rejects this one. */
  readonly fallback?: readonly DumpRequest[];
  /** TCP, which netpane cannot do without: if these sockets cannot be read, the poll has failed. */
  readonly isEssential?: boolean;
  /** There are often none: they need not be requested at each poll, see `QuietKinds`. */
  readonly isRare?: boolean;
  /** Requested with `--also`: if the kernel does not support these sockets, a notice says so. */
  readonly isExtra?: boolean;
}

/**
 * Returns the requests sent to a namespace at each poll.
 * @param also kinds of sockets to dump besides the usual ones (`--also`)
 */
export function dumpRequests(also: readonly ExtraKind[], options: DumpOptions): DumpRequest[] {
  const onlyListeners = { ...options, onlyListeners: true };
  /** Returns one request for IPv4 and one for IPv6. */
  const ip = (protocol: Protocol & keyof typeof IPPROTO, fields?: Partial<DumpRequest>): DumpRequest[] =>
    ([AF_INET, AF_INET6] as const).map((family) => ({
      protocol,
      request: inetRequest(family, protocol, options),
      ...(protocol === 'tcp' && { listeners: inetRequest(family, protocol, onlyListeners) }),
      ...fields,
    }));
  return [
    {
      protocol: 'tcp',
      // This dump has both families. Its format is old, so that a kernel may reject it.
      request: tcpRequest(options),
      listeners: tcpRequest(onlyListeners),
      fallback: ip('tcp', { isEssential: true }),
      isEssential: true,
    },
    ...ip('udp'),
    ...ip('udplite', { isRare: true }),
    ...ip('raw', { isRare: true }),
    { protocol: 'packet', request: OTHERS.packet.request(), isRare: true },
    ...also.flatMap((kind) =>
      kind === 'unix' || kind === 'vsock'
        ? [{ protocol: kind, request: OTHERS[kind].request(), isExtra: true }]
        : ip(kind, { isExtra: true }),
    ),
  ];
}
