import { firstOwner } from '../model/socket.ts';
import type { LogEntry } from '../store/table.ts';
import { clockText, countText, durationText, endpointText, ownerText } from './format.ts';
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
