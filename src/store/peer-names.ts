import { unmapped } from '../model/address.ts';
import { bitsOf } from '../model/address-bits.ts';
import { reachOf } from '../model/reach.ts';
import type { Endpoint } from '../model/socket.ts';

/** What is known of the name of an address. */
export type NameAnswer =
  | {
      readonly type: 'name';
      /** In small letters, at most 253 characters. Untrusted: the owner of the address chooses it. */
      readonly name: string;
      /** Number of further names of the address. */
      readonly others: number;
      readonly from: 'hosts' | 'dns';
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

/** Time until an address with a name is asked about again, milliseconds. */
const NAME_FRESH_MS = 60 * 60_000;
/** The same for an address without a name, or without an answer. */
const OTHER_FRESH_MS = 10 * 60_000;

/** Returns the address of a peer, without scope; undefined if it is no address of one host. */
export function peerAddress(remote: Pick<Endpoint, 'address'> | null): string | undefined {
  if (remote === null) return undefined;
  const address = unmapped(remote.address).replace(/%.*/, '').toLowerCase();
  if (bitsOf(address) === undefined) return undefined;
  const reach = reachOf(address);
  return reach === 'any' || reach === 'many' ? undefined : address;
}

/** Returns the names with further answers. */
export function withAnswers(names: PeerNames, answers: Iterable<readonly [string, PeerName]>): PeerNames {
  const all = new Map(names);
  for (const [address, answer] of answers) {
    // The newest answer goes last.
    all.delete(address);
    all.set(address, answer);
  }
  for (const address of all.keys()) {
    if (all.size <= MAX_NAMES) break;
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

/** Returns the name of an address; undefined if it is not known. */
export function nameOf(names: PeerNames, address: string | undefined): string | undefined {
  const answer = address === undefined ? undefined : names.get(address);
  return answer?.type === 'name' ? answer.name : undefined;
}
