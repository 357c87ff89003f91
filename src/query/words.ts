import { unmapped } from '../model/address.ts';
import { hexText, serviceName } from '../model/services.ts';
import { isEstablished, isListening, type Protocol, protocolName, type Socket } from '../model/socket.ts';
import type { TextPool } from './texts.ts';

/** What filters look at, of one socket: texts by their numbers in a pool, all else as it is. */
export interface Searched {
  /** All that it is known by but its endpoints: see `namesOf`. */
  readonly names: number;
  /** Addresses; -1 for no peer. */
  readonly local: number;
  readonly remote: number;
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

/**
 * All by which a socket can be found but its endpoints, in one text, for thousands of sockets share it. In parts: the
 * names of its programs in small letters, all else in small letters, inode and name of its namespace as they are. A
 * line each, for no word has a line break in it.
 */
function namesOf(socket: Socket): string {
  const { owners, user, uid, state, netns } = socket;
  let [programs, others] = ['', ''];
  for (const { process, pid, command } of owners) {
    programs += `${process ?? ''}\n`;
    others += `${pid ?? ''}\n${command ?? ''}\n`;
  }
  // An owner that has no name is shown by how it is known.
  if (owners[0]?.process === undefined) others += `${owners[0]?.knowledge ?? ''}\n`;
  others += `${user ?? uid ?? ''}\n${protocolName(socket)}\n${state ?? ''}\n${socket.interface ?? ''}\n`;
  if (netns) others += netns.name ?? String(netns.inode);
  const found = `${programs}${PART}${others}`.toLowerCase();
  return netns ? `${found}${PART}${netns.inode}${PART}${netns.name ?? ''}` : found;
}

const addressOf = (address: string): string => unmapped(address).toLowerCase();

/** Takes what can be found of a socket into the pool; `forget` takes it out again. */
export function remember(socket: Socket, pool: TextPool): Searched {
  const { local, remote } = socket;
  return {
    names: pool.take(namesOf(socket)),
    local: pool.take(addressOf(local.address)),
    remote: remote ? pool.take(addressOf(remote.address)) : -1,
    localPort: local.port,
    remotePort: remote?.port ?? -1,
    protocol: PROTOCOLS.indexOf(socket.protocol),
    listening: isListening(socket),
    established: isEstablished(socket),
  };
}

export function forget({ names, local, remote }: Searched, pool: TextPool): void {
  pool.drop(names);
  pool.drop(local);
  if (remote >= 0) pool.drop(remote);
}

/** False where something by which a socket is found has changed; rates and counters have not. */
export const isFoundAlike = (before: Socket, now: Socket): boolean =>
  before === now ||
  (before.state === now.state &&
    before.local.address === now.local.address &&
    before.local.port === now.local.port &&
    before.remote?.address === now.remote?.address &&
    before.remote?.port === now.remote?.port &&
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
          owner.command === other?.command &&
          owner.knowledge === other?.knowledge)
      );
    }));

const [UNKNOWN, YES, NO] = [0, 1, 2];

/** A test of ports that is made once for each; those of VSOCK go beyond the 16 bits, and are looked at each time. */
function rememberedPorts(
  test: (port: number, protocol: Protocol | undefined) => boolean,
): (port: number, protocol: number) => boolean {
  const answers = new Uint8Array(PROTOCOLS.length * 0x10000);
  return (port, protocol) => {
    if (port > 0xffff) return test(port, PROTOCOLS[protocol]);
    const at = protocol * 0x10000 + port;
    if (answers[at] === UNKNOWN) answers[at] = test(port, PROTOCOLS[protocol]) ? YES : NO;
    return answers[at] === YES;
  };
}

/** Compiles the name of a namespace, or its inode in digits, to the question whether a socket is in it. */
export function compileNamespace(wanted: string, pool: TextPool): (it: Searched) => boolean {
  const isMeant = pool.remembered((text) => {
    const [, , inode, name] = text.split(PART);
    return wanted !== '' && (inode === wanted || name === wanted);
  });
  return ({ names }) => isMeant(names);
}

/** Compiles a part of a program's name to the question whether one of those that hold a socket has it. */
export function compileProgram(part: string, pool: TextPool): (it: Searched) => boolean {
  const lower = part.toLowerCase();
  const isMeant = pool.remembered((text) => text.split(PART, 1)[0]?.includes(lower) ?? false);
  return ({ names }) => isMeant(names);
}

/** Compiles a word to the question whether it is part of anything the table shows of a socket. */
export function compileWord(word: string, pool: TextPool): (it: Searched) => boolean {
  const lower = word.toLowerCase();
  // Only a word with a colon can lie across address and port, and only digits can lie within a port.
  const asEndpoint = lower.includes(':');
  const asPort = /^\d+$/.test(lower);
  const inNames = pool.remembered((text) => text.split(PART, 2).some((names) => names.includes(lower)));
  const inText = pool.remembered((text) => text.includes(lower));
  const inPort = rememberedPorts(
    (port, protocol) =>
      (asPort && String(port).includes(lower)) ||
      (protocol !== undefined && (serviceName(port, protocol)?.includes(lower) ?? false)) ||
      (protocol === 'packet' && hexText(port).includes(lower)),
  );
  const inAddress = (address: number, port: number): boolean =>
    asEndpoint ? `${pool.text(address)}:${port}`.includes(lower) : inText(address);
  return ({ names, local, remote, localPort, remotePort, protocol }) =>
    inNames(names) ||
    inPort(localPort, protocol) ||
    inAddress(local, localPort) ||
    (remote >= 0 && (inPort(remotePort, protocol) || inAddress(remote, remotePort)));
}
