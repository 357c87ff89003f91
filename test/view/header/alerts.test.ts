import { KEYS } from '../../../src/tui/keymap.ts';
import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';

import type { Absence, State } from '../../../src/store/state.ts';
import { alertAction, alertCount, alertLines, showDiagnosis } from '../../../src/view/header/alerts.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, baseline, batch, emptyState, listener, socket } from '../../helpers/fakes.ts';
import { HOSTILE, textOf, UNSAFE } from '../../helpers/lines.ts';

const leaky = (count: number, fields: Parameters<typeof socket>[0] = {}): Socket[] =>
  Array.from({ length: count }, (_, i) =>
    socket({ id: `leaky ${i}`, state: 'CLOSE_WAIT', process: 'leaky-app', ...fields }),
  );
const web = listener({ traffic: { recvQueue: 129, sendQueue: 128 } });

/** Returns the state some time after these sockets were first seen. */
const later = (sockets: readonly Socket[], ms = 2000): State =>
  after(emptyState(), baseline(sockets), batch({ monotonicMs: ms }));
const linesOf = (state: State, width = 120) =>
  alertLines(state, KEYS, width, 2).map((line) => textOf(line).trimEnd());
const queryOf = (action: Action): string | undefined =>
  action.type === 'query' ? action.query.text : undefined;

test('without a diagnosis there is no line', () => {
  const state = later([socket(), listener()]);
  expect(alertCount(state)).toBe(0);
  expect(linesOf(state)).toEqual([]);
  expect(showDiagnosis(state)).toMatchObject({ type: 'message' });
});

describe('a diagnosis', () => {
  test('says whose trouble it is, what, since when, what it means, and its key', () => {
    const state = later(leaky(12), 250_000);
    expect(linesOf(state)).toEqual([
      expect.stringMatching(
        /^! leaky-app: 12 CLOSE_WAIT, oldest >4m {2}the peers have closed, the program has not +! shows them$/,
      ),
    ]);
    expect(linesOf(state, 60)).toEqual([
      expect.stringMatching(/^! leaky-app: 12 CLOSE_WAIT, oldest >4m +! shows them$/),
    ]);
    expect(linesOf(state, 40)).toEqual(['! leaky-app: 12 CLOSE_WAIT, oldest >4m']);
  });

  test('stays at every width of a screen', () => {
    const one = later(leaky(12), 250_000);
    const two = later([...leaky(12), web], 250_000);
    for (let width = 24; width <= 120; width++) {
      expect(linesOf(one, width)[0], `width ${width}`).toMatch(/^! leaky-app: 12 /);
      expect(linesOf(two, width)[0], `width ${width}`).toMatch(/^! nginx .* 1 of 2/);
    }
  });

  test('filters to its sockets, and then to the next one', () => {
    const state = later([...leaky(12), web]);
    expect(linesOf(state)[0]).toMatch(
      /^! nginx \*:80: accept queue full, 129 of 128, for >2s .* 1 of 2 {2}!/,
    );
    const [first, second] = ['process=nginx listen lport:80', 'process=leaky-app state:CLOSE_WAIT'];
    expect(queryOf(showDiagnosis(state))).toBe(first);
    const one = after(state, showDiagnosis(state));
    expect(linesOf(one)[0]).toMatch(/nginx .* 1 of 2 {2}! shows the next$/);
    const two = after(one, showDiagnosis(one));
    expect(two.query.text).toBe(second);
    expect(linesOf(two)[0]).toMatch(/leaky-app: 12 CLOSE_WAIT.* 2 of 2 /);
    expect(queryOf(showDiagnosis(two))).toBe(first);
    expect(queryOf(alertAction(state, 0) ?? { type: 'quit' })).toBe(first);
    expect(alertAction(state, 1)).toBeUndefined();
  });

  test('that has ended says so, quietly', () => {
    const state = after(
      later(leaky(10)),
      batch({ monotonicMs: 3000, closed: leaky(10).map(({ id }) => id) }),
    );
    const [line] = alertLines(state, KEYS, 120, 1);
    expect(textOf(line)).toContain('! leaky-app: 10 CLOSE_WAIT (over)');
    expect(line?.spans.some(({ tone }) => tone === 'warning')).toBe(false);
  });

  const opening = (id: string): Socket => ({
    ...socket({ id, remote: '203.0.113.9:443' }),
    state: 'SYN_SENT',
    timer: { kind: 'on', dueAtMs: 0, retransmits: 3 },
  });
  const halfOpen = Array.from({ length: 200 }, (_, i) =>
    socket({ id: `h${i}`, state: 'SYN_RECV', local: '10.0.0.5:443', process: 'nginx' }),
  );
  test.each<readonly [string, readonly Socket[], string, string]>([
    [
      'one connection',
      [opening('a')],
      'curl: no answer from 203.0.113.9:443, for >20s',
      'process=curl state:SYN_SENT',
    ],
    [
      'two',
      [opening('a'), opening('b')],
      'curl: 2 connections without an answer',
      'process=curl state:SYN_SENT',
    ],
    ['a SYN flood', halfOpen, 'nginx 10.0.0.5:443: 200 SYN_RECV, a SYN flood?', 'state:SYN_RECV lport:443'],
    [
      'an unread queue',
      [socket({ process: 'my app', traffic: { recvQueue: 1_200_000 } })],
      'my app: 1 receive queue not drained, 1.20 MB, for >20s',
      'process="my app" !listen recvq>=4KiB',
    ],
    [
      'a queue that is not sent',
      [socket({ traffic: { sendQueue: 70_000 } }), socket({ id: 'b', traffic: { sendQueue: 30_000 } })],
      'curl: 2 send queues not drained, 100 kB, oldest >20s',
      'process=curl !listen sendq>=4KiB',
    ],
    [
      'a hidden program',
      leaky(10, { owners: [{ knowledge: 'hidden' }], user: 'ana' }),
      'a program of ana: 10 CLOSE_WAIT',
      'user=ana state:CLOSE_WAIT',
    ],
    [
      'an unknown program',
      leaky(10, { owners: [{ knowledge: 'unknown' }] }),
      'unknown program: 10 CLOSE_WAIT',
      'state:CLOSE_WAIT',
    ],
    [
      'a program without a name',
      leaky(10, { owners: [{ knowledge: 'exact', pid: 7 }] }),
      'pid 7: 10 CLOSE_WAIT',
      'pid:7 state:CLOSE_WAIT',
    ],
  ])('%s', (_, sockets, text, query) => {
    const state = later(sockets, 20_000);
    expect(linesOf(state)[0]).toContain(`! ${text}`);
    expect(queryOf(showDiagnosis(state))).toBe(query);
  });

  test('retransmissions', () => {
    const sent = (txSegments: number, retransmits: number) =>
      socket({ traffic: { txSegments, retransmits } });
    const state = after(emptyState(), baseline([sent(0, 0)]), batch({ changed: [sent(500, 40)] }));
    expect(linesOf(state)[0]).toContain('! curl: 8 % of segments retransmitted, 40 in 30s');
    expect(queryOf(showDiagnosis(state))).toBe('process=curl retr>0');
  });

  test('names the namespace of a listener if there are several', () => {
    const inside = { ...web, netns: { inode: 7, name: 'my web' } };
    const state = later([inside, socket({ netns: { inode: 8 } })]);
    expect(queryOf(showDiagnosis(state))).toBe('process=nginx listen lport:80 ns:"my web"');
  });

  test('is printable and fits, for any name', () => {
    for (const name of HOSTILE) {
      const state = later(leaky(10, { process: name, user: name }));
      for (const width of [10, 40, 80, 200])
        for (const line of linesOf(state, width)) {
          expect(line).not.toMatch(UNSAFE);
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
        }
      expect(['query', 'message']).toContain(showDiagnosis(state).type);
    }
  });
});

