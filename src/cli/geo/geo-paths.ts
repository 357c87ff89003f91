import { readdir } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import type { GeoPart } from '../../store/locations.ts';
import type { Environment } from '../config/paths.ts';

/** Directories into which packages, geoipupdate and administrators put files. The user's own comes before them. */
const SYSTEM_FOLDERS = ['/usr/share/GeoIP', '/usr/local/share/GeoIP', '/var/lib/GeoIP'];

/** Maximum number of files of a directory that are considered. */
const MAX_NAMES = 1000;

/** Names of the files with each kind of answer: the smallest and most exact files first. */
const NAMES: Readonly<Record<GeoPart, readonly RegExp[]>> = {
  country: [
    /^(?:geolite2|geoip2|dbip)-country/i,
    /^(?:ipinfo_lite|country|country_asn)\.mmdb$/i,
    /^(?:geolite2|geoip2|dbip)-(?:city|location|enterprise)/i,
  ],
  org: [
    /^(?:geolite2-asn|geoip2-isp|dbip-asn)/i,
    /^(?:asn|ipinfo_lite|country_asn)\.mmdb$/i,
    /^(?:geoip2-enterprise|dbip-isp)/i,
  ],
};

/** Returns what a file knows, by its name and its own description; both if neither says so. */
export function partsOf(path: string, type: string): readonly GeoPart[] {
  const text = `${basename(path)} ${type}`;
  const parts: GeoPart[] = [
    ...(/country|city|location|enterprise|ipinfo_lite/i.test(text) ? ['country' as const] : []),
    ...(/asn|isp|enterprise|ipinfo_lite/i.test(text) ? ['org' as const] : []),
  ];
  return parts.length > 0 ? parts : ['country', 'org'];
}

/** Returns the usual directories of such files, that of the user first. */
export function usualFolders(environment: Environment): readonly string[] {
  const [data = '', home = ''] = [environment['XDG_DATA_HOME'], environment['HOME']];
  const own = isAbsolute(data) ? data : isAbsolute(home) ? join(home, '.local', 'share') : undefined;
  return [...(own === undefined ? [] : [join(own, 'GeoIP')]), ...SYSTEM_FOLDERS];
}

/** Returns the names of the files in a directory, in reverse order: of names with a date, the latest comes first. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder))
      .filter((name) => name.toLowerCase().endsWith('.mmdb'))
      .slice(0, MAX_NAMES)
      .toSorted()
      .toReversed();
  } catch {
    return [];
  }
}

/**
 * Returns the path of the best file for each kind of answer; only one path if a file has both. If several files are of
 * the best kind, returns the one in the first directory.
 */
export async function usualPaths(folders: readonly string[]): Promise<readonly string[]> {
  const paths = (
    await Promise.all(folders.map(async (folder) => [folder, await namesIn(folder)] as const))
  ).flatMap(([folder, names]) => names.map((name) => join(folder, name)));
  const best = Object.values(NAMES).flatMap((kinds) => {
    const found = kinds.map((kind) => paths.find((path) => kind.test(basename(path))));
    return found.find((path) => path !== undefined) ?? [];
  });
  return [...new Set(best)];
}
