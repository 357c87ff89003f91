import { formatIpv6, parseIpv6 } from '../../../model/address.ts';
import type { Endpoint, Family, SocketState, Traffic } from '../../../model/socket.ts';

/** The process that a row of nettop names. */
export interface ListedProcess {
  readonly pid: number;
  /** Name, cut by macOS: often after 15 characters. Untrusted. */
  readonly name: string;
}

/** One socket, or flow of the user-space network, as nettop lists it. */
export interface Flow {
  readonly protocol: 'tcp' | 'udp';
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  readonly state: SocketState | undefined;
  readonly interface: string | undefined;
  readonly traffic: Traffic | undefined;
  /** Undefined if the row of the process cannot be read. */
  readonly process: ListedProcess | undefined;
}

/** The output of one run. */
export interface NettopOutput {
  readonly flows: readonly Flow[];
  /** Number of lines that cannot be read. */
  readonly unreadable: number;
  /** Number of TCP flows whose state is not one of `STATES`. */
  readonly unknownStates: number;
}

/** States by the names of nettop, in lower case: those of bsd/netinet/tcp_fsm.h. */
const STATES: ReadonlyMap<string, SocketState> = new Map([
  ['closed', 'CLOSE'],
  ['listen', 'LISTEN'],
  ['synsent', 'SYN_SENT'],
  ['synreceived', 'SYN_RECV'],
  ['established', 'ESTABLISHED'],
  ['closewait', 'CLOSE_WAIT'],
  ['finwait1', 'FIN_WAIT1'],
  ['closing', 'CLOSING'],
  ['lastack', 'LAST_ACK'],
  ['finwait2', 'FIN_WAIT2'],
  ['timewait', 'TIME_WAIT'],
]);

/** The columns of an output. */
interface Header {
  /** Number of cells of every row. */
  readonly size: number;
  /** Index of the column without a name: the process or the flow. */
  readonly subject: number;
  /** Index by name. */
  readonly columns: ReadonlyMap<string, number>;
}

/** Returns the columns; undefined if the line is no header. Columns vary between versions of macOS. */
function readHeader(line: string): Header | undefined {
  const cells = line.split(',').map((cell) => cell.trim());
  const subject = cells.indexOf('');
  const columns = new Map(cells.map((name, index) => [name, index]));
  const isHeader = ['state', 'bytes_in', 'bytes_out'].every((name) => columns.has(name));
  return isHeader && subject >= 0 && subject < cells.length - 1
    ? { size: cells.length, subject, columns }
    : undefined;
}

/**
 * Returns the cells of a row; undefined if it has too few. nettop does not quote: a name with commas makes more cells,
 * and all that are too many belong to it. A name with a line end makes rows with too few cells, so it cannot pass as
 * the row of another process.
 */
function readCells(line: string, { size, subject }: Header): string[] | undefined {
  const cells = line.split(',');
  const extra = cells.length - size;
  if (extra < 0) return undefined;
  if (extra > 0) cells.splice(subject, extra + 1, cells.slice(subject, subject + extra + 1).join(','));
  return cells.map((cell) => cell.trim());
}

/** Matches a flow, also one that `FLOW` does not match because its endpoints cannot be read. */
const LIKE_FLOW = /^(?:tcp|udp|quic)[46] .*<->/;
const FLOW = /^(tcp|udp|quic)([46]) ([^\s<>]+)<->([^\s<>]+)$/;

/** Returns address and port; undefined if either is invalid. `*` is any address, and port 0. */
function readEndpoint(text: string, family: Family): Endpoint | undefined {
  // In addresses of IPv6 the port comes after a dot: `fe80::1%en0.443`.
  const at = Math.max(text.lastIndexOf('.'), family === 'ipv4' ? text.lastIndexOf(':') : -1);
  const [host, service] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  const port = service === '*' ? 0 : /^\d{1,5}$/.test(service) ? Number(service) : Number.NaN;
  const address = family === 'ipv4' ? readIpv4(host) : readIpv6(host);
  return address === undefined || !(port <= 65_535) ? undefined : { address, port };
}

function readIpv4(text: string): string | undefined {
  if (text === '*') return '0.0.0.0';
  const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return bytes?.every((byte) => byte <= 255) ? bytes.join('.') : undefined;
}

function readIpv6(text: string): string | undefined {
  if (text === '*') return '::';
  const [, host = '', scope = ''] = /^([^%]*)(%[\w.-]{1,32})?$/.exec(text) ?? [];
  const groups = parseIpv6(host);
  return groups === undefined ? undefined : formatIpv6(groups) + scope;
}

