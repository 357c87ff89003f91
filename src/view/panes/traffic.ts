import { focusOn, KEYS_HERE } from './focus.ts';
import { linesIn, type PaneRow } from './pane.ts';
import { counted, printable } from '../../model/text.ts';
import type { InterfaceTraffic } from '../../store/rates.ts';
import type { State } from '../../store/state.ts';
import type { ProcessSum } from '../../store/sums.ts';
import { paneTitle } from './events.ts';
import {
  addressText,
  compactText,
  countText,
  durationText,
  NOTHING,
  shortNamespaceText,
  throughputText,
} from '../text/format.ts';
import { nameText } from '../text/program-text.ts';
import { type Line, line, span, type Tone } from '../text/line.ts';
import { type Part, positionText, topWithin } from '../text/position.ts';
import { cutEnd, displayWidth, fit } from '../text/width.ts';

/** Minimum width of the pane for its two tables, interfaces and programs, side by side. All widths are in cells. */
const MIN_WIDTH_SIDE_BY_SIDE = 100;
/** Width of the space between tables side by side. */
const SPACING = 3;
/** Minimum height, without the title, for one table above the other. */
const MIN_HEIGHT_STACKED = 9;
/** Minimum width of the interface table for a namespace column. */
const MIN_WIDTH_FOR_NAMESPACE = 48;
const MIN_ADDRESSES_WIDTH = 9;

const NUMBER_WIDTH = 6;
const NUMBER_TITLES = ['RX/S', 'TX/S', 'RX', 'TX'];
const ALL_NUMBERS_WIDTH = NUMBER_TITLES.length * NUMBER_WIDTH;

/** Returns the number columns of a line: received and sent per second and, if they fit, in total. */
const numbersText = (texts: readonly string[], width: number): string =>
  texts
    .slice(0, width < ALL_NUMBERS_WIDTH ? 2 : 4)
    .map((text) => text.padStart(NUMBER_WIDTH))
    .join('');

/** Compares interfaces: up before down, then by total bytes, descending. Rates would reorder them with every tick. */
const byUse = (a: InterfaceTraffic, b: InterfaceTraffic): number =>
  Number(b.isUp) - Number(a.isUp) ||
  b.rxBytes + b.txBytes - a.rxBytes - a.txBytes ||
  (a.name < b.name ? -1 : 1);

/** Compares processes by rate, then by total bytes, then by sockets, all descending. */
const byRate = (a: ProcessSum, b: ProcessSum): number =>
  b.rxRate + b.txRate - a.rxRate - a.txRate ||
  b.rxBytes + b.txBytes - a.rxBytes - a.txBytes ||
  b.sockets - a.sockets ||
  a.pid - b.pid;

/** Maximum number of items that are found without sorting all items: there may be thousands. */
const FEW = 64;

/** Returns the visible items in sorted order. */
function visibleSorted<T>(items: Iterable<T>, { top, height }: Part, compare: (a: T, b: T) => number): T[] {
  const count = top + height;
  if (count > FEW) return [...items].sort(compare).slice(top, count);
  const first: T[] = [];
  for (const item of items) {
    const last = first.at(-1);
    if (last !== undefined && first.length >= count && compare(last, item) <= 0) continue;
    const at = first.findIndex((it) => compare(item, it) < 0);
    first.splice(at < 0 ? first.length : at, 0, item);
    if (first.length > count) first.pop();
  }
  return first.slice(top);
}

/** A line of one of the tables. */
interface TableLine {
  readonly text: string;
  readonly tone: Tone;
}

/** Returns `down` for an interface that is down, then as many whole addresses as fit. Cuts only a first address. */
function addressesText({ isUp, addresses }: InterfaceTraffic, width: number): string {
  let text = isUp ? '' : 'down';
  for (const [i, address] of addresses.entries()) {
    const next = `${text} ${addressText({ address, port: 0 })}`.trimStart();
    // All but the last address leave room for ` …`, which stands for the remaining ones.
    const maxWidth = i === addresses.length - 1 ? width : width - 2;
    if (displayWidth(next) > maxWidth) return cutEnd(text === '' ? next : `${text} …`, width);
    text = next;
  }
  return text;
}

/** Returns the namespace of an interface: by its name, else as in the column NS of the table. */
const namespaceCell = ({ netns }: InterfaceTraffic): string =>
  netns === undefined || (netns.own && netns.name === undefined) ? NOTHING : shortNamespaceText(netns);

