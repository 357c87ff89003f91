import { describe, expect, test } from 'vitest';
import type { Socket, SocketState } from '../../src/model/socket.ts';
import { OVER_MS } from '../../src/store/diagnoses.ts';
import type { Diagnosis, DiagnosisKind } from '../../src/store/diagnosis.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, listener, socket, udp } from '../helpers/fakes.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A table that receives a batch each second of a fake clock. */
class Ticks {
  readonly table = new SocketTable(3000);
  nowMs = 0;

  constructor(...sockets: readonly Socket[]) {
    this.table.apply(baseline(sockets));
  }

  /** Applies one batch `afterMs` later. Sockets that are in the table change, others spawn. */
  tick(afterMs: number, sockets: readonly Socket[] = [], closed: readonly string[] = []): this {
    this.nowMs += afterMs;
    const isOpen = ({ id }: Socket) => {
      const row = this.table.rows.get(id);
      return row !== undefined && row.mark !== 'closed';
    };
    this.table.apply(
      batch({
        monotonicMs: this.nowMs,
        spawned: sockets.filter((it) => !isOpen(it)),
        changed: sockets.filter(isOpen),
        closed,
      }),
    );
    return this;
  }

  get kinds(): readonly DiagnosisKind[] {
    return this.table.diagnoses.map(({ kind }) => kind);
  }

  get first(): Diagnosis | undefined {
    return this.table.diagnoses[0];
  }
}

const many = (count: number, make: (id: string) => Socket, prefix = ''): Socket[] =>
  Array.from({ length: count }, (_, i) => make(`${prefix}${i}`));
const inState =
  (state: SocketState, process = 'leaky-app') =>
  (id: string) =>
    socket({ id, state, process });
const closeWait = inState('CLOSE_WAIT');
const ids = (sockets: readonly Socket[]) => sockets.map(({ id }) => id);

test('there is no diagnosis, and always the same empty list, while nothing is wrong', () => {
  const ticks = new Ticks(socket(), listener(), udp());
  const { diagnoses } = ticks.table;
  expect(diagnoses).toEqual([]);
  ticks.tick(SECOND, [socket({ traffic: { rxBytes: 7, txBytes: 9, recvQueue: 3 } })]).tick(MINUTE);
  expect(ticks.table.diagnoses).toBe(diagnoses);
});

describe('connections in CLOSE_WAIT', () => {
  test('are a diagnosis if one program has ten for a second, with the age of the oldest', () => {
    const ticks = new Ticks(...many(12, closeWait));
    expect(ticks.kinds).toEqual([]);
    ticks.tick(SECOND);
    expect(ticks.first).toMatchObject({ kind: 'close-wait', count: 12, sinceMs: 0, isAtLeast: true });
    ticks.tick(4 * MINUTE);
    expect(ticks.first).toMatchObject({ count: 12, sinceMs: 0, isOver: false });
  });

  test('have an exact age if netpane has seen them in another state', () => {
    const sockets = many(10, inState('ESTABLISHED'));
    const ticks = new Ticks(...sockets).tick(5 * SECOND, many(10, closeWait)).tick(SECOND);
    expect(ticks.first).toMatchObject({ sinceMs: 5 * SECOND, isAtLeast: false });
  });

  test('are none if the program closes each within a second', () => {
    const ticks = new Ticks();
    for (let i = 0; i < 20; i++) {
      const closed = i === 0 ? [] : ids(many(30, closeWait, `${i - 1} `));
      ticks.tick(SECOND / 2, many(30, closeWait, `${i} `), closed);
      expect(ticks.kinds).toEqual([]);
    }
  });

  test('are a diagnosis if there are three for a minute, and none if there are two', () => {
    const two = new Ticks(...many(2, closeWait)).tick(10 * MINUTE);
    expect(two.kinds).toEqual([]);
    const three = new Ticks(...many(3, closeWait)).tick(59 * SECOND);
    expect(three.kinds).toEqual([]);
    expect(three.tick(SECOND).first).toMatchObject({ kind: 'close-wait', count: 3 });
  });

  test('are one diagnosis for each program', () => {
    const ticks = new Ticks(
      ...many(10, closeWait, 'a'),
      ...many(9, inState('CLOSE_WAIT', 'other'), 'b'),
      ...many(11, inState('CLOSE_WAIT', 'third'), 'c'),
    ).tick(SECOND);
    expect(ticks.table.diagnoses.map(({ count }) => count)).toEqual([10, 11]);
  });

  test('have an age that starts with the state, even if their program is found later', () => {
    const pending = (id: string): Socket => ({ ...closeWait(id), owners: [{ knowledge: 'pending' }] });
    const ticks = new Ticks().tick(SECOND, many(10, pending));
    ticks.tick(SECOND, many(1, closeWait, 'new'));
    ticks.tick(SECOND, many(10, closeWait));
    expect(ticks.table.diagnoses.filter(({ isOver }) => !isOver)).toMatchObject([
      { count: 11, sinceMs: SECOND, socket: { owners: [{ process: 'leaky-app' }] } },
    ]);
  });

  test('are a diagnosis until few are left, which then stays for five seconds as over', () => {
    const ticks = new Ticks(...many(10, closeWait)).tick(SECOND);
    ticks.tick(SECOND, [], ids(many(5, closeWait)));
    expect(ticks.first).toMatchObject({ count: 5, isOver: false });
    ticks.tick(SECOND, [], ['5']);
    expect(ticks.first).toMatchObject({ count: 5, isOver: true });
    ticks.tick(OVER_MS - 1);
    expect(ticks.first).toMatchObject({ isOver: true });
    ticks.tick(1);
    expect(ticks.kinds).toEqual([]);
  });

  test('are the same diagnosis if they come back while it stays as over', () => {
    const ticks = new Ticks(...many(10, closeWait)).tick(SECOND);
    const { id } = ticks.first ?? {};
    ticks.tick(SECOND, [], ids(many(8, closeWait)));
    expect(ticks.first).toMatchObject({ id, isOver: true });
    ticks.tick(SECOND, many(10, closeWait)).tick(SECOND);
    expect(ticks.table.diagnoses).toMatchObject([{ id, count: 10, isOver: false }]);
  });
});

