import { printable } from '../../model/text.ts';
import type { Endpoint } from '../../model/socket.ts';
import {
  orgName,
  type Location,
  type GeoFile,
  type GeoPart,
  locationOf,
  type LocationsState,
  publicAddress,
} from '../../store/locations.ts';
import { dateText, NOTHING } from './format.ts';

/** Returns the sign for an address without an answer: `…` while files are read, `?` without a file, else `·`. */
function noAnswer(remote: Endpoint | null, locations: LocationsState, part: GeoPart): string {
  if (publicAddress(remote) === undefined) return NOTHING;
  if (locations === null || locations === 'pending') return '…';
  return locations.parts.has(part) ? NOTHING : '?';
}

/** Returns the country of a peer. Printable. */
export const countryText = (remote: Endpoint | null, locations: LocationsState): string =>
  locationOf(locations, remote)?.country?.code ?? noAnswer(remote, locations, 'country');

/** Returns the network operator of a peer. Printable. */
export function orgText(remote: Endpoint | null, locations: LocationsState): string {
  const org = locationOf(locations, remote)?.org;
  return org ? printable(orgName(org)) : noAnswer(remote, locations, 'org');
}

const fromText = ({ path, builtAtMs }: GeoFile): string => {
  const name = printable(path.slice(path.lastIndexOf('/') + 1));
  return builtAtMs === undefined ? `by ${name}` : `by ${name} of ${dateText(builtAtMs)}`;
};

/** Returns the country and the network operator of a peer, each with the name and date of its file. Printable. */
export function locationFacts({ country, org }: Location): readonly string[] {
  const isSame = country !== undefined && country.from.path === org?.from.path;
  return [
    ...(country ? [country.code, ...(isSame ? [] : [fromText(country.from)])] : []),
    ...(org ? [printable(orgName(org)), fromText(org.from)] : []),
  ];
}
