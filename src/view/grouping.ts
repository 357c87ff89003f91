import { unmapped } from '../model/address.ts';
import { portOrProtocol, firstOwner } from '../model/socket.ts';
import { PROTOCOLS } from '../query/words.ts';
import type { GroupBy } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { addressKey } from './columns/network.ts';
import type { Entry, SortKey } from './entry.ts';
import { addressText, isPortless, namespaceText, NOTHING, portText, userText } from './format.ts';
import { nameText } from './program-text.ts';

/** A way to part the rows into groups. */
interface Grouping {
  /** In a word or two. */
  readonly name: string;
  /** What the rows of one group have in common; no text, and no number, of two meanings. */
  readonly key: (row: Row) => string | number;
  /**
   * What is at hand in the entry of a row, for each further step is a wait for memory: the number in the pool of the text
   * that alone decides about the key (below 0 for none), or the key itself.
   */
  readonly from: (entry: Entry) => number;
  readonly isFromText: boolean;
  /** The order of groups, where it is not that of their keys; no two have the same. */
  readonly rank?: (row: Row) => SortKey;
  /** What a group is called, by one of its rows: printable. */
  readonly label: (row: Row) => string;
}

/** Whatever has no name is known by how its owner is known: no program's name can begin like that. */
const UNNAMED = '\0';

/** What has nothing of the kind. */
export const NONE = -1;

const PORTLESS: ReadonlySet<number> = new Set(
  PROTOCOLS.flatMap((protocol, i) => (isPortless(protocol) ? [i] : [])),
);

const byNames = ({ names }: Entry): number => names;

/** The end whose port names the service: that of the peer where this machine called it. */
const serviceEnd = ({ socket, direction }: Row) =>
  (direction === 'out' ? socket.remote : undefined) ?? socket.local;

export const GROUPINGS: Readonly<Record<GroupBy, Grouping>> = {
  process: {
    name: 'process',
    key: ({ socket }) => {
      const { process, pid, knowledge } = firstOwner(socket);
      return process ?? UNNAMED + (pid === undefined ? knowledge : '');
    },
    from: byNames,
    isFromText: true,
    label: ({ socket }) => {
      const { process, pid, knowledge } = firstOwner(socket);
      if (process !== undefined) return nameText(process);
      return pid === undefined ? knowledge : '?';
    },
  },
  host: {
    name: 'remote host',
    key: ({ socket: { remote } }) => (remote ? unmapped(remote.address).toLowerCase() : NONE),
    from: ({ remote }) => remote,
    isFromText: true,
    rank: ({ socket: { remote } }) => addressKey(remote),
    label: ({ socket: { remote } }) => (remote ? addressText(remote) : 'no peer'),
  },
  port: {
    name: 'port',
    key: (row) =>
      isPortless(row.socket.protocol)
        ? NONE
        : PROTOCOLS.indexOf(row.socket.protocol) + portOrProtocol(serviceEnd(row)) * PROTOCOLS.length,
    from: ({ protocol, out, localPort, remotePort }) =>
      PORTLESS.has(protocol)
        ? NONE
        : protocol + (out && remotePort >= 0 ? remotePort : localPort) * PROTOCOLS.length,
    isFromText: false,
    label: (row) => {
      const { socket } = row;
      const port = portText(serviceEnd(row), socket, false);
      return port === NOTHING ? 'no port' : `${port}/${socket.protocol}`;
    },
  },
  user: {
    name: 'user',
    key: ({ socket }) => socket.user ?? socket.uid ?? firstOwner(socket).user ?? NONE,
    from: byNames,
    isFromText: true,
    label: ({ socket }) => {
      const user = userText(socket);
      return user === NOTHING ? 'unknown' : user;
    },
  },
  ns: {
    name: 'namespace',
    key: ({ socket: { netns } }) => (netns ? (netns.name ?? netns.inode) : NONE),
    from: byNames,
    isFromText: true,
    label: ({ socket: { netns } }) => (netns ? namespaceText(netns) : 'unknown'),
  },
};