function interfaceTable(interfaces: readonly InterfaceTraffic[], part: Part, width: number): TableLine[] {
  const hasNamespaces =
    new Set(interfaces.map(({ netns }) => netns?.inode)).size > 1 && width >= MIN_WIDTH_FOR_NAMESPACE;
  const head = (name: string, netns: string) =>
    fit(name, hasNamespaces ? 11 : 15) + (hasNamespaces ? ` ${fit(netns, 10)}` : '');
  const widthLeft = width - displayWidth(head('', ''));
  const addressesWidth = widthLeft - ALL_NUMBERS_WIDTH - 2;
  const tail = (text: string) => (addressesWidth < MIN_ADDRESSES_WIDTH ? '' : `  ${text}`);
  return [
    {
      text: head('INTERFACE', 'NS') + numbersText(NUMBER_TITLES, widthLeft) + tail('ADDRESSES'),
      tone: 'header' as const,
    },
    ...visibleSorted(interfaces, part, byUse).map((it): TableLine => {
      const amounts = [it.rxRate, it.txRate, it.rxBytes, it.txBytes].map(compactText);
      return {
        text:
          head(printable(it.name), namespaceCell(it)) +
          numbersText(amounts, widthLeft) +
          tail(addressesText(it, addressesWidth)),
        tone: it.isUp ? 'plain' : 'quiet',
      };
    }),
  ];
}

function programTable(processes: Iterable<ProcessSum>, part: Part, width: number): TableLine[] {
  const [pidWidth, socketsWidth] = [8, 9];
  const widthLeft = width - pidWidth - socketsWidth;
  // A name has 8 to 24 cells. If all four numbers would leave fewer, there are only the two rates.
  const numbersWidth = widthLeft - ALL_NUMBERS_WIDTH < 8 ? ALL_NUMBERS_WIDTH / 2 : ALL_NUMBERS_WIDTH;
  const nameWidth = Math.max(8, Math.min(24, widthLeft - numbersWidth));
  const head = (texts: readonly [string, string, string]) =>
    fit(texts[0], nameWidth) + texts[1].padStart(pidWidth) + texts[2].padStart(socketsWidth);
  return [
    {
      text: head(['PROGRAM', 'PID', 'SOCKETS']) + numbersText(NUMBER_TITLES, widthLeft - nameWidth),
      tone: 'header' as const,
    },
    ...visibleSorted(processes, part, byRate).map((sum): TableLine => {
      // Without byte counters the sums are 0, but the amounts are unknown.
      const amounts = [sum.rxRate, sum.txRate, sum.rxBytes, sum.txBytes].map((it) =>
        compactText(sum.counted > 0 ? it : undefined),
      );
      const program = nameText(sum.process);
      return {
        text:
          head([program, String(sum.pid), countText(sum.sockets)]) +
          numbersText(amounts, widthLeft - nameWidth),
        tone: 'plain',
      };
    }),
  ];
}

const lineOf = ({ text, tone }: TableLine): Line => line(span(text, tone));

/** Joins two tables line by line. @param leftWidth width of the left one */
const sideBySide = (left: readonly TableLine[], right: readonly TableLine[], leftWidth: number): Line[] =>
  Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const [start, end] = [left[i], right[i]];
    const text = start?.text ?? '';
    return line(
      span(text, start?.tone ?? 'plain'),
      span(' '.repeat(Math.max(0, leftWidth + SPACING - displayWidth(text)))),
      span(end?.text ?? '', end?.tone ?? 'plain'),
    );
  });

/** The visible rows of the two tables. Both scroll together, each as far as it has rows. */
interface Parts {
  /** Undefined if the source reports no interfaces or there is no space for both tables. */
  readonly interfaces: Part | undefined;
  readonly programs: Part;
}

