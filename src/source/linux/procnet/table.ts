import { endianness } from 'node:os';
import { formatIpv6, isLinkLocal } from '../../../model/address.ts';
import {
  type Endpoint,
  hasPorts,
  type Protocol,
  SOCKET_STATES,
  type SocketState,
} from '../../../model/socket.ts';
import type { Sighting } from '../../lives.ts';
import { withoutPorts } from '../netlink/inet.ts';

/** One of the kernel's socket tables under /proc/net. */
export interface Table {
  /** File name below /proc/net. */
  readonly file: string;
  readonly protocol: Protocol;
  readonly family: 'ipv4' | 'ipv6';
}

/** All tables that the source `proc` reads. */
export const TABLES: readonly Table[] = [
  { file: 'tcp', protocol: 'tcp', family: 'ipv4' },
  { file: 'tcp6', protocol: 'tcp', family: 'ipv6' },
  { file: 'udp', protocol: 'udp', family: 'ipv4' },
  { file: 'udp6', protocol: 'udp', family: 'ipv6' },
];

/** A parsed line of a table. */
export interface TableItem {
  /** Text that stays the same while no shown field of the socket changes. */
  readonly key: string;
  readonly sighting: Sighting;
  /** Bytes in the queues; not a part of the key. */
  readonly recvQueue: number;
  readonly sendQueue: number;
}

/** States by number, as a table prints it: two hexadecimal digits (include/net/tcp_states.h). */
const STATES: Readonly<Record<string, SocketState>> = Object.fromEntries(
  SOCKET_STATES.map((state, i) => [(i + 1).toString(16).toUpperCase().padStart(2, '0'), state]),
);

const HEAD = {
  ipv4: /^([0-9A-F]{8}):([0-9A-F]{4}) ([0-9A-F]{8}):([0-9A-F]{4}) ([0-9A-F]{2})$/,
  ipv6: /^([0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2})$/,
};
const HEAD_LENGTH = { ipv4: 30, ipv6: 78 };
const TAIL = /^(\d+) +\d+ +(\d+)$/;

const QUEUES = /^ ([0-9A-F]{8}):([0-9A-F]{8}) /;

const SPACE = 32;

/** Returns the index after `count` fields separated by spaces, starting at `at`; beyond `end` if there are fewer. */
function skipFields(text: string, at: number, end: number, count: number): number {
  let i = at;
  for (let field = 0; field < count; field++) {
    if (i >= end) return end + 1;
    while (i < end && text.charCodeAt(i) === SPACE) i++;
    while (i < end && text.charCodeAt(i) !== SPACE) i++;
  }
  return i;
}

/**
 * Parses a table of /proc/net: `sl: local remote st tx:rx tr:when retrnsmt uid timeout inode …`, addresses as
 * hexadecimal 32-bit words in the byte order of the machine (tcp4_seq_show and its siblings in the kernel's net/ipv4
 * and net/ipv6; Documentation/networking/proc_net_tcp.rst). Timers are skipped.
 *
 * @param isKnown Called with the key of each line; a known line is not parsed.
 * @returns The lines that are not known, and the number of malformed lines.
 */
export function parseTable(
  text: string,
  table: Table,
  isKnown: (key: string) => boolean,
): { items: TableItem[]; problems: number } {
  const items: TableItem[] = [];
  let problems = 0;
  const name = `${table.file} `;
  const headLength = HEAD_LENGTH[table.family];
  let start = text.indexOf('\n') + 1;
  if (start === 0) start = text.length;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const headStart = text.indexOf(':', start) + 2;
    const headEnd = headStart + headLength;
    const uidStart = skipFields(text, headEnd, end, 3) + 1;
    const inodeEnd = skipFields(text, uidStart, end, 3);
    if (headStart < start + 2 || inodeEnd > end) {
      problems++;
    } else {
      const head = text.slice(headStart, headEnd);
      const tail = text.slice(uidStart, inodeEnd);
      const key = name + head + tail;
      if (!isKnown(key)) {
        const sighting = parseSighting(head, tail.trimStart(), table);
        const [, sent, received] = QUEUES.exec(text.slice(headEnd, uidStart)) ?? [];
        if (sighting && sent !== undefined && received !== undefined)
          items.push({ key, sighting, recvQueue: parseInt(received, 16), sendQueue: parseInt(sent, 16) });
        else problems++;
      }
    }
    start = end + 1;
  }
  return { items, problems };
}

