import { posix, win32 } from 'node:path';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Default place of a file: a directory that a variable names, else one below the home directory. */
interface Place {
  readonly file: string;
  /** Variable of the XDG Base Directory Specification that names the directory. */
  readonly xdg: string;
  /** Path of the directory below the home directory. */
  readonly usual: readonly string[];
  readonly windows: { readonly variable: string; readonly usual: readonly string[] };
}

const CONFIG: Place = {
  file: 'config.toml',
  xdg: 'XDG_CONFIG_HOME',
  usual: ['.config'],
  windows: { variable: 'APPDATA', usual: ['AppData', 'Roaming'] },
};
const STATE: Place = {
  file: 'state.json',
  xdg: 'XDG_STATE_HOME',
  usual: ['.local', 'state'],
  windows: { variable: 'LOCALAPPDATA', usual: ['AppData', 'Local'] },
};

/** Returns the name of the variable with the home directory. */
const homeVariable = (platform: NodeJS.Platform): string => (platform === 'win32' ? 'USERPROFILE' : 'HOME');

/** Returns why the files of netpane have no path. */
export const noPathReason = (platform = process.platform): string => `${homeVariable(platform)} is not set`;

/**
 * Returns the path of a file; undefined if the environment has no directory for it. An empty or relative directory is
 * ignored, as the XDG Base Directory Specification says. Windows has no XDG variables of its own, but a user may set them.
 */
function pathOf({ file, xdg, usual, windows }: Place, environment: Environment, platform: NodeJS.Platform) {
  const isWindows = platform === 'win32';
  const paths = isWindows ? win32 : posix;
  const given = [xdg, ...(isWindows ? [windows.variable] : [])].map((name) => environment[name] ?? '');
  const directory = given.find((path) => paths.isAbsolute(path));
  if (directory !== undefined) return paths.join(directory, 'netpane', file);
  const home = environment[homeVariable(platform)] ?? '';
  return paths.isAbsolute(home)
    ? paths.join(home, ...(isWindows ? windows.usual : usual), 'netpane', file)
    : undefined;
}

/** Returns the default path of the configuration file; undefined if the environment has no directory for it. */
export const configPath = (environment: Environment, platform = process.platform): string | undefined =>
  pathOf(CONFIG, environment, platform);

/** Returns the path of the saved state; undefined if the environment has no directory for it. */
export const statePath = (environment: Environment, platform = process.platform): string | undefined =>
  pathOf(STATE, environment, platform);
