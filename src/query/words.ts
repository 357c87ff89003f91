import { unmapped } from '../model/address.ts';
import { portOrProtocolText, serviceName } from '../model/services.ts';
import {
  portOrProtocol,
  hasPorts,
  isEstablished,
  isListening,
  type Protocol,
  protocolName,
  sameEndpoint,
  type Socket,
} from '../model/socket.ts';
import type { TextPool } from './texts.ts';

/** What filters look at, of one socket: texts by their numbers in a pool, all else as it is. */
export interface SearchFields {
  /** All that it is known by but its endpoints: see `namesOf`. */
  readonly names: number;
  /** Addresses; -1 for no peer. */
  readonly local: number;
  readonly remote: number;
  /** Port, or the protocol that a raw or a packet socket takes: see `portOrProtocol`. */
  readonly localPort: number;
  readonly remotePort: number;
  /** Position in `PROTOCOLS`. */
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

/** Parts the parts of `namesOf`. A name cannot hold it: it ends strings where they come from. */
const PART = '\0';
/** So many parts are there of each program, and after them. */
const [OF_OWNER, OF_SOCKET] = [3, 11];
/** So many of the last parts are not what a word is searched in. */
const UNSEARCHED = 5;

/**
 * All by which a socket can be found but its endpoints, in one text, for thousands of sockets share it. In parts, in
 * small letters: name, pid and command line of each program; how a program without a name is known, user (where that of
 * the socket is not known, the program's), protocol, state, interface, namespace; then, as they are, inode and name of
 * the namespace, the family, and the names of the first program and of the user: what is sorted and grouped by one of
 * these is alike for all sockets of one text.
 */
function namesOf(socket: Socket): string {
  const { owners, user, uid, state, netns, family } = socket;
  let found = '';
  for (const { process, nowProcess, pid, command } of owners) {
    found += `${process ?? ''}${PART}${pid ?? ''}${PART}${command ?? ''}${PART}`;
    // A process that has become another program is found by both.
    if (nowProcess !== undefined) found += `${nowProcess}${PART}${pid ?? ''}${PART}${PART}`;
  }
  // An owner that has no name is shown by how it is known.
  if (owners[0]?.process === undefined) found += owners[0]?.knowledge ?? '';
  found += `${PART}${user ?? uid ?? owners[0]?.user ?? ''}${PART}${protocolName(socket)}${PART}${state ?? ''}${PART}${socket.interface ?? ''}`;
  found += `${PART}${netns?.name ?? netns?.inode ?? ''}`;
  const { process = '', user: owner = '' } = owners[0] ?? {};
  return `${found.toLowerCase()}${PART}${netns?.inode ?? ''}${PART}${netns?.name ?? ''}${PART}${family}${PART}${process}${PART}${user ?? owner}`;
}

/** What is told of a socket by `SearchFields.names`; an empty text for what is not known. */
export class Names {
  readonly #parts: readonly string[];
  readonly #owners: number;

  constructor(text: string) {
    this.#parts = text.split(PART);
    this.#owners = this.#parts.length - OF_SOCKET;
  }

  #ofOwners(which: number): readonly string[] {
    return this.#parts.filter((_, i) => i < this.#owners && i % OF_OWNER === which);
  }

  #ofSocket(which: number): string {
    return this.#parts[this.#owners + which] ?? '';
  }

  /** In small letters, down to the interface. */
  get processes(): readonly string[] {
    return this.#ofOwners(0);
  }

  get pids(): readonly string[] {
    return this.#ofOwners(1);
  }

  get commands(): readonly string[] {
    return this.#ofOwners(2);
  }

  get user(): string {
    return this.#ofSocket(1);
  }

  /** With a 6 for IPv6. */
  get protocol(): string {
    return this.#ofSocket(2);
  }

  get state(): string {
    return this.#ofSocket(3);
  }

  get interface(): string {
    return this.#ofSocket(4);
  }

  /** As they are, from here on. */
  get netnsInode(): string {
    return this.#ofSocket(6);
  }

  get netnsName(): string {
    return this.#ofSocket(7);
  }

  get family(): string {
    return this.#ofSocket(8);
  }

  /** All texts that a word is searched in. */
  get all(): readonly string[] {
    return this.#parts.slice(0, -UNSEARCHED);
  }
}

