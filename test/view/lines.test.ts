import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Coverage, GapEvent, SumEvent } from '../../src/model/event.ts';
import type { Family, Socket } from '../../src/model/socket.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import type { Focus } from '../../src/store/panes.ts';
import type { PromptKind, State } from '../../src/store/state.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { PROMPTS } from '../../src/store/prompts.ts';
import { NOTHING_SEEN, type Seen } from '../../src/store/seen-fields.ts';
import { SocketTable } from '../../src/store/table.ts';
import { columnOf, presentColumns } from '../../src/view/columns/columns.ts';
import { detailLines } from '../../src/view/panes/details-pane.ts';
import { eventPaneLines, logPlace } from '../../src/view/panes/event-pane.ts';
import { ShownEvents } from '../../src/view/panes/shown-events.ts';
import { headerLines } from '../../src/view/header/header.ts';
import { filterLine, type Share } from '../../src/view/header/query-line.ts';
import { spread } from '../../src/view/text/spread.ts';
import { helpLines } from '../../src/view/panes/help.ts';
import { hintLine } from '../../src/view/hints.ts';
import { placeColumns } from '../../src/view/table/place.ts';
import { rowLine } from '../../src/view/table/rows.ts';
import { trafficLines } from '../../src/view/panes/traffic.ts';
import { displayWidth } from '../../src/view/text/width.ts';
import {
  after,
  ALL_SEEN,
  baseline,
  batch,
  emptyState,
  listener,
  NOON_MS,
  socket,
  udp,
} from '../helpers/fakes.ts';
import { HOSTILE, textOf, UNSAFE } from '../helpers/lines.ts';
import { BATCHES, SCENE } from '../helpers/scene.ts';

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

/** Returns the visible part of a line: padding may exceed the edge. */
const shown = (
  lines:
    | readonly { spans: readonly { text: string; tone: 'plain' }[] }[]
    | readonly Parameters<typeof textOf>[0][],
) => lines.map((it) => textOf(it as Parameters<typeof textOf>[0]).trimEnd());

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