function parseSighting(head: string, tail: string, { protocol, family }: Table): Sighting | undefined {
  const [, localHex = '', localPort = '', remoteHex = '', remotePort = '', code = ''] =
    HEAD[family].exec(head) ?? [];
  const [, uidText, inodeText] = TAIL.exec(tail) ?? [];
  const kernelState = STATES[code];
  if (kernelState === undefined || inodeText === undefined) return undefined;
  const inode = Number(inodeText);
  const endpoint = (hex: string, port: string): Endpoint => ({
    address: decodeAddress(hex, family),
    port: parseInt(port, 16),
  });
  const localEnd = endpoint(localHex, localPort);
  const remoteEnd = /^0+$/.test(remoteHex + remotePort) ? null : endpoint(remoteHex, remotePort);
  const [local, remote] = hasPorts(protocol)
    ? [localEnd, remoteEnd]
    : withoutPorts(localEnd, remoteEnd, protocol);
  // Connectionless protocols have two states: ESTABLISHED if connected, else TCP_CLOSE.
  const state = protocol !== 'tcp' && kernelState === 'CLOSE' ? undefined : kernelState;
  // Without an inode the kernel prints uid 0, except for a connection in its handshake, which has the uid of the
  // listener.
  const uid = inode > 0 || kernelState === 'SYN_RECV' ? Number(uidText) : undefined;
  return { protocol, family, local, remote, state, inode: inode > 0 ? inode : undefined, uid };
}

const LITTLE_ENDIAN = endianness() === 'LE';

/**
 * Decodes an address as /proc/net prints it: 32-bit words, each in the byte order of the machine.
 * @param hex 8 digits (IPv4) or 32 digits (IPv6)
 */
export function decodeAddress(hex: string, family: Table['family'], littleEndian = LITTLE_ENDIAN): string {
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let i = 0; i < 4; i++) {
      const at = word + 2 * (littleEndian ? 3 - i : i);
      bytes.push(parseInt(hex.slice(at, at + 2), 16));
    }
  }
  if (family === 'ipv4') return bytes.join('.');
  return formatIpv6(
    Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)),
  );
}

/**
 * Returns the scopes of link-local addresses from /proc/net/if_inet6 (`address index prefix scope flags name`). The
 * socket tables print no scope; it follows from an address that exactly one interface has.
 * @returns Interface name by address, without addresses of several interfaces.
 */
export function parseLinkScopes(text: string): Map<string, string> {
  const scopes = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const line of text.split('\n')) {
    const [, hex, name] = /^(fe[89ab][0-9a-f]{29})(?: +[0-9a-f]{2}){4} +(\S+)$/.exec(line) ?? [];
    if (hex === undefined || name === undefined) continue;
    const address = decodeAddress(hex, 'ipv6', false);
    if (scopes.has(address)) ambiguous.add(address);
    scopes.set(address, name);
  }
  for (const address of ambiguous) scopes.delete(address);
  return scopes;
}

/** Returns the sighting with the scope of its local address added to both link-local addresses: they share one link. */
export function withScope(sighting: Sighting, scopes: ReadonlyMap<string, string>): Sighting {
  const scope = scopes.get(sighting.local.address);
  if (scope === undefined) return sighting;
  const scoped = (endpoint: Endpoint): Endpoint =>
    isLinkLocal(endpoint.address) ? { ...endpoint, address: `${endpoint.address}%${scope}` } : endpoint;
  return {
    ...sighting,
    local: scoped(sighting.local),
    remote: sighting.remote && scoped(sighting.remote),
  };
}
