import { portOrProtocolText } from '../model/services.ts';
import { firstOwner, type Socket } from '../model/socket.ts';
import { printable } from '../model/text.ts';
import { TRAFFIC_FIELDS } from './json.ts';
import { chunksOf } from './chunks.ts';

type Value = string | number | undefined;

const traffic = Object.fromEntries(
  TRAFFIC_FIELDS.map((name) => [name, ({ traffic: it }: Socket): Value => it?.[name]] as const),
);

/**
 * Columns of the file, by name: the fields of `ls --json`, flattened. The owner columns are those of the first owner;
 * `otherPids` lists the pids of the others, separated by spaces. The `tcp` details are in JSON only.
 */
const COLUMNS: Readonly<Record<string, (socket: Socket) => Value>> = {
  id: ({ id }) => id,
  protocol: ({ protocol }) => protocol,
  family: ({ family }) => family,
  localAddress: ({ local }) => local.address,
  localPort: ({ local }) => local.port,
  localProtocol: ({ local, protocol }) =>
    local.protocol === undefined ? undefined : portOrProtocolText(local.protocol, protocol),
  remoteAddress: ({ remote }) => remote?.address,
  remotePort: ({ remote }) => remote?.port,
  state: ({ state }) => state,
  opened: ({ opened }) => opened,
  inode: ({ inode }) => inode,
  uid: ({ uid }) => uid,
  user: ({ user }) => user,
  interface: (socket) => socket.interface,
  netnsInode: ({ netns }) => netns?.inode,
  netnsName: ({ netns }) => netns?.name,
  ...traffic,
  timerKind: ({ timer }) => timer?.kind,
  timerDueAtMs: ({ timer }) => timer?.dueAtMs,
  timerRetransmits: ({ timer }) => timer?.retransmits,
  pid: (socket) => firstOwner(socket).pid,
  process: (socket) => firstOwner(socket).process,
  nowProcess: (socket) => firstOwner(socket).nowProcess,
  command: (socket) => firstOwner(socket).command,
  exe: (socket) => firstOwner(socket).exe,
  processUser: (socket) => firstOwner(socket).user,
  startedAtMs: (socket) => firstOwner(socket).startedAtMs,
  knowledge: (socket) => firstOwner(socket).knowledge,
  tried: (socket) => firstOwner(socket).tried,
  otherPids: ({ owners }) =>
    owners
      .slice(1)
      .flatMap(({ pid }) => pid ?? [])
      .join(' '),
};

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
  value === undefined ? '' : typeof value === 'number' ? String(value) : textCell(value);

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

/** Returns the output of `csvPieces` as one text. */
export const socketsCsv = (sockets: readonly Socket[]): string => [...csvPieces(sockets)].join('');
