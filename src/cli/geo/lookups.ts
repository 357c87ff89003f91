import type { GeoPart } from '../../store/locations.ts';
import { missingText } from '../../store/wanted-locations.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { Query } from '../../query/query.ts';
import type { Environment } from '../config/paths.ts';
import { resolveHosts } from '../hosts.ts';
import { GeoFiles } from './geo-files.ts';
import { usualFolders, usualPaths } from './geo-paths.ts';

/**
 * Returns the files that the user names, else those in the usual directories.
 * @param given paths of the setting `geoFiles`
 * @param onProblem see `GeoFiles`
 */
export const geoFilesOf = (
  given: readonly string[],
  environment: Environment,
  onProblem?: (text: string) => void,
): GeoFiles =>
  new GeoFiles(async () => (given.length > 0 ? given : usualPaths(usualFolders(environment))), onProblem);

/**
 * Resolves to what a command must know before it tests a query: the addresses of host names, and the files with the
 * countries and organisations of peers.
 * @param parts answers about peers that the command shows, besides those that the query needs
 * @throws Error, for the user, that names the host without an address or the missing file
 */
export async function lookupsFor(
  { hosts, geoParts }: Pick<Query, 'hosts' | 'geoParts'>,
  files: GeoFiles,
  parts: readonly GeoPart[] = [],
): Promise<Lookups> {
  const lookups = await resolveHosts(hosts);
  const wanted = [...new Set([...geoParts, ...parts])];
  if (wanted.length === 0) return lookups;
  const locations = await files.load();
  const missing = missingText(wanted, locations);
  if (missing !== undefined) throw new Error(missing);
  return { ...lookups, locations };
}
