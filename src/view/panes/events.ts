import {
  type ActionEvent,
  type GapEvent,
  hasSocket,
  type LogEntry,
  type SocketEvent,
  type SumEvent,
} from '../../model/event.ts';
import { type Direction, firstOwner } from '../../model/socket.ts';
import { printable } from '../../model/text.ts';
import { changeWords, missedText } from '../text/change-text.ts';
import { directionSign } from '../text/direction-sign.ts';
import {
  addressText,
  boundedLifetimeText,
  clockText,
  compactText,
  endpointText,
  NOTHING,
  ownerText,
  portText,
  preciseClockText,
  sizeText,
  userText,
} from '../text/format.ts';
import type { Selection } from '../table/row-line.ts';
import { type Line, line, span, type Tone } from '../text/line.ts';
import { cutEnd, displayWidth, fit } from '../text/width.ts';
import { sumCountTexts, sumEndpointsText, sumPid, sumProgramText } from './sum-text.ts';

const SEPARATOR = ' · ';
/** Minimum width of the last part of a note that is cut, cells. If it has less room, it is left out. */
const MIN_PART = 12;

/** Returns a note in at most `width` cells: its last parts are left out first. */
function noteIn(note: string, width: number): string {
  if (displayWidth(note, width) <= width) return note;
  const at = note.lastIndexOf(SEPARATOR);
  const isLeft = at < 0 || displayWidth(note.slice(0, at + SEPARATOR.length), width) + MIN_PART <= width;
  return isLeft ? cutEnd(note, width) : noteIn(note.slice(0, at), width);
}

/** Returns the title line of a pane. */
export const paneTitle = (title: string, note: string, width: number): Line =>
  line(
    span(title, 'header'),
    span(noteIn(`  ${note}`, width - displayWidth(title)), 'quiet'),
    span(' '.repeat(Math.max(0, width))),
  );

const MARKS: Readonly<Record<LogEntry['type'], string>> = {
  spawn: '+',
  change: '~',
  close: '-',
  gap: '!',
  sum: '#',
  action: '>',
};

/** Returns what happened, for an event without a socket. */
const plainText = (event: GapEvent | ActionEvent): string =>
  event.type === 'gap'
    ? `${missedText(event)}: event buffer full`
    : printable(`${event.user}: ${event.text}`);

type Bytes = Pick<SumEvent, 'rxBytes' | 'txBytes'>;

const hasBytes = ({ rxBytes, txBytes }: Bytes): boolean => rxBytes !== undefined || txBytes !== undefined;

/** Returns the bytes received and sent; nothing if both are unknown. */
function trafficWords(bytes: Bytes): string[] {
  if (!hasBytes(bytes)) return [];
  const side = (arrow: string, size: number | undefined) =>
    `${arrow} ${size === undefined ? NOTHING : sizeText(size)}`;
  return [`${side('↓', bytes.rxBytes)} ${side('↑', bytes.txBytes)}`];
}

/** Returns the state in which a socket spawned. If it was learnt from its close, only the last state is known. */
function spawnWord({ learntBy, socket }: SocketEvent): string {
  return learntBy === 'destroy' ? 'opened' : (socket.state ?? 'unconnected');
}

/**
 * Returns true if a connection closed before it was established. Only the ledger and the trace know that, and report the
 * direction of a connection in SYN_SENT: without them it may have been established after the last poll.
 */
const hasFailed = ({ type, socket: { state, opened, traffic } }: SocketEvent): boolean =>
  type === 'close' && state === 'SYN_SENT' && opened === 'out' && traffic?.rttMicros === undefined;

/** Returns the end of a socket: `lived 42 ms`, `failed after 21 ms`, `closed`. */
function endWord(event: SocketEvent): string {
  const lifetime = boundedLifetimeText(event);
  if (hasFailed(event)) return lifetime === undefined ? 'failed' : `failed after ${lifetime}`;
  return lifetime === undefined ? 'closed' : `lived ${lifetime}`;
}

