import { unmapped } from '../model/address.ts';
import {
  portOrProtocol,
  isEstablished,
  isListening,
  type Owner,
  protocolName,
  sameEndpoint,
  type Socket,
} from '../model/socket.ts';
import { PROTOCOLS } from './protocols.ts';
import type { TextPool } from './texts.ts';

/** Fields of one socket that queries test. Texts are numbers in a TextPool. */
export interface SearchFields {
  /** Number of the text of all names of the socket, without its endpoints: see `namesOf`. */
  readonly names: number;
  /** Number of the local address. */
  readonly local: number;
  /** Number of the remote address; -1 if there is no remote endpoint. */
  readonly remote: number;
  /** Local port, or the protocol number of a raw or packet socket: see `portOrProtocol`. */
  readonly localPort: number;
  /** As `localPort`; -1 if there is no remote endpoint. */
  readonly remotePort: number;
  /** Index in `PROTOCOLS`. */
  readonly protocol: number;
  readonly listening: boolean;
  readonly established: boolean;
}

/** Separates the parts of `namesOf`. No part contains it: NUL ends strings in their sources. */
const SEPARATOR = '\0';

type Parts<T> = Readonly<Record<string, (it: T) => string | undefined>>;

/** Parts of each owner. `namesOf` puts them in small letters. */
const OWNER_PARTS = {
  process: ({ process }) => process,
  pid: ({ pid }) => pid?.toString(),
  command: ({ command }) => command,
} as const satisfies Parts<Owner>;

/** Parts of the socket that a word in the query finds, besides those of the owners. `namesOf` puts them in small letters. */
const WORD_PARTS = {
  // The table shows how an owner without a name is known.
  knowledge: ({ owners: [owner] }) => (owner?.process === undefined ? owner?.knowledge : ''),
  user: ({ user, uid, owners }) => user ?? uid?.toString() ?? owners[0]?.user,
  protocol: protocolName,
  state: ({ state }) => state,
  interface: (socket) => socket.interface,
  namespace: ({ netns }) => netns?.name ?? netns?.inode.toString(),
  peers: ({ peers }) => peers?.map(({ address }) => address).join(' '),
} as const satisfies Parts<Socket>;

/** Parts of the socket that a word does not find. They keep their case. */
const OTHER_PARTS = {
  netnsInode: ({ netns }) => netns?.inode.toString(),
  netnsName: ({ netns }) => netns?.name,
  family: ({ family }) => family,
  // No term tests these two. Sorting and grouping by process or user evaluate each text of names once, so they are in it.
  ownProcess: ({ owners }) => owners[0]?.process,
  ownUser: ({ user, owners }) => user ?? owners[0]?.user,
} as const satisfies Parts<Socket>;

type OwnerPart = keyof typeof OWNER_PARTS;
type SocketPart = keyof typeof WORD_PARTS | keyof typeof OTHER_PARTS;

const ownerParts = Object.values<Parts<Owner>[string]>(OWNER_PARTS);
const wordParts = Object.values<Parts<Socket>[string]>(WORD_PARTS);
const otherParts = Object.values<Parts<Socket>[string]>(OTHER_PARTS);

const OWNER_PART_NAMES = Object.keys(OWNER_PARTS);
const SOCKET_PART_NAMES = [...Object.keys(WORD_PARTS), ...Object.keys(OTHER_PARTS)];

/**
 * Returns one text of all searchable names of a socket, without its endpoints. Thousands of sockets share one text. The
 * parts of each owner come first, then those of the socket.
 */
export function namesOf(socket: Socket): string {
  let found = '';
  for (const owner of socket.owners) {
    for (const part of ownerParts) found += (part(owner) ?? '') + SEPARATOR;
    const { nowProcess, pid, knowledge } = owner;
    if (nowProcess === undefined) continue;
    // A process that executed another program is found by both names.
    const now: Owner = { knowledge, process: nowProcess, ...(pid !== undefined && { pid }) };
    for (const part of ownerParts) found += (part(now) ?? '') + SEPARATOR;
  }
  for (const part of wordParts) found += (part(socket) ?? '') + SEPARATOR;
  found = found.toLowerCase();
  for (const part of otherParts) found += (part(socket) ?? '') + SEPARATOR;
  return found;
}

/** Reads the parts of the text of `SearchFields.names`; an empty text means unknown. */
export class NameParts {
  readonly #parts: readonly string[];
  /** Number of parts of all owners. */
  readonly #ownerParts: number;

