import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Family, Socket } from '../../src/model/socket.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import type { State } from '../../src/store/state.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { detailLines } from '../../src/view/panes/details-pane.ts';
import { eventPaneLines, logPlace } from '../../src/view/panes/event-pane.ts';
import { ShownEvents } from '../../src/view/panes/shown-events.ts';
import { headerLines } from '../../src/view/header/header.ts';
import { filterLine } from '../../src/view/header/query-line.ts';
import { spread } from '../../src/view/text/spread.ts';
import { helpLines } from '../../src/view/panes/help.ts';
import { hintLine } from '../../src/view/hints.ts';
import { placeColumns } from '../../src/view/table/place.ts';
import { rowLine } from '../../src/view/table/row-line.ts';
import { trafficLines } from '../../src/view/panes/traffic.ts';
import { displayWidth } from '../../src/view/text/width.ts';
import { after, ALL_SEEN, baseline, batch, emptyState, socket } from '../helpers/fakes.ts';
import { HOSTILE, textOf, UNSAFE, shown } from '../helpers/lines.ts';

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', minLength: 20 }),
);

const hostileSocket: fc.Arbitrary<Socket> = fc
  .record({
    process: hostile,
    command: hostile,
    exe: hostile,
    user: hostile,
    address: hostile,
    place: hostile,
    family: fc.constantFrom<Family>('ipv4', 'ipv6', 'unix', 'packet'),
  })
  .map(({ process, command, exe, user, address, place, family }) => ({
    ...socket({ id: 'hostile', user, interface: place, netns: { inode: 7, name: place } }),
    family,
    protocol: family === 'unix' || family === 'packet' ? family : 'tcp',
    traffic: { rxBytes: 1, txBytes: 2, rttMicros: 3, recvQueue: 4, sendQueue: 5 },
    local: { address, port: 1 },
    remote: { address, port: 2 },
    owners: [{ knowledge: 'exact', pid: 1, process, command, exe, user, startedAtMs: 0 }],
  }));

/** A state in which every text is hostile. */
const stateOf = (it: Socket): State => {
  const text = it.user ?? '';
  const state = after(
    emptyState(),
    baseline([]),
    batch({
      monotonicMs: 1000,
      spawned: [it],
      degradations: [{ code: 'x', text, short: text }],
      events: [
        { type: 'spawn', atMs: 0, socket: it, learntBy: 'trace' },
        { type: 'close', atMs: 0, socket: it, learntBy: 'trace', lifetimeMs: 1 },
        { type: 'gap', atMs: 0, missed: 1, learntBy: 'trace' },
      ],
    }),
  );
  return { ...state, host: text, system: text, query: { ...state.query, text } };
};

function logLines(state: State, width: number) {
  const events = new ShownEvents();
  events.update(state);
  const places = { ...state.places, events: logPlace(state, events, 10) };
  return eventPaneLines({ ...state, places }, events, width, 10, false);
}

const everyLine = (state: State, it: Socket, width: number): string[] => {
  const row = state.table.rows.get(it.id);
  return shown([
    ...headerLines(state, KEYS, width, 2),
    filterLine(state, KEYS, { shown: 1, total: 3, hidden: 1 }, width),
    ...detailLines(row, state, KEYS, width, 100),
    ...trafficLines(state, width, 10),
    ...logLines(state, width),
    ...helpLines(KEYS, state, width),
    hintLine(KEYS, state, width, undefined),
    ...(row
      ? [
          rowLine(
            row,
            placeColumns(width, new Map(), ALL_SEEN),
            { nowMs: 0, takenAtMs: 0, serviceNames: true, lookups: NO_LOOKUPS },
            'none',
          ),
        ]
      : []),
  ]);
};

test('everything is printable and fits, except one long word in a notice, for any program name', () => {
  fc.assert(
    fc.property(hostileSocket, fc.integer({ min: 40, max: 200 }), (it, width) => {
      const state = stateOf(it);
      const lines = everyLine(state, it, width);
      expect(lines.filter((text) => UNSAFE.test(text))).toEqual([]);
      const help = shown(helpLines(KEYS, state, width));
      const first = help.indexOf('WHAT NETPANE CANNOT SEE NOW');
      const notice = new Set(help.slice(first, first + state.degradations.length * 20));
      expect(lines.filter((text) => displayWidth(text) > width && !notice.has(text))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

describe('spread', () => {
  const word = fc.record({
    text: fc.string({ maxLength: 12 }),
    short: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
    rank: fc.integer({ min: 1, max: 9 }),
  });

  test('fits any words in the line', () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 5 }),
        fc.array(word, { maxLength: 5 }),
        fc.nat(120),
        (left, right, width) => {
          const words = (side: typeof left) =>
            side.map(({ short, ...rest }) => ({ ...rest, ...(short !== undefined && { short }) }));
          expect(displayWidth(textOf(spread(words(left), words(right), width)))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test('shortens and drops the least important words first', () => {
    const left = [{ text: 'name', rank: 1 }];
    const right = [
      { text: 'many words', short: 'few', rank: 3 },
      { text: 'number', rank: 2 },
    ];
    const at = (width: number) => textOf(spread(left, right, width)).split(/ {2,}/);
    expect(at(40)).toEqual(['name', 'many words', 'number']);
    expect(at(20)).toEqual(['name', 'few', 'number']);
    expect(at(15)).toEqual(['name', 'number']);
    expect(textOf(spread(left, right, 7))).toBe('name   ');
  });
});
