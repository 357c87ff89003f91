import { unmapped } from '../model/address.ts';
import {
  portOrProtocol,
  isEstablished,
  isListening,
  type Protocol,
  protocolName,
  sameEndpoint,
  type Socket,
} from '../model/socket.ts';
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

export const PROTOCOLS = Object.keys({
  tcp: 0,
  udp: 0,
  udplite: 0,
  raw: 0,
  icmp: 0,
  packet: 0,
  sctp: 0,
  mptcp: 0,
  unix: 0,
  vsock: 0,
} satisfies Record<Protocol, 0>) as Protocol[];

/** Separates the parts of `namesOf`. No part contains it: NUL ends strings in their sources. */
const SEPARATOR = '\0';
/** Number of parts per owner. */
const OWNER_PARTS = 3;
/** Number of parts after those of the owners. */
const SOCKET_PARTS = 11;
/** Number of parts at the end that a word does not match. */
const UNSEARCHED = 5;

/**
 * Returns one text of all searchable names of a socket, without its endpoints. Thousands of sockets share one text.
 * Parts in small letters: name, pid and command line of each owner; then knowledge of an owner without a name, user (of
 * the socket, else of its first owner), protocol, state, interface, namespace. Parts as they are: inode and name of the
 * namespace, family, process name of the first owner, user. Sorting and grouping by any of these treats all sockets of
 * one text alike.
 */
function namesOf(socket: Socket): string {
  const { owners, user, uid, state, netns, family } = socket;
  let found = '';
  for (const { process, nowProcess, pid, command } of owners) {
    found += `${process ?? ''}${SEPARATOR}${pid ?? ''}${SEPARATOR}${command ?? ''}${SEPARATOR}`;
    // A process that executed another program is found by both names.
    if (nowProcess !== undefined) found += `${nowProcess}${SEPARATOR}${pid ?? ''}${SEPARATOR}${SEPARATOR}`;
  }
  // The table shows how an owner without a name is known.
  if (owners[0]?.process === undefined) found += owners[0]?.knowledge ?? '';
  found += `${SEPARATOR}${user ?? uid ?? owners[0]?.user ?? ''}${SEPARATOR}${protocolName(socket)}${SEPARATOR}${state ?? ''}${SEPARATOR}${socket.interface ?? ''}`;
  found += `${SEPARATOR}${netns?.name ?? netns?.inode ?? ''}`;
  const { process = '', user: owner = '' } = owners[0] ?? {};
  return `${found.toLowerCase()}${SEPARATOR}${netns?.inode ?? ''}${SEPARATOR}${netns?.name ?? ''}${SEPARATOR}${family}${SEPARATOR}${process}${SEPARATOR}${user ?? owner}`;
}

/** Reads the parts of the text of `SearchFields.names`; an empty text means unknown. */
export class Names {
  readonly #parts: readonly string[];
  /** Number of parts of all owners. */
  readonly #ownerParts: number;

  constructor(text: string) {
    this.#parts = text.split(SEPARATOR);
    this.#ownerParts = this.#parts.length - SOCKET_PARTS;
  }

  #ownerPart(index: number): readonly string[] {
    return this.#parts.filter((_, i) => i < this.#ownerParts && i % OWNER_PARTS === index);
  }

  #socketPart(index: number): string {
    return this.#parts[this.#ownerParts + index] ?? '';
  }

  /** Names of all owners. This and the properties down to `interface` are in small letters. */
  get processes(): readonly string[] {
    return this.#ownerPart(0);
  }

  get pids(): readonly string[] {
    return this.#ownerPart(1);
  }

  get commands(): readonly string[] {
    return this.#ownerPart(2);
  }

  get user(): string {
    return this.#socketPart(1);
  }

  /** Protocol, with a trailing 6 for IPv6. */
  get protocol(): string {
    return this.#socketPart(2);
  }

  get state(): string {
    return this.#socketPart(3);
  }

  get interface(): string {
    return this.#socketPart(4);
  }

  /** Inode of the namespace. This and the properties below are in their original case. */
  get netnsInode(): string {
    return this.#socketPart(6);
  }

  get netnsName(): string {
    return this.#socketPart(7);
  }

  get family(): string {
    return this.#socketPart(8);
  }

  /** All parts that a word can match. */
  get all(): readonly string[] {
    return this.#parts.slice(0, -UNSEARCHED);
  }
}

/** Returns true if a text of names contains the word, in small letters, in one of its searched parts. */
export function hasWord(text: string, lower: string): boolean {
  const at = text.indexOf(lower);
  if (at < 0 || lower.includes(SEPARATOR)) return false;
  let end = text.length;
  for (let i = 0; i < UNSEARCHED; i++) end = text.lastIndexOf(SEPARATOR, end - 1);
  return at + lower.length <= end;
}

const addressOf = (address: string): string => unmapped(address).toLowerCase();

/** Returns the search fields of a socket and adds their texts to the pool, until `dropSearchFields`. */
export function takeSearchFields(socket: Socket, pool: TextPool): SearchFields {
  const { local, remote } = socket;
  return {
    names: pool.take(namesOf(socket)),
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

/** Returns true if the search fields of a socket have not changed; rates and counters are not among them. */
export const hasSameSearchFields = (before: Socket, now: Socket): boolean =>
  before === now ||
  (before.state === now.state &&
    sameEndpoint(before.local, now.local) &&
    sameEndpoint(before.remote, now.remote) &&
    before.user === now.user &&
    before.uid === now.uid &&
    before.interface === now.interface &&
    before.netns?.name === now.netns?.name &&
    before.netns?.inode === now.netns?.inode &&
    before.owners.length === now.owners.length &&
    before.owners.every((owner, i) => {
      const other = now.owners[i];
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

/** Compiles the name or inode of a namespace to a test that returns true for a socket in it. */
export function compileNamespace(wanted: string, pool: TextPool): (it: SearchFields) => boolean {
  const matches = pool.cachedTest((text) => {
    const { netnsInode, netnsName } = new Names(text);
    return wanted !== '' && (netnsInode === wanted || netnsName === wanted);
  });
  return ({ names }) => matches(names);
}
