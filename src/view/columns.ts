import { parseIpv6, unmapped } from '../model/address.ts';
import { type Endpoint, firstOwner, protocolName, type SocketState } from '../model/socket.ts';
import type { ColumnId } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { addressText, ageText, NOTHING, ownerText, portText, userText } from './format.ts';

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
  readonly text: (row: Row, context: CellContext) => string;
  /** A shorter form for a column narrower than its good width. */
  readonly shortText?: (row: Row) => string;
  /** What rows are sorted by; numbers before texts. */
  readonly key: (row: Row) => number | string;
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

const addressKeys = new Map<string, string>();

/** A text that sorts addresses by number: IPv4 before IPv6. */
function addressKey(endpoint: Endpoint | null): string {
  if (endpoint === null) return '';
  const known = addressKeys.get(endpoint.address);
  if (known !== undefined) return known;
  const address = unmapped(endpoint.address);
  const hex = (numbers: readonly number[], digits: number) =>
    numbers.map((n) => n.toString(16).padStart(digits, '0')).join('');
  const key = address.includes(':')
    ? `6${hex(parseIpv6(address.replace(/%.*/, '')) ?? [], 4)}${address}`
    : `4${hex(address.split('.').map(Number), 2)}`;
  // Addresses come and go for months: the memory is cleared now and then, and fills again with those of now.
  if (addressKeys.size > 50_000) addressKeys.clear();
  addressKeys.set(endpoint.address, key);
  return key;
}

/** Five digits, or the name of a service. */
const PORT_WIDTH = { least: 5, good: 5, most: 12 };
const ADDRESS_MOST = 39;

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
    priority: 6,
    text: ({ socket }) => String(firstOwner(socket).pid ?? NOTHING),
    key: ({ socket }) => firstOwner(socket).pid ?? -1,
  },
  {
    id: 'user',
    title: 'USER',
    about: 'the user of the socket',
    align: 'left',
    width: { least: 6, good: 8, most: 12 },
    priority: 10,
    text: ({ socket }) => userText(socket),
    key: ({ socket }) => userText(socket),
  },
  {
    id: 'protocol',
    title: 'PROT',
    about: 'tcp or udp; with 6 on an IPv6 socket, which may serve IPv4 too',
    align: 'left',
    width: { least: 4, good: 4, most: 5 },
    priority: 7,
    text: ({ socket }) => protocolName(socket),
    key: ({ socket }) => protocolName(socket),
  },
  {
    id: 'localAddress',
    title: 'LOCAL',
    about: 'address on this machine; * any',
    align: 'left',
    width: { least: 9, good: 14, most: ADDRESS_MOST },
    priority: 8,
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
  {
    id: 'age',
    title: 'AGE',
    about: 'since netpane first saw it; > when it was there before',
    align: 'right',
    width: { least: 5, good: 5, most: 5 },
    priority: 9,
    text: ({ firstSeenMs, baseline }, { nowMs }) => ageText(nowMs - firstSeenMs, baseline),
    key: ({ firstSeenMs }) => -firstSeenMs,
  },
];
