import { firstOwner, protocolName, type Socket } from '../model/socket.ts';
import { addressText, NOTHING, ownerText, portText, userText } from '../view/text/format.ts';
import { displayWidth } from '../view/text/width.ts';

interface TextColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly text: (socket: Socket) => string;
}

/** Text of an unknown value, as in other tools that print tables. */
const UNKNOWN = '-';

/** Replaces the empty cell of the screen by a dash. */
const dashed = (text: string): string => (text === NOTHING ? UNKNOWN : text);

const COLUMNS: readonly TextColumn[] = [
  { title: 'PROCESS', align: 'left', text: ownerText },
  { title: 'PID', align: 'right', text: (socket) => String(firstOwner(socket).pid ?? UNKNOWN) },
  { title: 'USER', align: 'left', text: (socket) => dashed(userText(socket)) },
  { title: 'PROTO', align: 'left', text: protocolName },
  { title: 'LOCAL', align: 'left', text: ({ local }) => addressText(local) },
  { title: 'PORT', align: 'right', text: (socket) => dashed(portText(socket.local, socket, false)) },
  { title: 'REMOTE', align: 'left', text: ({ remote }) => addressText(remote) },
  { title: 'PORT', align: 'right', text: (socket) => dashed(portText(socket.remote, socket, false)) },
  { title: 'STATE', align: 'left', text: ({ state }) => state ?? UNKNOWN },
];

const cells = (sockets: readonly Socket[]): string[][] => [
  COLUMNS.map(({ title }) => title),
  ...sockets.map((socket) => COLUMNS.map(({ text }) => text(socket))),
];

/** Returns a table with aligned columns for a terminal; nothing is truncated. */
export function alignedTable(sockets: readonly Socket[]): string {
  const lines = cells(sockets);
  const widths = COLUMNS.map((_, i) =>
    lines.reduce((width, line) => Math.max(width, displayWidth(line[i] ?? '')), 0),
  );
  const pad = (text: string, i: number): string => {
    const space = ' '.repeat((widths[i] ?? 0) - displayWidth(text));
    return COLUMNS[i]?.align === 'right' ? space + text : text + space;
  };
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** Returns a table with tab-separated columns for other programs. */
export const tabSeparated = (sockets: readonly Socket[]): string =>
  cells(sockets)
    .map((line) => `${line.join('\t')}\n`)
    .join('');
