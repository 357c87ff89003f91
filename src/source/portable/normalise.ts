import { formatIpv6, isAnyAddress, parseIpv6 } from '../../model/address.ts';
import {
  type Endpoint,
  type Family,
  type Protocol,
  SOCKET_STATES,
  type SocketState,
} from '../../model/socket.ts';
import type { Sighting } from '../lives.ts';

/** The systems whose `netstat` systeminformation reads; it treats each of them in its own way. */
export type System = 'darwin' | 'win32' | 'linux' | 'bsd';

/** One row of systeminformation's `networkConnections()`, as it is, not as its typings say it is. */
export interface RawConnection {
  readonly protocol: string;
  readonly localAddress: string;
  readonly localPort: string;
  readonly peerAddress: string;
  readonly peerPort: string;
  readonly state: string;
  /** `null`, 0 and NaN all come: no owner shown, none there, a column that was not a number. */
  readonly pid: number | null;
  /** Program name on Linux, start of the command line on macOS, always empty on Windows and BSD. */
  readonly process: string;
}

/** One connection in the words of the model, with what is known of its owner. */
export interface Item {
  readonly sighting: Sighting;
  /** `undefined` when the row names none that can be one. 0 is kept: it means something else on each system. */
  readonly pid: number | undefined;
  readonly process: string | undefined;
  /** The row had a state that no one here knows the meaning of. */
  readonly stateUnread: boolean;
  /** An address of it was cut short by `netstat`; it ends in `…`. */
  readonly cut: boolean;
}

/** The kernel's word for every word that a `netstat` or `ss` has for a state. */
const STATES: ReadonlyMap<string, SocketState> = new Map([
  ...SOCKET_STATES.map((state): [string, SocketState] => [state, state]),
  // BSD and macOS (tcpstates[] of netinet/tcp_fsm.h) and ss
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
  // German Windows: the words systeminformation translates, and those it forgets
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
  /** What the text shows; `undefined` for `*`, which is any address of either family. */
  readonly family: Family | undefined;
  readonly text: string;
  readonly cut: boolean;
}

/** True when more characters could make `text` an IPv6 address: it lost its end. */
const isCutIpv6 = (text: string): boolean =>
  /[\da-f]:/i.test(text) &&
  ['::', ':', '0', '.0', '.0.0', '.0.0.0', '0.0', '0.0.0'].some(
    (rest) => parseIpv6(text + rest) !== undefined,
  );

/**
 * True when a whole-looking IPv6 address has the very length at which `netstat` cuts without a sign: on Linux
 * address and port share 22 characters (addr_do_one of net-tools), on BSD an address has 16. macOS is asked
 * with -l, which prints IPv6 whole; ss, known by its brackets, and Windows never cut.
 */
const isSuspect = (raw: string, port: string, system: System): boolean =>
  (system === 'linux' && !raw.includes('[') && raw.length + port.length === 22) ||
  (system === 'bsd' && raw.length === 16);

function readAddress(raw: string, port: string, system: System): Address | undefined {
  const bare = raw.replace(/[[\]]/g, '');
  const percent = bare.includes('%') ? bare.indexOf('%') : bare.length;
  const [host, scope] = [bare.slice(0, percent), bare.slice(percent)];
  if (scope !== '' && !/^%[\w.:@-]{1,32}$/.test(scope)) return undefined;
  if (host === '*') return { family: undefined, text: '*', cut: false };
  const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1).map(Number);
  if (bytes !== undefined) {
    // ss adds the device a socket is bound to (`127.0.0.53%lo`): that is no part of an IPv4 address.
    return bytes.some((byte) => byte > 255)
      ? undefined
      : { family: 'ipv4', text: bytes.join('.'), cut: false };
  }
  const groups = parseIpv6(host);
  if (groups !== undefined && !isSuspect(raw, port, system)) {
    return { family: 'ipv6', text: formatIpv6(groups) + scope, cut: false };
  }
  // Better to show what is left of an address, marked, than to hide its socket or to show a wrong address.
  return groups !== undefined || isCutIpv6(host)
    ? { family: 'ipv6', text: `${host}…`, cut: true }
    : undefined;
}

