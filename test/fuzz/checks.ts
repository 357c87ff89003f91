import { socketsCsv } from '../../src/export/csv.ts';
import { socketsJson } from '../../src/export/json.ts';
import { alignedTable, tabSeparated } from '../../src/export/table.ts';
import type { Socket } from '../../src/model/socket.ts';

/**
 * Characters that a terminal takes for a command, or that turn the text around them: C0, DEL, C1, bidi controls, line
 * separators.
 */
const COMMANDS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/u;

const codeOf = (text: string): string => `U+${(text.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;

/** Throws where a text would act on a terminal. @param what it is, for the message */
export function checkHarmless(text: string, what: string): void {
  const found = COMMANDS.exec(text);
  if (found) throw new Error(`${codeOf(found[0])} in ${what}`);
}

/** Throws where a message would act on a terminal, or is longer than a few lines of it. */
export function checkMessage(text: string, most: number): void {
  checkHarmless(text, 'a message');
  if (text === '') throw new Error('an empty message');
  if (text.length > most) throw new Error(`a message of ${text.length} characters`);
}

/** Throws where sockets are no sockets, or where what is printed of them would act on a terminal, or is no JSON. */
export function checkSockets(sockets: readonly Socket[]): void {
  for (const { id, owners, local, remote } of sockets) {
    const ports = [local.port, ...(remote ? [remote.port] : [])];
    if (id === '' || owners.length === 0 || !ports.every((port) => port >= 0 && port < 2 ** 32))
      throw new Error(`no socket: ${JSON.stringify({ id, owners, local, remote })}`);
  }
  const json = socketsJson(sockets);
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed) || parsed.length !== sockets.length) throw new Error('sockets are lost in JSON');
  checkHarmless(json.replaceAll('\n', ''), 'JSON');
  checkHarmless(socketsCsv(sockets).replaceAll('\r\n', ''), 'CSV');
  for (const table of [tabSeparated(sockets), alignedTable(sockets)])
    checkHarmless(table.replace(/[\t\n]/g, ''), 'a table');
}