describe('a full accept queue', () => {
  const web = (recvQueue: number, sendQueue = 128) => listener({ traffic: { recvQueue, sendQueue } });

  test('is a diagnosis from 90 % of the backlog on, after a second, down to half of it', () => {
    const ticks = new Ticks(web(114)).tick(SECOND);
    expect(ticks.kinds).toEqual([]);
    ticks.tick(SECOND, [web(129)]).tick(SECOND);
    expect(ticks.first).toMatchObject({ kind: 'full-backlog', count: 1, socket: web(129) });
    ticks.tick(SECOND, [web(65)]);
    expect(ticks.first).toMatchObject({ socket: web(65), isOver: false });
    ticks.tick(SECOND, [web(64)]);
    expect(ticks.first).toMatchObject({ isOver: true });
  });

  test('is none without a known backlog, nor for a socket that is no listener', () => {
    const udpSocket = udp({ traffic: { recvQueue: 9000, sendQueue: 1 } });
    expect(new Ticks(web(5, 0), udpSocket).tick(MINUTE).kinds).toEqual([]);
  });
});

test('many half-open connections to one port are a SYN flood; a burst that is answered is none', () => {
  const halfOpen = (id: string) => socket({ id, state: 'SYN_RECV', local: '10.0.0.5:443' });
  const ticks = new Ticks(...many(30, halfOpen));
  expect(ticks.kinds).toEqual([]);
  expect(ticks.tick(SECOND).first).toMatchObject({ kind: 'syn-flood', count: 30 });
  const burst = new Ticks(...many(300, halfOpen));
  expect(burst.tick(SECOND / 2, [], ids(many(300, halfOpen))).kinds).toEqual([]);
  const elsewhere = new Ticks(...many(20, halfOpen), ...many(20, inState('SYN_RECV'), 'b'));
  expect(elsewhere.tick(SECOND).kinds).toEqual([]);
});

test('a connection without an answer to two SYN segments is a diagnosis until it is answered', () => {
  const opening = (retransmits: number) =>
    socket({ state: 'SYN_SENT', timer: { kind: 'on', dueAtMs: 0, retransmits } });
  const ticks = new Ticks(opening(1));
  expect(ticks.kinds).toEqual([]);
  expect(ticks.tick(SECOND, [opening(2)]).first).toMatchObject({ kind: 'unanswered', count: 1 });
  expect(ticks.tick(SECOND, [socket()]).first).toMatchObject({ kind: 'unanswered', isOver: true });
});

