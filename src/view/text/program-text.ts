import { quotedName } from '../../model/quoted-names.ts';
import type { Owner } from '../../model/socket.ts';
import { printable } from '../../model/text.ts';

/** Returns a program name, printable, in quotes if it resembles a mark of netpane; `?` if unknown. */
export const nameText = (name: string | undefined): string =>
  name === undefined ? '?' : quotedName(printable(name));

/** Returns a program name, with the program that the process runs now: `python3 → sleep`; `?` if unknown. */
export const programText = ({ process, nowProcess }: Owner): string =>
  nowProcess === undefined ? nameText(process) : `${nameText(process)} → ${nameText(nowProcess)}`;
