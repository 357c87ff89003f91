import { quotedName } from '../model/marks.ts';
import type { Owner } from '../model/socket.ts';
import { printable } from '../model/text.ts';

/** The name of a program, harmless, and never to be taken for a mark of ours; `?` where it is not known. */
export const nameText = (name: string | undefined): string =>
  name === undefined ? '?' : quotedName(printable(name));

/** Name of a program, with the one that it has become since: `python3 → sleep`; `?` for what is not known of it. */
export const programText = ({ process, nowProcess }: Owner): string =>
  nowProcess === undefined ? nameText(process) : `${nameText(process)} → ${nameText(nowProcess)}`;
