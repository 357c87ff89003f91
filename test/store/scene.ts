import type { Socket } from '../../src/model/socket.ts';
import type { Action } from '../../src/store/actions.ts';
import type { PromptKind } from '../../src/store/state.ts';
import { SocketTable } from '../../src/store/table.ts';
import { socket } from '../helpers/fakes.ts';

export const a = socket({ id: 'a' });
export const b = socket({ id: 'b', local: '192.0.2.10:40001' });
/** Returns the next version of a socket, whose peer has closed. */
export const closing = (it: Socket): Socket => ({ ...it, state: 'CLOSE_WAIT' });

/** Returns the mark of each row by id. */
export const marks = (table: SocketTable) =>
  Object.fromEntries([...table.rows].map(([id, { mark }]) => [id, mark]));

/** A table with a linger of 3 s after these batches. */
export function tableAfter(...batches: Parameters<SocketTable['apply']>[0][]): SocketTable {
  const table = new SocketTable(3000);
  for (const it of batches) table.apply(it);
  return table;
}

/** Returns the action of typing a text. */
export const type = (text: string): Action => ({ type: 'edit', edit: { type: 'insert', text } });
/** Returns the action that opens a prompt. */
export const open = (kind: PromptKind, text = ''): Action => ({
  type: 'prompt',
  kind,
  text,
});
