import { Cache } from '../model/cache.ts';
import type { Protocol } from '../model/socket.ts';

/** The ids of the sockets at one end of a pair: none, one, or several. */
export type End = undefined | string | Set<string>;

/** The two endpoints of a connection; `lower` is the one that sorts first. */
export interface Endpoints {
  readonly protocol: Protocol;
  /** Inode of the namespace of both, or `ACROSS`. */
  readonly scope: number;
  readonly lowerAddress: string;
  readonly lowerPort: number;
  readonly upperAddress: string;
  readonly upperPort: number;
}

/** The scope of pairs of sockets in different namespaces. */
export const ACROSS = -2;

/** The open sockets with the same two endpoints. */
export interface Pair extends Endpoints {
  readonly hash: number;
  /** The sockets whose local endpoint is the lower one. */
  lower: End;
  /** The sockets whose local endpoint is the upper one. */
  upper: End;
  /** Another pair with the same hash. */
  next: Pair | undefined;
}

/** Random, so that no program can choose endpoints with the same hash. Odd, so that each number has its own product. */
// oxlint-disable-next-line no-restricted-properties -- The state does not depend on it.
const FACTOR = (Math.random() * 2 ** 32) | 1;

const withNumber = (hash: number, number: number): number => Math.imul(hash ^ number, FACTOR);

/** Hashes of addresses: a few of them occur in most pairs. */
const ADDRESS_HASHES = new Cache<string, number>(1000);

function addressHash(address: string): number {
  let hash = ADDRESS_HASHES.get(address);
  if (hash !== undefined) return hash;
  hash = FACTOR;
  for (let i = 0; i < address.length; i++) hash = withNumber(hash, address.charCodeAt(i));
  ADDRESS_HASHES.set(address, hash);
  return hash;
}

/** Returns a 32-bit hash of all fields but the protocol: few pairs differ only in the protocol. */
function hashOf({ scope, lowerAddress, lowerPort, upperAddress, upperPort }: Endpoints): number {
  const addresses = withNumber(withNumber(addressHash(lowerAddress), scope), addressHash(upperAddress));
  return withNumber(withNumber(addresses, lowerPort), upperPort);
}

/** Returns true if a pair has these endpoints. */
export const hasEndpoints = (pair: Pair, of: Endpoints): boolean =>
  pair.lowerPort === of.lowerPort &&
  pair.upperPort === of.upperPort &&
  pair.lowerAddress === of.lowerAddress &&
  pair.upperAddress === of.upperAddress &&
  pair.scope === of.scope &&
  pair.protocol === of.protocol;

/**
 * Pairs by their endpoints. The key is a number: with a text for each pair, 50,000 local connections take 90 ms of CPU time
 * more.
 */
export class PairIndex {
  /** The first pair of each hash. */
  readonly #pairs = new Map<number, Pair>();

  /** Returns the pair with these endpoints; undefined if there is none. */
  find(endpoints: Endpoints): Pair | undefined {
    return found(this.#pairs.get(hashOf(endpoints)), endpoints);
  }

  /** Returns the pair with these endpoints; adds it if there is none. */
  findOrAdd(endpoints: Endpoints): Pair {
    const hash = hashOf(endpoints);
    const first = this.#pairs.get(hash);
    const known = found(first, endpoints);
    if (known) return known;
    const { protocol, scope, lowerAddress, lowerPort, upperAddress, upperPort } = endpoints;
    const pair: Pair = {
      protocol,
      scope,
      lowerAddress,
      lowerPort,
      upperAddress,
      upperPort,
      hash,
      lower: undefined,
      upper: undefined,
      next: first,
    };
    this.#pairs.set(hash, pair);
    return pair;
  }

  /** Removes a pair that `findOrAdd` has returned. */
  delete(pair: Pair): void {
    const { hash, next } = pair;
    const first = this.#pairs.get(hash);
    if (first !== pair) {
      let before = first;
      while (before && before.next !== pair) before = before.next;
      if (before) before.next = next;
    } else if (next) this.#pairs.set(hash, next);
    else this.#pairs.delete(hash);
  }
}

/** Returns the pair with these endpoints among those of one hash. */
function found(first: Pair | undefined, endpoints: Endpoints): Pair | undefined {
  for (let pair = first; pair; pair = pair.next) if (hasEndpoints(pair, endpoints)) return pair;
  return undefined;
}
