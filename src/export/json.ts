import type { PreviousFields, GapEvent, LearntBy, SocketEvent } from '../model/event.ts';
import { portOrProtocolText } from '../model/services.ts';
import type { Endpoint, Owner, Protocol, Socket, Traffic } from '../model/socket.ts';
import { chunksOf } from './chunks.ts';

/** Characters that JSON allows as they are and a terminal, or an eye, is misled by. */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

/** Nearly every line: it needs no look at Unicode's tables. */
const PLAIN = /^[ -~]*$/;

const escape = (json: string): string =>
  PLAIN.test(json)
    ? json
    : json.replace(UNSAFE, (character) =>
        [...Array(character.length).keys()]
          .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
          .join(''),
      );

/** Text that is JSON between quotes as it is: every address and state, nearly every name. */
const BARE = /^[ !#-[\]-~]*$/;

const quote = (text: string): string => (BARE.test(text) ? `"${text}"` : escape(JSON.stringify(text)));

type Plain = string | number | boolean | undefined;

/** `"name":value`, with a comma before it; nothing for what is unknown. */
const field = (name: string, value: Plain): string =>
  value === undefined ? '' : `,"${name}":${typeof value === 'string' ? quote(value) : value}`;

const fields = <T extends object>(it: T, names: readonly (keyof T & string)[]): string => {
  let text = '';
  for (const name of names) text += field(name, it[name] as Plain);
  return text;
};

/** An object, of fields as `fields` gives them. */
const braced = (text: string): string => `{${text.slice(1)}}`;

const OWNER = [
  'pid',
  'process',
  'nowProcess',
  'command',
  'startedAtMs',
  'knowledge',
  'tried',
] as const satisfies (keyof Owner)[];

/** What is told of traffic, beside the fields of the socket and in this order. */
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

/** Owners are shared by many sockets, and by each with all its events. */
const OWNERS = new WeakMap<readonly Owner[], string>();

function ownersJson(owners: readonly Owner[]): string {
  const known = OWNERS.get(owners);
  if (known !== undefined) return known;
  const json = `[${owners.map((owner) => braced(fields(owner, OWNER))).join(',')}]`;
  OWNERS.set(owners, json);
  return json;
}

/**
 * One socket as a line of JSON; unknown fields are absent. Safe to print: what is not visible is escaped. It is put
 * together by hand: of a thousand connections a second each has a dozen events, and JSON.stringify takes three times as
 * long.
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

/** An array of sockets, one a line, in pieces. */
export function* jsonPieces(sockets: readonly Socket[]): Generator<string> {
  let before = '[\n';
  for (const chunk of chunksOf(sockets)) {
    yield before + chunk.map(socketJson).join(',\n');
    before = ',\n';
  }
  yield sockets.length === 0 ? '[]\n' : '\n]\n';
}

/** The same in one piece. */
export const socketsJson = (sockets: readonly Socket[]): string => [...jsonPieces(sockets)].join('');

/** Clocks tell no more than microseconds; the digits after them are made of the arithmetic. */
const toThousandths = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Something that was lost on the way here, whoever lost it. */
export type Gap = Omit<GapEvent, 'learntBy'> & { readonly learntBy: LearntBy };

/** Returns the fields that a change replaced, as a field with a comma before it. */
function beforeJson({ state, local, remote, owners }: PreviousFields, { protocol }: Socket): string {
  const text =
    field('state', state) +
    (local ? `,"local":${endpointJson(local, protocol)}` : '') +
    (remote === undefined ? '' : `,"remote":${remote ? endpointJson(remote, protocol) : 'null'}`) +
    (owners ? `,"owners":${ownersJson(owners)}` : '');
  return text === '' ? '' : `,"was":${braced(text)}`;
}

/** One event as a line of JSON, its socket as in {@link socketJson}; as safe, and what is unknown is absent. */
export function eventJson(event: SocketEvent | Gap): string {
  const begin = field('atMs', toThousandths(event.atMs)) + field('type', event.type);
  const end = field('learntBy', event.learntBy);
  if (event.type === 'gap') return braced(begin + field('missed', event.missed) + end);
  const { socket, was, lifetimeMs, isAtLeast } = event;
  return braced(
    `${begin},"socket":${socketJson(socket)}` +
      (was ? beforeJson(was, socket) : '') +
      field('lifetimeMs', lifetimeMs === undefined ? undefined : toThousandths(lifetimeMs)) +
      field('isAtLeast', isAtLeast) +
      end,
  );
}
