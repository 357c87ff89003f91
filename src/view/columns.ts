import { parseIpv6, unmapped } from '../model/address.ts';
import { type Endpoint, firstOwner, type Protocol, protocolName, type SocketState } from '../model/socket.ts';
import type { ColumnId } from '../store/state.ts';
import { printable } from '../model/text.ts';
import { isMeasured, type Row, type Seen } from '../store/table.ts';
import {
  addressText,
  ageText,
  compactText,
  livedText,
  namespaceText,
  NOTHING,
  ownerText,
  portText,
  rttText,
  userText,
} from './format.ts';

/** What a cell depends on besides its row. */
export interface CellContext {
  readonly nowMs: number;
  readonly serviceNames: boolean;
}

export interface Column {
  readonly id: ColumnId;
  readonly title: string;
  /** For the help. */
  readonly about: string;
  readonly align: 'left' | 'right';
  /** Cells: the least that is of use, what is enough for nearly everything, and the most that content may ask. */
  readonly width: { readonly least: number; readonly good: number; readonly most: number };
  /** 1 is the last to leave a narrow pane. The first five may be squeezed to their least width. */
  readonly priority: number;
  /** Least width of a pane that has room for it; none where it comes as soon as it fits. */
  readonly from?: number;
  /** It is there only once a source has told something of the kind. */
  readonly present?: (seen: Seen) => boolean;
  readonly text: (row: Row, context: CellContext) => string;
  /** A shorter form for a column narrower than its good width, and for a text wider than the column. */
  readonly shortText?: (row: Row) => string;
  /** What rows are sorted by; numbers before texts. */
  readonly key: (row: Row) => number | string;
  /** A first wish to sort by it is for the most of it. */
  readonly descending?: true;
}

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

/** Names of protocols in the four cells that most of them have. */
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

const addressKeys = new Map<string, string>();

/** The number of an IPv4 address; undefined for any other text. */
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

/** What sorts addresses by number: none, IPv4, IPv6, and at last names. */
function addressKey(endpoint: Endpoint | null): number | string {
  if (endpoint === null) return -1;
  const address = unmapped(endpoint.address);
  const number = ipv4Number(address);
  if (number !== undefined) return number;
  const known = addressKeys.get(endpoint.address);
  if (known !== undefined) return known;
  const groups = parseIpv6(address.replace(/%.*/, ''));
  const hex = groups?.map((group) => group.toString(16).padStart(4, '0')).join('');
  const key = hex === undefined ? `9${address}` : `6${hex}${address}`;
  // Addresses come and go for months: the memory is cleared now and then, and fills again with those of now.
  if (addressKeys.size > 50_000) addressKeys.clear();
  addressKeys.set(endpoint.address, key);
  return key;
}

/** Five digits, or the name of a service. */
const PORT_WIDTH = { least: 5, good: 5, most: 12 };
const ADDRESS_MOST = 39;

/** Four cells of a number, and the arrow beside a title of four. */
const NUMBER_WIDTH = { least: 5, good: 5, most: 5 };

/** From this width on there is room for what is looked at now and then. */
const ROOMY = 140;

/** A column of a number of which the most is wanted first; unknown ones come last. */
const number = (
  column: Pick<Column, 'id' | 'title' | 'about' | 'priority' | 'from'> & {
    readonly value: (row: Row) => number | undefined;
    readonly text: Column['text'];
  },
): Column => {
  const { value, ...rest } = column;
  return {
    ...rest,
    align: 'right',
    width: NUMBER_WIDTH,
    present: ({ traffic }) => traffic,
    key: (row) => value(row) ?? -1,
    descending: true,
  };
};

const rateText = (row: Row, rate: number | undefined, { nowMs }: CellContext): string =>
  compactText(isMeasured(row, nowMs) ? rate : undefined);

/** Bytes that wait on either side, or connections on that of a listener. */
function queuesText({ socket: { traffic } }: Row): string {
  const { recvQueue, sendQueue } = traffic ?? {};
  if (recvQueue === undefined && sendQueue === undefined) return NOTHING;
  return `${compactText(recvQueue)}/${compactText(sendQueue)}`;
}