/** Returns a count; undefined if the cell has none. */
const readCount = (cell: string): number | undefined => (/^\d{1,15}$/.test(cell) ? Number(cell) : undefined);

/** Returns microseconds; undefined if the cell has none. nettop prints `18.25 ms`. */
function readMillis(cell: string): number | undefined {
  const found = /^(\d{1,9}(?:\.\d{1,9})?)(?: ?ms)?$/.exec(cell)?.[1];
  const micros = Math.round(Number(found ?? 0) * 1000);
  return micros > 0 ? micros : undefined;
}

/** Returns bytes without repeated ones, which the counters of the kernel contain; undefined if they are not counted. */
function payload(counted: number | undefined, repeated: number | undefined): number | undefined {
  return counted === undefined ? undefined : Math.max(0, counted - (repeated ?? 0));
}

/** Returns the counters of a flow; undefined if it has none, such as a listener. */
function readTraffic(cellOf: (name: string) => string): Traffic | undefined {
  const count = (name: string): number | undefined => readCount(cellOf(name));
  const rxBytes = payload(count('bytes_in'), count('rx_dupe'));
  // The kernel counts the bytes of retransmissions, not their number (bsd/net/ntstat.c, nstat_txretransmit).
  const txBytes = payload(count('bytes_out'), count('re-tx'));
  const rttMicros = readMillis(cellOf('rtt_avg'));
  if (rxBytes === undefined && txBytes === undefined && rttMicros === undefined) return undefined;
  return {
    ...(rxBytes !== undefined && { rxBytes }),
    ...(txBytes !== undefined && { txBytes }),
    ...(rttMicros !== undefined && { rttMicros }),
  };
}

/** Returns the process of a row `NAME.PID`. */
function readProcess(text: string): ListedProcess | undefined {
  const dot = text.lastIndexOf('.');
  const digits = text.slice(dot + 1);
  return dot > 0 && /^\d{1,10}$/.test(digits)
    ? { pid: Number(digits), name: text.slice(0, dot).trim() }
    : undefined;
}

/** Returns the flow of a row; undefined if the row is no flow, or has endpoints that cannot be read. */
function readFlow(
  text: string,
  cellOf: (name: string) => string,
  process: ListedProcess | undefined,
): Flow | undefined {
  const [, kind, version, from, to] = FLOW.exec(text) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const family = version === '6' ? 'ipv6' : 'ipv4';
  const [local, remote] = [readEndpoint(from, family), readEndpoint(to, family)];
  if (local === undefined || remote === undefined) return undefined;
  const hasPeer = !to.startsWith('*');
  const interfaceName = cellOf('interface');
  const isTcp = kind === 'tcp';
  return {
    // QUIC of the user-space network runs over UDP.
    protocol: isTcp ? 'tcp' : 'udp',
    family,
    local,
    remote: hasPeer ? remote : null,
    state: isTcp ? STATES.get(cellOf('state').toLowerCase()) : hasPeer ? 'ESTABLISHED' : undefined,
    // For a socket with any address it is only the interface that it used last.
    interface: interfaceName === '' || from.startsWith('*') ? undefined : interfaceName,
    traffic: readTraffic(cellOf),
    process,
  };
}

/**
 * Parses the output of `nettop -L 1 -n -x`: a header, then for each process a row `NAME.PID` and rows of its flows. Never
 * throws; a line that cannot be read is counted, and the flows after it have no process.
 * @returns undefined if the output has no header
 */
export function parseNettop(text: string): NettopOutput | undefined {
  const [first = '', ...lines] = text.split('\n');
  const header = readHeader(first);
  if (header === undefined) return undefined;
  const flows: Flow[] = [];
  let process: ListedProcess | undefined;
  let [unreadable, unknownStates] = [0, 0];
  for (const line of lines) {
    if (line.trim() === '') continue;
    const cells = readCells(line, header);
    const cellOf = (name: string): string => cells?.[header.columns.get(name) ?? -1] ?? '';
    const subject = cells?.[header.subject] ?? '';
    // A program can have the name of a flow, but its row has neither a state nor the kind of the socket.
    const isProcess =
      (header.columns.has('arch') && cellOf('arch') === '') ||
      (subject.startsWith('tcp') && cellOf('state') === '');
    const flow = isProcess ? undefined : readFlow(subject, cellOf, process);
    if (flow) {
      flows.push(flow);
      if (flow.protocol === 'tcp' && flow.state === undefined) unknownStates++;
      continue;
    }
    process = LIKE_FLOW.test(subject) && !isProcess ? undefined : readProcess(subject);
    if (process === undefined) unreadable++;
  }
  return { flows, unreadable, unknownStates };
}
