import type { PreviousFields, GapEvent, LearntBy, SocketEvent } from '../model/event.ts';
import { portOrProtocolText } from '../model/services.ts';
import type { Endpoint, Owner, Protocol, Socket, Traffic } from '../model/socket.ts';
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

const OWNER_FIELDS = [
  'pid',
  'process',
  'nowProcess',
  'command',
  'exe',
  'user',
  'startedAtMs',
  'knowledge',
  'tried',
] as const satisfies (keyof Owner)[];

/** Traffic fields in output order; they stand next to the fields of the socket. */
export const TRAFFIC_FIELDS = [
  'rxBytes',
  'txBytes',
  'rxSegments',
  'txSegments',
  'rttMicros',
  'rttVarMicros',
  'retransmits',
  'cwnd',
  'deliveryRate',
  'recvQueue',
  'sendQueue',
  'lastSentAtMs',
  'lastReceivedAtMs',
] as const satisfies (keyof Traffic)[];

const endpointJson = ({ address, port, protocol }: Endpoint, of: Protocol): string =>
  `{"address":${quote(address)},"port":${port}${protocol === undefined ? '' : field('protocol', portOrProtocolText(protocol, of))}}`;

/** JSON of owners by array; many sockets, and all events of a socket, share one array. */
const OWNERS_JSON = new WeakMap<readonly Owner[], string>();

function ownersJson(owners: readonly Owner[]): string {
  const cached = OWNERS_JSON.get(owners);
  if (cached !== undefined) return cached;
  const json = `[${owners.map((owner) => braced(fields(owner, OWNER_FIELDS))).join(',')}]`;
  OWNERS_JSON.set(owners, json);
  return json;
}

/**
 * Returns one socket as a line of JSON; unknown fields are absent. Safe to print: invisible characters are escaped. The
 * text is assembled by hand because JSON.stringify takes three times as long: at 1000 connections per second, with a
 * dozen events each, this matters.
 */
export function socketJson(socket: Socket): string {
  const { local, remote, netns, traffic, timer, tcp } = socket;
  return braced(
    fields(socket, ['id', 'protocol', 'family']) +
      `,"local":${endpointJson(local, socket.protocol)}` +
      `,"remote":${remote ? endpointJson(remote, socket.protocol) : 'null'}` +
      fields(socket, ['state', 'opened', 'inode', 'uid', 'user', 'interface']) +
      (netns ? `,"netns":${braced(fields(netns, ['inode', 'name', 'claimedBy']))}` : '') +
      (traffic ? fields(traffic, TRAFFIC_FIELDS) : '') +
      (timer ? `,"timer":${braced(fields(timer, ['kind', 'dueAtMs', 'retransmits']))}` : '') +
      (tcp ? `,"tcp":${escape(JSON.stringify(tcp))}` : '') +
      `,"owners":${ownersJson(socket.owners)}`,
  );
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

/** Returns the output of `jsonPieces` as one text. */
export const socketsJson = (sockets: readonly Socket[]): string => [...jsonPieces(sockets)].join('');

/** Returns milliseconds with three decimals, the resolution of the clocks; further digits come from the arithmetic. */
const toThousandths = (ms: number): number => Math.round(ms * 1000) / 1000;

/** A gap from any source, polls included. */
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

/** Returns one event as a line of JSON, with the output of {@link socketJson}. Safe to print like that. */
export function eventJson(event: SocketEvent | Gap): string {
  const begin = field('atMs', toThousandths(event.atMs)) + field('type', event.type);
  const end = field('learntBy', event.learntBy);
  if (event.type === 'gap') return braced(begin + field('missed', event.missed) + end);
  const { socket, was, lifetimeMs, isAtLeast } = event;
  return braced(
    `${begin},"socket":${socketJson(socket)}` +
      (was ? previousFieldsJson(was, socket) : '') +
      field('lifetimeMs', lifetimeMs === undefined ? undefined : toThousandths(lifetimeMs)) +
      field('isAtLeast', isAtLeast) +
      end,
  );
}