  constructor(text: string) {
    this.#parts = text.split(SEPARATOR);
    // The text ends in a separator: the last item is empty.
    this.#ownerParts = this.#parts.length - 1 - SOCKET_PART_NAMES.length;
  }

  /** Returns a part of every owner. */
  ofOwners(name: OwnerPart): readonly string[] {
    const index = OWNER_PART_NAMES.indexOf(name);
    return this.#parts.filter((_, i) => i < this.#ownerParts && i % OWNER_PART_NAMES.length === index);
  }

  /** Returns a part of the socket. */
  ofSocket(name: SocketPart): string {
    return this.#parts[this.#ownerParts + SOCKET_PART_NAMES.indexOf(name)] ?? '';
  }

  /** All parts that a word can match. */
  get all(): readonly string[] {
    return this.#parts.slice(0, -1 - otherParts.length);
  }
}

/** Returns true if a text of names contains the word, in small letters, in one of its searched parts. */
export function hasWord(text: string, lower: string): boolean {
  const at = text.indexOf(lower);
  if (at < 0 || lower.includes(SEPARATOR)) return false;
  // The parts that no word finds come last: the others end before them.
  let end = text.length;
  for (let i = 0; i <= otherParts.length; i++) end = text.lastIndexOf(SEPARATOR, end - 1);
  return at + lower.length <= end;
}

const addressOf = (address: string): string => unmapped(address).toLowerCase();

/** Returns the search fields of a socket and adds their texts to the pool, until `dropSearchFields`. */
export function takeSearchFields(socket: Socket, pool: TextPool, names = namesOf(socket)): SearchFields {
  const { local, remote } = socket;
  return {
    names: pool.take(names),
    local: pool.take(addressOf(local.address)),
    remote: remote ? pool.take(addressOf(remote.address)) : -1,
    localPort: portOrProtocol(local),
    remotePort: remote ? portOrProtocol(remote) : -1,
    protocol: PROTOCOLS.indexOf(socket.protocol),
    listening: isListening(socket),
    established: isEstablished(socket),
  };
}

/** Removes the texts of these fields from the pool. */
export function dropSearchFields({ names, local, remote }: SearchFields, pool: TextPool): void {
  pool.drop(names);
  pool.drop(local);
  if (remote >= 0) pool.drop(remote);
}

const samePeerAddresses = (some: Socket['peers'] = [], others: typeof some = []): boolean =>
  some === others ||
  (some.length === others.length && some.every(({ address }, i) => address === others[i]?.address));

/** Returns true if two sockets with the same protocol and family have the same `namesOf`. */
const hasSameNames = (one: Socket, other: Socket): boolean =>
  one.state === other.state &&
  samePeerAddresses(one.peers, other.peers) &&
  one.user === other.user &&
  one.uid === other.uid &&
  one.interface === other.interface &&
  one.netns?.name === other.netns?.name &&
  one.netns?.inode === other.netns?.inode &&
  sameOwnerNames(one.owners, other.owners);

const sameOwnerNames = (some: readonly Owner[], others: readonly Owner[]): boolean =>
  some === others ||
  (some.length === others.length &&
    some.every((owner, i) => {
      const other = others[i];
      return (
        owner === other ||
        (owner.pid === other?.pid &&
          owner.process === other?.process &&
          owner.nowProcess === other?.nowProcess &&
          owner.command === other?.command &&
          owner.user === other?.user &&
          owner.knowledge === other?.knowledge)
      );
    }));

/** Returns true if the search fields of a socket have not changed; rates and counters are not among them. */
export const hasSameSearchFields = (before: Socket, now: Socket): boolean =>
  before === now ||
  (sameEndpoint(before.local, now.local) &&
    sameEndpoint(before.remote, now.remote) &&
    hasSameNames(before, now));

/** Maximum number of processes whose names are kept. */
const MAX_KEPT = 1000;

/** Calls `namesOf` only if the names differ from the last ones of the process: most sockets of a process have the same. */
export class KeptNames {
  readonly #kept = new Map<number | undefined, { socket: Socket; readonly names: string }>();

  /** Returns `namesOf` a socket. */
  of(socket: Socket): string {
    const { protocol, family, owners } = socket;
    const pid = owners[0]?.pid;
    const kept = this.#kept.get(pid);
    if (
      kept?.socket.protocol === protocol &&
      kept.socket.family === family &&
      hasSameNames(kept.socket, socket)
    ) {
      // The next socket may have the same list of owners: then one comparison by identity is enough.
      kept.socket = socket;
      return kept.names;
    }
    const names = namesOf(socket);
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(pid, { socket, names });
    return names;
  }
}
