import { isAbsolute, join } from 'node:path';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the path of a file in a directory of the XDG Base Directory Specification, which says to ignore an empty or
 * relative path. Undefined if the environment has no home directory either.
 * @param usual the default directory, relative to the home directory
 */
function pathOf(environment: Environment, variable: string, usual: string, file: string): string | undefined {
  const given = environment[variable] ?? '';
  if (isAbsolute(given)) return join(given, 'netpane', file);
  const home = environment['HOME'] ?? environment['USERPROFILE'] ?? '';
  return isAbsolute(home) ? join(home, usual, 'netpane', file) : undefined;
}

/** Returns the default path of the configuration file; undefined if the environment has no directory for it. */
export const configPath = (environment: Environment): string | undefined =>
  pathOf(environment, 'XDG_CONFIG_HOME', '.config', 'config.toml');

/** Returns the path of the saved state; undefined if the environment has no directory for it. */
export const statePath = (environment: Environment): string | undefined =>
  pathOf(environment, 'XDG_STATE_HOME', join('.local', 'state'), 'state.json');
