import { describe, expect, test } from 'vitest';
import type { Coverage, GapEvent, SumEvent } from '../../../src/model/event.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { SocketTable } from '../../../src/store/table.ts';
import { headerLines } from '../../../src/view/header/header.ts';
import { helpLines } from '../../../src/view/panes/help.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, baseline, batch, emptyState, listener, NOON_MS, socket, udp } from '../../helpers/fakes.ts';
import { textOf, shown } from '../../helpers/lines.ts';
import { BATCHES } from '../../helpers/scene.ts';

describe('the header', () => {
  const state = after(emptyState(), ...BATCHES);

  test('has the counts at every width', () => {
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

    test('stays on a narrower screen than the counts per minute', () => {
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
    // Polls that are too costly for 1s are too costly for 500ms.
    expect(first(2480, { type: 'interval', intervalMs: 500 })).toContain('polling only  500ms → 2.5s  ');
    expect(first(2480, { type: 'interval', intervalMs: 5000 })).toContain('polling only  5s  ');
    // Before the next batch it is not known whether they are too costly for a shorter interval.
    expect(first(1000, { type: 'interval', intervalMs: 200 })).toContain('polling only  200ms  ');
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
        '3,012 closes missed at 12:00:21  ? shows 1 more',
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
      'notice 1  ? shows 2 more',
    );
    // A single one whose long form has no room.
    const [one] = degradations.map((it) => ({ ...it, text: 'long '.repeat(20) }));
    expect(textOf(headerLines({ ...state, degradations: one ? [one] : [] }, KEYS, 80, 2)[1])).toMatch(
      / n1 {2}\? says more$/,
    );
    // A narrow pane does not cut the notice for a longer number of others.
    const narrow = degradations.map((it) => ({ ...it, short: 'sixteen letters:' }));
    expect(textOf(headerLines({ ...state, degradations: narrow }, KEYS, 40, 2)[1])).toMatch(
      /sixteen letters: {2}\? 2 more$/,
    );
  });
});
