import { win32 } from 'node:path';

/** Environment variables, as in `process.env`. */
type Variables = Record<string, string | undefined>;

/** Directories of system programs, in which only root can write. The last one is for NixOS. */
const UNIX_PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin';

/** A name without a slash: blessed and the C library would open a value with a slash as a file. */
const NAME = /^[\w.@+-]{1,64}$/;
const ANY = /^/;

/** Variables that netpane, blessed and the C library read, each with the form that its value must have. */
const KEPT: Readonly<Record<string, RegExp>> = {
  HOME: ANY,
  XDG_CONFIG_HOME: ANY,
  XDG_STATE_HOME: ANY,
  XDG_DATA_HOME: ANY,
  LANG: NAME,
  LANGUAGE: /^[\w.@:+-]{1,64}$/,
  TZ: ANY,
  TERM: NAME,
  COLORTERM: NAME,
  TERM_PROGRAM: NAME,
  VTE_VERSION: NAME,
  NO_COLOR: ANY,
  // Number of threads of libuv's pool, one of which waits for kernel events.
  UV_THREADPOOL_SIZE: /^\d{1,4}$/,
  // Set inside tmux and screen.
  TMUX: ANY,
  TMUX_PANE: /^%\d{1,10}$/,
  STY: ANY,
  // Set by sudo: the user who called it.
  SUDO_UID: /^\d{1,10}$/,
  SUDO_USER: /^[^-/:\s][^/:\s]{0,255}$/,
};

/** Further variables on Windows, where case does not matter in names. */
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
  // The name of the account in Wine.
  WINEUSERNAME: NAME,
};

function isKept(name: string, value: string, platform: NodeJS.Platform): boolean {
  const upper = platform === 'win32' ? name.toUpperCase() : name;
  // No other program reads NETPANE_….
  if (upper.startsWith('NETPANE_')) return true;
  if (/^LC_[A-Z]+$/.test(upper)) return NAME.test(value);
  const form = KEPT[upper] ?? (platform === 'win32' ? KEPT_ON_WINDOWS[upper] : undefined);
  return form?.test(value) ?? false;
}

/** Returns variables that restrict the search for programs to the directories of the system. */
function fixedVariables(environment: Variables, platform: NodeJS.Platform): Readonly<Record<string, string>> {
  // Without it pidusage writes warnings to the terminal.
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
    // Otherwise cmd.exe searches the working directory first.
    NoDefaultCurrentDirectoryInExePath: '1',
  };
}

/**
 * Removes variables by which another user could run programs as root: pidusage starts `getconf` through a shell,
 * systeminformation starts `netstat`, `ps` and more by their bare names, and each of them inherits the environment of
 * netpane. Keeps only known variables (not LD_PRELOAD, NODE_OPTIONS, BASH_ENV, ENV, IFS, …) and sets PATH. Node has
 * read its own variables before this runs; `sudo` removes them.
 * @param environment is modified; changes of `process.env` reach the C library
 */
export function cleanEnvironment(environment: Variables, platform: NodeJS.Platform = process.platform): void {
  for (const [name, value] of Object.entries(environment))
    if (value === undefined || !isKept(name, value, platform)) Reflect.deleteProperty(environment, name);
  Object.assign(environment, fixedVariables(environment, platform));
}
