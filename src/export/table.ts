import { firstOwner, protocolName, type Socket } from '../model/socket.ts';
import { addressText, NOTHING, ownerText, portText, userText } from '../view/text/format.ts';
import { displayWidth } from '../view/text/width.ts';

/** A column of a text table. */
export interface TextColumn<Item> {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly text: (item: Item) => string;
}

/** Text of an unknown value, as in other tools that print tables. */
const UNKNOWN = '-';

/** Returns the text of a cell of the screen: a dash if it is empty there. */
export const dashed = (text: string): string => (text === NOTHING ? UNKNOWN : text);

/** The usual columns. Their titles are distinct and without spaces, for programs. */
export const SOCKET_COLUMNS: readonly TextColumn<Socket>[] = [
  { title: 'PROCESS', align: 'left', text: ownerText },
  { title: 'PID', align: 'right', text: (socket) => String(firstOwner(socket).pid ?? UNKNOWN) },
  { title: 'USER', align: 'left', text: (socket) => dashed(userText(socket)) },
  { title: 'PROTO', align: 'left', text: protocolName },
  { title: 'LOCAL', align: 'left', text: ({ local }) => addressText(local) },
  { title: 'LPORT', align: 'right', text: (socket) => dashed(portText(socket.local, socket, false)) },
  { title: 'REMOTE', align: 'left', text: ({ remote }) => addressText(remote) },
  { title: 'RPORT', align: 'right', text: (socket) => dashed(portText(socket.remote, socket, false)) },
  { title: 'STATE', align: 'left', text: ({ state }) => state ?? UNKNOWN },
];

/** Sockets, or rows, as a table. */
export interface TextTable<Item> {
  readonly items: readonly Item[];
  readonly columns: readonly TextColumn<Item>[];
  /** The first line has the titles. */
  readonly hasHeader: boolean;
}

const cells = <Item>({ items, columns, hasHeader }: TextTable<Item>): string[][] => [
  ...(hasHeader ? [columns.map(({ title }) => title)] : []),
  ...items.map((item) => columns.map(({ text }) => text(item))),
];

/** Returns a table with aligned columns for a terminal; nothing is truncated. */
export function alignedText<Item>(table: TextTable<Item>): string {
  const { columns } = table;
  const lines = cells(table);
  const widths = columns.map((_, i) =>
    lines.reduce((width, line) => Math.max(width, displayWidth(line[i] ?? '')), 0),
  );
  const pad = (text: string, i: number): string => {
    const space = ' '.repeat((widths[i] ?? 0) - displayWidth(text));
    return columns[i]?.align === 'right' ? space + text : text + space;
  };
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** Returns a table with tab-separated columns for other programs. */
export const tabbedText = <Item>(table: TextTable<Item>): string =>
  cells(table)
    .map((line) => `${line.join('\t')}\n`)
    .join('');
