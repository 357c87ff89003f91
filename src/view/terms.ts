import { serviceName } from '../model/services.ts';
import {
  type Endpoint,
  portOrProtocol,
  firstOwner,
  hasPorts,
  protocolName,
  type Socket,
} from '../model/socket.ts';
import { canonicalAddress } from '../query/addresses.ts';
import { quoteWord } from '../query/print.ts';
import { servicePort } from '../store/hide-rules.ts';
import type { ColumnId, GroupBy } from '../store/state.ts';
import type { Row } from '../store/table.ts';

/** The namespace of a socket, by which it can be asked for; empty where it has none. */
export const namespaceName = ({ netns }: Socket): string =>
  netns ? (netns.name ?? String(netns.inode)) : '';

const whole = (field: string, text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : `${field}=${quoteWord(text)}`;

/** Only of an address of the Internet: what else has an end, such as a path, a query knows as a part of words only. */
const hostTerm = (address: string | undefined): string | undefined => {
  const canonical = address === undefined ? undefined : canonicalAddress(address);
  return canonical === undefined ? undefined : `@${canonical}`;
};

const processTerm = (socket: Socket): string | undefined => whole('process', firstOwner(socket).process);

const userName = ({ user, uid, owners: [owner] }: Socket): string | undefined =>
  user ?? (uid === undefined ? owner?.user : String(uid));

const namespaceOf = (socket: Socket): string | undefined => {
  const name = namespaceName(socket);
  return name === '' ? undefined : `ns:${quoteWord(name)}`;
};

/** Asks for the number behind the colon of an endpoint; only of a port, or of a protocol that has a name. */
function endTerm(field: string, number: number, { protocol }: Socket): string | undefined {
  const text = hasPorts(protocol) ? String(number) : serviceName(number, protocol);
  return text === undefined ? undefined : `${field}:${text}`;
}

const portTerm = (field: string, endpoint: Endpoint | null, socket: Socket): string | undefined =>
  endpoint === null ? undefined : endTerm(field, portOrProtocol(endpoint), socket);

const TERMS: Readonly<Partial<Record<ColumnId, (row: Row) => string | undefined>>> = {
  process: ({ socket }) => processTerm(socket),
  pid: ({ socket }) => {
    const { pid } = firstOwner(socket);
    return pid === undefined ? undefined : `pid:${pid}`;
  },
  user: ({ socket }) => whole('user', userName(socket)),
  protocol: ({ socket }) => `proto:${protocolName(socket)}`,
  netns: ({ socket }) => namespaceOf(socket),
  localAddress: ({ socket }) => hostTerm(socket.local.address),
  localPort: ({ socket }) => portTerm('lport', socket.local, socket),
  remoteAddress: ({ socket }) => hostTerm(socket.remote?.address),
  remotePort: ({ socket }) => portTerm('rport', socket.remote, socket),
  state: ({ socket }) => (socket.state ? `state:${socket.state}` : undefined),
  interface: ({ socket }) => whole('if', socket.interface),
  command: ({ socket }) => whole('cmd', firstOwner(socket).command),
  service: ({ socket, direction }) => endTerm('', servicePort(socket, direction), socket),
  direction: ({ direction }) => direction,
};

/** The term of a query that asks for what a cell says; for a column of which there is none, for the program. */
export const termOfCell = (column: ColumnId | null, row: Row): string | undefined =>
  ((column && TERMS[column]) ?? TERMS.process)?.(row);

const COLUMN_OF: Readonly<Record<GroupBy, ColumnId>> = {
  process: 'process',
  host: 'remoteAddress',
  port: 'service',
  user: 'user',
  ns: 'netns',
};

/** The term that asks for all rows that are grouped with this one. */
export const termOfGroup = (row: Row, by: GroupBy): string | undefined => termOfCell(COLUMN_OF[by], row);