/** True where a text of names has this, in small letters, in one of the texts that a word is searched in. */
function hasWord(text: string, lower: string): boolean {
  const at = text.indexOf(lower);
  if (at < 0 || lower.includes(PART)) return false;
  let end = text.length;
  for (let i = 0; i < UNSEARCHED; i++) end = text.lastIndexOf(PART, end - 1);
  return at + lower.length <= end;
}

const addressOf = (address: string): string => unmapped(address).toLowerCase();

/** Takes what can be found of a socket into the pool; `dropSearchFields` takes it out again. */
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

export function dropSearchFields({ names, local, remote }: SearchFields, pool: TextPool): void {
  pool.drop(names);
  pool.drop(local);
  if (remote >= 0) pool.drop(remote);
}

/** False where something by which a socket is found has changed; rates and counters have not. */
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

const [UNKNOWN, YES, NO] = [0, 1, 2];

/**
 * A test of ports, by the position of their protocol in `PROTOCOLS`, that is made once for each; those of VSOCK go
 * beyond the 16 bits, and are looked at each time.
 */
export function cachedPortTest(
  test: (port: number, protocol: Protocol) => boolean,
): (port: number, protocol: number) => boolean {
  /** For each protocol that is met. */
  const answers: (Uint8Array | undefined)[] = PROTOCOLS.map(() => undefined);
  return (port, protocol) => {
    const name = PROTOCOLS[protocol];
    if (port < 0 || name === undefined) return false;
    if (port > 0xffff) return test(port, name);
    const known = (answers[protocol] ??= new Uint8Array(0x10000));
    if (known[port] === UNKNOWN) known[port] = test(port, name) ? YES : NO;
    return known[port] === YES;
  };
}

/** Compiles the name of a namespace, or its inode in digits, to the question whether a socket is in it. */
export function compileNamespace(wanted: string, pool: TextPool): (it: SearchFields) => boolean {
  const isMeant = pool.cachedTest((text) => {
    const { netnsInode, netnsName } = new Names(text);
    return wanted !== '' && (netnsInode === wanted || netnsName === wanted);
  });
  return ({ names }) => isMeant(names);
}

/** Asks the name by which a port is found besides its number. */
export function hasPortName(port: number, protocol: Protocol, isMeant: (text: string) => boolean): boolean {
  const name = serviceName(port, protocol);
  return name !== undefined && isMeant(name);
}

/** Compiles digits to the question whether a number has them in it; a machine has too many ports to write out each. */
function digitsIn(digits: string): (number: number) => boolean {
  const wanted = Number(digits);
  const power = 10 ** digits.length;
  return (number) => {
    if (number === 0) return digits === '0';
    // What has fewer digits may be of the same value, with zeros before it.
    for (let rest = number; rest * 10 >= power; rest = Math.floor(rest / 10))
      if (rest % power === wanted) return true;
    return false;
  };
}

/** Compiles a word to the question whether it is part of anything the table shows of a socket. */
export function compileWord(word: string, pool: TextPool): (it: SearchFields) => boolean {
  const lower = word.toLowerCase();
  // A word with a colon can lie across address and port; that colon is its last, for a port has none.
  const colon = lower.lastIndexOf(':');
  const inNames = pool.cachedTest((text) => hasWord(text, lower));
  const inNumber = /^\d+$/.test(lower) ? digitsIn(lower) : () => false;
  const hasIt = (text: string): boolean => text.includes(lower);
  const inPort = cachedPortTest(
    (port, protocol) =>
      (hasPorts(protocol) ? inNumber(port) : hasIt(portOrProtocolText(port, protocol))) ||
      hasPortName(port, protocol, hasIt),
  );
  const inText = pool.cachedTest(hasIt);
  const isEnd = pool.cachedTest((text) => text.endsWith(lower.slice(0, colon)));
  const isStart = cachedPortTest((port, protocol) =>
    portOrProtocolText(port, protocol).startsWith(lower.slice(colon + 1)),
  );
  const inEndpoint = (address: number, port: number, protocol: number): boolean =>
    inPort(port, protocol) || inText(address) || (colon >= 0 && isEnd(address) && isStart(port, protocol));
  return ({ names, local, remote, localPort, remotePort, protocol }) =>
    inNames(names) ||
    inEndpoint(local, localPort, protocol) ||
    (remote >= 0 && inEndpoint(remote, remotePort, protocol));
}
