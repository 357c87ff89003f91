import { formatIpv6, isAnyAddress, parseIpv6 } from '../../model/address.ts';
import {
  type Endpoint,
  type Family,
  type Protocol,
  SOCKET_STATES,
  type SocketState,
} from '../../model/socket.ts';
import type { Sighting } from '../lives.ts';

/** Operating systems whose `netstat` systeminformation parses, each in a different way. */
export type System = 'darwin' | 'win32' | 'linux' | 'bsd';

/** One row of systeminformation's `networkConnections()`, with its real types; the package's typings are wrong. */
export interface RawConnection {
  readonly protocol: string;
  readonly localAddress: string;
  readonly localPort: string;
  readonly peerAddress: string;
  readonly peerPort: string;
  readonly state: string;
  /** Can be null (owner not shown), 0 (no owner) or NaN (the column was not a number). */
  readonly pid: number | null;
  /** Linux: program name; macOS: start of the command line; Windows and BSD: always empty. */
  readonly process: string;
}

/** One row converted to the types of the model, with its pid and program name. */
export interface ParsedRow {
  readonly sighting: Sighting;
  /** Undefined if the row has no valid pid. 0 is kept, because its meaning depends on the system. */
  readonly pid: number | undefined;
  readonly process: string | undefined;
  /** True if the state of a TCP row is not one of `STATES`. */
  readonly isStateUnknown: boolean;
  /** True if `netstat` truncated an address of the row; that address ends in `…`. */
  readonly isTruncated: boolean;
}

/** Kernel name of each state, by the names that `netstat` and `ss` print. */
const STATES: ReadonlyMap<string, SocketState> = new Map([
  ...SOCKET_STATES.map((state): [string, SocketState] => [state, state]),
  // BSD, macOS (tcpstates[] in netinet/tcp_fsm.h) and ss
  ['ESTAB', 'ESTABLISHED'],
  ['SYN_RCVD', 'SYN_RECV'],
  ['FIN_WAIT_1', 'FIN_WAIT1'],
  ['FIN_WAIT_2', 'FIN_WAIT2'],
  ['CLOSED', 'CLOSE'],
  // Windows
  ['LISTENING', 'LISTEN'],
  ['SYN_RECEIVED', 'SYN_RECV'],
  ['SYN_SEND', 'SYN_SENT'],
  ['TIMED_WAIT', 'TIME_WAIT'],
  // German Windows: names that systeminformation translates, and names that it does not
  ['HERGESTELLT', 'ESTABLISHED'],
  ['WARTEND', 'TIME_WAIT'],
  ['SCHLIESSEN_WARTEN', 'CLOSE_WAIT'],
  ['SCHLIESSEND', 'CLOSING'],
  ['SYN_GESENDET', 'SYN_SENT'],
  ['FIN_WARTEN_1', 'FIN_WAIT1'],
  ['FIN_WARTEN_2', 'FIN_WAIT2'],
]);

const PROTOCOL = /^(tcp|udp)(4|6|46|64)?$/;

interface Address {
  /** Family of the text; undefined for `*`, any address of either family. */
  readonly family: Family | undefined;
  readonly text: string;
  readonly isTruncated: boolean;
}

/** Returns true if `text` is the beginning of an IPv6 address. */
const isTruncatedIpv6 = (text: string): boolean =>
  /[\da-f]:/i.test(text) &&
  ['::', ':', '0', '.0', '.0.0', '.0.0.0', '0.0', '0.0.0'].some(
    (rest) => parseIpv6(text + rest) !== undefined,
  );

/**
 * Returns true if an IPv6 address has exactly the length at which `netstat` truncates without a mark: 22 characters for
 * address and port on Linux (addr_do_one in net-tools), 16 for the address on BSD. On macOS systeminformation passes
 * -l, which prints whole IPv6 addresses. ss (recognised by its brackets) and Windows never truncate.
 */
const mayBeTruncated = (raw: string, port: string, system: System): boolean =>
  (system === 'linux' && !raw.includes('[') && raw.length + port.length === 22) ||
  (system === 'bsd' && raw.length === 16);

function readAddress(raw: string, port: string, system: System): Address | undefined {
  const bare = raw.replace(/[[\]]/g, '');
  const percent = bare.includes('%') ? bare.indexOf('%') : bare.length;
  const [host, scope] = [bare.slice(0, percent), bare.slice(percent)];
  if (scope !== '' && !/^%[\w.:@-]{1,32}$/.test(scope)) return undefined;
  if (host === '*') return { family: undefined, text: '*', isTruncated: false };
  const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1).map(Number);
  if (bytes !== undefined) {
    // ss appends the device that a socket is bound to (`127.0.0.53%lo`); drop it.
    return bytes.some((byte) => byte > 255)
      ? undefined
      : { family: 'ipv4', text: bytes.join('.'), isTruncated: false };
  }
  const groups = parseIpv6(host);
  if (groups !== undefined && !mayBeTruncated(raw, port, system)) {
    return { family: 'ipv6', text: formatIpv6(groups) + scope, isTruncated: false };
  }
  // Show a truncated address with a mark rather than hide its socket or show a wrong address.
  return groups !== undefined || isTruncatedIpv6(host)
    ? { family: 'ipv6', text: `${host}…`, isTruncated: true }
    : undefined;
}

