import type { Socket } from '../model/socket.ts';
import { csvPieces } from './csv.ts';
import { jsonPieces } from './json.ts';

/** File format for sockets. */
export interface Format {
  /** Yields the text of the file in pieces. */
  readonly pieces: (sockets: readonly Socket[]) => Iterable<string>;
}

/** All formats, by file name extension. */
export const FORMATS = {
  csv: { pieces: csvPieces },
  json: { pieces: jsonPieces },
} as const satisfies Readonly<Record<string, Format>>;

/** Returns the format for the extension of a file name; undefined for any other extension. */
export function formatOf(path: string): Format | undefined {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  return Object.entries(FORMATS).find(([name]) => name === extension)?.[1];
}
