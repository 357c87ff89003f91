import type { Owner } from '../model/socket.ts';
import { printable } from '../model/text.ts';

/** A program may call itself nothing, or by spaces. */
const nameText = (name: string | undefined): string => printable(name ?? '').trim() || '?';

/** Name of a program, with the one that it has become since: `python3 → sleep`; `?` for what is not known of it. */
export const programText = ({ process, nowProcess }: Owner): string =>
  nowProcess === undefined ? nameText(process) : `${nameText(process)} → ${nameText(nowProcess)}`;
