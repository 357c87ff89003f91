import { comparableAddress } from './address.ts';
import type { Endpoint } from './socket.ts';

/** Where a program named a host: in a question to DNS, multicast DNS or LLMNR, or at the start of TLS or QUIC. */
export type AskedFrom = 'dns' | 'mdns' | 'llmnr' | 'tls' | 'quic';

/** A name that a program of this machine asked for. Untrusted: every host on the network can send such packets. */
export interface AskedName {
  /** The address that has the name, as `peerAddress` writes it, or the connection (`connectionKey`). */
  readonly subject: string;
  /** In small letters, at most 253 characters; bytes that no host name has are written as `\ddd`. */
  readonly name: string;
  /** Number of further names that programs asked for and that have the same address. */
  readonly others: number;
  readonly from: AskedFrom;
}

/** Returns the key of a connection; its local endpoint is that of the program that connected. */
export const connectionKey = (
  protocol: string,
  local: Pick<Endpoint, 'address' | 'port'>,
  remote: Pick<Endpoint, 'address' | 'port'>,
): string => `${protocol} ${endpointKey(local)} ${endpointKey(remote)}`;

const endpointKey = ({ address, port }: Pick<Endpoint, 'address' | 'port'>): string =>
  `${comparableAddress(address)} ${port}`;
