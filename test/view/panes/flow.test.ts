import { describe, expect, test } from 'vitest';
import type { Socket, Traffic } from '../../../src/model/socket.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { detailLines } from '../../../src/view/panes/details-pane.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import {
  after,
  baseline,
  batch,
  emptyState,
  listener,
  NOON_MS,
  socket,
  withEvents,
  udp,
} from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';
import { MACHINE, TRAFFIC_BATCHES } from '../../tui/traffic-scene.ts';

const TICK_MS = NOON_MS + 1000;

/** Returns the details of a socket one second after the first poll, by label. */
function detailsOf(it: Socket, width = 100, ...more: Parameters<typeof after>[1][]): Record<string, string> {
  const state = after(emptyState(), baseline([]), batch({ monotonicMs: 1000, spawned: [it] }), ...more);
  const texts = detailLines(state.table.rows.get(it.id), state, KEYS, width, 100).map((line) =>
    textOf(line).trimEnd(),
  );
  return Object.fromEntries(texts.slice(1).map((text) => [text.slice(0, 9).trimEnd(), text.slice(9)]));
}

const detailsWith = (traffic: Traffic) => detailsOf(socket({ traffic }));

test('leaves out unknown values', () => {
  const labels = Object.keys(detailsOf(socket()));
  expect(labels).toEqual(['socket', 'local', 'remote', 'program', 'age', 'seen', 'user', 'id']);
});

describe('received and sent', () => {
  test('shows total, rate, segments and time of the last data', () => {
    const { received, sent } = detailsWith({
      rxBytes: 1_240_000,
      txBytes: 82,
      rxSegments: 1,
      txSegments: 4321,
      lastReceivedAtMs: TICK_MS - 2500,
      lastSentAtMs: TICK_MS + 40,
    });
    expect(received).toBe('1.24 MB  1.24 MB/s  in 1 segment  last 2s ago');
    expect(sent).toBe('82 B  82 B/s  in 4,321 segments  last <1s ago');
  });

  test('shows each value on its own', () => {
    expect(detailsWith({ rxBytes: 5 })).not.toHaveProperty('sent');
    expect(detailsWith({ lastSentAtMs: TICK_MS - 60_000 })['sent']).toBe('last 1m ago');
  });

  test('shows no rate at the first poll', () => {
    const state = after(emptyState(), baseline([socket({ id: 'a', traffic: { rxBytes: 5 } })]));
    const texts = detailLines(state.table.rows.get('a'), state, KEYS, 80, 100).map(textOf);
    expect(texts).toContain('received 5 B');
  });
});

test.each<[Traffic, string | undefined]>([
  [
    { rttMicros: 18_204, rttVarMicros: 2_100, cwnd: 10, deliveryRate: 1_300_000, retransmits: 3 },
    'rtt 18ms ± 2.1ms  cwnd 10  delivery 1.30 MB/s  3 retransmitted',
  ],
  [{ rttMicros: 50 }, 'rtt 50µs'],
  [{ retransmits: 0 }, '0 retransmitted'],
  [{ rxBytes: 1 }, undefined],
])('the path to the peer: %o', (traffic, text) => {
  expect(detailsWith(traffic)['path']).toBe(text);
});

test('queues hold connections of a listener and bytes of any other socket', () => {
  const traffic = { recvQueue: 0, sendQueue: 511 };
  expect(detailsOf(listener({ traffic }))).toMatchObject({ backlog: '0 of 511' });
  expect(detailsOf(listener({ traffic: { recvQueue: 3 } }))).toMatchObject({ backlog: '3' });
  expect(detailsOf(udp({ traffic }))).toMatchObject({ queues: '0 B unread, 511 B unacked' });
  expect(detailsOf(socket({ traffic }))).not.toHaveProperty('backlog');
});

