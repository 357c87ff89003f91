import type { Protocol } from '../../../model/socket.ts';
import type { ExtraKind } from '../../types.ts';
import { AF_INET, AF_INET6 } from '../netlink/inet.ts';
import { tcpRequest, inetRequest, type IPPROTO } from '../netlink/inet-requests.ts';
import { OTHERS } from '../netlink/others.ts';

/** A request to dump sockets, and the protocol of the sockets in the response. */
export interface DumpRequest {
  readonly protocol: Protocol;
  readonly request: Uint8Array;
  /** Requests to send instead if the kernel rejects this one. */
  readonly fallback?: readonly DumpRequest[];
  /** Every kernel has these sockets: if they cannot be read, the poll has failed. */
  readonly isEssential?: boolean;
  /** Requested by the user: a notice says if the kernel has no such sockets. */
  readonly isExtra?: boolean;
}

/**
 * Returns the requests sent to a namespace at each poll.
 * @param also additional kinds of sockets
 * @param details request TCP details
 */
export function dumpRequests(also: readonly ExtraKind[], details: boolean): DumpRequest[] {
  const ip = (protocol: Protocol & keyof typeof IPPROTO, more?: Partial<DumpRequest>): DumpRequest[] =>
    ([AF_INET, AF_INET6] as const).map((family) => ({
      protocol,
      request: inetRequest(family, protocol, details),
      ...more,
    }));
  return [
    {
      protocol: 'tcp',
      request: tcpRequest(details),
      fallback: ip('tcp', { isEssential: true }),
      isEssential: true,
    },
    ...ip('udp'),
    ...ip('udplite'),
    ...ip('raw'),
    { protocol: 'packet', request: OTHERS.packet.request() },
    ...also.flatMap((kind) =>
      kind === 'unix' || kind === 'vsock'
        ? [{ protocol: kind, request: OTHERS[kind].request(), isExtra: true }]
        : ip(kind, { isExtra: true }),
    ),
  ];
}
