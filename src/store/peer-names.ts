import { comparableAddress } from '../model/address.ts';
import { type AskedFrom, connectionKey } from '../model/asked-name.ts';
import { bitsOf } from '../model/address-bits.ts';
import { reachOf } from '../model/reach.ts';
import type { Endpoint, Socket } from '../model/socket.ts';

/** An answer about the name of an address. */
export type NameAnswer =
  | {
      readonly type: 'name';
      /** In small letters, at most 253 characters. Untrusted: the owner of the address chooses it. */
      readonly name: string;
      /** Number of further names of the address. */
      readonly others: number;
      /** Origin of the name: the address was looked up, or a program of this machine asked for the name. */
      readonly from: 'hosts' | 'reverse-dns' | AskedFrom;
    }
  /** The name servers say that the address has no name. */
  | { readonly type: 'none' }
  | { readonly type: 'failed'; readonly why: string };

/** An answer with its time, milliseconds on the clock of the actions. */
export type PeerName = NameAnswer & { readonly atMs: number };

/** Answers by address, as `peerAddress` writes it; the oldest answer first. */
export type PeerNames = ReadonlyMap<string, PeerName>;

/** Maximum number of answers kept; beyond it the oldest are dropped. */
export const MAX_NAMES = 10_000;
/** The same for names that programs asked for. */
export const MAX_ASKED = 16_384;

/** Time until an address with a name is asked about again, milliseconds. */
const NAME_FRESH_MS = 60 * 60_000;
/** The same for an address without a name, or without an answer. */
const OTHER_FRESH_MS = 10 * 60_000;

/** Returns the address of a peer, without scope; undefined if it is no address of one host. */
export function peerAddress(remote: Pick<Endpoint, 'address'> | null): string | undefined {
  if (remote === null) return undefined;
  const address = comparableAddress(remote.address);
  if (bitsOf(address) === undefined) return undefined;
  const reach = reachOf(address);
  return reach === 'any' || reach === 'many' ? undefined : address;
}

/** Returns the names with further answers. @param max maximum number kept */
export function withAnswers(
  names: PeerNames,
  answers: Iterable<readonly [string, PeerName]>,
  max = MAX_NAMES,
): PeerNames {
  const all = new Map(names);
  for (const [address, answer] of answers) {
    // The newest answer goes last.
    all.delete(address);
    all.set(address, answer);
  }
  for (const address of all.keys()) {
    if (all.size <= max) break;
    all.delete(address);
  }
  return all;
}

/** Returns the addresses, each once, that have no answer or too old a one. @param nowMs on the clock of the actions */
export const addressesToAsk = (
  names: PeerNames,
  addresses: Iterable<string>,
  nowMs: number,
): readonly string[] =>
  [...new Set(addresses)].filter((address) => {
    const answer = names.get(address);
    return (
      answer === undefined || nowMs - answer.atMs >= (answer.type === 'name' ? NAME_FRESH_MS : OTHER_FRESH_MS)
    );
  });

/** Names of peers: those that were looked up, by address, and those that programs asked for, also by connection. */
interface KnownNames {
  readonly names: PeerNames;
  readonly asked: PeerNames;
}

/** A socket whose peer has a name. */
type WithPeer = Pick<Socket, 'protocol' | 'local' | 'remote'>;

/**
 * Returns all answers about the name of a socket's peer, the best first: the server name that the program sent at the start
 * of the connection, a name that programs asked for and that has the address, the answer to a lookup of the address.
 */
export function answersAbout({ names, asked }: KnownNames, socket: WithPeer): readonly PeerName[] {
  const { protocol, local, remote } = socket;
  const address = peerAddress(remote);
  if (remote === null || address === undefined) return [];
  const named = asked.size === 0 ? undefined : asked.get(connectionKey(protocol, local, remote));
  return [named, asked.get(address), names.get(address)].filter((it) => it !== undefined);
}

/** Returns the name of a socket's peer; undefined if none is known. */
export const nameOf = (known: KnownNames, socket: WithPeer): string | undefined => {
  const [best] = answersAbout(known, socket);
  return best?.type === 'name' ? best.name : undefined;
};
