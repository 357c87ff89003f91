import { quotedName } from '../../model/quoted-names.ts';
import type { Owner } from '../../model/socket.ts';
import { printable } from '../../model/text.ts';

/** Returns a program name, printable, in quotes if it could be mistaken for a text of netpane; `?` if unknown. */
export const nameText = (name: string | undefined): string =>
  name === undefined ? '?' : quotedName(printable(name));

/** Returns a program name, with the program that the process runs now: `python3 → sleep`; `?` if unknown. */
export const programText = ({ process, nowProcess }: Owner): string =>
  nowProcess === undefined ? nameText(process) : `${nameText(process)} → ${nameText(nowProcess)}`;

/** Returns the working directory of a program, with `~` for the home of its user; empty if unknown. Not printable yet. */
export function homeText({ directory = '', user }: Owner): string {
  if (user === undefined) return directory;
  const homes = user === 'root' ? ['/root'] : [`/home/${user}`, `/Users/${user}`];
  const home = homes.find((it) => directory === it || directory.startsWith(`${it}/`));
  return home === undefined ? directory : `~${directory.slice(home.length)}`;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Maximum length of a folder in a short text, UTF-16 units. */
const MAX_FOLDER = 20;

/** Returns a folder; only its last part, as `…/my-app`, if it is long. */
export const shortFolder = (folder: string): string =>
  folder.length > MAX_FOLDER ? `…/${baseName(folder)}` : folder;

/**
 * Returns the command line without its first word if that is the program name, and without the folder of a script:
 * `next dev` for `node /srv/node_modules/.bin/next dev`. Undefined if unknown. Not printable yet.
 */
export function shortCommand({ process, command }: Owner): string | undefined {
  const [first = '', second, ...rest] = command?.split(' ') ?? [];
  if (second === undefined || baseName(first) !== process) return command;
  return [second.startsWith('/') ? baseName(second) : second, ...rest].join(' ');
}