function readPort(text: string): number | undefined {
  if (text === '*') return 0;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? port : undefined;
}

/**
 * Splits a BSD endpoint at the dot before the port. systeminformation splits it at a colon, which is wrong or missing.
 */
function splitAtDot(address: string, port: string): [string, string] {
  const text = port === '' ? address : `${address}:${port}`;
  const dot = text.lastIndexOf('.');
  return [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)];
}

function readEndpoint(
  address: string,
  port: string,
  system: System,
): (Address & { port: number }) | undefined {
  const [host, service] = system === 'bsd' ? splitAtDot(address, port) : [address, port];
  const read = readAddress(host, service, system);
  const number = readPort(service);
  return read === undefined || number === undefined ? undefined : { ...read, port: number };
}

function toEndpoint({ family: shape, text, port }: Address & { port: number }, family: Family): Endpoint {
  if (shape === undefined || isAnyAddress(text))
    return { address: family === 'ipv6' ? '::' : '0.0.0.0', port };
  return { address: shape === 'ipv4' && family === 'ipv6' ? `::ffff:${text}` : text, port };
}

/** Returns the family of a socket; undefined if its endpoints contradict each other. */
function familyOf(
  digits: string,
  local: Family | undefined,
  peer: Family | undefined,
  system: System,
): Family | undefined {
  // Linux prints v4-mapped addresses of an IPv6 socket as plain IPv4.
  if (digits.includes('6')) return 'ipv6';
  if (local !== undefined && peer !== undefined && local !== peer) return undefined;
  // Only ss on Linux prints `*` without a family; it means an IPv6 socket that accepts IPv4 too.
  return local ?? peer ?? (system === 'linux' && digits === '' ? 'ipv6' : 'ipv4');
}

/** Returns the state of a TCP socket without a peer, for a row whose state is unknown. */
const idleState = (system: System): SocketState =>
  // On Windows only listeners have no peer; macOS and BSD also list unconnected sockets.
  system === 'darwin' || system === 'bsd' ? 'CLOSE' : 'LISTEN';

function readConnection(raw: RawConnection, system: System): ParsedRow | undefined {
  const [, protocol, digits = ''] = PROTOCOL.exec(raw.protocol.toLowerCase()) ?? [];
  const local = readEndpoint(raw.localAddress, raw.localPort, system);
  const peer = readEndpoint(raw.peerAddress, raw.peerPort, system);
  if (protocol === undefined || local === undefined || peer === undefined) return undefined;

  const family = familyOf(digits, local.family, peer.family, system);
  if (family === undefined) return undefined;
  const remote = toEndpoint(peer, family);
  const unconnected = remote.port === 0 && isAnyAddress(remote.address);
  const word = raw.state.toUpperCase().replaceAll('-', '_');
  const state = STATES.get(word) ?? (unconnected ? idleState(system) : undefined);
  const udpState = unconnected ? undefined : 'ESTABLISHED';
  const isUdp = protocol === 'udp';
  return {
    sighting: {
      protocol: protocol satisfies string as Protocol,
      family,
      local: toEndpoint(local, family),
      remote: unconnected || (!isUdp && state === 'LISTEN') ? null : remote,
      state: isUdp ? udpState : state,
    },
    pid: raw.pid !== null && Number.isInteger(raw.pid) && raw.pid >= 0 ? raw.pid : undefined,
    process: raw.process === '' ? undefined : raw.process,
    isStateUnknown: !isUdp && state === undefined,
    isTruncated: local.isTruncated || peer.isTruncated,
  };
}

/**
 * Converts the rows of systeminformation to the types of the model: kernel names of states, RFC 5952 addresses, null
 * for no peer. Never throws. An invalid row is counted: `items.length + problems` is the number of rows. A connected
 * UDP socket is `ESTABLISHED`, an unconnected one has no state. An unknown TCP state is undefined, with
 * `isStateUnknown` set.
 */
export function normalise(
  rows: readonly RawConnection[],
  system: System,
): { items: readonly ParsedRow[]; problems: number } {
  const items = rows.map((row) => readConnection(row, system)).filter((item) => item !== undefined);
  return { items, problems: rows.length - items.length };
}

/**
 * Returns the rows without the heading line, which systeminformation returns as a connection on Windows (`Proto Local
 * Address Foreign Address …`, in any language: it has neither a protocol nor a port).
 */
export function withoutHeading(rows: readonly RawConnection[], system: System): readonly RawConnection[] {
  const [first] = rows;
  const isHeading =
    system === 'win32' &&
    first !== undefined &&
    !PROTOCOL.test(first.protocol) &&
    first.localPort === '' &&
    first.peerPort === '';
  return isHeading ? rows.slice(1) : rows;
}
