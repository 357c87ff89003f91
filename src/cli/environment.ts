import { win32 } from 'node:path';

/** Environment variables, as `process.env` has them. */
type Variables = Record<string, string | undefined>;

/** Where the system keeps its programs: only root writes there. The last one is that of NixOS. */
const UNIX_PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin';

/** A name without a path: blessed and the C library take what has a slash for the name of a file. */
const NAME = /^[\w.@+-]{1,64}$/;
const ANY = /^/;

/** The variables that netpane, blessed and the C library read, each with what its value has to look like. */
const KEPT: Readonly<Record<string, RegExp>> = {
  HOME: ANY,
  XDG_CONFIG_HOME: ANY,
  XDG_STATE_HOME: ANY,
  LANG: NAME,
  LANGUAGE: /^[\w.@:+-]{1,64}$/,
  TZ: ANY,
  TERM: NAME,
  COLORTERM: NAME,
  TERM_PROGRAM: NAME,
  VTE_VERSION: NAME,
  NO_COLOR: ANY,
  // Whether the terminal is one within another.
  TMUX: ANY,
  STY: ANY,
};

/** Beside them on Windows, where names are alike in upper and lower case. */
const KEPT_ON_WINDOWS: Readonly<Record<string, RegExp>> = {
  SYSTEMROOT: /^[A-Z]:\\[\w .-]+$/i,
  USERPROFILE: ANY,
  APPDATA: ANY,
  LOCALAPPDATA: ANY,
  USERNAME: ANY,
  USERDOMAIN: ANY,
  COMPUTERNAME: ANY,
  TEMP: ANY,
  TMP: ANY,
};

function isKept(name: string, value: string, platform: NodeJS.Platform): boolean {
  const upper = platform === 'win32' ? name.toUpperCase() : name;
  // NETPANE_… means nothing to any other program.
  if (upper.startsWith('NETPANE_')) return true;
  if (/^LC_[A-Z]+$/.test(upper)) return NAME.test(value);
  const form = KEPT[upper] ?? (platform === 'win32' ? KEPT_ON_WINDOWS[upper] : undefined);
  return form?.test(value) ?? false;
}

/** Returns the variables with which programs are found only where the system keeps them. */
function fixedVariables(environment: Variables, platform: NodeJS.Platform): Readonly<Record<string, string>> {
  // pidusage would write to the terminal what it misses.
  const all = { PIDUSAGE_SILENT: '1' };
  if (platform !== 'win32') return { ...all, PATH: UNIX_PATH };
  const root = environment['SystemRoot'] ?? 'C:\\Windows';
  const system = win32.join(root, 'System32');
  return {
    ...all,
    SystemRoot: root,
    windir: root,
    ComSpec: win32.join(system, 'cmd.exe'),
    PATH: [system, root, win32.join(system, 'Wbem'), win32.join(system, 'WindowsPowerShell', 'v1.0')].join(
      ';',
    ),
    PATHEXT: '.COM;.EXE;.BAT;.CMD',
    // Otherwise cmd.exe looks into the working directory first.
    NoDefaultCurrentDirectoryInExePath: '1',
  };
}

/**
 * Takes out of the environment what another user may have put there to have programs of his run as root: pidusage starts
 * `getconf` by a shell, systeminformation `netstat`, `ps` and more by their bare names, and each of them inherits what
 * netpane has. LD_PRELOAD, NODE_OPTIONS, BASH_ENV, ENV, IFS and whatever else is not known to be needed goes, PATH is
 * fixed. Node itself has obeyed its own variables before: `sudo` keeps them from it.
 * @param environment is changed; `process.env` passes it on to the C library
 */
export function cleanEnvironment(environment: Variables, platform: NodeJS.Platform = process.platform): void {
  for (const [name, value] of Object.entries(environment))
    if (value === undefined || !isKept(name, value, platform)) Reflect.deleteProperty(environment, name);
  Object.assign(environment, fixedVariables(environment, platform));
}
