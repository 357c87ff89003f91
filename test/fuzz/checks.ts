import { alignedTable, socketsCsv, socketsJson, tabSeparated } from '../helpers/export.ts';
import type { Socket } from '../../src/model/socket.ts';

/**
 * Characters that a terminal interprets, or that reorder the text around them: C0, DEL, C1, bidi controls, line
 * separators, lone surrogates.
 */
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/u;

const codeOf = (text: string): string => `U+${(text.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

/** Throws if a terminal would interpret a character of the text. @param what names the text in the error */
export function checkHarmless(text: string, what: string): void {
  const found = CONTROLS.exec(text);
  if (found) throw new Error(`${codeOf(found[0])} in ${what}`);
}

/** Throws if a message is empty, is longer than `maxLength`, or has a character that a terminal would interpret. */
export function checkMessage(text: string, maxLength: number): void {
  checkHarmless(text, 'a message');
  if (text === '') throw new Error('an empty message');
  if (text.length > maxLength) throw new Error(`a message of ${text.length} characters`);
}

/** Throws if a socket is malformed, or if its JSON, CSV or text has a character that a terminal would interpret. */
export function checkSockets(sockets: readonly Socket[]): void {
  for (const { id, owners, local, remote } of sockets) {
    const ports = [local.port, ...(remote ? [remote.port] : [])];
    if (id === '' || owners.length === 0 || !ports.every((port) => port >= 0 && port < 2 ** 32))
      throw new Error(`malformed socket: ${JSON.stringify({ id, owners, local, remote })}`);
  }
  const json = socketsJson(sockets);
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed) || parsed.length !== sockets.length)
    throw new Error('JSON has another number of sockets');
  checkHarmless(json.replaceAll('\n', ''), 'JSON');
  checkHarmless(socketsCsv(sockets).replaceAll('\r\n', ''), 'CSV');
  for (const table of [tabSeparated(sockets), alignedTable(sockets)])
    checkHarmless(table.replace(/[\t\n]/g, ''), 'a table');
}
