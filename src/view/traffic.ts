import { printable } from '../model/text.ts';
import type { InterfaceTraffic } from '../store/rates.ts';
import type { State } from '../store/state.ts';
import type { ProcessSum } from '../store/sums.ts';
import { paneTitle } from './events.ts';
import {
  addressText,
  compactText,
  countText,
  durationText,
  namespaceText,
  NOTHING,
  throughputText,
} from './format.ts';
import { nameText } from './program-text.ts';
import { type Line, line, span, type Tone } from './line.ts';
import { cutEnd, displayWidth, fit } from './width.ts';

/** Minimum width at which interfaces and programs are side by side. */
const BESIDE = 100;
const GAP = 3;
/** Minimum height at which both fit, one above the other. */
const STACKED = 9;
/** Minimum width for a column of namespaces. */
const ROOM_FOR_NAMESPACE = 48;
const MIN_ADDRESSES = 9;

const NUMBER = 6;
const TITLES = ['RX/S', 'TX/S', 'RX', 'TX'];
const ALL_NUMBERS = TITLES.length * NUMBER;

/** Returns the numbers at the end of a line: received and sent per second and, if there is room, in total. */
const numbers = (texts: readonly string[], room: number): string =>
  texts
    .slice(0, room < ALL_NUMBERS ? 2 : 4)
    .map((text) => text.padStart(NUMBER))
    .join('');

/** Compares interfaces: up before down, then most bytes in total first, an order that rarely changes. */
const byUse = (a: InterfaceTraffic, b: InterfaceTraffic): number =>
  Number(b.isUp) - Number(a.isUp) ||
  b.rxBytes + b.txBytes - a.rxBytes - a.txBytes ||
  (a.name < b.name ? -1 : 1);

/** Compares processes: the highest rate first, then most bytes in total. */
const byRate = (a: ProcessSum, b: ProcessSum): number =>
  b.rxRate + b.txRate - a.rxRate - a.txRate ||
  b.rxBytes + b.txBytes - a.rxBytes - a.txBytes ||
  b.sockets - a.sockets ||
  a.pid - b.pid;

/** Returns the first `count` items by an order, without sorting the rest: there may be thousands. */
function first<T>(items: Iterable<T>, count: number, compare: (a: T, b: T) => number): T[] {
  const top: T[] = [];
  for (const item of items) {
    const last = top.at(-1);
    if (last !== undefined && top.length >= count && compare(last, item) <= 0) continue;
    const at = top.findIndex((it) => compare(item, it) < 0);
    top.splice(at < 0 ? top.length : at, 0, item);
    if (top.length > count) top.pop();
  }
  return top;
}

interface Part {
  readonly text: string;
  readonly tone: Tone;
}

/** Returns as many whole addresses as fit. */
function addressesText({ isUp, addresses }: InterfaceTraffic, width: number): string {
  let text = isUp ? '' : 'down';
  for (const [i, address] of addresses.entries()) {
    const next = `${text} ${addressText({ address, port: 0 })}`.trimStart();
    // Keeps room for the `…` of the remaining addresses.
    const most = i === addresses.length - 1 ? width : width - 2;
    if (displayWidth(next) > most) return cutEnd(text === '' ? next : `${text} …`, width);
    text = next;
  }
  return text;
}

function interfaceParts(interfaces: readonly InterfaceTraffic[], width: number, height: number): Part[] {
  const several =
    new Set(interfaces.map(({ netns }) => netns?.inode)).size > 1 && width >= ROOM_FOR_NAMESPACE;
  const head = (name: string, netns: string) =>
    fit(name, several ? 11 : 15) + (several ? ` ${fit(netns, 10)}` : '');
  const room = width - displayWidth(head('', ''));
  const rest = room - ALL_NUMBERS - 2;
  const end = (text: string) => (rest < MIN_ADDRESSES ? '' : `  ${text}`);
  return [
    { text: head('INTERFACE', 'NS') + numbers(TITLES, room) + end('ADDRESSES'), tone: 'header' as const },
    ...first(interfaces, Math.max(0, height - 1), byUse).map((it): Part => {
      const amounts = [it.rxRate, it.txRate, it.rxBytes, it.txBytes].map(compactText);
      return {
        text:
          head(printable(it.name), it.netns ? namespaceText(it.netns) : NOTHING) +
          numbers(amounts, room) +
          end(addressesText(it, rest)),
        tone: it.isUp ? 'plain' : 'quiet',
      };
    }),
  ].slice(0, height);
}

function programParts(processes: Iterable<ProcessSum>, width: number, height: number): Part[] {
  const [pid, sockets] = [8, 9];
  const left = width - pid - sockets;
  const name = Math.max(8, Math.min(24, left - (left - ALL_NUMBERS < 8 ? ALL_NUMBERS / 2 : ALL_NUMBERS)));
  const head = (texts: readonly [string, string, string]) =>
    fit(texts[0], name) + texts[1].padStart(pid) + texts[2].padStart(sockets);
  return [
    { text: head(['PROGRAM', 'PID', 'SOCKETS']) + numbers(TITLES, left - name), tone: 'header' as const },
    ...first(processes, Math.max(0, height - 1), byRate).map((sum): Part => {
      const amounts = [sum.rxRate, sum.txRate, sum.rxBytes, sum.txBytes].map((it) =>
        compactText(sum.counted > 0 ? it : undefined),
      );
      const program = nameText(sum.process);
      return {
        text: head([program, String(sum.pid), countText(sum.sockets)]) + numbers(amounts, left - name),
        tone: 'plain',
      };
    }),
  ].slice(0, height);
}

const lineOf = ({ text, tone }: Part): Line => line(span(text, tone));

const beside = (left: readonly Part[], right: readonly Part[], width: number): Line[] =>
  Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const [start, end] = [left[i], right[i]];
    const text = start?.text ?? '';
    return line(
      span(text, start?.tone ?? 'plain'),
      span(' '.repeat(Math.max(0, width + GAP - displayWidth(text)))),
      span(end?.text ?? '', end?.tone ?? 'plain'),
    );
  });

/** Returns the traffic pane: a title, then the interfaces and the programs with the most traffic, as many as fit. */
export function trafficLines(state: State, width: number, height: number): Line[] {
  const { interfaces, table, lastTick, silence } = state;
  const isKnown = table.seen.traffic || interfaces.length > 0;
  const rates = silence ? `rates from ${durationText(silence.forMs)} ago` : throughputText(lastTick ?? {});
  const note = isKnown ? rates : 'not available from this source';
  const title = paneTitle('TRAFFIC', note, width);
  const room = Math.max(0, height - 1);
  const programs = table.processes.values();
  if (interfaces.length === 0) return [title, ...programParts(programs, width, room).map(lineOf)];
  if (width >= BESIDE) {
    const left = Math.floor((width - GAP) / 2);
    const right = width - left - GAP;
    return [
      title,
      ...beside(interfaceParts(interfaces, left, room), programParts(programs, right, room), left),
    ];
  }
  if (room < STACKED) return [title, ...programParts(programs, width, room).map(lineOf)];
  const above = interfaceParts(interfaces, width, Math.floor(room / 2) - 1);
  const below = programParts(programs, width, room - above.length - 1);
  return [title, ...above.map(lineOf), line(), ...below.map(lineOf)];
}