/** Returns the visible rows. @param room lines below the title of the pane */
function partsOf({ interfaces, table, places }: State, width: number, room: number): Parts {
  const { top } = places.traffic;
  const partOf = (height: number, length: number): Part => {
    const part = { top, height: Math.max(0, height), length };
    return { ...part, top: topWithin(part) };
  };
  const [all, programs] = [interfaces.length, table.processes.size];
  const isBeside = width >= MIN_WIDTH_SIDE_BY_SIDE;
  if (all === 0 || (!isBeside && room < MIN_HEIGHT_STACKED))
    return { interfaces: undefined, programs: partOf(room - 1, programs) };
  if (isBeside) return { interfaces: partOf(room - 1, all), programs: partOf(room - 1, programs) };
  // Without both titles and the blank line. The interfaces get about half of the room, or what the programs leave.
  const rows = room - 3;
  const above = Math.min(all, Math.max(Math.floor(room / 2) - 2, rows - programs));
  return { interfaces: partOf(above, all), programs: partOf(rows - above, programs) };
}

/** Returns the title: which rows are visible, or that interfaces are not, and the traffic of all sockets. */
function titleText({ interfaces, table, lastTick, silence }: State, parts: Parts): string {
  const named = (name: string, part: Part | undefined): string[] => {
    const position = part ? positionText(part) : '';
    return position === '' ? [] : [`${name} ${position}`];
  };
  const hasTraffic = table.seen.traffic || interfaces.length > 0;
  const rates = silence ? `rates from ${durationText(silence.forMs)} ago` : throughputText(lastTick ?? {});
  return [
    ...named('interfaces', parts.interfaces),
    ...named('programs', parts.programs),
    hasTraffic ? rates : 'not available from this source',
    ...(parts.interfaces === undefined && interfaces.length > 0
      ? [`no room for ${counted(interfaces.length, 'interface')}`]
      : []),
  ].join(' · ');
}

/**
 * Returns the traffic pane: a title, then the interfaces and the programs with the most traffic. Leaves out the
 * interfaces if the source reports none or there is no space for both tables.
 * @param isFocused true if the keys scroll it
 */
export function trafficLines(state: State, width: number, height: number, isFocused = false): Line[] {
  const { interfaces, table } = state;
  const room = Math.max(0, height - 1);
  const parts = partsOf(state, width, room);
  const title = paneTitle(`${isFocused ? KEYS_HERE : ''}TRAFFIC`, titleText(state, parts), width);
  const programs = table.processes.values();
  if (parts.interfaces === undefined)
    return [title, ...programTable(programs, parts.programs, width).map(lineOf)].slice(0, height);
  if (width < MIN_WIDTH_SIDE_BY_SIDE) {
    const above = interfaceTable(interfaces, parts.interfaces, width);
    const below = programTable(programs, parts.programs, width);
    return [title, ...above.map(lineOf), line(), ...below.map(lineOf)];
  }
  const left = Math.floor((width - SPACING) / 2);
  const right = width - left - SPACING;
  const [leftLines, rightLines] = [
    interfaceTable(interfaces, parts.interfaces, left),
    programTable(programs, parts.programs, right),
  ];
  return [title, ...sideBySide(leftLines, rightLines, left)].slice(0, height);
}

/** Maximum height of the pane: titles, a few interfaces, the busiest programs. */
const MAX_LINES = 16;

const scroll: NonNullable<PaneRow['move']> = ({ state }, { width, height }, by, unit) => {
  const { interfaces, programs } = partsOf(state, width, Math.max(0, height - 1));
  const hidden = [interfaces, programs].map((part) => (part ? part.length - part.height : 0));
  // Lines to scroll until both tables are at their ends.
  const lines = Math.max(0, ...hidden);
  const step = linesIn(unit, Math.max(1, programs.height), lines);
  return { type: 'scroll', pane: 'traffic', by: step * by, lines, height: 0 };
};

/** The traffic of interfaces and programs. */
export const TRAFFIC: PaneRow = {
  position: { where: 'below', lines: ({ all }) => Math.min(MAX_LINES, Math.floor(all / 2)) },
  rank: 5,
  title: 'traffic',
  key: {
    id: 'traffic',
    keys: ['i'],
    name: 'open or close the traffic pane',
    about: 'traffic: interfaces, and the programs with the most traffic',
    hint: 'traffic',
    hintFor: 'traffic',
  },
  lines: ({ state, focus }, { width, height }) => trafficLines(state, width, height, focus === 'traffic'),
  move: scroll,
  // Scrolls without moving the focus.
  wheel: (now, by) => (now.layout.traffic ? [scroll(now, now.layout.traffic, by, 'row')] : []),
  clickIn: () => (_x, _y, now) => [focusOn(now, 'traffic')],
};
