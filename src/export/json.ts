import type { GapEvent, LearntBy, PreviousFields, SocketEvent } from '../model/event.ts';
import {
  type FieldRow,
  fieldNames,
  isPlainField,
  NETNS_FIELDS,
  type ObjectField,
  OWNER_FIELDS,
  SOCKET_FIELDS,
  TIMER_FIELDS,
  TRAFFIC_FIELDS,
} from '../model/fields.ts';
import { portOrProtocolText } from '../model/services.ts';
import type { Endpoint, NetworkNamespace, Owner, Protocol, Socket } from '../model/socket.ts';
import { toThousandths } from '../model/thousandths.ts';
import { chunksOf } from './chunks.ts';
import { JsonBytes } from './json-bytes.ts';

/** All JSON is written here and taken out by the function that returns it. */
const OUT = new JsonBytes();

/** Returns `,"name":`. */
const prefixOf = (name: string): string => `,"${name}":`;

/** Writes a value after its name; nothing if it is unknown. */
function writeField(prefix: string, value: unknown): void {
  if (value === undefined) return;
  OUT.raw(prefix);
  if (typeof value === 'string') OUT.text(value);
  else if (typeof value === 'number') OUT.number(value);
  else OUT.json(value);
}

/** Returns a function that writes the fields of a table, without braces. */
function writerOf<Name extends string>(
  table: Readonly<Record<Name, FieldRow>>,
): (it: Readonly<Partial<Record<Name, unknown>>>) => void {
  const fields = fieldNames(table).map((name) => ({ name, prefix: prefixOf(name) }));
  return (it) => {
    for (const { name, prefix } of fields) writeField(prefix, it[name]);
  };
}

const writeOwner = writerOf(OWNER_FIELDS);
const writeNetns = writerOf(NETNS_FIELDS);
const writeTraffic = writerOf(TRAFFIC_FIELDS);
const writeTimer = writerOf(TIMER_FIELDS);

/** Writes an object after its name. */
function writeObject<T>(prefix: string, it: T, writeFields: (it: T) => void): void {
  OUT.raw(prefix);
  const start = OUT.length;
  writeFields(it);
  OUT.brace(start);
}

/** Writes an endpoint after its name; null if there is none. */
function writeEndpoint(prefix: string, endpoint: Endpoint | null, of: Protocol): void {
  OUT.raw(prefix);
  if (endpoint === null) {
    OUT.raw('null');
    return;
  }
  const { address, port, protocol } = endpoint;
  const start = OUT.length;
  writeField(',"address":', address);
  writeField(',"port":', port);
  if (protocol !== undefined) writeField(',"protocol":', portOrProtocolText(protocol, of));
  OUT.brace(start);
}

/** JSON of objects that many sockets share: the owners of one process, the namespace. */
const SHARED_JSON = new WeakMap<object, Buffer>();

/** Writes what `write` writes of an object; copies it if the object was written before. */
function writeShared<T extends object>(it: T, write: (it: T) => void): void {
  const known = SHARED_JSON.get(it);
  if (known) {
    OUT.copy(known);
    return;
  }
  const start = OUT.length;
  write(it);
  SHARED_JSON.set(it, OUT.copyFrom(start));
}

function writeOwnerList(owners: readonly Owner[]): void {
  OUT.raw(',"owners":[');
  for (const [i, owner] of owners.entries()) writeObject(i === 0 ? '' : ',', owner, writeOwner);
  OUT.raw(']');
}

const writeOwners = (owners: readonly Owner[]): void => writeShared(owners, writeOwnerList);

const writeNamespace = (netns: NetworkNamespace): void => writeObject(',"netns":', netns, writeNetns);

function writePeers(peers: readonly Endpoint[], of: Protocol): void {
  OUT.raw(',"peers":[');
  for (const [i, peer] of peers.entries()) writeEndpoint(i === 0 ? '' : ',', peer, of);
  OUT.raw(']');
}

