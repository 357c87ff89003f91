import type { ColumnId } from '../../store/columns.ts';
import { HISTORY_BARS, TICKS_PER_BAR } from '../../store/rate-history.ts';
import { isMeasured, type Row } from '../../store/row.ts';
import { sparklineText } from '../text/sparkline.ts';
import { compactText, NOTHING, rttText } from '../text/format.ts';
import {
  agoColumn,
  type CellContext,
  type ColumnSpec,
  numberColumn,
  requestedNumberColumn,
} from './column.ts';

/** Minimum width of a pane for less important columns. */
const ROOMY = 140;
/** Minimum width of a pane for the history. */
const WIDE = 160;

/** Number of bars that the column shows, unless the user widens it. */
const SHORT_HISTORY = 10;

/** A rate is the difference between two polls. */
const NEEDS_POLLS = { unknownIn: ['poll', 'event'] } as const;

// Reads the time only if there is a rate: a cell that reads it is made again at each tick (`KeptLines`).
const rateCell = (row: Row, rate: number | undefined, context: CellContext): string =>
  compactText(
    rate !== undefined && !context.hasOldRates && isMeasured(row, context.nowMs) ? rate : undefined,
  );

/** Returns both queues: bytes, or connections of a listener. */
function queuesText({ socket: { traffic } }: Row): string {
  const { recvQueue, sendQueue } = traffic ?? {};
  if (recvQueue === undefined && sendQueue === undefined) return NOTHING;
  return `${compactText(recvQueue)}/${compactText(sendQueue)}`;
}

/** Returns the sum of the known values; undefined if both are unknown. */
const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);

const totalRate = ({ rxRate, txRate }: Row): number | undefined => sum(rxRate, txRate);

/** Columns about traffic and its quality. */
export const TRAFFIC_COLUMNS = {
  rxRate: numberColumn({
    title: 'RX/S',
    ...NEEDS_POLLS,
    about: 'bytes received per second since the last poll',
    priority: 9,
    value: ({ rxRate }) => rxRate,
    text: (row, context) => rateCell(row, row.rxRate, context),
  }),
  txRate: numberColumn({
    title: 'TX/S',
    ...NEEDS_POLLS,
    about: 'bytes sent per second since the last poll',
    priority: 10,
    value: ({ txRate }) => txRate,
    text: (row, context) => rateCell(row, row.txRate, context),
  }),
  rtt: numberColumn({
    title: 'RTT',
    about: 'round-trip time to the peer, smoothed',
    priority: 12,
    value: ({ socket }) => socket.traffic?.rttMicros,
    text: ({ socket }) => rttText(socket.traffic?.rttMicros),
  }),
  rxBytes: numberColumn({
    title: 'RX',
    about: 'bytes received since the socket was opened',
    priority: 15,
    from: ROOMY,
    value: ({ socket }) => socket.traffic?.rxBytes,
  }),
  txBytes: numberColumn({
    title: 'TX',
    about: 'bytes sent since the socket was opened',
    priority: 16,
    from: ROOMY,
    value: ({ socket }) => socket.traffic?.txBytes,
  }),
  retransmits: numberColumn({
    title: 'RETR',
    about: 'segments retransmitted',
    priority: 17,
    from: ROOMY,
    value: ({ socket }) => socket.traffic?.retransmits,
  }),
  queues: {
    title: 'Q',
    about: 'bytes unread / unacked; for a listener: connections waiting / maximum (backlog)',
    align: 'right',
    width: { least: 9, good: 9, most: 9 },
    priority: 18,
    from: ROOMY,
    present: ({ queues }) => queues,
    text: queuesText,
    key: ({ socket: { traffic } }) => sum(traffic?.recvQueue, traffic?.sendQueue) ?? null,
    descending: true,
  },
  rateHistory: {
    title: 'HISTORY',
    ...NEEDS_POLLS,
    about: `bytes received and sent per second, mean of ${TICKS_PER_BAR} ticks a bar; ${SHORT_HISTORY} bars (${HISTORY_BARS} if wider); each row has its own scale`,
    align: 'right',
    width: { least: SHORT_HISTORY, good: SHORT_HISTORY, most: SHORT_HISTORY },
    priority: 20,
    from: WIDE,
    present: ({ traffic }) => traffic,
    isUnmarked: true,
    text: ({ history }, context) => (history ? sparklineText(history, context.tick) : NOTHING),
    shortText: ({ history }, context) =>
      history ? sparklineText(history, context.tick, SHORT_HISTORY) : NOTHING,
    key: (row) => totalRate(row) ?? null,
    descending: true,
  },
  totalRate: requestedNumberColumn({
    title: 'RATE',
    ...NEEDS_POLLS,
    about: 'bytes received and sent per second since the last poll',
    value: totalRate,
    text: (row, context) => rateCell(row, totalRate(row), context),
  }),
  totalBytes: requestedNumberColumn({
    title: 'ALL',
    about: 'bytes received and sent since the socket was opened',
    value: ({ socket: { traffic } }) => sum(traffic?.rxBytes, traffic?.txBytes),
  }),
  rxSegments: requestedNumberColumn({
    title: 'RXSEG',
    about: 'segments received; packets if it is not TCP',
    value: ({ socket }) => socket.traffic?.rxSegments,
  }),
  txSegments: requestedNumberColumn({
    title: 'TXSEG',
    about: 'segments sent; packets if it is not TCP',
    value: ({ socket }) => socket.traffic?.txSegments,
  }),
  rttVar: requestedNumberColumn({
    title: 'RTTV',
    about: 'variation of the round-trip time (mean deviation)',
    value: ({ socket }) => socket.traffic?.rttVarMicros,
    text: ({ socket }) => rttText(socket.traffic?.rttVarMicros),
  }),
  cwnd: requestedNumberColumn({
    title: 'CWND',
    about: 'congestion window: segments that may be in flight',
    value: ({ socket }) => socket.traffic?.cwnd,
  }),
  deliveryRate: requestedNumberColumn({
    title: 'DLV/S',
    about: 'recent delivery rate to the peer, bytes per second',
    value: ({ socket }) => socket.traffic?.deliveryRate,
  }),
  recvQueue: requestedNumberColumn({
    title: 'RECVQ',
    about: 'bytes unread; for a listener: connections waiting',
    value: ({ socket }) => socket.traffic?.recvQueue,
  }),
  sendQueue: requestedNumberColumn({
    title: 'SENDQ',
    about: 'bytes unacked; for a listener: maximum of waiting connections (backlog)',
    value: ({ socket }) => socket.traffic?.sendQueue,
  }),
  lastReceived: agoColumn({
    title: 'RXAGO',
    about: 'time since data was last received',
    value: ({ socket }) => socket.traffic?.lastReceivedAtMs,
  }),
  lastSent: agoColumn({
    title: 'TXAGO',
    about: 'time since data was last sent',
    value: ({ socket }) => socket.traffic?.lastSentAtMs,
  }),
} as const satisfies Readonly<Partial<Record<ColumnId, ColumnSpec>>>;
