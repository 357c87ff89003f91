import { type Exposure, exposureOf } from '../../model/exposure.ts';
import { parseIpv6, unmapped } from '../../model/address.ts';
import { Cache } from '../../model/cache.ts';
import { serviceName } from '../../model/services.ts';
import {
  type Endpoint,
  portOrProtocol,
  type Protocol,
  protocolName,
  type Socket,
  type SocketState,
} from '../../model/socket.ts';
import { isConnection } from '../../store/listeners.ts';
import { peerOf } from '../../store/peers.ts';
import type { ColumnId } from '../../store/columns.ts';
import { peerText } from '../text/peer-text.ts';
import { exposureRank, exposureText, exposureTone, shortExposureText } from '../text/exposure-text.ts';
import { addressText, endpointText, NOTHING, portText, shortNamespaceText } from '../text/format.ts';
import {
  type CellContext,
  type ColumnRow,
  type ColumnSpec,
  idColumn,
  knownKey,
  onRequest,
  textColumn,
  wordsText,
} from './column.ts';

const SHORT_STATES: Readonly<Record<SocketState, string>> = {
  ESTABLISHED: 'ESTAB',
  SYN_SENT: 'SYN-S',
  SYN_RECV: 'SYN-R',
  FIN_WAIT1: 'FIN-W1',
  FIN_WAIT2: 'FIN-W2',
  TIME_WAIT: 'TIME-W',
  CLOSE: 'CLOSE',
  CLOSE_WAIT: 'CLOS-W',
  LAST_ACK: 'LASTAK',
  LISTEN: 'LISTEN',
  CLOSING: 'CLOSNG',
  NEW_SYN_RECV: 'SYN-R',
  BOUND_INACTIVE: 'BOUND',
};

/** Protocol names of at most four cells. */
const SHORT_PROTOCOLS: Readonly<Record<Protocol, string>> = {
  tcp: 'tcp',
  udp: 'udp',
  udplite: 'udpl',
  raw: 'raw',
  icmp: 'icmp',
  packet: 'pkt',
  sctp: 'sctp',
  mptcp: 'mptc',
  unix: 'unix',
  vsock: 'vsck',
};

const addressKeys = new Cache<string, string>(50_000);

/** Returns an IPv4 address as a number; undefined for any other text. */
function ipv4Number(address: string): number | undefined {
  let [number, part, dots] = [0, 0, 0];
  for (let i = 0; i < address.length; i++) {
    const digit = address.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) part = part * 10 + digit;
    else if (address[i] === '.') {
      number = number * 256 + part;
      [part, dots] = [0, dots + 1];
    } else return undefined;
  }
  return dots === 3 ? number * 256 + part : undefined;
}

/** Returns a key that sorts addresses by number: IPv4, IPv6, names; null for none. */
export function addressKey(endpoint: Endpoint | null): number | string | null {
  if (endpoint === null) return null;
  const address = unmapped(endpoint.address).toLowerCase();
  const number = ipv4Number(address);
  if (number !== undefined) return number;
  const known = addressKeys.get(endpoint.address);
  if (known !== undefined) return known;
  const groups = parseIpv6(address.replace(/%.*/, ''));
  const hex = groups?.map((group) => group.toString(16).padStart(4, '0')).join('');
  const key = hex === undefined ? `9${address}` : `6${hex}${address}`;
  addressKeys.set(endpoint.address, key);
  return key;
}

/** Width of a port of five digits, or a service name. */
const PORT_WIDTH = { least: 5, good: 5, most: 12 };
const ADDRESS_MOST = 39;
/** Width of an IPv4 address with port; at most of an IPv6 address with brackets and port. */
const ENDPOINT_WIDTH = { least: 14, good: 21, most: ADDRESS_MOST + 8 };

/** Returns the usual service of the peer's port, else of the local port; for an incoming connection the local port is first. */
function serviceText({ socket, direction }: ColumnRow): string {
  const { local, remote, protocol } = socket;
  const name = (endpoint: Endpoint | null) => endpoint && serviceName(portOrProtocol(endpoint), protocol);
  const [first, second] = direction === 'in' ? [local, remote] : [remote, local];
  return name(first) ?? name(second) ?? NOTHING;
}