test.each<[NonNullable<Socket['timer']>, string]>([
  [{ kind: 'on', dueAtMs: TICK_MS + 212, retransmits: 0 }, 'retransmit in 0.2s'],
  [{ kind: 'on', dueAtMs: TICK_MS - 9, retransmits: 2 }, 'retransmit in 0.0s, 2 unanswered'],
  [{ kind: 'keepalive', dueAtMs: TICK_MS + 7_200_000, retransmits: 0 }, 'keepalive in 2h'],
  [{ kind: 'timewait', dueAtMs: TICK_MS + 59_000, retransmits: 0 }, 'end of TIME_WAIT in 59s'],
  [{ kind: 'persist', dueAtMs: TICK_MS + 5000, retransmits: 1 }, 'zero-window probe in 5.0s, 1 unanswered'],
])('the timer: %o', (timer, text) => {
  expect(detailsOf({ ...socket(), timer })['timer']).toBe(text);
});

test('network shows interface and namespace, with the inode of a named namespace', () => {
  const netns = { inode: 4_026_532_201 };
  expect(detailsOf(socket({ interface: 'eth0', netns }))['network']).toBe(
    'interface eth0  namespace 4026532201',
  );
  expect(detailsOf(socket({ netns: { ...netns, name: 'web\x1b' } }))['network']).toBe(
    'namespace web? (4026532201)',
  );
});

describe('the sums of its program', () => {
  const other = socket({
    id: 'other',
    local: '192.0.2.10:40001',
    traffic: { rxBytes: 34_000_000, txBytes: 7 },
  });

  test('add up all its sockets', () => {
    const text = detailsOf(
      socket({ traffic: { rxBytes: 1_200_000, txBytes: 3000 } }),
      100,
      batch({ monotonicMs: 2000, spawned: [other] }),
    );
    expect(text['total']).toBe('2 sockets  ↓ 34.0 MB/s ↑ 7 B/s  35.2 MB received, 3.01 kB sent');
  });

  test('are missing if it has no other socket or none is measured', () => {
    expect(detailsWith({ rxBytes: 5 })).not.toHaveProperty('total');
    const silent = batch({ monotonicMs: 2000, spawned: [socket({ id: 'silent' })] });
    expect(detailsOf(socket(), 100, silent)).not.toHaveProperty('total');
  });
});

test('a pause shows the times and rates of its own moment', () => {
  const it = socket({ traffic: { rxBytes: 5, lastReceivedAtMs: TICK_MS } });
  const [pause, later] = [{ type: 'pause' } as const, batch({ monotonicMs: 99_000 })];
  expect(detailsOf(it, 100, later)['received']).toContain('last 1m ago');
  expect(detailsOf(it, 100, pause, later)['received']).toContain('last <1s ago');
});

test('shows what the latest change was', () => {
  const before = socket();
  const owners = [{ knowledge: 'exact', pid: 14, process: 'sshd' }] as const;
  const state = after(
    emptyState(),
    ...withEvents(
      batch({ spawned: [before] }),
      batch({ changed: [{ ...before, state: 'CLOSE_WAIT' }] }),
      batch({ changed: [{ ...before, state: 'CLOSE_WAIT', owners }] }),
    ),
  );
  const texts = detailLines(state.table.rows.get(before.id), state, KEYS, 80, 100).map(textOf);
  expect(texts.find((text) => text.startsWith('changed'))?.trimEnd()).toBe(
    'changed  12:00:01  now held by sshd 14  released by curl 100  CLOSE_WAIT',
  );
});

test('does not break a word that fits in a line', () => {
  const state = after(emptyState(), ...TRAFFIC_BATCHES);
  for (let width = 40; width < 120; width++) {
    const texts = detailLines(state.table.rows.get(MACHINE.download.id), state, KEYS, width, 100).map(
      (line) => textOf(line).trimEnd(),
    );
    expect(texts.filter((text) => displayWidth(text) > width)).toEqual([]);
    expect(
      texts.some((text) => text.endsWith('delivery 1.30 MB/s') || text.includes('delivery 1.30 MB/s  ')),
    ).toBe(true);
  }
});
