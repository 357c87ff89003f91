import type { GapEvent, LogEvent, SocketEvent } from '../model/event.ts';
import { firstOwner } from '../model/socket.ts';
import type { LogEntry } from '../store/table.ts';
import {
  clockText,
  countText,
  durationText,
  endpointText,
  lifetimeText,
  NOTHING,
  ownerText,
  preciseClockText,
  sizeText,
  userText,
} from './format.ts';
import { type Line, line, span } from './line.ts';
import { cutMiddle, displayWidth, fit } from './width.ts';

const GLYPHS: Readonly<Record<LogEntry['kind'], string>> = { spawned: '+', changed: '~', closed: '-' };

const outcome = ({ kind, socket, was, lifetimeMs, baseline }: LogEntry): string => {
  const state = socket.state ?? 'unconnected';
  switch (kind) {
    case 'spawned':
      return state;
    case 'changed':
      return was ? `${was} → ${state}` : state;
    case 'closed':
      return `${state}, lived ${baseline ? '>' : ''}${durationText(lifetimeMs ?? 0)}`;
  }
};

/** Two IPv4 endpoints and then some: on a wide screen what became of them stands near them, and in one column. */
const ENDPOINTS_WIDTH = 56;

/** One event: time, mark, program, endpoints, what became of the state. */
function eventLine(entry: LogEntry, width: number): Line {
  const { socket } = entry;
  const process = width < 60 ? 10 : 20;
  const endpoints =
    socket.remote === null
      ? `${socket.protocol} ${endpointText(socket.local, socket)}`
      : `${socket.protocol} ${endpointText(socket.local, socket)} → ${endpointText(socket.remote, socket)}`;
  const pid = firstOwner(socket).pid;
  const start = `${clockText(entry.atMs)} ${GLYPHS[entry.kind]} ${fit(ownerText(socket), process)} ${fit(String(pid ?? ''), 7, 'right')} `;
  const end = outcome(entry);
  const room = width - displayWidth(start) - displayWidth(end) - 2;
  // Endpoints are worth more than the words after them.
  const column = Math.min(room, Math.max(ENDPOINTS_WIDTH, displayWidth(endpoints)));
  const text = room >= 20 ? `${fit(endpoints, column)}  ${end}` : endpoints;
  return line(span(cutMiddle(start + text, width), entry.kind));
}

/** The event log: a title, and the newest events that fit, the last one at the bottom. */
export function eventLines(log: readonly LogEntry[], logged: number, width: number, height: number): Line[] {
  const lines = log.slice(-Math.max(1, height - 1)).map((entry) => eventLine(entry, width));
  const count = `${countText(logged)} since the start`;
  return [paneTitle('EVENTS', logged === 0 ? 'nothing has changed yet' : count, width), ...lines];
}

/** The line above a pane. */
export const paneTitle = (title: string, note: string, width: number): Line =>
  line(span(title, 'header'), span(`  ${note}`, 'quiet'), span(' '.repeat(Math.max(0, width))));

const MARKS: Readonly<Record<LogEvent['type'], string>> = { spawn: '+', change: '~', close: '-', gap: '!' };

const MISSED: Readonly<Record<GapEvent['learntBy'], readonly [one: string, many: string]>> = {
  destroy: ['close', 'closes'],
  trace: ['change of state', 'changes of state'],
};

/** `12 closes missed`; `some` where nobody counted them. */
export function missedText({ learntBy, missed }: Pick<GapEvent, 'learntBy' | 'missed'>): string {
  const [one, many] = MISSED[learntBy];
  return `${missed === undefined ? 'some' : countText(missed)} ${missed === 1 ? one : many} missed`;
}

const gapText = (event: GapEvent): string =>
  `${missedText(event)}: more came at once than there was room for`;

/** What became of a socket, the most important words first. */
function outcomeWords(event: SocketEvent): string[] {
  const { type, socket, was, lifetimeMs, isAtLeast } = event;
  const state = socket.state ?? 'unconnected';
  const { rxBytes, txBytes } = socket.traffic ?? {};
  const words: string[] = [];
  if (type === 'close')
    words.push(
      lifetimeMs === undefined ? 'closed' : `lived ${isAtLeast ? '>' : ''}${lifetimeText(lifetimeMs)}`,
    );
  else words.push(was ? `${was} → ${state}` : state);
  if (type === 'close' && (rxBytes !== undefined || txBytes !== undefined)) {
    const side = (arrow: string, bytes: number | undefined) =>
      `${arrow} ${bytes === undefined ? NOTHING : sizeText(bytes)}`;
    words.push(`${side('↓', rxBytes)} ${side('↑', txBytes)}`);
  }
  // Whose it was, where it is not known what.
  const user = userText(socket);
  if (firstOwner(socket).process === undefined && user !== NOTHING) words.push(`user ${user}`);
  return words;
}

const endpointsText = ({ socket }: SocketEvent): string => {
  const local = `${socket.protocol} ${endpointText(socket.local, socket)}`;
  return socket.remote === null ? local : `${local} → ${endpointText(socket.remote, socket)}`;
};

const padded = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/**
 * One event as a line of text, nothing of it cut: local time, mark, program, pid, endpoints, what became of it. In
 * columns, as far as their texts are of usual lengths. Harmless for a terminal; without a line break.
 */
export function eventText(event: LogEvent): string {
  const start = `${preciseClockText(event.atMs)} ${MARKS[event.type]} `;
  if (event.type === 'gap') return start + gapText(event);
  const { socket } = event;
  const program = `${padded(ownerText(socket), 16)} ${String(firstOwner(socket).pid ?? NOTHING).padStart(7)}`;
  return `${start}${program}  ${padded(endpointsText(event), 46)}  ${outcomeWords(event).join('  ')}`;
}