/** Returns what happened to the socket, the most important words first. */
function outcomeWords(event: SocketEvent | SumEvent): string[] {
  if (event.type === 'sum') return [sumCountTexts(event)[0], ...trafficWords(event)];
  const { type, socket } = event;
  const words: string[] = [];
  if (type === 'close') words.push(endWord(event));
  else if (type === 'change') words.push(...changeWords(event));
  else words.push(spawnWord(event));
  if (type === 'close') words.push(...trafficWords(socket.traffic ?? {}));
  // The user, if the program is unknown.
  const user = userText(socket);
  if (firstOwner(socket).process === undefined && user !== NOTHING) words.push(`user ${user}`);
  return words;
}

const programOf = (event: SocketEvent | SumEvent): string =>
  event.type === 'sum' ? sumProgramText(event) : ownerText(event.socket);

function pidText(event: SocketEvent | SumEvent): string {
  const pid = event.type === 'sum' ? sumPid(event) : firstOwner(event.socket).pid;
  return String(pid ?? NOTHING).padStart(7);
}

function endpointsText(event: SocketEvent | SumEvent, direction: Direction | undefined): string {
  if (event.type === 'sum') return sumEndpointsText(event);
  const { socket } = event;
  const local = `${socket.protocol} ${endpointText(socket.local, socket)}`;
  return socket.remote === null
    ? local
    : `${local} ${directionSign(direction)} ${endpointText(socket.remote, socket)}`;
}

/** Returns the endpoints for a narrow pane: of the local one only the port; in the narrowest pane only the peer. */
function shortEndpointsText(
  event: SocketEvent | SumEvent,
  direction: Direction | undefined,
  peerOnly: boolean,
): string {
  if (event.type === 'sum') return sumEndpointsText(event, !peerOnly);
  const { socket } = event;
  const { protocol, local, remote } = socket;
  const near = remote === null ? endpointText(local, socket) : `:${portText(local, socket, false)}`;
  if (remote === null || protocol === 'unix') return peerOnly ? near : `${protocol} ${near}`;
  const far = endpointText(remote, socket);
  return peerOnly ? far : `${protocol} ${near} ${directionSign(direction)} ${far}`;
}

/**
 * Returns the endpoints of a connection without the port of the end that connected, which only distinguishes it from
 * others to the same service: `tcp → 192.0.2.1:443`, `tcp :80 ← 192.0.2.1`.
 */
function serviceText(
  { socket }: Pick<SocketEvent, 'socket'>,
  direction: Direction | undefined,
  peerOnly: boolean,
): string {
  const { protocol, local, remote } = socket;
  const isIn = direction === 'in';
  const far = isIn && remote ? addressText(remote) : endpointText(remote, socket);
  const near = isIn ? `:${portText(local, socket, false)} ` : '';
  return peerOnly ? far : `${protocol} ${near}${directionSign(direction)} ${far}`;
}

const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/**
 * Returns one event as a line of text, uncut: local time, mark, program, pid, endpoints, outcome. Texts of usual length
 * form columns. Printable, without a line break.
 * @param direction who opened the connection; undefined when unknown
 */
export function eventText(event: LogEntry, direction?: Direction): string {
  const start = `${preciseClockText(event.atMs)} ${MARKS[event.type]} `;
  if (!hasSocket(event)) return start + plainText(event);
  const program = `${padded(programOf(event), 16)} ${pidText(event)}`;
  return `${start}${program}  ${padded(endpointsText(event, direction), 46)}  ${outcomeWords(event).join('  ')}`;
}

const TONES: Readonly<Record<LogEntry['type'], Tone>> = {
  spawn: 'spawned',
  change: 'changed',
  close: 'closed',
  gap: 'warning',
  sum: 'closed',
  action: 'changed',
};

const toneOf = (event: LogEntry): Tone =>
  event.type === 'action' && event.isError ? 'warning' : TONES[event.type];

/** Widths of program, endpoints and outcome in a pane of at least `from` cells. */
const SHAPES = [
  { from: 118, process: 20, endpoints: 56, outcome: 34 },
  { from: 80, process: 12, endpoints: 34, outcome: 13 },
  { from: 0, process: 10, endpoints: 21, outcome: 8 },
] as const;

const [WIDE, , NARROW] = SHAPES;

/** Minimum cells for endpoints: an IPv4 address and port. */
const MIN_ENDPOINTS = 21;

