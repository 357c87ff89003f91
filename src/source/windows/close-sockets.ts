import { type CloseResult, closeResult, type SocketToClose } from '../../model/close.ts';
import { ERROR, type WindowsApi } from './api.ts';
import { CallFailed } from './growing-buffer.ts';
import { KeptTable } from './kept-table.ts';
import { CONNECTIONS, DELETE_TCB } from './layout.ts';
import { decodeRow, type Row, tupleOf } from './row.ts';
import type { Life } from './table-lives.ts';

const NOT_PERMITTED = 'not permitted: start the terminal with "Run as administrator"';
const CLOSED_ALREADY = 'closed already';

/** Why Windows did not close a connection, by error, as clauses for the user. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [ERROR.accessDenied, NOT_PERMITTED],
  [ERROR.notElevated, NOT_PERMITTED],
  [ERROR.notFound, CLOSED_ALREADY],
  [ERROR.fileNotFound, CLOSED_ALREADY],
  [ERROR.notSupported, 'this Windows cannot close it'],
]);

const keyOf = (row: Row): string => `${tupleOf(row)} ${row.created}`;

/** Closes connections (SetTcpEntry). Failures are part of the result. @param lifeOf returns the life of a socket */
export function closeSocketsIn(
  api: WindowsApi,
  sockets: readonly SocketToClose[],
  lifeOf: (id: string) => Life | undefined,
): CloseResult {
  if (!api.isElevated) return closeResult(sockets.map(() => NOT_PERMITTED));
  // Windows identifies the connection to close by its endpoints alone, which another one may have by now.
  const current = currentKeys(api);
  return closeResult(
    sockets.map(({ id }) => {
      if (typeof current === 'string') return current;
      const life = lifeOf(id);
      if (life === undefined || !current.has(keyOf(life.row))) return refusalOf(life?.row) ?? CLOSED_ALREADY;
      return refusalOf(life.row) ?? close(api, life.connection);
    }),
  );
}

/** Returns why Windows closes no socket of this kind; undefined if it may. */
function refusalOf(row: Row | undefined): string | undefined {
  if (row === undefined) return undefined;
  if (row.protocol !== 'tcp' || row.remote === null) return 'Windows closes TCP connections only';
  return row.family === 'ipv4' ? undefined : 'Windows closes connections over IPv4 only';
}

function close(api: WindowsApi, connection: Uint8Array | undefined): string | undefined {
  if (connection === undefined) return CLOSED_ALREADY;
  const row = Uint8Array.from(connection);
  new DataView(row.buffer).setUint32(CONNECTIONS.ipv4.state, DELETE_TCB, true);
  const error = api.closeConnection(row);
  return error === ERROR.none ? undefined : (REASONS.get(error) ?? `Windows refuses with error ${error}`);
}

/** Returns the connections over IPv4 as they are now, each by endpoints and time of creation; or why they are unknown. */
function currentKeys(api: WindowsApi): ReadonlySet<string> | string {
  const table = new KeptTable(api, 'tcp4');
  try {
    table.read();
  } catch (error) {
    if (error instanceof CallFailed) return error.message;
    throw error;
  }
  const { view } = table;
  return new Set(
    Array.from({ length: table.count }, (_, row) =>
      keyOf(decodeRow(view, table.offsetOf(row), table.layout)),
    ),
  );
}