const directionText = ({ socket, direction }: ColumnRow): string =>
  direction ?? (isConnection(socket) ? '?' : NOTHING);

/** Returns the program of the peer of a local connection; undefined if the peer is not known. */
const peerCell = (row: ColumnRow, { rows }: CellContext): string | undefined =>
  row.peer === undefined || rows === undefined ? undefined : peerText(row, peerOf(rows, row));

/** Returns the text of the namespace of a socket; undefined for netpane's own. */
const otherNamespace = ({ netns }: Socket): string | undefined =>
  netns === undefined || netns.own ? undefined : shortNamespaceText(netns);

/** Returns a value made from the exposure of a listener; undefined for any other socket. */
function exposed<T>(socket: Socket, make: (exposure: Exposure) => T): T | undefined {
  const exposure = exposureOf(socket);
  return exposure && make(exposure);
}

/** Columns about endpoints, state and namespace. */
export const NETWORK_COLUMNS = {
  protocol: {
    title: 'PROT',
    about: 'protocol; 6 marks an IPv6 socket, which may serve IPv4 too',
    align: 'left',
    width: { least: 4, good: 4, most: 8 },
    priority: 8,
    text: ({ socket }) => protocolName(socket),
    shortText: ({ socket }) =>
      SHORT_PROTOCOLS[socket.protocol] + protocolName(socket).slice(socket.protocol.length),
    key: ({ socket }) => protocolName(socket),
    keyFrom: 'names',
  },
  netns: {
    title: 'NS',
    about:
      'other network namespaces: name of the container, or #n (inode − 4026531840) without a name; · is our own',
    align: 'left',
    width: { least: 5, good: 8, most: 16 },
    priority: 11,
    present: ({ namespaces }) => namespaces,
    text: ({ socket }) => otherNamespace(socket) ?? NOTHING,
    key: ({ socket }) => otherNamespace(socket) ?? null,
    keyFrom: 'names',
  },
  localAddress: {
    title: 'LOCAL',
    about: 'local address; * means any',
    align: 'left',
    width: { least: 9, good: 14, most: ADDRESS_MOST },
    priority: 6,
    text: ({ socket }) => addressText(socket.local),
    key: ({ socket }) => addressKey(socket.local),
    keyFrom: 'local',
  },
  localPort: {
    title: 'LPORT',
    titleBehind: { column: 'localAddress', title: 'PORT' },
    label: 'LOCAL PORT',
    about: 'local port',
    align: 'right',
    width: PORT_WIDTH,
    priority: 4,
    text: ({ socket }, { serviceNames }) => portText(socket.local, socket, serviceNames),
    // The number says more than a part of the name.
    shortText: ({ socket }) => portText(socket.local, socket, false),
    key: ({ socket }) => portOrProtocol(socket.local),
  },
  remoteAddress: {
    title: 'REMOTE',
    about: 'address of the peer, * means none; → nginx: connected to nginx on this machine, ← nginx: by it',
    align: 'left',
    width: { least: 10, good: 15, most: ADDRESS_MOST },
    priority: 2,
    text: ({ socket }) => addressText(socket.remote),
    tableText: peerCell,
    key: ({ socket }) => addressKey(socket.remote),
    keyFrom: 'remote',
  },
  remotePort: {
    title: 'RPORT',
    titleBehind: { column: 'remoteAddress', title: 'PORT' },
    label: 'REMOTE PORT',
    about: 'port of the peer',
    align: 'right',
    width: PORT_WIDTH,
    priority: 3,
    text: ({ socket }, { serviceNames }) => portText(socket.remote, socket, serviceNames),
    // The number says more than a part of the name.
    shortText: ({ socket }) => portText(socket.remote, socket, false),
    key: ({ socket }) => socket.remote?.port ?? null,
  },
  state: {
    title: 'STATE',
    about: 'TCP state; a connected UDP socket is ESTABLISHED',
    align: 'left',
    width: { least: 6, good: 11, most: 11 },
    priority: 5,
    text: ({ socket }) => socket.state ?? NOTHING,
    shortText: ({ socket }) => (socket.state ? SHORT_STATES[socket.state] : NOTHING),
    key: ({ socket }) => socket.state ?? null,
    keyFrom: 'names',
  },
  interface: {
    title: 'IF',
    about: 'network interface that the socket is bound to or that has its address',
    align: 'left',
    width: { least: 6, good: 6, most: 15 },
    priority: 19,
    from: 140,
    present: ({ interfaces }) => interfaces,
    text: ({ socket }) => wordsText(socket.interface),
    key: ({ socket }) => socket.interface ?? null,
  },
  local: onRequest({
    title: 'LOCAL:PORT',
    about: 'local address and port',
    align: 'left',
    width: ENDPOINT_WIDTH,
    text: ({ socket }) => endpointText(socket.local, socket),
    key: ({ socket }) => addressKey(socket.local),
    keyFrom: 'local',
  }),
  exposure: onRequest({
    title: 'EXPOSURE',
    about: 'who can reach a listener, firewalls aside: loopback, LAN, public, all interfaces, container',
    align: 'left',
    width: { least: 8, good: 8, most: 32 },
    text: ({ socket }) => exposed(socket, exposureText) ?? NOTHING,
    shortText: ({ socket }) => exposed(socket, shortExposureText) ?? NOTHING,
    key: ({ socket }) => exposed(socket, exposureRank) ?? null,
    tone: ({ socket }) => exposed(socket, exposureTone),
  }),
  remote: onRequest({
    title: 'REMOTE:PORT',
    about: 'address and port of the peer; * means none',
    align: 'left',
    width: ENDPOINT_WIDTH,
    text: ({ socket }) => (socket.remote ? endpointText(socket.remote, socket) : '*'),
    tableText: (row, context) => {
      const peer = peerCell(row, context);
      return peer === undefined ? undefined : `${peer}:${portText(row.socket.remote, row.socket, false)}`;
    },
    key: ({ socket }) => addressKey(socket.remote),
    keyFrom: 'remote',
  }),
  service: onRequest({
    title: 'SERVICE',
    about: 'usual service of the remote or local port: no proof of what runs there',
    align: 'left',
    width: { least: 7, good: 8, most: 16 },
    text: serviceText,
    key: knownKey(serviceText),
  }),
  direction: onRequest({
    title: 'DIR',
    about: 'who opened the connection: in = the peer, out = this machine',
    align: 'left',
    width: { least: 3, good: 4, most: 4 },
    text: directionText,
    key: knownKey(directionText),
  }),
  family: textColumn({
    title: 'FAMILY',
    about: 'address family of the socket',
    width: { least: 4, good: 7, most: 7 },
    value: ({ socket }) => socket.family,
  }),
  netnsInode: idColumn({
    title: 'NS INODE',
    about: 'inode of the network namespace',
    width: { least: 8, good: 10, most: 10 },
    value: ({ socket }) => socket.netns?.inode,
  }),
  uid: idColumn({
    title: 'UID',
    about: 'user id of the socket',
    width: { least: 5, good: 6, most: 10 },
    value: ({ socket }) => socket.uid,
  }),
  inode: idColumn({
    title: 'INODE',
    about: 'inode of the socket, as in /proc/PID/fd',
    width: { least: 8, good: 10, most: 10 },
    value: ({ socket }) => socket.inode,
  }),
  id: {
    ...textColumn({
      title: 'ID',
      about: 'unique id of the socket; from sock_diag: sk: and the cookie of the kernel in hexadecimal',
      width: { least: 6, good: 10, most: 40 },
      value: ({ socket }) => socket.id,
    }),
    // Sorts cookies by number: the shorter one is smaller.
    key: ({ socket: { id } }) => `${String(id.length).padStart(3, '0')} ${id}`,
  },
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
