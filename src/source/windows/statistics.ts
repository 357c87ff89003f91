import { TRAFFIC_FIELDS } from '../../model/fields.ts';
import type { SocketState, Traffic } from '../../model/socket.ts';
import { ERROR, type WindowsApi } from './api.ts';
import { STATISTICS, type StatisticsKind } from './layout.ts';
import type { Life } from './table-lives.ts';

/** Maximum time for statistics in one poll, milliseconds. */
const BUDGET_MS = 20;

/** Number of connections that are read before the clock is read again. */
const CONNECTIONS_PER_CLOCK = 32;

const KINDS = Object.keys(STATISTICS) as StatisticsKind[];

/** States in which Windows counts for a connection. */
const COUNTED: ReadonlySet<SocketState | undefined> = new Set([
  'ESTABLISHED',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE_WAIT',
  'CLOSING',
  'LAST_ACK',
]);

/** Errors about a connection that has ended. */
const ENDED: ReadonlySet<number | undefined> = new Set([ERROR.notFound, ERROR.fileNotFound]);

/** A 32-bit value of at least this counts as unknown: Windows writes all ones for an unknown value. */
const NO_VALUE = 2 ** 31;

/** One connection for which Windows counts. */
interface Counted {
  readonly life: Life;
  readonly connection: Uint8Array;
  /** The kinds that Windows counts. */
  readonly kinds: readonly StatisticsKind[];
}

/**
 * Traffic, round-trip times, retransmissions, windows and queues of TCP connections, as administrator (ESTATS). Windows
 * counts from the poll that sees the connection first. If there are too many to read all in one poll, they are read
 * in turn.
 */
export class Statistics {
  readonly #api: WindowsApi;
  readonly #nowMs: () => number;
  #counted: Counted[] = [];
  /** Index of the next one to read. */
  #next = 0;
  readonly #views = Object.fromEntries(
    KINDS.map((kind) => [kind, new DataView(new ArrayBuffer(STATISTICS[kind].size))]),
  ) as Record<StatisticsKind, DataView>;
  /** Error with which Windows refused to count for the last new connection that had not ended; undefined if it counts. */
  refusal: number | undefined;
  /** True if the last poll could not read all connections. */
  isInTurn = false;

  constructor(api: WindowsApi, nowMs: () => number) {
    this.#api = api;
    this.#nowMs = nowMs;
  }

  /** Makes Windows count for the connections among these lives that are new. */
  start(lives: readonly Life[]): void {
    for (const life of lives) {
      const { connection, row } = life;
      if (connection === undefined || life.isTrafficRequested || !COUNTED.has(row.state)) continue;
      const errors = KINDS.map((kind) => this.#api.startStatistics(connection, kind));
      const kinds = KINDS.filter((_, i) => errors[i] === ERROR.none);
      life.isTrafficRequested = true;
      if (kinds.length > 0) this.#counted.push({ life, connection, kinds });
      if (kinds.length > 0) this.refusal = undefined;
      else if (!ENDED.has(errors[0])) this.refusal = errors[0];
    }
  }

  /** Reads the connections, in turn if the time is over. @param onTraffic gets each whose traffic has changed */
  read(onTraffic: (life: Life, traffic: Traffic) => void): void {
    const isOver = ({ life: { hasEnded, row } }: Counted) => hasEnded || !COUNTED.has(row.state);
    if (this.#counted.some(isOver)) this.#counted = this.#counted.filter((it) => !isOver(it));
    const count = this.#counted.length;
    const endMs = this.#nowMs() + BUDGET_MS;
    let read = 0;
    while (read < count && (read % CONNECTIONS_PER_CLOCK !== 0 || read === 0 || this.#nowMs() < endMs)) {
      if (this.#next >= count) this.#next = 0;
      this.#readOne(this.#counted[this.#next++] as Counted, onTraffic);
      read++;
    }
    this.isInTurn = read < count;
  }

  #readOne({ life, connection, kinds }: Counted, onTraffic: (life: Life, traffic: Traffic) => void): void {
    const before = life.socket?.traffic;
    let traffic: Traffic = before ?? {};
    // If the segment size of this connection cannot be read, that of another one must not remain.
    this.#views.path.setUint32(path.segmentBytes, 0, true);
    for (const kind of kinds) {
      const view = this.#views[kind];
      if (this.#api.readStatistics(connection, kind, new Uint8Array(view.buffer)) !== ERROR.none) continue;
      traffic = { ...traffic, ...READERS[kind](view, this.#views.path) };
    }
    if (life.socket !== undefined && !isSame(before, traffic)) onTraffic(life, traffic);
  }
}

const isSame = (before: Traffic | undefined, now: Traffic): boolean =>
  before !== undefined &&
  (Object.keys(TRAFFIC_FIELDS) as (keyof Traffic)[]).every((key) => before[key] === now[key]);

/** Returns a 64-bit counter; undefined if a number cannot hold it exactly. */
function counterAt(view: DataView, offset: number): number | undefined {
  const value = Number(view.getBigUint64(offset, true));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Returns a 32-bit value; undefined if Windows knows none. */
function valueAt(view: DataView, offset: number): number | undefined {
  const value = view.getUint32(offset, true);
  return value < NO_VALUE ? value : undefined;
}

/** Returns the object without the fields that are undefined. */
const defined = (fields: { readonly [key in keyof Traffic]: number | undefined }): Traffic =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const micros = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms * 1000);

const { data, congestion, path, sendBuffer, receiveBuffer } = STATISTICS;

/** Traffic of each kind of statistics. @param paths the last statistics of the kind `path` of the same connection */
const READERS: Readonly<Record<StatisticsKind, (view: DataView, paths: DataView) => Traffic>> = {
  data: (view) =>
    defined({
      // Both count acknowledged bytes, so that repeated ones count once.
      rxBytes: counterAt(view, data.bytesReceived),
      txBytes: counterAt(view, data.bytesAcked),
      rxSegments: counterAt(view, data.segmentsIn),
      txSegments: counterAt(view, data.segmentsOut),
    }),
  path: (view) =>
    defined({
      retransmits: valueAt(view, path.retransmits),
      rttMicros: micros(valueAt(view, path.rttMs)),
      rttVarMicros: micros(valueAt(view, path.rttVarMs)),
    }),
  congestion: (view, paths) => {
    const bytes = valueAt(view, congestion.window);
    const segment = valueAt(paths, path.segmentBytes) ?? 0;
    return bytes === undefined || segment === 0 ? {} : { cwnd: Math.round(bytes / segment) };
  },
  sendBuffer: (view) => {
    const unacknowledged = counterAt(view, sendBuffer.unacknowledged);
    const unsent = counterAt(view, sendBuffer.unsent);
    return unacknowledged === undefined || unsent === undefined ? {} : { sendQueue: unacknowledged + unsent };
  },
  receiveBuffer: (view) => defined({ recvQueue: counterAt(view, receiveBuffer.unread) }),
};
