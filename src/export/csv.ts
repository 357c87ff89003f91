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
 * The columns of the file, by name: the fields of `ls --json`, flat. Of several owners the first stands by itself, with
 * the process ids of the others behind it; all that the kernel tells of a connection (`tcp`) is in JSON only.
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
 * Where a spreadsheet would take the start of a text for that of a formula and run it: `=`, `+`, `-` and `@`, in full
 * width too. A semicolon begins a cell where the country's decimal sign is a comma, and quotes do not keep it from that.
 */
const FORMULA = /(^|;)(?=[\s"']*[=+\-@＝＋－＠])/g;

/**
 * A text as a cell. What is not printable becomes `?`; where a formula could begin an apostrophe comes before it, which
 * spreadsheets take for "this is text" (OWASP, CSV Injection).
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
 * CSV by RFC 4180, in pieces: a line of names, then a line for each socket; empty cells for what is unknown. Safe to print
 * and to open in a spreadsheet.
 */
export function* csvPieces(sockets: readonly Socket[]): Generator<string> {
  yield `${Object.keys(COLUMNS).join(',')}\r\n`;
  for (const chunk of chunksOf(sockets)) yield chunk.map(rowCsv).join('');
}

/** The same in one piece. */
export const socketsCsv = (sockets: readonly Socket[]): string => [...csvPieces(sockets)].join('');
