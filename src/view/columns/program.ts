import { firstOwner } from '../../model/socket.ts';
import type { ColumnId } from '../../store/state.ts';
import { NOTHING, ownerText, userText } from '../format.ts';
import { ago, type ColumnSpec, numberedName, onRequest, words } from './column.ts';

/** Which program it is. Of several that hold the socket the first is meant. */
export const PROGRAM_COLUMNS = {
  process: {
    title: 'PROCESS',
    about:
      'program; a → b: runs b now; (name) last known, [name] listener, name? seen sending, +n more that hold it',
    align: 'left',
    width: { least: 8, good: 10, most: 24 },
    priority: 1,
    text: ({ socket }) => ownerText(socket),
    // Without the brackets of one last known: a connection that closes keeps its place.
    key: ({ socket }) => {
      const { process, knowledge } = firstOwner(socket);
      return (process ?? knowledge).toLowerCase();
    },
    keyFrom: 'names',
  },
  pid: {
    title: 'PID',
    about: 'its process id',
    align: 'right',
    width: { least: 7, good: 7, most: 7 },
    priority: 8,
    text: ({ socket }) => String(firstOwner(socket).pid ?? NOTHING),
    key: ({ socket }) => firstOwner(socket).pid ?? -1,
    keyFrom: 'names',
  },
  user: {
    title: 'USER',
    about: 'the user of the socket',
    align: 'left',
    width: { least: 6, good: 8, most: 12 },
    priority: 14,
    text: ({ socket }) => userText(socket),
    key: ({ socket }) => userText(socket),
    keyFrom: 'names',
  },
  command: words({
    title: 'COMMAND',
    about: 'command line of the program',
    width: { least: 12, good: 30, most: 120 },
    value: ({ socket }) => firstOwner(socket).command,
  }),
  exe: words({
    title: 'FILE',
    about: 'path of the program’s file',
    width: { least: 12, good: 24, most: 60 },
    value: ({ socket }) => firstOwner(socket).exe,
  }),
  processUser: words({
    title: 'RUNS AS',
    about: 'the user that the program runs as, which may be another than that of the socket',
    width: { least: 7, good: 8, most: 12 },
    value: ({ socket }) => firstOwner(socket).user,
  }),
  startedAt: ago({
    title: 'START',
    about: 'how long ago the program was started',
    value: ({ socket }) => firstOwner(socket).startedAtMs,
  }),
  knowledge: onRequest({
    title: 'KNOWN',
    about:
      'how it is known: exact, inherited (last known), listener, sender, hidden, kernel, gone, unknown, pending',
    align: 'left',
    width: { least: 6, good: 9, most: 9 },
    text: ({ socket }) => firstOwner(socket).knowledge,
    key: ({ socket }) => firstOwner(socket).knowledge,
  }),
  owners: {
    ...numberedName({
      title: 'HELD',
      about: 'how many programs hold the socket, as far as they can be seen',
      width: { least: 5, good: 5, most: 5 },
      value: ({ socket: { owners } }) => owners.filter(({ knowledge }) => knowledge === 'exact').length,
    }),
    descending: true,
  },
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
