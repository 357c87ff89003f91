// The sockets and interfaces of which messages.ts builds netlink messages.
import type { SocketState, TimerKind } from '../../../src/model/socket.ts';
import { TCP_INFO } from '../../../src/source/linux/netlink/tcp-info.ts';

/** Protocol numbers, include/uapi/linux/in.h. */
export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132, udplite: 136, raw: 255, mptcp: 262 } as const;
export type InetProtocol = keyof typeof PROTOCOL_NUMBERS;

/** Fields of struct tcp_info. */
export type Counters = Partial<Record<keyof typeof TCP_INFO, number>>;

/** Fields of an inet_diag message; by default of a TCP connection. */
export interface InetFields {
  readonly cookie: bigint | number;
  readonly protocol?: InetProtocol;
  /** `127.0.0.1:80`, `[::1]:80` */
  readonly local?: string;
  readonly remote?: string;
  readonly state?: SocketState | number;
  readonly timer?: { readonly kind: TimerKind; readonly expiresMs: number; readonly retransmits?: number };
  readonly inode?: number;
  readonly uid?: number;
  readonly interfaceIndex?: number;
  readonly recvQueue?: number;
  readonly sendQueue?: number;
  /** Fields of struct tcp_info; without them the message has no such attribute. */
  readonly info?: Counters;
  /** Length of struct tcp_info, which differs between kernel versions, bytes. */
  readonly infoLength?: number;
  /** Family number, instead of that of the addresses. */
  readonly family?: number;
  /** Other attributes, before that of struct tcp_info. */
  readonly attributes?: readonly Uint8Array[];
}

export interface UnixFields {
  readonly protocol: 'unix';
  readonly cookie: bigint | number;
  readonly name?: string;
  readonly state?: SocketState;
  readonly inode: number;
  readonly uid?: number;
  readonly peer?: number;
  readonly recvQueue?: number;
  readonly sendQueue?: number;
}

export interface PacketFields {
  readonly protocol: 'packet';
  readonly cookie: bigint | number;
  readonly number?: number;
  readonly inode: number;
  readonly uid?: number;
  readonly interfaceIndex?: number;
}

export interface VsockFields {
  readonly protocol: 'vsock';
  readonly cookie: bigint | number;
  /** Context and port. */
  readonly local: readonly [number, number];
  readonly remote?: readonly [number, number];
  readonly state: SocketState;
  readonly inode: number;
}

export type FakeSocket = InetFields | UnixFields | PacketFields | VsockFields;

export interface LinkFields {
  readonly index: number;
  readonly name?: string;
  readonly isUp?: boolean;
  readonly isLoopback?: boolean;
  readonly rxBytes?: number;
  readonly txBytes?: number;
  readonly addresses?: readonly string[];
  /** A tunnel over UDP: its kind, the number of the attribute with its port, and the port. */
  readonly tunnel?: { readonly kind: string; readonly attribute: number; readonly port: number };
  /** True for an interface moved from another namespace. */
  readonly isFromElsewhere?: boolean;
}
