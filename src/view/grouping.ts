import { unmapped } from '../model/address.ts';
import { firstOwner, type Socket } from '../model/socket.ts';
import { printable } from '../model/text.ts';
import type { GroupBy } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { addressText, namespaceText, NOTHING, portText, userText } from './format.ts';

/** A way to part the rows into groups. */
interface Grouping {
  /** In a word or two. */
  readonly name: string;
  /** What the rows of one group have in common; no text, and no number, of two meanings. */
  readonly key: (row: Row) => string | number;
  /** What a group is called, by one of its rows: printable. */
  readonly label: (row: Row) => string;
}

/** Whatever has no name is known by how its owner is known: no program's name can begin like that. */
const UNNAMED = '\0';

const NONE = -1;

/** Beyond all ports, those of VSOCK too. */
const PORTS = 2 ** 32;

const PROTOCOL_NUMBERS = new Map<Socket['protocol'], number>();

function protocolNumber(protocol: Socket['protocol']): number {
  const number = PROTOCOL_NUMBERS.get(protocol) ?? PROTOCOL_NUMBERS.size;
  if (number === PROTOCOL_NUMBERS.size) PROTOCOL_NUMBERS.set(protocol, number);
  return number;
}

/** The end whose port names the service: that of the peer where this machine called it. */
const serviceEnd = ({ socket, direction }: Row) =>
  (direction === 'out' ? socket.remote : undefined) ?? socket.local;

export const GROUPINGS = {
  process: {
    name: 'process',
    key: ({ socket }) => {
      const { process, pid, knowledge } = firstOwner(socket);
      return process ?? UNNAMED + (pid === undefined ? knowledge : '');
    },
    label: ({ socket }) => {
      const { process, pid, knowledge } = firstOwner(socket);
      return process === undefined && pid === undefined ? knowledge : printable(process ?? '').trim() || '?';
    },
  },
  host: {
    name: 'remote host',
    key: ({ socket: { remote } }) => (remote ? unmapped(remote.address) : NONE),
    label: ({ socket: { remote } }) => (remote ? addressText(remote) : 'no peer'),
  },
  port: {
    name: 'port',
    key: (row) =>
      row.socket.protocol === 'unix'
        ? NONE
        : protocolNumber(row.socket.protocol) * PORTS + serviceEnd(row).port,
    label: (row) => {
      const { socket } = row;
      const port = portText(serviceEnd(row), socket, false);
      return port === NOTHING ? 'no port' : `${port}/${socket.protocol}`;
    },
  },
  user: {
    name: 'user',
    key: ({ socket }) => socket.user ?? socket.uid ?? firstOwner(socket).user ?? NONE,
    label: ({ socket }) => {
      const user = userText(socket).trim();
      return user === NOTHING ? 'unknown' : user || '?';
    },
  },
  ns: {
    name: 'namespace',
    key: ({ socket: { netns } }) => (netns ? (netns.name ?? netns.inode) : NONE),
    label: ({ socket: { netns } }) => (netns ? namespaceText(netns) : 'unknown'),
  },
} satisfies Record<GroupBy, Grouping>;
