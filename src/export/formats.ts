import type { Socket } from '../model/socket.ts';
import { csvPieces } from './csv.ts';
import { jsonPieces } from './json.ts';

/** How sockets are written to a file. */
export interface Format {
  /** The whole text, in pieces. */
  readonly pieces: (sockets: readonly Socket[]) => Iterable<string>;
}

/** Every format, by the extension of the file's name. */
export const FORMATS = {
  csv: { pieces: csvPieces },
  json: { pieces: jsonPieces },
} as const satisfies Readonly<Record<string, Format>>;

/** The format that the name of a file asks for; undefined where its extension is that of none. */
export function formatOf(path: string): Format | undefined {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  return Object.entries(FORMATS).find(([name]) => name === extension)?.[1];
}
