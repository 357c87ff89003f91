import { isAbsolute, join } from 'node:path';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A file of netpane's below one of the directories of the XDG Base Directory Specification, which says that an empty
 * or a relative path is to be ignored. Undefined where the environment names no home either.
 */
function pathOf(environment: Environment, variable: string, usual: string, file: string): string | undefined {
  const given = environment[variable] ?? '';
  if (isAbsolute(given)) return join(given, 'netpane', file);
  const home = environment['HOME'] ?? environment['USERPROFILE'] ?? '';
  return isAbsolute(home) ? join(home, usual, 'netpane', file) : undefined;
}

/** Where the configuration file is looked for; undefined where the environment names no place. */
export const configPath = (environment: Environment): string | undefined =>
  pathOf(environment, 'XDG_CONFIG_HOME', '.config', 'config.toml');

/** Where the state is saved; undefined where the environment names no place. */
export const statePath = (environment: Environment): string | undefined =>
  pathOf(environment, 'XDG_STATE_HOME', join('.local', 'state'), 'state.json');
