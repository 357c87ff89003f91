import { Cache } from '../model/cache.ts';
import type { PreviousFields, GapEvent, LearntBy, SocketEvent } from '../model/event.ts';
import {
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
import type { Endpoint, Owner, Protocol, Socket } from '../model/socket.ts';
import { chunksOf } from './chunks.ts';

/** Characters that JSON allows unescaped but that act on a terminal or mislead the reader. */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

/** Printable ASCII, as nearly every line is: needs no check against the Unicode tables. */
const PLAIN = /^[ -~]*$/;

const escape = (json: string): string =>
  PLAIN.test(json)
    ? json
    : json.replace(UNSAFE, (character) =>
        [...Array(character.length).keys()]
          .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
          .join(''),
      );

/** Text that needs no escaping between quotes: every address and state, nearly every name. */
const UNESCAPED = /^[ !#-[\]-~]*$/;

const quote = (text: string): string => (UNESCAPED.test(text) ? `"${text}"` : escape(JSON.stringify(text)));

type Plain = string | number | boolean | undefined;

/** Returns `,"name":value`; empty if the value is unknown. */
const field = (name: string, value: Plain): string =>
  value === undefined ? '' : `,"${name}":${typeof value === 'string' ? quote(value) : value}`;

const fields = <T extends object>(it: T, names: readonly (keyof T & string)[]): string => {
  let text = '';
  for (const name of names) text += field(name, it[name] as Plain);
  return text;
};

/** Returns an object made of the output of `field` or `fields`: drops the leading comma and adds braces. */
const braced = (text: string): string => `{${text.slice(1)}}`;

const OWNER_NAMES = fieldNames(OWNER_FIELDS);
const NETNS_NAMES = fieldNames(NETNS_FIELDS);
const TRAFFIC_NAMES = fieldNames(TRAFFIC_FIELDS);
const TIMER_NAMES = fieldNames(TIMER_FIELDS);

const endpointJson = ({ address, port, protocol }: Endpoint, of: Protocol): string =>
  `{"address":${quote(address)},"port":${port}${protocol === undefined ? '' : field('protocol', portOrProtocolText(protocol, of))}}`;

/** JSON of owners by array; many sockets, and all events of a socket, share one array. */
const OWNERS_JSON = new WeakMap<readonly Owner[], string>();

function ownersJson(owners: readonly Owner[]): string {
  const cached = OWNERS_JSON.get(owners);
  if (cached !== undefined) return cached;
  const json = `[${owners.map((owner) => braced(fields(owner, OWNER_NAMES))).join(',')}]`;
  OWNERS_JSON.set(owners, json);
  return json;
}

/** Functions that return the JSON of each object of a socket, with its name; empty if it is absent. */
const OBJECTS: Readonly<Record<ObjectField, (socket: Socket) => string>> = {
  local: ({ local, protocol }) => `,"local":${endpointJson(local, protocol)}`,
  remote: ({ remote, protocol }) => `,"remote":${remote ? endpointJson(remote, protocol) : 'null'}`,
  netns: ({ netns }) => (netns ? `,"netns":${braced(fields(netns, NETNS_NAMES))}` : ''),
  // Counters stand next to the fields of the socket.
  traffic: ({ traffic }) => (traffic ? fields(traffic, TRAFFIC_NAMES) : ''),
  timer: ({ timer }) => (timer ? `,"timer":${braced(fields(timer, TIMER_NAMES))}` : ''),
  tcp: ({ tcp }) => (tcp ? `,"tcp":${escape(JSON.stringify(tcp))}` : ''),
  owners: ({ owners }) => `,"owners":${ownersJson(owners)}`,
};

const WRITERS = fieldNames(SOCKET_FIELDS).map((name) =>
  isPlainField(name) ? (socket: Socket) => field(name, socket[name]) : OBJECTS[name],
);

/**
 * Returns one socket as a line of JSON; unknown fields are absent. Safe to print: invisible characters are escaped. The
 * text is assembled by hand because JSON.stringify takes three times as long: at 1000 connections per second, with a
 * dozen events each, this matters.
 */
export function socketJson(socket: Socket): string {
  let text = '';
  for (const write of WRITERS) text += write(socket);
  return braced(text);
}

/** Maximum number of spawned sockets whose JSON is kept for their close. */
const MAX_SPAWNED = 1000;

const SPAWNED_JSON = new Cache<Socket, string>(MAX_SPAWNED);

/** Returns the JSON of the socket of an event. A short-lived connection has the same one in its spawn and its close. */
function eventSocketJson({ type, socket }: SocketEvent): string {
  if (type === 'change') return socketJson(socket);
  const known = SPAWNED_JSON.get(socket);
  if (known !== undefined) return known;
  const json = socketJson(socket);
  if (type === 'spawn') SPAWNED_JSON.set(socket, json);
  return json;
}

/** Yields a JSON array in pieces, one line per socket. */
export function* jsonPieces(sockets: readonly Socket[]): Generator<string> {
  let separator = '[\n';
  for (const chunk of chunksOf(sockets)) {
    yield separator + chunk.map(socketJson).join(',\n');
    separator = ',\n';
  }
  yield sockets.length === 0 ? '[]\n' : '\n]\n';
}

/** Returns milliseconds with three decimals, the resolution of the clocks; further digits come from the arithmetic. */
const toThousandths = (ms: number): number => Math.round(ms * 1000) / 1000;

/** A gap, also one of events that were learnt by polls: `watch` could not print them in time. */
export type Gap = Omit<GapEvent, 'learntBy'> & { readonly learntBy: LearntBy };

/** Returns the previous values of a change as `,"was":{…}`; empty if there are none. */
function previousFieldsJson({ state, local, remote, owners }: PreviousFields, { protocol }: Socket): string {
  const text =
    field('state', state) +
    (local ? `,"local":${endpointJson(local, protocol)}` : '') +
    (remote === undefined ? '' : `,"remote":${remote ? endpointJson(remote, protocol) : 'null'}`) +
    (owners ? `,"owners":${ownersJson(owners)}` : '');
  return text === '' ? '' : `,"was":${braced(text)}`;
}

/** Returns one event as a line of JSON. Its socket is the output of `socketJson`. Safe to print. */
export function eventJson(event: SocketEvent | Gap): string {
  const begin = field('atMs', toThousandths(event.atMs)) + field('type', event.type);
  const end = field('learntBy', event.learntBy);
  if (event.type === 'gap') return braced(begin + field('missed', event.missed) + end);
  const { socket, was, lifetimeMs, isAtLeast } = event;
  return braced(
    `${begin},"socket":${eventSocketJson(event)}` +
      (was ? previousFieldsJson(was, socket) : '') +
      field('lifetimeMs', lifetimeMs === undefined ? undefined : toThousandths(lifetimeMs)) +
      field('isAtLeast', isAtLeast) +
      end,
  );
}