/** Every column, in the order of the screen. */
export const COLUMNS: readonly Column[] = [
  {
    id: 'process',
    title: 'PROCESS',
    about: 'the program; (name) last known, [name] the listener’s, +n further ones that hold the socket',
    align: 'left',
    width: { least: 8, good: 10, most: 24 },
    priority: 1,
    text: ({ socket }) => ownerText(socket),
    // Without the brackets of one last known: a connection that closes keeps its place.
    key: ({ socket }) => {
      const { process, knowledge } = firstOwner(socket);
      return (process ?? knowledge).toLowerCase();
    },
  },
  {
    id: 'pid',
    title: 'PID',
    about: 'its process id',
    align: 'right',
    width: { least: 7, good: 7, most: 7 },
    priority: 8,
    text: ({ socket }) => String(firstOwner(socket).pid ?? NOTHING),
    key: ({ socket }) => firstOwner(socket).pid ?? -1,
  },
  {
    id: 'user',
    title: 'USER',
    about: 'the user of the socket',
    align: 'left',
    width: { least: 6, good: 8, most: 12 },
    priority: 14,
    text: ({ socket }) => userText(socket),
    key: ({ socket }) => userText(socket),
  },
  {
    id: 'protocol',
    title: 'PROT',
    about: 'protocol; with 6 on an IPv6 socket, which may serve IPv4 too',
    align: 'left',
    width: { least: 4, good: 4, most: 8 },
    priority: 9,
    text: ({ socket }) => protocolName(socket),
    shortText: ({ socket }) =>
      SHORT_PROTOCOLS[socket.protocol] + protocolName(socket).slice(socket.protocol.length),
    key: ({ socket }) => protocolName(socket),
  },
  {
    id: 'netns',
    title: 'NS',
    about: 'network namespace: the container, or its inode where it has no name',
    align: 'left',
    // An inode has ten digits.
    width: { least: 8, good: 10, most: 16 },
    priority: 10,
    present: ({ namespaces }) => namespaces,
    text: ({ socket }) => (socket.netns ? namespaceText(socket.netns) : NOTHING),
    key: ({ socket }) => (socket.netns ? namespaceText(socket.netns) : ''),
  },
  {
    id: 'localAddress',
    title: 'LOCAL',
    about: 'address on this machine; * any',
    align: 'left',
    width: { least: 9, good: 14, most: ADDRESS_MOST },
    priority: 11,
    text: ({ socket }) => addressText(socket.local),
    key: ({ socket }) => addressKey(socket.local),
  },
  {
    id: 'localPort',
    title: 'PORT',
    about: 'port on this machine',
    align: 'right',
    width: PORT_WIDTH,
    priority: 4,
    text: ({ socket }, { serviceNames }) => portText(socket.local, socket, serviceNames),
    key: ({ socket }) => socket.local.port,
  },
  {
    id: 'remoteAddress',
    title: 'REMOTE',
    about: 'address of the peer; * none',
    align: 'left',
    width: { least: 10, good: 15, most: ADDRESS_MOST },
    priority: 2,
    text: ({ socket }) => addressText(socket.remote),
    key: ({ socket }) => addressKey(socket.remote),
  },
  {
    id: 'remotePort',
    title: 'PORT',
    about: 'port of the peer',
    align: 'right',
    width: PORT_WIDTH,
    priority: 3,
    text: ({ socket }, { serviceNames }) => portText(socket.remote, socket, serviceNames),
    key: ({ socket }) => socket.remote?.port ?? -1,
  },
  {
    id: 'state',
    title: 'STATE',
    about: 'TCP state; ESTABLISHED for a connected UDP socket',
    align: 'left',
    width: { least: 6, good: 11, most: 11 },
    priority: 5,
    text: ({ socket }) => socket.state ?? NOTHING,
    shortText: ({ socket }) => (socket.state ? SHORT_STATES[socket.state] : NOTHING),
    key: ({ socket }) => socket.state ?? '',
  },
  number({
    id: 'rxRate',
    title: 'RX/S',
    about: 'bytes received a second, in the last tick',
    priority: 6,
    value: ({ rxRate }) => rxRate,
    text: (row, context) => rateText(row, row.rxRate, context),
  }),
  number({
    id: 'txRate',
    title: 'TX/S',
    about: 'bytes sent a second, in the last tick',
    priority: 7,
    value: ({ txRate }) => txRate,
    text: (row, context) => rateText(row, row.txRate, context),
  }),
  number({
    id: 'rtt',
    title: 'RTT',
    about: 'round-trip time to the peer, smoothed',
    priority: 12,
    value: ({ socket }) => socket.traffic?.rttMicros,
    text: ({ socket }) => rttText(socket.traffic?.rttMicros),
  }),
  number({
    id: 'rxBytes',
    title: 'RX',
    about: 'bytes received since the socket was made',
    priority: 15,
    from: ROOMY,
    value: ({ socket }) => socket.traffic?.rxBytes,
    text: ({ socket }) => compactText(socket.traffic?.rxBytes),
  }),
  number({
    id: 'txBytes',
    title: 'TX',
    about: 'bytes sent since the socket was made',
    priority: 16,
    from: ROOMY,
    value: ({ socket }) => socket.traffic?.txBytes,
    text: ({ socket }) => compactText(socket.traffic?.txBytes),
  }),
  number({
    id: 'retransmits',
    title: 'RETR',
    about: 'segments sent again',
    priority: 17,
    from: ROOMY,
    value: ({ socket }) => socket.traffic?.retransmits,
    text: ({ socket }) => compactText(socket.traffic?.retransmits),
  }),
  {
    id: 'queues',
    title: 'Q',
    about: 'bytes not read yet / not acknowledged yet; connections that wait / may wait for a listener',
    align: 'right',
    width: { least: 9, good: 9, most: 9 },
    priority: 18,
    from: ROOMY,
    present: ({ queues }) => queues,
    text: queuesText,
    key: ({ socket: { traffic } }) => (traffic?.recvQueue ?? -1) + (traffic?.sendQueue ?? -1),
    descending: true,
  },
  {
    id: 'interface',
    title: 'IF',
    about: 'network interface it is bound to, or that has its address',
    align: 'left',
    width: { least: 6, good: 6, most: 15 },
    priority: 19,
    from: ROOMY,
    present: ({ interfaces }) => interfaces,
    text: ({ socket }) => printable(socket.interface ?? '').trim() || NOTHING,
    key: ({ socket }) => socket.interface ?? '',
  },
  {
    id: 'age',
    title: 'AGE',
    about: 'since netpane first saw it, > when it was there before; of what is over how long it lived',
    align: 'right',
    width: { least: 5, good: 5, most: 5 },
    priority: 13,
    text: ({ firstSeenMs, baseline, lifetimeMs, isAtLeast }, { nowMs }) =>
      lifetimeMs === undefined
        ? ageText(nowMs - firstSeenMs, baseline)
        : livedText(lifetimeMs, isAtLeast ?? false),
    key: ({ firstSeenMs }) => -firstSeenMs,
  },
];

/** The columns that there are for what has been seen. */
export const presentColumns = (seen: Seen): readonly Column[] =>
  COLUMNS.filter(({ present }) => present?.(seen) ?? true);
