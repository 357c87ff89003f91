import { firstOwner, protocolName, type Socket } from '../model/socket.ts';
import { addressText, NOTHING, ownerText, portText, userText } from '../view/format.ts';
import { displayWidth } from '../view/width.ts';

interface TextColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly text: (socket: Socket) => string;
}

/** Stands for what is unknown, as in the other tools that print such tables. */
const NONE = '-';

/** What the screen shows nothing of. */
const dashed = (text: string): string => (text === NOTHING ? NONE : text);

const COLUMNS: readonly TextColumn[] = [
  { title: 'PROCESS', align: 'left', text: ownerText },
  { title: 'PID', align: 'right', text: (socket) => String(firstOwner(socket).pid ?? NONE) },
  { title: 'USER', align: 'left', text: (socket) => dashed(userText(socket)) },
  { title: 'PROTO', align: 'left', text: protocolName },
  { title: 'LOCAL', align: 'left', text: ({ local }) => addressText(local) },
  { title: 'PORT', align: 'right', text: (socket) => dashed(portText(socket.local, socket, false)) },
  { title: 'REMOTE', align: 'left', text: ({ remote }) => addressText(remote) },
  { title: 'PORT', align: 'right', text: (socket) => dashed(portText(socket.remote, socket, false)) },
  { title: 'STATE', align: 'left', text: ({ state }) => state ?? NONE },
];

const cells = (sockets: readonly Socket[]): string[][] => [
  COLUMNS.map(({ title }) => title),
  ...sockets.map((socket) => COLUMNS.map(({ text }) => text(socket))),
];

/** Columns as wide as their content, for a person; nothing is cut. */
export function alignedTable(sockets: readonly Socket[]): string {
  const lines = cells(sockets);
  const widths = COLUMNS.map((_, i) =>
    lines.reduce((most, line) => Math.max(most, displayWidth(line[i] ?? '')), 0),
  );
  const pad = (text: string, i: number): string => {
    const space = ' '.repeat((widths[i] ?? 0) - displayWidth(text));
    return COLUMNS[i]?.align === 'right' ? space + text : text + space;
  };
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** Columns parted by one tab each, for other programs. */
export const tabSeparated = (sockets: readonly Socket[]): string =>
  cells(sockets)
    .map((line) => `${line.join('\t')}\n`)
    .join('');
