import type { SocketEvent } from '../model/event.ts';
import type { Socket } from '../model/socket.ts';
import { csvPieces } from './csv.ts';
import { eventLines, type Gap, jsonPieces } from './json.ts';

/** Format of sockets for other programs: in a file that the key `w` writes, and in the output of `ls`. */
export interface Format {
  /** Description of its option in `--help`. */
  readonly about: string;
  /** Yields the text in pieces. */
  readonly pieces: (sockets: readonly Socket[]) => Iterable<string>;
  /** True if it contains the TCP details (`Socket.tcp`), which the source reads only on request. */
  readonly hasTcpDetails: boolean;
  /** Returns events as lines in UTF-8; absent if the format is not one of `watch`. */
  readonly eventLines?: (events: readonly (SocketEvent | Gap)[]) => Buffer;
}

/**
 * All formats, by file name extension and option, in the order of the help. To add one is to add a row, and its name to
 * the key `w` (`tui/keys/copy.ts`), README and docs/configuration.md.
 */
export const FORMATS = {
  json: { about: 'print JSON', pieces: jsonPieces, hasTcpDetails: true, eventLines },
  csv: { about: 'print CSV', pieces: csvPieces, hasTcpDetails: false },
} as const satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof FORMATS;

export const formatNames = (): FormatName[] => Object.keys(FORMATS) as FormatName[];

export const isFormat = (name: string): name is FormatName => Object.hasOwn(FORMATS, name);

/** Returns the row of a format. */
export const formatRow = (name: FormatName): Format => FORMATS[name];

/** Returns the format for the extension of a file name; undefined for any other extension. */
export function formatOf(path: string): Format | undefined {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  return isFormat(extension) ? formatRow(extension) : undefined;
}
