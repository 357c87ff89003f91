import { quotedName } from '../../model/quoted-names.ts';
import type { Owner } from '../../model/socket.ts';
import { lastParts, printable } from '../../model/text.ts';
import { cutEnd, cutMiddle, displayWidth } from './width.ts';

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

const SEPARATOR = ' · ';
/** Minimum cells of a command behind its folder. With less room the folder stands alone. */
const MIN_COMMAND = 5;

/**
 * Returns a folder and a command in at most `width` cells: the end of the folder, which distinguishes programs, comes
 * first, then the start of the command, then more of the folder. Both are printable.
 * @param parts number of last parts of the folder that distinguish it
 */
export function folderAndCommand(folder: string, command: string, parts: number, width: number): string {
  const roomBeside = (end: string): number => width - displayWidth(end + SEPARATOR);
  const wanted = displayWidth(command, width);
  let end = lastParts(folder, parts);
  if (roomBeside(end) < Math.min(MIN_COMMAND, wanted)) return cutMiddle(end, width);
  for (let count = parts + 1; end !== folder; count++) {
    const longer = lastParts(folder, count);
    if (roomBeside(longer) < wanted) break;
    end = longer;
  }
  return cutEnd(end + SEPARATOR + command, width);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * Returns the command line without its first word if that is the program name, and without the folder of a script:
 * `next dev` for `node /srv/node_modules/.bin/next dev`. Undefined if unknown. Not printable yet.
 */
export function shortCommand({ process, command }: Owner): string | undefined {
  const [first = '', second, ...rest] = command?.split(' ') ?? [];
  if (second === undefined || baseName(first) !== process) return command;
  return [second.startsWith('/') ? baseName(second) : second, ...rest].join(' ');
}
