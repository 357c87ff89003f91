import type { Protocol } from '../../model/socket.ts';
import type { ExtraKind } from '../types.ts';
import { AF_INET, AF_INET6, tcpRequest, inetRequest, type IPPROTO } from './netlink/inet.ts';
import { OTHERS } from './netlink/others.ts';

/** One question to the kernel, and the protocol of the sockets in its answer. */
export interface DumpRequest {
  readonly protocol: Protocol;
  readonly request: Uint8Array;
  /** Asked instead where the kernel refuses. */
  readonly fallback?: readonly DumpRequest[];
  /** Sockets of every machine: where these cannot be read, the reading is not worth its name. */
  readonly isEssential?: boolean;
  /** Asked for by the user: where the kernel has no such sockets, a notice says so. */
  readonly isExtra?: boolean;
}

/** Everything that is asked of a namespace at each reading. */
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
