import { reachOf } from '../model/reach.ts';
import type { Endpoint } from '../model/socket.ts';
import { peerAddress } from './peer-names.ts';

/** A file of this machine that knows where addresses are. */
export interface GeoFile {
  readonly path: string;
  /** When its content was made, milliseconds since 1970; absent if it does not say so. */
  readonly builtAtMs?: number;
}

/** Facts of an address in files. Texts are untrusted. */
export interface Location {
  /** Two capital letters (ISO 3166). */
  readonly country?: { readonly code: string; readonly from: GeoFile };
  /** The network operator: number of the autonomous system, and its name. */
  readonly org?: { readonly asn?: number; readonly name?: string; readonly from: GeoFile };
}

/** Kinds of facts about the location of an address. */
export const GEO_PARTS = ['country', 'org'] as const;
export type GeoPart = (typeof GEO_PARTS)[number];

/** The files, in memory. Immutable: a replaced or damaged file makes a new object. */
export interface Locations {
  /** Returns what is known of an address, as `peerAddress` writes it; undefined if nothing is. Fast: reads no file. */
  readonly of: (address: string) => Location | undefined;
  /** Kinds of facts that the files have. */
  readonly parts: ReadonlySet<GeoPart>;
  /** The files that cannot be used, each with the reason. Printable. */
  readonly problems: readonly string[];
}

/** The files: null before they are needed, `pending` while they are read. */
export type LocationsState = Locations | 'pending' | null;

/** Returns the address of a peer on the internet; undefined for any other. */
export function publicAddress(remote: Pick<Endpoint, 'address'> | null): string | undefined {
  const address = peerAddress(remote);
  return address !== undefined && reachOf(address) === 'public' ? address : undefined;
}

/** Returns what is known of a peer; undefined if nothing is, or it is not on the internet. */
export function locationOf(
  locations: LocationsState,
  remote: Pick<Endpoint, 'address'> | null,
): Location | undefined {
  if (locations === null || locations === 'pending') return undefined;
  const address = peerAddress(remote);
  return address === undefined ? undefined : locations.of(address);
}

/** Returns the network operator as `AS13335 Cloudflare, Inc.`. Untrusted. */
export const orgName = ({ asn, name }: NonNullable<Location['org']>): string =>
  [...(asn === undefined ? [] : [`AS${asn}`]), ...(name === undefined ? [] : [name])].join(' ');
