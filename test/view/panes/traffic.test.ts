import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NetworkInterface } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { NO_PLACE } from '../../../src/store/panes.ts';
import type { State } from '../../../src/store/state.ts';
import { TRAFFIC, trafficLines } from '../../../src/view/panes/traffic.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';
import { contextOf } from '../../helpers/key-context.ts';
import { HOSTILE, textOf, UNSAFE } from '../../helpers/lines.ts';

const networkInterface = (name: string, fields: Partial<NetworkInterface> = {}): NetworkInterface => ({
  name,
  isUp: true,
  rxBytes: 0,
  txBytes: 0,
  addresses: [],
  ...fields,
});

const withTraffic = (process: string, pid: number, rxBytes: number): Socket =>
  socket({ id: `${process} ${pid} ${rxBytes}`, process, pid, traffic: { rxBytes, txBytes: 0 } });

/** Returns the lines of the pane one second after all receive counters were 0: rates equal received bytes. */
const paneLines = (
  sockets: readonly Socket[],
  interfaces: readonly NetworkInterface[],
  width: number,
  height: number,
) => {
  const state = after(
    emptyState(),
    baseline([], { interfaces: interfaces.map((it) => ({ ...it, rxBytes: 0 })) }),
    batch({ monotonicMs: 1000, spawned: sockets, interfaces }),
  );
  return trafficLines(state, width, height);
};
const paneTexts = (...args: Parameters<typeof paneLines>) =>
  paneLines(...args).map((it) => textOf(it).trimEnd());

describe('the list of programs', () => {
  test('has the highest rates first, summed over the sockets, as many as fit', () => {
    const sockets = [
      withTraffic('quiet', 1, 0),
      withTraffic('slow', 2, 900),
      withTraffic('fast', 3, 600),
      withTraffic('fast', 3, 700),
    ];
    expect(paneTexts(sockets, [], 80, 4)).toEqual([
      'TRAFFIC  programs 1–2 of 3 · ↓ 2.20 kB/s ↑     0 B/s',
      'PROGRAM                      PID  SOCKETS  RX/S  TX/S    RX    TX',
      'fast                           3        2  1.3k     0  1.3k     0',
      'slow                           2        1   900     0   900     0',
    ]);
    // A narrow title does not cut the rates.
    expect(paneTexts(sockets, [], 40, 4)[0]).toBe('TRAFFIC  programs 1–2 of 3');
  });

  test('without rates has the most bytes first, then the most sockets', () => {
    const state = after(
      emptyState(),
      baseline([
        withTraffic('little', 1, 5),
        socket({ id: 'x', process: 'none', pid: 2 }),
        socket({ id: 'y', process: 'two', pid: 3 }),
        socket({ id: 'z', process: 'two', pid: 3 }),
        withTraffic('much', 4, 5000),
      ]),
      batch({ monotonicMs: 1000 }),
    );
    const names = trafficLines(state, 80, 9)
      .slice(2)
      .map((it) => textOf(it).split(' ')[0]);
    expect(names).toEqual(['much', 'little', 'two', 'none']);
  });

  test('shows dots if the traffic of the sockets is unknown', () => {
    const [title, , line] = paneTexts([socket({ process: 'nginx', pid: 80 })], [], 80, 5);
    expect(title).toBe('TRAFFIC  not available from this source');
    expect(line).toMatch(/^nginx +80 +1 +· +· +· +·$/);
  });

  test('has the highest rates of thousands of programs', () => {
    // All rates differ, because 3001 is prime.
    const sockets = Array.from({ length: 3000 }, (_, i) => withTraffic(`p${i}`, i + 1, (i * 7919) % 3001));
    const lines = paneTexts(sockets, [], 80, 7).slice(2);
    expect(lines.map((text) => /(\S+) +0 +\S+ +0$/.exec(text)?.[1])).toEqual([
      '3.0k',
      '3.0k',
      '3.0k',
      '3.0k',
      '3.0k',
    ]);
    const best = sockets
      .toSorted((a, b) => (b.traffic?.rxBytes ?? 0) - (a.traffic?.rxBytes ?? 0))
      .slice(0, 5);
    expect(lines.map((text) => text.split(' ')[0])).toEqual(best.map(({ owners }) => owners[0]?.process));
  });
});