/** Returns the words of the outcome that fit. Later words are dropped first, then the earlier state. */
function outcomeText(event: SocketEvent | SumEvent, width: number): string {
  const words = outcomeWords(event);
  const texts = words.map((_, i) => words.slice(0, words.length - i).join('  '));
  return [...texts, ...shortOutcomes(event)].find((text) => displayWidth(text) <= width) ?? '';
}

function shortOutcomes(event: SocketEvent | SumEvent): readonly string[] {
  if (event.type === 'sum') return sumCountTexts(event);
  const { type, socket } = event;
  if (type === 'spawn') return [spawnWord(event)];
  if (hasFailed(event)) return ['failed'];
  return [(type === 'close' ? boundedLifetimeText(event) : undefined) ?? socket.state ?? ''];
}

/** Returns lifetime and bytes of a closed socket in few cells: `42 ms ↓1.2k ↑15`; undefined without bytes. */
function shortTraffic(event: SocketEvent | SumEvent): string | undefined {
  if (event.type !== 'close' || hasFailed(event) || !hasBytes(event.socket.traffic ?? {})) return undefined;
  const { rxBytes, txBytes } = event.socket.traffic ?? {};
  return `${boundedLifetimeText(event) ?? 'closed'} ↓${compactText(rxBytes)} ↑${compactText(txBytes)}`;
}

/** Returns endpoints and outcome in two columns; long endpoints may use the cells that a short outcome leaves. */
function bodyText(
  event: SocketEvent | SumEvent,
  direction: Direction | undefined,
  shape: (typeof SHAPES)[number],
  width: number,
): string {
  const endpoints =
    shape === WIDE ? endpointsText(event, direction) : shortEndpointsText(event, direction, shape === NARROW);
  const beside = width - 2 - shape.outcome;
  if (beside < MIN_ENDPOINTS) {
    const count = event.type === 'sum' ? `${sumCountTexts(event)[2]} ` : '';
    return fit(count + endpoints, Math.max(0, width));
  }
  const words = outcomeWords(event);
  const whole = displayWidth(endpoints);
  const widths = [words[0] ?? '', ...shortOutcomes(event)].map((text) => displayWidth(text));
  // Whole endpoints are worth more than the longer words of the outcome.
  const outcome = widths.find((it) => whole + 2 + it <= width) ?? widths[0] ?? 0;
  const column = Math.max(Math.min(shape.endpoints, beside), Math.min(whole, width - 2 - outcome));
  const room = width - 2 - column;
  const traffic = shortTraffic(event);
  if (traffic === undefined || displayWidth(words.slice(0, 2).join('  ')) <= room)
    return `${fit(endpoints, column)}  ${outcomeText(event, room)}`;
  // Without room for all of it, the bytes are worth more than the port of the end that connected.
  const left = width - 2 - displayWidth(traffic);
  const isWhole = whole <= left || event.socket.remote === null;
  const shown = isWhole ? endpoints : serviceText(event, direction, shape === NARROW);
  return `${fit(shown, Math.min(left, Math.max(column, displayWidth(shown))))}  ${traffic}`;
}

/**
 * Returns one event as a line of the pane.
 * @param direction who opened the connection; undefined when unknown
 * @param cursor whether the cursor is on it, and whether the keys move the cursor
 */
export function eventLine(
  event: LogEntry,
  direction: Direction | undefined,
  width: number,
  cursor: Selection,
): Line {
  const shape = SHAPES.find(({ from }) => width >= from) ?? NARROW;
  const clock = shape === NARROW ? clockText(event.atMs) : preciseClockText(event.atMs);
  let subject = `${cursor === 'resting' ? '›' : ' '}${MARKS[event.type]} `;
  let body = '';
  const room = (): number => Math.max(0, width - displayWidth(clock + subject));
  if (!hasSocket(event)) subject += cutEnd(plainText(event), room());
  else {
    subject += `${fit(programOf(event), shape.process)} `;
    if (shape !== NARROW) subject += `${pidText(event)} `;
    body = bodyText(event, direction, shape, room());
  }
  // The cursor bar has one colour.
  if (cursor === 'moving') return { spans: [span(clock + subject + body)], selected: true };
  return line(span(clock, 'quiet'), span(subject, toneOf(event)), span(body));
}