describe('the report about an absence', () => {
  const absence: Absence = {
    forMs: 14 * 60_000,
    spawned: 1400,
    closed: 12,
    listeners: 2,
    programs: ['ncat'],
    endMs: 0,
  };
  const lineOf = (fields: Partial<Absence>, width = 120) =>
    linesOf({ ...later([]), absence: { ...absence, ...fields } }, width)[0];

  test('has as many words as fit', () => {
    expect(lineOf({})).toBe(
      'since you last looked, 14m ago: +1,400 −12 · 2 new listeners · 1 program not seen before: ncat',
    );
    expect(lineOf({}, 90)).toBe(
      'since you last looked, 14m ago: +1,400 −12 · 2 new listeners · 1 program not seen before',
    );
    expect(lineOf({}, 80)).toBe('14m away: +1,400 −12 · 2 new listeners · 1 program not seen before');
    expect(lineOf({}, 60)).toBe('+1,400 −12 · 2 new listeners · 1 program not seen before');
    expect(lineOf({}, 40)).toBe('+1,400 −12 · 2 new listeners · 1 new pr…');
  });

  test('leaves out what did not happen, and cuts a long list of programs', () => {
    expect(lineOf({ listeners: 0, programs: [] })).toBe('since you last looked, 14m ago: +1,400 −12');
    expect(lineOf({ listeners: 1, programs: ['a', 'b\x1b', '(c)', 'd'] })).toBe(
      'since you last looked, 14m ago: +1,400 −12 · 1 new listener · 4 programs not seen before: a, "b?", "(c)", …',
    );
  });

  test('comes before a diagnosis, and a click on it does nothing', () => {
    const state = { ...later(leaky(12)), absence };
    expect(linesOf(state).map((it) => it.slice(0, 8))).toEqual(['since yo', '! leaky-']);
    expect(alertLines(state, KEYS, 80, 1)).toHaveLength(1);
    expect(alertAction(state, 0)).toBeUndefined();
    expect(alertAction(state, 1)).toMatchObject({ type: 'query' });
  });
});