describe('the list of interfaces', () => {
  const [lo, eth0, down] = [
    networkInterface('lo', { rxBytes: 100, addresses: ['127.0.0.1', '::1'] }),
    networkInterface('eth0', { rxBytes: 82_000, txBytes: 5e9, addresses: ['10.0.0.5'] }),
    networkInterface('wlan0', { isUp: false, rxBytes: 9e9 }),
  ];

  test('has the most bytes first, and interfaces that are down last, in a quiet tone', () => {
    const lines = paneLines([], [down, lo, eth0], 200, 9);
    expect(lines.slice(2).map((it) => textOf(it).slice(0, 70).trimEnd())).toEqual([
      'eth0              82k     0   82k  5.0G  10.0.0.5',
      'lo                100     0   100     0  127.0.0.1 ::1',
      'wlan0            9.0G     0  9.0G     0  down',
    ]);
    expect(lines.slice(2).map(({ spans }) => spans[0]?.tone)).toEqual(['plain', 'plain', 'quiet']);
  });

  test('shows namespaces only if there are several', () => {
    expect(paneTexts([], [eth0], 200, 5)[1]).not.toContain('NS');
    const inNamespace = { ...eth0, netns: { inode: 7, name: 'web' } };
    const [, titles, , second] = paneTexts([], [eth0, { ...inNamespace, rxBytes: 1 }], 200, 5);
    expect(titles).toMatch(/^INTERFACE +NS /);
    expect(second).toMatch(/^eth0 +web /);
  });

  test('shows a namespace without a name as the table does: its short number, and none for our own', () => {
    const own = { ...eth0, netns: { inode: 4_026_531_833, own: true as const } };
    const other = { ...eth0, name: 'eth1', netns: { inode: 4_026_532_177 } };
    const lines = paneTexts([], [own, other], 200, 5);
    expect(lines.find((it) => it.startsWith('eth0'))).toMatch(/^eth0 +· /);
    expect(lines.find((it) => it.startsWith('eth1'))).toMatch(/^eth1 +#337 /);
  });

  test('is beside the programs, above them or hidden, depending on the size of the pane', () => {
    const sockets = [withTraffic('curl', 1, 10)];
    const wide = paneTexts(sockets, [eth0], 120, 8);
    expect(wide[1]).toMatch(/^INTERFACE .* PROGRAM /);
    expect(wide[2]).toMatch(/^eth0 .* curl /);
    const narrow = paneTexts(sockets, [eth0], 80, 12);
    expect(narrow.map((text) => text.split(' ')[0])).toEqual([
      'TRAFFIC',
      'INTERFACE',
      'eth0',
      '',
      'PROGRAM',
      'curl',
    ]);
    const low = paneTexts(sockets, [eth0], 80, 6);
    expect(low.map((text) => text.split(' ')[0])).toEqual(['TRAFFIC', 'PROGRAM', 'curl']);
  });

  test('shows as many whole addresses as fit', () => {
    const addresses = ['10.0.0.5', 'fe80::42:acff:fe11:2', '2001:db8::1'];
    const text = (width: number) =>
      paneTexts([], [networkInterface('eth0', { addresses })], width, 12)[2] ?? '';
    expect(text(99)).toMatch(/ {2}10\.0\.0\.5 fe80::42:acff:fe11:2 2001:db8::1$/);
    expect(text(80)).toMatch(/ {2}10\.0\.0\.5 fe80::42:acff:fe11:2 …$/);
    expect(text(55)).toMatch(/ {2}10\.0\.0\.5 …$/);
    expect(text(48)).not.toContain('10.');
  });
});

describe('scrolling', () => {
  const sockets = Array.from({ length: 200 }, (_, i) => withTraffic(`p${i}`, i + 1, 1000 - i));
  const interfaces = Array.from({ length: 12 }, (_, i) => networkInterface(`eth${i}`, { rxBytes: 1000 - i }));
  const stateAt = (top: number): State => {
    const state = after(
      emptyState(),
      baseline([], { interfaces: interfaces.map((it) => ({ ...it, rxBytes: 0 })) }),
      batch({ monotonicMs: 1000, spawned: sockets, interfaces }),
    );
    return { ...state, places: { ...state.places, traffic: { ...NO_PLACE, top } } };
  };
  const texts = (top: number, width: number, height: number) =>
    trafficLines(stateAt(top), width, height).map((it) => textOf(it).trimEnd());
  const names = (lines: readonly string[]) => lines.map((it) => it.split(' ')[0]);

  test('the title says which rows of both tables are visible', () => {
    const lines = texts(0, 80, 12);
    expect(lines[0]).toMatch(/^TRAFFIC {2}interfaces 1–3 of 12 · programs 1–5 of 200 · ↓/);
    expect(names(lines)).toEqual([
      ...['TRAFFIC', 'INTERFACE', 'eth0', 'eth1', 'eth2', ''],
      ...['PROGRAM', 'p0', 'p1', 'p2', 'p3', 'p4'],
    ]);
  });

  test('both tables scroll under their titles, each as far as it has rows', () => {
    const lines = texts(100, 80, 12);
    expect(lines[0]).toMatch(/^TRAFFIC {2}interfaces 10–12 of 12 · programs 101–105 of 200 · ↓/);
    expect(names(lines)).toEqual([
      ...['TRAFFIC', 'INTERFACE', 'eth9', 'eth10', 'eth11', ''],
      ...['PROGRAM', 'p100', 'p101', 'p102', 'p103', 'p104'],
    ]);
    expect(texts(9999, 140, 6)[0]).toMatch(/interfaces 9–12 of 12 · programs 197–200 of 200/);
  });

  test('the interfaces get the lines that the programs leave', () => {
    const state = after(emptyState(), baseline(sockets.slice(0, 2), { interfaces }));
    expect(names(trafficLines(state, 80, 16).map((it) => textOf(it).trimEnd()))).toEqual([
      ...['TRAFFIC', 'INTERFACE', ...interfaces.slice(0, 10).map(({ name }) => name), ''],
      ...['PROGRAM', 'p0', 'p1'],
    ]);
  });

  test('a key scrolls until the longer table is at its end', () => {
    const region = { left: 0, top: 0, width: 80, height: 12 };
    const scene = { ...contextOf(stateAt(0)) };
    expect(TRAFFIC.move?.(scene, region, 1, 'all')).toEqual({
      type: 'scroll',
      pane: 'traffic',
      by: 195,
      lines: 195,
      height: 0,
    });
    expect(TRAFFIC.move?.(scene, region, 1, 'page')).toMatchObject({ by: 5 });
  });
});

test('the pane has only printable text and fits its size, for any names', () => {
  const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 40 }));
  const subject = fc.record({ process: hostile, name: hostile, netns: hostile, address: hostile });
  fc.assert(
    fc.property(
      fc.array(subject, { maxLength: 6 }),
      fc.integer({ min: 40, max: 200 }),
      fc.integer({ min: 1, max: 30 }),
      (subjects, width, height) => {
        const sockets = subjects.map(({ process }, i) => withTraffic(process, i + 1, i * 1000));
        const interfaces = subjects.map(({ name, netns, address }, i) =>
          networkInterface(name, {
            rxBytes: i,
            isUp: i % 2 > 0,
            addresses: [address],
            netns: { inode: i, name: netns },
          }),
        );
        const lines = paneTexts(sockets, interfaces, width, height);
        expect(lines.length).toBeLessThanOrEqual(height);
        expect(lines.filter((text) => UNSAFE.test(text))).toEqual([]);
        expect(lines.filter((text) => displayWidth(text) > width)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});
