import {
  ENDPOINT_FIELDS,
  fieldNames,
  type FieldRow,
  isPlainField,
  NETNS_FIELDS,
  type ObjectField,
  OWNER_FIELDS,
  SOCKET_FIELDS,
  TIMER_FIELDS,
  TRAFFIC_FIELDS,
} from '../model/fields.ts';
import { portOrProtocolText } from '../model/services.ts';
import { firstOwner, type Socket } from '../model/socket.ts';
import { printable } from '../model/text.ts';
import { endpointText } from '../view/text/format.ts';
import { chunksOf } from './chunks.ts';

type Value = string | number | boolean | undefined;

/** Columns of the file, by name. */
type Columns = Readonly<Record<string, (socket: Socket) => Value>>;

/** Returns a column for each field of an object. Their names begin with `prefix`, unless the table names them. */
function columnsOf<Name extends string>(
  table: Readonly<Record<Name, FieldRow>>,
  prefix: string,
  read: (socket: Socket) => Readonly<Partial<Record<NoInfer<Name>, Value>>> | null | undefined,
): Columns {
  const titled = (name: string): string =>
    prefix === '' ? name : prefix + name.charAt(0).toUpperCase() + name.slice(1);
  return Object.fromEntries(
    fieldNames(table).map((name) => [
      table[name].column ?? titled(name),
      (socket: Socket) => read(socket)?.[name],
    ]),
  );
}

/** A remote endpoint has no protocol number. */
const { protocol: _, ...REMOTE_FIELDS } = ENDPOINT_FIELDS;

/** Columns of each object of a socket. */
const OBJECT_COLUMNS: Readonly<Record<ObjectField, Columns>> = {
  local: {
    ...columnsOf(ENDPOINT_FIELDS, 'local', ({ local }) => local),
    localProtocol: ({ local, protocol }) =>
      local.protocol === undefined ? undefined : portOrProtocolText(local.protocol, protocol),
  },
  remote: columnsOf(REMOTE_FIELDS, 'remote', ({ remote }) => remote),
  netns: columnsOf(NETNS_FIELDS, 'netns', ({ netns }) => netns),
  traffic: columnsOf(TRAFFIC_FIELDS, '', ({ traffic }) => traffic),
  peers: {
    peers: (socket) => socket.peers?.map((peer) => endpointText(peer, socket)).join(' '),
  },
  timer: columnsOf(TIMER_FIELDS, 'timer', ({ timer }) => timer),
  tcp: {},
  owners: {
    ...columnsOf(OWNER_FIELDS, '', firstOwner),
    otherPids: ({ owners }) =>
      owners
        .slice(1)
        .flatMap(({ pid }) => pid ?? [])
        .join(' '),
  },
};

/**
 * The fields of `ls --json`, flattened. The owner columns are those of the first owner; `otherPids` lists the pids of the
 * others, separated by spaces. The `tcp` details are in JSON only.
 */
const COLUMNS: Columns = Object.fromEntries(
  fieldNames(SOCKET_FIELDS).flatMap((name) =>
    Object.entries<Columns[string]>(
      isPlainField(name) ? { [name]: (socket) => socket[name] } : OBJECT_COLUMNS[name],
    ),
  ),
);

/**
 * Matches the positions where a spreadsheet would start a formula: before `=`, `+`, `-` and `@`, also in full width, at
 * the start of a cell. In locales with a decimal comma a semicolon separates cells, even within quotes.
 */
const FORMULA = /(^|;)(?=[\s"']*[=+\-@＝＋－＠])/g;

/**
 * Returns a text as a cell. Unprintable characters become `?`. A possible start of a formula gets an apostrophe before
 * it, which marks it as text in spreadsheets (OWASP, CSV Injection).
 */
function textCell(text: string): string {
  const safe = printable(text).replace(FORMULA, "$1'");
  return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const cell = (value: Value): string =>
  value === undefined ? '' : typeof value === 'string' ? textCell(value) : String(value);

const getters = Object.values(COLUMNS);

const rowCsv = (socket: Socket): string => `${getters.map((value) => cell(value(socket))).join(',')}\r\n`;

/**
 * Yields CSV (RFC 4180) in pieces: a line of column names, then one line per socket. Unknown values are empty cells.
 * Safe to print and to open in a spreadsheet.
 */
export function* csvPieces(sockets: readonly Socket[]): Generator<string> {
  yield `${Object.keys(COLUMNS).join(',')}\r\n`;
  for (const chunk of chunksOf(sockets)) yield chunk.map(rowCsv).join('');
}
