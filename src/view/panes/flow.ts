import { firstOwner, isListening, type Timer, type TimerKind } from '../../model/socket.ts';
import { counted, printable } from '../../model/text.ts';
import { areRatesOld, pictureOf } from '../../store/picture.ts';
import type { State } from '../../store/state.ts';
import { isMeasured, type Row } from '../../store/row.ts';
import {
  ageText,
  countText,
  durationText,
  endpointText,
  namespaceText,
  rateText,
  rttText,
  sizeText,
} from '../text/format.ts';

/** A line of the details: label and words; a word is not broken across lines. */
export type Fact = readonly [label: string, words: readonly string[]];

/** Returns a fact with the known words; nothing if no word is known. */
const facts = (label: string, words: readonly (string | undefined)[]): Fact[] => {
  const known = words.filter((word) => word !== undefined);
  return known.length === 0 ? [] : [[label, known]];
};

/** Returns the text of a value; undefined if the value is unknown. */
const known = <T>(value: T | undefined, text: (value: T) => string): string | undefined =>
  value === undefined ? undefined : text(value);

/** The time that rows are shown for: now, or the moment of a pause. */
interface Moment {
  readonly nowMs: number;
  readonly takenAtMs: number;
  readonly hasOldRates?: boolean;
}

export function momentOf(state: State): Moment {
  const { nowMs, takenAtMs } = pictureOf(state);
  return { nowMs, takenAtMs, hasOldRates: areRatesOld(state) };
}

/** Returns bytes received and sent: total, per second, and when last. */
export function byteFacts(row: Row, { nowMs, takenAtMs, hasOldRates }: Moment): Fact[] {
  const { traffic, protocol } = row.socket;
  const unit = protocol === 'tcp' || protocol === 'mptcp' ? 'segment' : 'packet';
  const measured = !hasOldRates && isMeasured(row, nowMs);
  const side = (label: string, bytes?: number, rate?: number, lastMs?: number, segments?: number) =>
    facts(label, [
      known(bytes, sizeText),
      known(measured ? rate : undefined, rateText),
      known(segments, (count) => `in ${counted(count, unit)}`),
      known(lastMs, (ms) => `last ${takenAtMs - ms < 1000 ? '<1s' : ageText(takenAtMs - ms)} ago`),
    ]);
  return [
    ...side('received', traffic?.rxBytes, row.rxRate, traffic?.lastReceivedAtMs, traffic?.rxSegments),
    ...side('sent', traffic?.txBytes, row.txRate, traffic?.lastSentAtMs, traffic?.txSegments),
  ];
}

/** Returns the last peers of a socket without a remote endpoint. */
export const peersFacts = ({ socket }: Row): Fact[] =>
  facts('peers', socket.peers?.map((peer) => endpointText(peer, socket)) ?? []);

/** Returns the quality of the path to the peer. */
export function pathFacts({ socket: { traffic } }: Row): Fact[] {
  const variance = known(traffic?.rttVarMicros, (micros) => ` ± ${rttText(micros)}`) ?? '';
  return facts('path', [
    known(traffic?.rttMicros, (micros) => `rtt ${rttText(micros)}${variance}`),
    known(traffic?.cwnd, (segments) => `cwnd ${countText(segments)}`),
    known(traffic?.deliveryRate, (rate) => `delivery ${rateText(rate)}`),
    known(traffic?.retransmits, (count) => `${countText(count)} retransmitted`),
  ]);
}

/** Returns the queues: waiting connections of a TCP listener, bytes of any other socket. */
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

/** Returns the next timer, the interface and the network namespace. */
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

/** Returns the sums over all sockets of the row's process; nothing if it has only this one or none is measured. */
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