function readPort(text: string): number | undefined {
  if (text === '*') return 0;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? port : undefined;
}

/** BSD parts address and port with a dot, which systeminformation, looking for a colon, leaves or splits wrong. */
function splitAtDot(address: string, port: string): [string, string] {
  const text = port === '' ? address : `${address}:${port}`;
  const dot = text.lastIndexOf('.');
  return [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)];
}

function readEnd(address: string, port: string, system: System): (Address & { port: number }) | undefined {
  const [host, service] = system === 'bsd' ? splitAtDot(address, port) : [address, port];
  const read = readAddress(host, service, system);
  const number = readPort(service);
  return read === undefined || number === undefined ? undefined : { ...read, port: number };
}

function endpoint({ family: shape, text, port }: Address & { port: number }, family: Family): Endpoint {
  if (shape === undefined || isAnyAddress(text))
    return { address: family === 'ipv6' ? '::' : '0.0.0.0', port };
  return { address: shape === 'ipv4' && family === 'ipv6' ? `::ffff:${text}` : text, port };
}

/** `undefined` when the two ends contradict each other. */
function familyOf(
  digits: string,
  local: Family | undefined,
  peer: Family | undefined,
  system: System,
): Family | undefined {
  // Linux writes the v4-mapped addresses of an IPv6 socket as plain IPv4.
  if (digits.includes('6')) return 'ipv6';
  if (local !== undefined && peer !== undefined && local !== peer) return undefined;
  // Only ss on Linux has a bare `*` without telling the family: it means an IPv6 socket that takes IPv4 too.
  return local ?? peer ?? (system === 'linux' && digits === '' ? 'ipv6' : 'ipv4');
}

/** The state of a TCP socket that has no peer, when its word says nothing. */
const idleState = (system: System): SocketState =>
  // Windows lists no other sockets without peer, whatever the language; macOS and BSD list unconnected ones.
  system === 'darwin' || system === 'bsd' ? 'CLOSE' : 'LISTEN';

function readConnection(raw: RawConnection, system: System): Item | undefined {
  const [, protocol, digits = ''] = PROTOCOL.exec(raw.protocol.toLowerCase()) ?? [];
  const local = readEnd(raw.localAddress, raw.localPort, system);
  const peer = readEnd(raw.peerAddress, raw.peerPort, system);
  if (protocol === undefined || local === undefined || peer === undefined) return undefined;

  const family = familyOf(digits, local.family, peer.family, system);
  if (family === undefined) return undefined;
  const remote = endpoint(peer, family);
  const unconnected = remote.port === 0 && isAnyAddress(remote.address);
  const word = raw.state.toUpperCase().replaceAll('-', '_');
  const state = STATES.get(word) ?? (unconnected ? idleState(system) : undefined);
  const udpState = unconnected ? undefined : 'ESTABLISHED';
  const isUdp = protocol === 'udp';
  return {
    sighting: {
      protocol: protocol satisfies string as Protocol,
      family,
      local: endpoint(local, family),
      remote: unconnected || (!isUdp && state === 'LISTEN') ? null : remote,
      state: isUdp ? udpState : state,
    },
    pid: raw.pid !== null && Number.isInteger(raw.pid) && raw.pid >= 0 ? raw.pid : undefined,
    process: raw.process === '' ? undefined : raw.process,
    stateUnread: !isUdp && state === undefined,
    cut: local.cut || peer.cut,
  };
}

/**
 * systeminformation's rows in the words of the model: the kernel's state words, RFC 5952 addresses, `null` for no
 * peer. Never throws; a row that cannot be one socket is counted, so `items.length + problems` is the number of rows.
 * A connected UDP socket is `ESTABLISHED`, an unconnected one has no state; a TCP state that is not understood is
 * `undefined` and flagged.
 */
export function normalise(
  rows: readonly RawConnection[],
  system: System,
): { items: readonly Item[]; problems: number } {
  const items = rows.map((row) => readConnection(row, system)).filter((item) => item !== undefined);
  return { items, problems: rows.length - items.length };
}

/**
 * The rows without the line of column names, which systeminformation takes for a connection on Windows (`Proto
 * Local Address Foreign Address …`, in any language: it has neither a protocol nor a port).
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