describe('queues that do not drain', () => {
  const receiving = (rxBytes: number, recvQueue: number) =>
    socket({ id: 'r', process: 'slow', traffic: { rxBytes, recvQueue } });

  test('a program that reads nothing for ten seconds is a diagnosis, however much arrives', () => {
    const ticks = new Ticks(receiving(0, 0)).tick(SECOND, [receiving(20_000, 20_000)]);
    for (let i = 1; i < 10; i++) ticks.tick(SECOND, [receiving(20_000 + i, 20_000 + i)]);
    expect(ticks.kinds).toEqual([]);
    ticks.tick(SECOND);
    expect(ticks.first).toMatchObject({ kind: 'unread', count: 1, amount: 20_009, sinceMs: SECOND });
  });

  test('a queue that stays long while the program reads is none', () => {
    const ticks = new Ticks();
    for (let i = 0; i < 60; i++) ticks.tick(SECOND, [receiving(1_000_000 + i * 5000, 50_000)]);
    expect(ticks.kinds).toEqual([]);
  });

  test('a queue in CLOSE_WAIT, of a packet socket, or of a few bytes is none', () => {
    const traffic = { recvQueue: 99_999 };
    const ticks = new Ticks(
      closeWait('c'),
      { ...closeWait('d'), traffic },
      socket({ id: 'p', protocol: 'packet', traffic }),
      receiving(4000, 4000),
    );
    expect(ticks.tick(10 * MINUTE).kinds).toEqual([]);
  });

  test('a peer that acknowledges nothing for ten seconds is a diagnosis', () => {
    const sending = (txBytes: number, sendQueue: number) =>
      socket({ id: 's', traffic: { txBytes, sendQueue } });
    const ticks = new Ticks(sending(1, 20_000)).tick(5 * SECOND, [sending(9, 30_000)]);
    expect(ticks.tick(9 * SECOND, [sending(9, 40_000)]).kinds).toEqual([]);
    expect(ticks.tick(SECOND).first).toMatchObject({ kind: 'unsent', amount: 40_000, isAtLeast: false });
    expect(ticks.tick(SECOND, [sending(5009, 40_000)]).first).toMatchObject({ isOver: true });
  });
});

describe('retransmissions', () => {
  const sent = (txSegments: number, retransmits: number, process = 'curl') =>
    socket({ id: process, process, traffic: { txSegments, retransmits } });

  test('a twentieth of the segments within 30 seconds is a diagnosis', () => {
    const ticks = new Ticks(sent(1000, 900)).tick(SECOND, [sent(1399, 919)]);
    expect(ticks.kinds).toEqual([]);
    ticks.tick(SECOND, [sent(1400, 920)]);
    expect(ticks.first).toMatchObject({ kind: 'retransmissions', count: 20, amount: 400 });
  });

  test('the same number among many segments of the program is none', () => {
    const ticks = new Ticks(sent(0, 0), socket({ id: 'b', traffic: { txSegments: 0, retransmits: 0 } }));
    ticks.tick(SECOND, [
      sent(100, 50),
      socket({ id: 'b', process: 'curl', traffic: { txSegments: 2000, retransmits: 0 } }),
    ]);
    expect(ticks.kinds).toEqual([]);
  });

  test('it ends half a minute after the last one', () => {
    const ticks = new Ticks(sent(0, 0)).tick(SECOND, [sent(100, 50)]);
    expect(ticks.tick(24 * SECOND).first).toMatchObject({ count: 50, isOver: false });
    expect(ticks.tick(6 * SECOND).first).toMatchObject({ count: 50, isOver: true });
    expect(ticks.tick(OVER_MS).kinds).toEqual([]);
  });
});

test('the most urgent diagnosis is the first, and those that are over are the last', () => {
  const web = (recvQueue: number) => listener({ traffic: { recvQueue, sendQueue: 8 } });
  const ticks = new Ticks(...many(10, closeWait), web(9)).tick(SECOND);
  expect(ticks.kinds).toEqual(['full-backlog', 'close-wait']);
  expect(ticks.tick(SECOND, [web(0)]).kinds).toEqual(['close-wait', 'full-backlog']);
});

test('a restarted sampler keeps the ages of what still waits', () => {
  const ticks = new Ticks(...many(10, closeWait)).tick(MINUTE);
  ticks.table.apply(baseline(many(10, closeWait), { monotonicMs: 2 * MINUTE }));
  expect(ticks.first).toMatchObject({ count: 10, sinceMs: 0 });
  ticks.table.apply(baseline([], { monotonicMs: 3 * MINUTE }));
  expect(ticks.first).toMatchObject({ isOver: true });
});
