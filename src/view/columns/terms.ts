import { serviceName } from '../../model/services.ts';
import {
  type Endpoint,
  portOrProtocol,
  firstOwner,
  hasPorts,
  namespaceName,
  protocolName,
  type Socket,
} from '../../model/socket.ts';
import { canonicalAddress } from '../../query/addresses.ts';
import { quoteWord } from '../../query/print.ts';
import { servicePort } from '../../store/hide-rules.ts';
import type { ColumnId } from '../../store/columns.ts';
import { locationOf, orgName } from '../../store/locations.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { GroupBy } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';

const exactTerm = (field: string, text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : `${field}=${quoteWord(text)}`;

/** Returns a host term; undefined unless the address is IPv4 or IPv6. Paths, for example, have no host term. */
const hostTerm = (address: string | undefined): string | undefined => {
  const canonical = address === undefined ? undefined : canonicalAddress(address);
  return canonical === undefined ? undefined : `@${canonical}`;
};

const processTerm = (socket: Socket): string | undefined => exactTerm('process', firstOwner(socket).process);

const userName = ({ user, uid, owners: [owner] }: Socket): string | undefined =>
  user ?? (uid === undefined ? owner?.user : String(uid));

const namespaceTerm = (socket: Socket): string | undefined => {
  const name = namespaceName(socket);
  return name === '' ? undefined : `ns:${quoteWord(name)}`;
};

/** Returns the term for a port, or for a protocol number that has a name; else undefined. */
function numberTerm(field: string, number: number, { protocol }: Socket): string | undefined {
  const text = hasPorts(protocol) ? String(number) : serviceName(number, protocol);
  return text === undefined ? undefined : `${field}:${text}`;
}

const portTerm = (field: string, endpoint: Endpoint | null, socket: Socket): string | undefined =>
  endpoint === null ? undefined : numberTerm(field, portOrProtocol(endpoint), socket);

const TERMS: Readonly<Partial<Record<ColumnId, (row: Row, lookups: Lookups) => string | undefined>>> = {
  process: ({ socket }) => processTerm(socket),
  pid: ({ socket }) => {
    const { pid } = firstOwner(socket);
    return pid === undefined ? undefined : `pid:${pid}`;
  },
  user: ({ socket }) => exactTerm('user', userName(socket)),
  protocol: ({ socket }) => `proto:${protocolName(socket)}`,
  netns: ({ socket }) => namespaceTerm(socket),
  localAddress: ({ socket }) => hostTerm(socket.local.address),
  localPort: ({ socket }) => portTerm('lport', socket.local, socket),
  remoteAddress: ({ socket }) => hostTerm(socket.remote?.address),
  remotePort: ({ socket }) => portTerm('rport', socket.remote, socket),
  state: ({ socket }) => (socket.state ? `state:${socket.state}` : undefined),
  interface: ({ socket }) => exactTerm('if', socket.interface),
  command: ({ socket }) => exactTerm('cmd', firstOwner(socket).command),
  service: ({ socket, direction }) => numberTerm('', servicePort(socket, direction), socket),
  direction: ({ direction }) => direction,
  country: ({ socket }, { locations }) =>
    exactTerm('country', locationOf(locations, socket.remote)?.country?.code),
  org: ({ socket }, { locations }) => {
    const org = locationOf(locations, socket.remote)?.org;
    return org && exactTerm('org', orgName(org));
  },
};

/** Returns the query term that matches the value of a cell; for columns without terms, the term of the program. */
export const termOfCell = (column: ColumnId | null, row: Row, lookups: Lookups): string | undefined =>
  ((column && TERMS[column]) ?? TERMS.process)?.(row, lookups);

const COLUMN_OF: Readonly<Record<GroupBy, ColumnId>> = {
  process: 'process',
  host: 'remoteAddress',
  port: 'service',
  user: 'user',
  ns: 'netns',
  country: 'country',
  org: 'org',
};

/** Returns the query term that matches the group of a row. */
export const termOfGroup = (row: Row, by: GroupBy, lookups: Lookups): string | undefined =>
  termOfCell(COLUMN_OF[by], row, lookups);