describe('the header', () => {
  const state = after(emptyState(), ...BATCHES);

  test('keeps the counts longest', () => {
    for (let width = 40; width <= 200; width++) {
      const [first] = shown(headerLines(state, KEYS, width, 1));
      expect(first).toMatch(/\b16\b.*\b8 estab.*\b5 listen/);
      expect(displayWidth(first ?? '')).toBeLessThanOrEqual(width);
    }
  });

  test('counts opened and closed sockets of the last sixty seconds', () => {
    const later = after(state, batch({ monotonicMs: 61_500 }));
    expect(textOf(headerLines(state, KEYS, 120, 2)[1])).toContain('+2   −1 /min');
    // The two opened at second 1 are outside, the one closed at second 2 is inside.
    expect(textOf(headerLines(later, KEYS, 120, 2)[1])).toContain('+0   −1 /min');
  });

  describe('throughput', () => {
    const moving = (rxBytes: number) => socket({ id: 'a', traffic: { rxBytes, txBytes: 5 } });
    const moved = after(emptyState(), baseline([moving(0)]), batch({ changed: [moving(1_240_000)] }));
    const second = (width: number, it = moved) => textOf(headerLines(it, KEYS, width, 2)[1]);

    test('appears once known, if the source measures it', () => {
      expect(second(120)).toMatch(/\/min {2}↓ 1.24 MB\/s ↑ {5}0 B\/s +$/);
      expect(second(120, after(emptyState(), baseline([moving(0)])))).not.toContain('↓');
      expect(second(120, state)).not.toContain('↓');
    });

    test('names what it counts while other sockets may have traffic too', () => {
      const counters = { traffic: { rxBytes: 1, txBytes: 1 } };
      const without = udp({ id: 'u' });
      const second120 = (...sockets: Socket[]) =>
        second(
          120,
          after(emptyState(), baseline([moving(0), ...sockets]), batch({ changed: [moving(1_240_000)] })),
        );
      expect(second120(without)).toContain('  TCP ↓');
      expect(second120(without, udp({ id: 'v', ...counters }))).toContain('  ≥ ↓');
      expect(second120(udp({ id: 'v', ...counters }))).toContain('/min  ↓');
      // A listener of TCP carries no data, and a packet socket sees that of others.
      expect(second120(listener(), socket({ id: 'p', protocol: 'packet' }))).toContain('/min  ↓');
    });

    test('has a constant width', () => {
      const at = (rxBytes: number) =>
        second(
          120,
          after(moved, batch({ monotonicMs: 2000, changed: [moving(1_240_000 + rxBytes)] })),
        ).trimEnd().length;
      expect(new Set([0, 7, 999, 1000, 123_456, 99_999_999, 1e12].map(at)).size).toBe(1);
    });

    test('stays longer than the counts per minute', () => {
      for (let width = 30; width <= 60; width++) expect(second(width)).toMatch(/↓ ?1\.2.* ↑ +0/);
      expect([second(44), second(30)].map((text) => text.includes('/min'))).toEqual([true, false]);
    });
  });

  test('shows the interval in use if it is longer than the chosen one', () => {
    const first = (pacedIntervalMs: number, ...more: Parameters<typeof after>[1][]) =>
      textOf(headerLines(after(emptyState(), batch({ pacedIntervalMs }), ...more), KEYS, 120, 2)[0]);
    expect(first(2480)).toContain('polling only  1s → 2.5s  ');
    // A slightly late timer does not count as slow.
    expect(first(1040)).toContain('polling only  1s  ');
    expect(first(1060)).toContain('polling only  1s → 1.1s  ');
    // The interval in use is unknown after a new choice.
    expect(first(2480, { type: 'interval', intervalMs: 500 })).toContain('polling only  500ms  ');
  });

  test('counts closed rows that were dropped early, and the help says why', () => {
    const table = new SocketTable(3_600_000, 10);
    const sockets = Array.from({ length: 1510 }, (_, i) => socket({ id: `${i}` }));
    const crowded = after(
      { ...emptyState(), table },
      baseline(sockets),
      batch({ degradations: [], closed: sockets.map(({ id }) => id) }),
    );
    expect(textOf(headerLines(crowded, KEYS, 70, 2)[1])).toContain('1,500 closed rows dropped early');
    expect(shown(helpLines(KEYS, crowded, 120)).join('\n')).toContain(
      '1,500 closed rows dropped early: netpane keeps at most 10',
    );
  });

  test('counts connections that have no rows, and says where to read about them', () => {
    const sum: SumEvent = { type: 'sum', atMs: NOON_MS, count: 12_480, socket: socket(), differs: [] };
    const stormy = after(emptyState(), baseline([]), batch({ degradations: [], events: [sum] }));
    expect(textOf(headerLines(stormy, KEYS, 120, 2)[1])).toContain(
      '12,480 short connections only counted: the event log has programs and peers',
    );
  });

  describe('missed events', () => {
    const gap = (ms: number, fields: Partial<GapEvent> = {}): GapEvent => ({
      type: 'gap',
      atMs: NOON_MS + ms,
      learntBy: 'destroy',
      ...fields,
    });
    const second = (width: number, ...events: GapEvent[]) =>
      textOf(headerLines(after(state, batch({ monotonicMs: 30_000, events })), KEYS, width, 2)[1]).trimEnd();

    test('come before all other notices, with the time', () => {
      expect(second(120, gap(20_000, { missed: 12 }))).toMatch(/ {2}12 closes missed at 12:00:20$/);
      expect(second(50, gap(20_000, { missed: 12 }))).toMatch(/ {2}12 closes missed$/);
    });

    test('are added up by kind, if their number is known', () => {
      const counted = [gap(20_000, { missed: 12 }), gap(21_000, { missed: 3000 })];
      expect(second(120, ...counted)).toContain('3,012 closes missed at 12:00:21');
      expect(second(120, ...counted, gap(22_000))).toContain('some closes missed at 12:00:22');
      const trace = gap(21_000, { missed: 1, learntBy: 'trace' });
      expect(second(120, trace)).toContain('1 state change missed at 12:00:21');
      const both = after(
        state,
        batch({ monotonicMs: 30_000, degradations: [], events: [...counted, trace] }),
      );
      expect(textOf(headerLines(both, KEYS, 120, 2)[1])).toContain(
        '3,012 closes missed at 12:00:21 (?: 1 more notice)',
      );
      const help = shown(helpLines(KEYS, both, 120)).join('\n');
      expect(help).toContain('3,012 closes missed at 12:00:21\n  1 state change missed at 12:00:21');
    });
  });

  describe('coverage', () => {
    const caught = (coverage: Coverage) => after(emptyState(), batch({ coverage }));
    const first = (level: Coverage['level'], width: number) =>
      textOf(headerLines(caught({ level }), KEYS, width, 1)[0]);

    test('is beside the source if there is room, else on the line about the cost', () => {
      expect(first('polls', 160)).toContain('/proc/net  polling only  1s');
      expect(first('closes', 160)).toContain('/proc/net  live events: closes only  1s');
      expect(first('lives', 160)).toContain('/proc/net  live events: opens and closes  1s');
      expect(first('changes', 160)).toContain('/proc/net  live events: all changes  1s');
      expect(first('polls', 80)).toMatch(/^netpane {2}build-07 {2}1s {2}/);
      const costs = (level: Coverage['level'], width: number) =>
        textOf(headerLines({ ...caught({ level }), showsCost: true }, KEYS, width, 2)[1]).trimEnd();
      expect(costs('polls', 160)).toBe(
        'poll 2 ms  (sockets 1 ms, programs 1 ms, differences <1 ms)  every 1s',
      );
      expect(costs('polls', 109)).toMatch(/ every 1s {2}Linux 6.18 {2}\/proc\/net {2}polling only$/);
      expect(costs('closes', 80)).toMatch(/^poll 2 ms {2}.*every 1s/);
      expect(costs('changes', 40)).toMatch(/^poll 2 ms {2}every 1s/);
    });

    test('is unknown before the first batch', () => {
      expect(textOf(headerLines(emptyState(), KEYS, 160, 1)[0])).not.toContain('polling');
    });

    test('is explained in the help', () => {
      const helpOf = (coverage: Coverage) => shown(helpLines(KEYS, caught(coverage), 200)).join('\n');
      expect(helpOf({ level: 'closes', why: 'only root may: run with sudo' })).toContain(
        'WHAT NETPANE CANNOT SEE NOW\n  some short-lived changes may be missed (only root may: run with sudo)',
      );
      expect(helpOf({ level: 'polls' })).toContain('changes between two polls are not seen');
      expect(helpOf({ level: 'lives' })).toContain('changes of state between two polls are not seen');
      expect(helpOf({ level: 'changes' })).not.toContain('CANNOT SEE NOW');
      expect(helpOf({ level: 'changes', why: 'a container keeps it' })).toContain(
        'missed (a container keeps it)',
      );
    });
  });

  test('shows the number of other notices', () => {
    const degradations = [1, 2, 3].map((n) => ({ code: `c${n}`, text: `notice ${n}`, short: `n${n}` }));
    expect(textOf(headerLines({ ...state, degradations }, KEYS, 120, 2)[1])).toContain(
      'notice 1 (?: 2 more notices)',
    );
    // A narrow pane does not cut the notice for a longer number of others.
    const narrow = degradations.map((it) => ({ ...it, short: 'sixteen letters:' }));
    expect(textOf(headerLines({ ...state, degradations: narrow }, KEYS, 40, 2)[1])).toMatch(
      /sixteen letters: \(\? \+2\)$/,
    );
  });
});

