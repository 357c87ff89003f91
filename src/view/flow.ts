import { firstOwner, isListening, type Timer, type TimerKind } from '../model/socket.ts';
import { printable } from '../model/text.ts';
import type { State } from '../store/state.ts';
import { isMeasured, type Row } from '../store/table.ts';
import { ageText, countText, durationText, namespaceText, rateText, rttText, sizeText } from './format.ts';

/** A line of the details: what it is of, and what it says, in words that stay together. */
export type Fact = readonly [label: string, words: readonly string[]];

const facts = (label: string, words: readonly (string | undefined)[]): Fact[] => {
  const known = words.filter((word) => word !== undefined);
  return known.length === 0 ? [] : [[label, known]];
};

/** `undefined` for what is unknown, else what `text` makes of it. */
const known = <T>(value: T | undefined, text: (value: T) => string): string | undefined =>
  value === undefined ? undefined : text(value);

/** What a row of now, or of a pause, is to be seen by. */
interface Moment {
  readonly nowMs: number;
  readonly takenAtMs: number;
  readonly hasOldRates?: boolean;
}

export const momentOf = ({ pause, nowMs, takenAtMs, silence }: State): Moment => ({
  nowMs: pause ? pause.nowMs : (nowMs ?? 0),
  takenAtMs: pause ? pause.takenAtMs : takenAtMs,
  hasOldRates: silence !== null && pause === null,
});

/** Received and sent: in all, a second, and when last. */
export function byteFacts(row: Row, { nowMs, takenAtMs, hasOldRates }: Moment): Fact[] {
  const { traffic } = row.socket;
  const measured = !hasOldRates && isMeasured(row, nowMs);
  const side = (label: string, bytes?: number, rate?: number, lastMs?: number, segments?: number) =>
    facts(label, [
      known(bytes, sizeText),
      known(measured ? rate : undefined, rateText),
      known(segments, (count) => `in ${countText(count)} ${count === 1 ? 'segment' : 'segments'}`),
      known(lastMs, (ms) => `last ${ageText(Math.max(0, takenAtMs - ms), false)} ago`),
    ]);
  return [
    ...side('received', traffic?.rxBytes, row.rxRate, traffic?.lastReceivedAtMs, traffic?.rxSegments),
    ...side('sent', traffic?.txBytes, row.txRate, traffic?.lastSentAtMs, traffic?.txSegments),
  ];
}

/** How good the way to the peer is. */
export function pathFacts({ socket: { traffic } }: Row): Fact[] {
  const variance = known(traffic?.rttVarMicros, (micros) => ` ± ${rttText(micros)}`) ?? '';
  return facts('path', [
    known(traffic?.rttMicros, (micros) => `rtt ${rttText(micros)}${variance}`),
    known(traffic?.cwnd, (segments) => `cwnd ${countText(segments)}`),
    known(traffic?.deliveryRate, (rate) => `delivery ${rateText(rate)}`),
    known(traffic?.retransmits, (count) => `${countText(count)} retransmitted`),
  ]);
}

/** What waits: of a TCP listener connections, of all others bytes. */
export function queueFacts({ socket }: Row): Fact[] {
  const { recvQueue, sendQueue } = socket.traffic ?? {};
  if (socket.protocol !== 'udp' && isListening(socket)) {
    const most = known(sendQueue, (count) => ` of ${countText(count)}`) ?? '';
    return facts('backlog', [known(recvQueue, (count) => `${countText(count)}${most}`)]);
  }
  const waiting = [
    known(recvQueue, (bytes) => `${sizeText(bytes)} unread`),
    known(sendQueue, (bytes) => `${sizeText(bytes)} unacked`),
  ].filter((text) => text !== undefined);
  return waiting.length === 0 ? [] : [['queues', [waiting.join(', ')]]];
}

const TIMERS: Readonly<Record<TimerKind, string>> = {
  on: 'retransmit',
  keepalive: 'keepalive',
  timewait: 'end of TIME_WAIT',
  persist: 'zero-window probe',
};

const timerText = ({ kind, dueAtMs, retransmits }: Timer, takenAtMs: number): string => {
  const leftMs = Math.max(0, dueAtMs - takenAtMs);
  const left = leftMs < 10_000 ? `${(leftMs / 1000).toFixed(1)}s` : durationText(leftMs);
  return `${TIMERS[kind]} in ${left}${retransmits > 0 ? `, ${retransmits} unanswered` : ''}`;
};

/** The timer that runs out next, and through what network it goes. */
export function networkFacts(
  { socket: { timer, netns, interface: name } }: Row,
  { takenAtMs }: Moment,
): Fact[] {
  return [
    ...facts('timer', [known(timer, (it) => timerText(it, takenAtMs))]),
    ...facts('network', [
      known(name, (it) => `interface ${printable(it)}`),
      known(netns, (it) => `namespace ${namespaceText(it)}${it.name === undefined ? '' : ` (${it.inode})`}`),
    ]),
  ];
}

/** What all sockets of the row's program come to; nothing where it has no other, or none is told of. */
export function programFacts({ socket }: Row, { table, silence }: State): Fact[] {
  const { pid } = firstOwner(socket);
  const sum = pid === undefined ? undefined : table.processes.get(pid);
  if (sum === undefined || sum.counted === 0 || sum.sockets === 1) return [];
  return facts('total', [
    `${countText(sum.sockets)} sockets`,
    silence ? undefined : `↓ ${rateText(sum.rxRate)} ↑ ${rateText(sum.txRate)}`,
    `${sizeText(sum.rxBytes)} received, ${sizeText(sum.txBytes)} sent`,
  ]);
}
