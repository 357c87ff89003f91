import type { Socket } from '../model/socket.ts';
import { NameParts, namesOf, type SearchFields } from './search-fields.ts';
import type { Subject } from './subject.ts';
import type { TextPool } from './texts.ts';

/** Known facts of the location of an address; texts are in small letters. */
export interface QueryLocation {
  readonly country?: string;
  readonly org?: string;
  /** Number of the autonomous system. */
  readonly asn?: number;
}

/** State outside a query that its answers depend on. Conditions read it on every call. */
export interface QueryContext {
  /** Current time, milliseconds on the clock of the subjects. */
  readonly nowMs: number;
  /** `new` matches sockets first seen after this time, on the same clock; undefined for the start of netpane. */
  readonly baselineMs: number | undefined;
  /**
   * Returns the addresses of a host name in small letters; undefined while it is unresolved, or if it cannot be
   * resolved. Must return the same array until the answer changes: a new array makes every address be tested again.
   */
  addressesOf(host: string): readonly string[] | undefined;
  /**
   * Returns the name of the peer of a socket, in small letters; undefined if it is not known. Without the function no name
   * is known.
   */
  nameOf?(socket: Socket): string | undefined;
  /** Returns what is known of the location of the address of a peer. Without the function nothing is known. */
  locationOf?(address: string): QueryLocation;
  /** Returns the peer of a local connection; undefined without a known one. Without the function no peer is known. */
  peerOf?(subject: Subject): Socket | undefined;
  /** Called once if a regex takes too long; the regex matches nothing from then on. */
  tooSlow?(regex: string): void;
}

/** A test of a subject and the searchable fields of its socket. */
export type Condition = (fields: SearchFields, subject: Subject) => boolean;

/** Inputs of the compilation of a term. */
export interface Compiling {
  readonly pool: TextPool;
  readonly context: QueryContext;
}

/** Compiles a test of the names of a socket. It runs once per distinct text of names. */
export const namesTest = ({ pool }: Compiling, test: (names: NameParts) => boolean): Condition => {
  const matches = pool.cachedTest((text) => test(new NameParts(text)));
  return ({ names }) => matches(names);
};

/**
 * Compiles a test of the names of the peer of a local connection. It runs once per `Socket`
 * object: a changed peer is another object.
 */
export const peerTest = ({ context }: Compiling, test: (names: NameParts) => boolean): Condition => {
  const known = new WeakMap<Socket, boolean>();
  return (_, subject) => {
    const peer = context.peerOf?.(subject);
    if (peer === undefined) return false;
    const before = known.get(peer);
    if (before !== undefined) return before;
    const answer = test(new NameParts(namesOf(peer)));
    known.set(peer, answer);
    return answer;
  };
};