const NO_SHARE: Share = { shown: 0, total: 0, hidden: 0 };

describe('the prompt', () => {
  const typing = (text: string, kind: PromptKind = 'query') =>
    after(emptyState(), { type: 'prompt', kind, text }, { type: 'edit', edit: { type: 'move', to: 'end' } });

  test('keeps the cursor visible at every width, for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 14, max: 120 }),
        fc.constantFrom(...(Object.keys(PROMPTS) as PromptKind[])),
        (text, width, kind) => {
          const { spans } = filterLine(typing(text, kind), KEYS, NO_SHARE, width);
          const at = spans.findIndex(({ tone }) => tone === 'cursor');
          const left = spans.slice(0, at).reduce((sum, it) => sum + displayWidth(it.text), 0);
          expect(at).toBeGreaterThan(0);
          expect(left).toBeLessThan(width);
          expect(
            displayWidth(
              spans
                .map((it) => it.text)
                .join('')
                .trimEnd(),
            ),
          ).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test('shows each character once, unprintable ones as ?', () => {
    const state = after(
      typing('a\u{e0041}bc'),
      { type: 'edit', edit: { type: 'move', to: 'start' } },
      { type: 'edit', edit: { type: 'move', to: 'right' } },
    );
    expect(textOf(filterLine(state, KEYS, NO_SHARE, 80))).toMatch(/^\/ a\?bc +0 of 0$/);
  });
});

describe('details', () => {
  const detailsOf = (it: Socket, width = 60) => {
    const state = after(emptyState(), baseline([it]));
    return shown(detailLines(state.table.rows.get(it.id), state, KEYS, width, 100));
  };

  test('wrap a command line at its words, and a long word at any place', () => {
    const command = `start --one two ${'x'.repeat(200)} end`;
    const lines = detailsOf({ ...SCENE.node, owners: [{ knowledge: 'exact', pid: 1, command }] });
    const at = lines.findIndex((text) => text.startsWith('command'));
    const piece = 'x'.repeat(51);
    expect(lines.slice(at, at + 5).map((text) => text.slice(9))).toEqual([
      'start --one two',
      ...[piece, piece, piece],
      `${'x'.repeat(47)} end`,
    ]);
  });

  test('wrap a command line of wide characters', () => {
    const command = '日本語'.repeat(30);
    const lines = detailsOf({ ...SCENE.node, owners: [{ knowledge: 'exact', pid: 1, command }] });
    expect(lines.join('').match(/[日本語]/gu)).toHaveLength(90);
    expect(lines.every((text) => displayWidth(text) <= 60)).toBe(true);
  });

  test('show every program that holds the socket', () => {
    const text = detailsOf(SCENE.web).join('\n');
    expect(text).toContain('web (main) 1  pid 14');
    expect(text).toContain('systemd  pid 1');
  });

  test('say in words why a program is unknown', () => {
    expect(detailsOf(SCENE.hidden).join('\n')).toContain('hidden: netpane may not see its process');
    expect(detailsOf(SCENE.kernel).join('\n')).toContain('held by the kernel, not by a process');
    expect(detailsOf(SCENE.remnant).join('\n')).toContain('last known holder of the socket');
    const unknown = socket({
      owners: [{ knowledge: 'unknown', tried: 'not among the threads; ask \x1b[2J (pid 5)' }],
    });
    expect(detailsOf(unknown).join('\n')).toContain(
      'program  no process found that holds it\n         not among the threads  ask ?[2J (pid 5)',
    );
  });

  test('name the program and how it is known before the program of the peer', () => {
    const [client, server] = ['127.0.0.1:50000', '127.0.0.1:80'];
    const near = socket({ id: 'near', local: client, remote: server });
    const far = socket({ local: server, remote: client, process: 'nginx', pid: 8 });
    const state = after(
      emptyState(),
      baseline([{ ...near, owners: [{ knowledge: 'inherited', pid: 7, process: 'curl' }] }, far]),
    );
    const lines = shown(detailLines(state.table.rows.get('near'), state, KEYS, 60, 100));
    const at = lines.indexOf('remote   127.0.0.1:80  http');
    expect(lines.slice(at + 1, at + 4)).toEqual([
      'program  curl  pid 7',
      '         last known holder of the socket',
      'peer     nginx  pid 8  on this machine  % goes to its row',
    ]);
  });

  test('show the fixed lifetime of a closed socket', () => {
    const it = socket();
    const events = [{ type: 'close', atMs: 0, socket: it, learntBy: 'destroy', lifetimeMs: 0.41 }] as const;
    const closed = after(
      emptyState(),
      baseline([]),
      batch({ spawned: [it], closed: [it.id], events }),
      batch({ monotonicMs: 3000 }),
    );
    const lines = shown(detailLines(closed.table.rows.get(it.id), closed, KEYS, 60, 100));
    expect(lines).toContain('lived    0.41 ms');
    expect(lines.some((text) => text.startsWith('age'))).toBe(false);
  });

  test('say that no socket is selected', () => {
    expect(textOf(detailLines(undefined, emptyState(), KEYS, 60, 10)[0])).toMatch(
      /^DETAILS {2}no socket selected/,
    );
  });
});

describe('help', () => {
  const seeing = (seen: Seen) => ({ ...emptyState(), table: { seen } });

  test('lists every key and every column', () => {
    const text = shown(helpLines(KEYS, emptyState(), 200)).join('\n');
    for (const { label, about } of KEYS.filter((it) => it.label !== ''))
      expect(text).toContain(`${label.padEnd(14)}${about}`);
    for (const { about } of presentColumns(NOTHING_SEEN)) expect(text).toContain(about);
  });

  test('has its key in the hints at every width', () => {
    for (let width = 6; width <= 200; width++) {
      const hints = textOf(hintLine(KEYS, seeing(ALL_SEEN), width, undefined));
      expect(hints.endsWith('? help')).toBe(true);
      expect(displayWidth(hints)).toBeLessThanOrEqual(width);
    }
  });

  test('the keys of the focused pane come first in the hints, and tab names the next pane', () => {
    const hints = (focus: Focus, next: Focus, width = 80) =>
      textOf(hintLine(KEYS, seeing(ALL_SEEN), width, { focus, next }));
    expect(hints('table', 'events')).toMatch(/^tab event log {2}\/ filter .* : commands {2}\? help$/);
    expect(hints('table', 'details')).toMatch(/^tab details {2}\/ filter .* : commands {2}\? help$/);
    expect(hints('events', 'details')).toMatch(
      /^enter go to row {2}tab details {2}\/ filter .* : commands {2}\? help$/,
    );
    expect(hints('details', 'table')).toMatch(
      /^enter close {2}tab table {2}\/ filter .* : commands {2}\? help$/,
    );
    expect(hints('events', 'table', 200)).not.toContain('enter details');
    expect(textOf(hintLine(KEYS, seeing(ALL_SEEN), 200, undefined))).not.toContain('tab');
    const opened = after(emptyState(), { type: 'pane', pane: 'details' });
    const now = { focus: 'table', next: 'details' } as const;
    expect(textOf(hintLine(KEYS, opened, 80, now))).toMatch(
      /^tab details {2}\/ filter {2}enter close {2}p port /,
    );
  });

  test('lists each column once, the present ones first', () => {
    const RX_RATE = columnOf('rxRate')?.about ?? '';
    const helpOf = (it: Socket) =>
      shown(helpLines(KEYS, after(emptyState(), baseline([it])), 200))
        .join('\n')
        .split('MORE COLUMNS (PRESS C TO ADD)');
    const [there, more] = helpOf(socket());
    expect([there, more].map((it) => it?.includes(RX_RATE))).toEqual([false, true]);
    const [seen, others] = helpOf(socket({ traffic: { rxBytes: 1 } }));
    expect([seen, others].map((it) => it?.includes(RX_RATE))).toEqual([true, false]);
  });

  test.each([
    ['query', 'enter apply  tab complete  up history  ctrl-u clear  esc cancel'],
    ['port', 'enter apply  tab complete  ctrl-u clear  esc cancel'],
    ['save', 'enter apply  ctrl-u clear  esc cancel'],
  ] as const)('the hints in a %s prompt are those of the prompt', (kind, hints) => {
    const state = after(emptyState(), { type: 'prompt', kind, text: '' });
    expect(textOf(hintLine(KEYS, state, 100, undefined))).toBe(hints);
  });

  test.each([
    [{ kind: 'views', at: 0 }, /^enter open .* esc close$/],
    [{ kind: 'hide-rules', at: 0 }, /^d unhide {2}esc close$/],
    [{ kind: 'columns', cursor: 'pid' }, /^space toggle .* esc close$/],
  ] as const)('the hints in a list are those of the list: %j', (list, hints) => {
    const state = after(emptyState(), { type: 'list', list });
    expect(textOf(hintLine(KEYS, state, 100, undefined))).toMatch(hints);
    // The key that closes it is shown at every width.
    expect(textOf(hintLine(KEYS, state, 12, undefined))).toBe('esc close');
  });

  test('the hints in the help say how to scroll and close it', () => {
    const state = after(emptyState(), { type: 'pane', pane: 'help' });
    expect(textOf(hintLine(KEYS, state, 100, undefined))).toBe('up down scroll  / find  esc close');
  });

  test('the hint for traffic appears once there is traffic', () => {
    expect(textOf(hintLine(KEYS, seeing(NOTHING_SEEN), 200, undefined))).not.toContain('i traffic');
    expect(textOf(hintLine(KEYS, seeing(ALL_SEEN), 200, undefined))).toContain(
      'e events  i traffic  m graphs',
    );
  });

  test('lists all notices in full', () => {
    const degradations = [1, 2].map((n) => ({
      code: `c${n}`,
      text: `notice ${n} `.repeat(9).trim(),
      short: '',
    }));
    const text = shown(helpLines(KEYS, { ...emptyState(), degradations }, 40))
      .join(' ')
      .replace(/\s+/g, ' ');
    for (const it of degradations) expect(text).toContain(it.text);
  });
});
