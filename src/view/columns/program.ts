import { firstOwner, type Owner } from '../../model/socket.ts';
import { lastParts, printable } from '../../model/text.ts';
import type { ColumnId } from '../../store/columns.ts';
import { NOTHING, ownerText, userText } from '../text/format.ts';
import { folderAndCommand, homeText, shortCommand } from '../text/program-text.ts';
import {
  agoColumn,
  type CellContext,
  type ColumnSpec,
  idColumn,
  knownKey,
  onRequest,
  textColumn,
  wordsText,
} from './column.ts';

/** Returns how many last parts of the directory distinguish the program from others of its name; 0 if none do. */
const partsOf = ({ process, directory }: Owner, { directoryParts }: CellContext): number =>
  process === undefined || directory === undefined ? 0 : (directoryParts?.(process) ?? 0);

/** Returns the directory of a program, with `~` for the home of its user if that hides none of these last parts. */
function folderText(owner: Owner, parts: number): string {
  const { directory = '' } = owner;
  const home = homeText(owner);
  return lastParts(home, parts) === lastParts(directory, parts) ? home : directory;
}

/** Returns `~/my-app · node server.js`: the directory only where it distinguishes programs. */
function commandText(owner: Owner, context: CellContext): string {
  const { command } = owner;
  const parts = partsOf(owner, context);
  if (parts === 0) return wordsText(command);
  const folder = folderText(owner, parts);
  return wordsText(command === undefined ? folder : `${folder} · ${command}`);
}

/** Returns `my-app · server.js` in at most `width` cells; a command alone may be longer. */
function shortCommandText(owner: Owner, context: CellContext, width: number): string {
  const command = shortCommand(owner);
  if (command === undefined) return commandText(owner, context);
  const parts = partsOf(owner, context);
  if (parts === 0) return wordsText(command);
  return folderAndCommand(printable(folderText(owner, parts)), wordsText(command), parts, width);
}

/** Columns about the program. If several hold the socket, they show the first. */
export const PROGRAM_COLUMNS = {
  process: {
    title: 'PROCESS',
    about:
      'program; a → b: now runs b; (name) last known; [name] listener; name? seen sending; +n: n more hold it',
    align: 'left',
    width: { least: 8, good: 10, most: 24 },
    priority: 1,
    text: ({ socket }) => ownerText(socket),
    // Ignores the mark of a last known program, so that a closing connection keeps its position.
    key: ({ socket }) => {
      const { process, knowledge } = firstOwner(socket);
      return process?.toLowerCase() ?? (knowledge === 'kernel' ? knowledge : null);
    },
    keyFrom: 'names',
  },
  pid: {
    title: 'PID',
    about: 'process id',
    align: 'right',
    width: { least: 7, good: 7, most: 7 },
    priority: 7,
    text: ({ socket }) => String(firstOwner(socket).pid ?? NOTHING),
    key: ({ socket }) => firstOwner(socket).pid ?? null,
    keyFrom: 'names',
  },
  user: {
    title: 'USER',
    about: 'user of the socket',
    align: 'left',
    width: { least: 6, good: 8, most: 12 },
    priority: 14,
    text: ({ socket }) => userText(socket),
    key: knownKey(({ socket }) => userText(socket)),
    keyFrom: 'names',
  },
  command: {
    ...textColumn({
      title: 'COMMAND',
      about: 'command line; after the directory of the program, where several of its name run',
      width: { least: 12, good: 30, most: 120 },
      value: ({ socket }) => firstOwner(socket).command,
    }),
    isUnmarked: true,
    tableText: ({ socket }, context) => commandText(firstOwner(socket), context),
    shortText: ({ socket }, context, width) => shortCommandText(firstOwner(socket), context, width),
  },
  directory: textColumn({
    title: 'DIRECTORY',
    about: 'working directory of the program',
    width: { least: 12, good: 24, most: 60 },
    value: ({ socket }) => firstOwner(socket).directory,
  }),
  exe: textColumn({
    title: 'FILE',
    about: 'path of the executable',
    width: { least: 12, good: 24, most: 60 },
    value: ({ socket }) => firstOwner(socket).exe,
  }),
  processUser: textColumn({
    title: 'RUNS AS',
    about: 'user that the program runs as; may differ from the user of the socket',
    width: { least: 7, good: 8, most: 12 },
    value: ({ socket }) => firstOwner(socket).user,
  }),
  startedAt: agoColumn({
    title: 'START',
    about: 'time since the program started',
    value: ({ socket }) => firstOwner(socket).startedAtMs,
  }),
  knowledge: onRequest({
    title: 'KNOWN',
    about:
      'how the program is known: exact, inherited, creator, listener, sender, hidden, kernel, gone, unknown, pending',
    align: 'left',
    width: { least: 6, good: 9, most: 9 },
    text: ({ socket }) => firstOwner(socket).knowledge,
    key: ({ socket }) => firstOwner(socket).knowledge,
  }),
  owners: {
    ...idColumn({
      title: 'HELD',
      about: 'number of programs that hold the socket, as far as visible',
      width: { least: 5, good: 5, most: 5 },
      value: ({ socket: { owners } }) => owners.filter(({ knowledge }) => knowledge === 'exact').length,
    }),
    descending: true,
  },
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
