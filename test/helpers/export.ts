import { csvPieces } from '../../src/export/csv.ts';
import { jsonPieces } from '../../src/export/json.ts';
import type { Socket } from '../../src/model/socket.ts';

/** Returns the sockets as one text of CSV. */
export const socketsCsv = (sockets: readonly Socket[]): string => [...csvPieces(sockets)].join('');

/** Returns the sockets as one text of JSON. */
export const socketsJson = (sockets: readonly Socket[]): string => [...jsonPieces(sockets)].join('');
