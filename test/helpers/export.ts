import { csvPieces } from '../../src/export/csv.ts';
import { eventLines, type Gap, jsonPieces } from '../../src/export/json.ts';
import { alignedText, SOCKET_COLUMNS, tabbedText } from '../../src/export/table.ts';
import type { SocketEvent } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';

/** Returns the sockets as one text of CSV. */
export const socketsCsv = (sockets: readonly Socket[]): string => [...csvPieces(sockets)].join('');

/** Returns the sockets as one text of JSON. */
export const socketsJson = (sockets: readonly Socket[]): string => [...jsonPieces(sockets)].join('');

/** Returns a socket as its line of JSON, without the brackets of the array. */
export const socketJson = (socket: Socket): string =>
  socketsJson([socket]).slice('[\n'.length, -'\n]\n'.length);

/** Returns an event as its line of JSON. */
export const eventJson = (event: SocketEvent | Gap): string => eventLines([event]).toString().trimEnd();

/** Returns the table of `ls` for a terminal. */
export const alignedTable = (items: readonly Socket[]): string =>
  alignedText({ items, columns: SOCKET_COLUMNS, hasHeader: true });

/** Returns the table of `ls` for other programs. */
export const tabSeparated = (items: readonly Socket[]): string =>
  tabbedText({ items, columns: SOCKET_COLUMNS, hasHeader: true });
