import { unmapped } from '../../model/address.ts';
import { portOrProtocol, firstOwner } from '../../model/socket.ts';
import { printable } from '../../model/text.ts';
import { PROTOCOLS } from '../../query/protocols.ts';
import type { Lookups } from '../../store/lookups.ts';
import { orgName, locationOf } from '../../store/locations.ts';
import type { GroupBy } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import { addressKey } from '../columns/network.ts';
import type { Entry, SortKey } from './entry.ts';
import { addressText, isPortless, namespaceText, NOTHING, portText, userText } from '../text/format.ts';
import { nameText } from '../text/program-text.ts';

/** One way to group rows. */
interface Grouping {
  /** Its name in one or two words. */
  readonly name: string;
  /** The value that all rows of a group share; each value has one meaning. */
  readonly key: (row: Row, lookups: Lookups) => string | number;
  /** True if keys and labels change when files with locations are read. */
  readonly isLate?: true;
  /**
   * Reads the key, or the pool number of the text that determines it (below 0 if none), from the entry alone: following
   * a pointer to the row would wait for memory.
   */
  readonly from: (entry: Entry) => number;
  readonly isFromText: boolean;
  /** Unique sort key of a group; without it groups sort by their keys. */
  readonly rank?: (row: Row) => SortKey;
  /** Label of a group, from one of its rows. Printable. */
  readonly label: (row: Row, lookups: Lookups) => string;
}

/** Prefix of keys of unnamed programs, followed by how the owner is known. No program name begins with it. */
const UNNAMED = '\0';

/** Key of rows without a value, such as a peer. */
export const NONE = -1;

const PORTLESS: ReadonlySet<number> = new Set(
  PROTOCOLS.flatMap((protocol, i) => (isPortless(protocol) ? [i] : [])),
);

const byNames = ({ names }: Entry): number => names;
const byRemote = ({ remote }: Entry): number => remote;

/** Returns the endpoint whose port is the service: the remote one if this machine opened the connection. */
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
    from: byRemote,
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
  country: {
    name: 'country',
    key: ({ socket }, { locations }) => locationOf(locations, socket.remote)?.country?.code ?? NONE,
    from: byRemote,
    isFromText: true,
    isLate: true,
    label: ({ socket }, { locations }) => locationOf(locations, socket.remote)?.country?.code ?? 'no country',
  },
  org: {
    name: 'organisation',
    key: ({ socket }, { locations }) => {
      const org = locationOf(locations, socket.remote)?.org;
      return org ? orgName(org) : NONE;
    },
    from: byRemote,
    isFromText: true,
    isLate: true,
    label: ({ socket }, { locations }) => {
      const org = locationOf(locations, socket.remote)?.org;
      return org ? printable(orgName(org)) : 'no organisation';
    },
  },
};
