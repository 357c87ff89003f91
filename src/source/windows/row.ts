import { formatIpv6, isAnyAddress, isLinkLocal } from '../../model/address.ts';
import type { Endpoint, Family, Protocol, SocketState } from '../../model/socket.ts';
import { CONNECTIONS, fileTimeOf, type RowLayout } from './layout.ts';

/** A row of a table: one socket as Windows lists it. */
export interface Row {
  readonly protocol: Protocol;
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  /** Undefined for UDP, and for a number that is not in `STATES`. */
  readonly state: SocketState | undefined;
  /** True if the number of the state is not in `STATES`. */
  readonly isStateUnknown: boolean;
  /** Process that bound, connected or accepted the socket; 0 for none. */
  readonly pid: number;
  /** FILETIME of the bind; 0 if unknown. */
  readonly created: number;
  /** Tag of the service that made the socket; 0 for none. */
  readonly tag: number;
}

/** MIB_TCP_STATE by number, tcpmib.h. DELETE_TCB (12) is a closed connection that Windows is about to free. */
const STATES: readonly (SocketState | undefined)[] = [
  undefined,
  'CLOSE',
  'LISTEN',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE_WAIT',
  'CLOSING',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
];

/** Returns the row that starts at `start`. The whole row must lie within the view. */
export function decodeRow(view: DataView, start: number, layout: RowLayout): Row {
  const { protocol, family, connection, scopes } = layout;
  const local = endpointAt(view, start, layout.localAddress, layout.localPort, family, scopes?.local);
  const state = connection && STATES[view.getUint32(start + connection.state, true)];
  const remote =
    connection === undefined || state === 'LISTEN'
      ? null
      : endpointAt(view, start, connection.remoteAddress, connection.remotePort, family, scopes?.remote);
  return {
    protocol,
    family,
    local,
    remote: remote?.port === 0 && isAnyAddress(remote.address) ? null : remote,
    state,
    isStateUnknown: connection !== undefined && state === undefined,
    pid: view.getUint32(start + layout.pid, true),
    created: fileTimeOf(
      view.getUint32(start + layout.created, true),
      view.getUint32(start + layout.created + 4, true),
    ),
    tag: view.getUint32(start + layout.tag, true),
  };
}

/** Returns the row of a TCP connection as the calls about one connection take it: MIB_TCPROW or MIB_TCP6ROW. */
export function connectionOf(view: DataView, start: number, layout: RowLayout): Uint8Array | undefined {
  const { family, connection, scopes } = layout;
  if (connection === undefined) return undefined;
  const target = CONNECTIONS[family];
  const bytes = new Uint8Array(target.size);
  const copy = (from: number, to: number, length: number): void =>
    bytes.set(new Uint8Array(view.buffer, view.byteOffset + start + from, length), to);
  const addressLength = family === 'ipv4' ? 4 : 16;
  copy(connection.state, target.state, 4);
  copy(layout.localAddress, target.localAddress, addressLength);
  // Without the two bytes after the port, which are undefined.
  copy(layout.localPort, target.localPort, 2);
  copy(connection.remoteAddress, target.remoteAddress, addressLength);
  copy(connection.remotePort, target.remotePort, 2);
  if ('scopes' in target && scopes) {
    copy(scopes.local, target.scopes.local, 4);
    if (scopes.remote !== undefined) copy(scopes.remote, target.scopes.remote, 4);
  }
  return bytes;
}

function endpointAt(
  view: DataView,
  start: number,
  address: number,
  port: number,
  family: Family,
  scope: number | undefined,
): Endpoint {
  const at = start + address;
  const text = family === 'ipv4' ? ipv4At(view, at) : formatIpv6(groupsAt(view, at));
  const scopeId = scope === undefined || !isLinkLocal(text) ? 0 : view.getUint32(start + scope, true);
  return { address: scopeId === 0 ? text : `${text}%${scopeId}`, port: view.getUint16(start + port, false) };
}

const ipv4At = (view: DataView, at: number): string =>
  `${view.getUint8(at)}.${view.getUint8(at + 1)}.${view.getUint8(at + 2)}.${view.getUint8(at + 3)}`;

const groupsAt = (view: DataView, at: number): number[] =>
  Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i, false));

/** Returns protocol and endpoints as text. */
export const tupleOf = ({ protocol, family, local, remote }: Row): string =>
  `${protocol}${family === 'ipv6' ? '6' : ''} ${local.address}:${local.port} ${
    remote ? `${remote.address}:${remote.port}` : '*'
  }`;
