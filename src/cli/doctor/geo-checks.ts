import { geoFilesOf } from '../geo/lookups.ts';
import type { Environment } from '../config/paths.ts';
import { dateText } from '../../view/text/format.ts';
import { type Check, info, missing, ok } from './check.ts';

/**
 * Returns the checks of the files with countries and organisations.
 * @param given paths of the setting
 */
export async function geoChecks(
  given: readonly string[],
  environment: Environment,
): Promise<readonly Check[]> {
  const files = geoFilesOf(given, environment);
  const { problems } = await files.load();
  const checks = [
    ...files.loaded.map(({ path, db: { type, builtAtMs } }) =>
      ok('countries', `${path}: ${type}${builtAtMs === undefined ? '' : `, of ${dateText(builtAtMs)}`}`),
    ),
    ...problems.map((text) => missing('countries', text)),
  ];
  return checks.length > 0 ? checks : [info('countries', 'no file yet (.mmdb)')];
}