/** Functions that write each object of a socket with its name; nothing if it is absent. */
const OBJECTS: Readonly<Record<ObjectField, (socket: Socket) => void>> = {
  local: ({ local, protocol }) => writeEndpoint(',"local":', local, protocol),
  remote: ({ remote, protocol }) => writeEndpoint(',"remote":', remote, protocol),
  netns: ({ netns }) => netns && writeShared(netns, writeNamespace),
  // Counters stand next to the fields of the socket.
  traffic: ({ traffic }) => traffic && writeTraffic(traffic),
  peers: ({ peers, protocol }) => peers && writePeers(peers, protocol),
  timer: ({ timer }) => timer && writeObject(',"timer":', timer, writeTimer),
  tcp: ({ tcp }) => writeField(',"tcp":', tcp),
  owners: ({ owners }) => writeOwners(owners),
};

const WRITERS = fieldNames(SOCKET_FIELDS).map((name) => {
  if (!isPlainField(name)) return OBJECTS[name];
  const prefix = prefixOf(name);
  return (socket: Socket) => writeField(prefix, socket[name]);
});

function writeSocket(socket: Socket): void {
  const start = OUT.length;
  for (const write of WRITERS) write(socket);
  OUT.brace(start);
}

/** Yields a JSON array in pieces, one line per socket; unknown fields are absent. Safe to print. */
export function* jsonPieces(sockets: readonly Socket[]): Generator<string> {
  let separator = '[\n';
  for (const chunk of chunksOf(sockets)) {
    for (const socket of chunk) {
      OUT.raw(separator);
      writeSocket(socket);
      separator = ',\n';
    }
    yield OUT.takeText();
  }
  yield sockets.length === 0 ? '[]\n' : '\n]\n';
}

/** A gap, also one of events that were learnt by polls: `watch` could not print them in time. */
export type Gap = Omit<GapEvent, 'learntBy'> & { readonly learntBy: LearntBy };

/** Writes the previous values of a change; nothing if there are none. */
function writePrevious({ state, local, remote, owners }: PreviousFields, { protocol }: Socket): void {
  if (state === undefined && !local && remote === undefined && !owners) return;
  OUT.raw(',"was":');
  const start = OUT.length;
  writeField(',"state":', state);
  if (local) writeEndpoint(',"local":', local, protocol);
  if (remote !== undefined) writeEndpoint(',"remote":', remote, protocol);
  if (owners) writeOwners(owners);
  OUT.brace(start);
}

/** The place of the socket of each spawn in the bytes: a short-lived connection has the same socket in its close. */
type Written = Map<Socket, { readonly start: number; readonly end: number }>;

/** Writes the socket of an event; copies it if the event is the close of a socket whose spawn has the same object. */
function writeSocketOf({ type, socket }: SocketEvent, written: Written): void {
  const earlier = type === 'close' ? written.get(socket) : undefined;
  if (earlier) {
    OUT.repeat(earlier.start, earlier.end);
    return;
  }
  const start = OUT.length;
  writeSocket(socket);
  if (type === 'spawn') written.set(socket, { start, end: OUT.length });
}

function writeEvent(event: SocketEvent | Gap, written: Written): void {
  const start = OUT.length;
  writeField(',"atMs":', toThousandths(event.atMs));
  writeField(',"type":', event.type);
  if (event.type === 'gap') writeField(',"missed":', event.missed);
  else {
    const { socket, was, lifetimeMs, isAtLeast } = event;
    OUT.raw(',"socket":');
    writeSocketOf(event, written);
    if (was) writePrevious(was, socket);
    writeField(',"lifetimeMs":', lifetimeMs === undefined ? undefined : toThousandths(lifetimeMs));
    writeField(',"isAtLeast":', isAtLeast);
  }
  writeField(',"learntBy":', event.learntBy);
  OUT.brace(start);
}

/** Returns events as lines of JSON in UTF-8, each socket as in `jsonPieces`. Safe to print. */
export function eventLines(events: readonly (SocketEvent | Gap)[]): Buffer {
  const written: Written = new Map();
  for (const event of events) {
    writeEvent(event, written);
    OUT.raw('\n');
  }
  return OUT.take();
}
