import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { diff } from '../../../src/sampler/diff.ts';
import {
  advance,
  all,
  codes,
  fake,
  HELD,
  kernel,
  LISTEN,
  notice,
  only,
  open,
  owners,
  read,
  source,
  start,
  TIME_WAIT,
  useFakeSockDiag,
  WALL_MS,
} from '../../helpers/fake-sockdiag.ts';
import { ownersText } from '../../helpers/fakes.ts';
import type { InetFields } from '../../helpers/netlink/fields.ts';
import { inetPayload, message } from '../../helpers/netlink/messages.ts';

useFakeSockDiag();

describe('without remnants', () => {
  const IN_FIN_WAIT2: InetFields = { ...TIME_WAIT, cookie: 3, local: '127.0.0.1:81', state: 'FIN_WAIT2' };
  const states = (snapshot: Snapshot) => all(snapshot).map(({ id, state }) => `${id} ${state}`);

  test('leaves out remnants in TIME_WAIT and FIN_WAIT2', async () => {
    open({ events: true, omitsRemnants: true });
    expect(states(await read(LISTEN, TIME_WAIT, IN_FIN_WAIT2))).toEqual(['sk:1 LISTEN']);
  });

  test('keeps the remnant of a connection whose socket a process still holds, until its close message', async () => {
    open({ events: true, omitsRemnants: true });
    await read(HELD);
    for (let i = 0; i < 2; i++) expect(states(await read(TIME_WAIT))).toEqual(['sk:2 TIME_WAIT']);
    kernel.own.destroy(HELD);
    expect(source.events?.drain()).toMatchObject([{ type: 'ended', socket: { id: 'sk:2' } }]);
    expect(states(await read(TIME_WAIT))).toEqual([]);
  });

  test('leaves out the remnant of another connection with the same endpoints', async () => {
    open({ events: true, omitsRemnants: true });
    await read(HELD);
    expect(states(await read({ ...TIME_WAIT, cookie: 9 }))).toEqual([]);
  });

  test('looks up nothing about a connection whose close message has come', async () => {
    open({ events: true, omitsRemnants: true });
    await read(HELD);
    kernel.own.destroy(HELD);
    kernel.own.sockets = [];
    source.events?.drain();
    kernel.own.requests = [];
    await read(TIME_WAIT);
    expect(kernel.own.requests).not.toContain('lookup');
  });

  test('lists remnants where the kernel does not report closes', async () => {
    kernel.own.reportsCloses = false;
    open({ events: true, omitsRemnants: true });
    expect(states(await read(TIME_WAIT))).toEqual(['sk:2 TIME_WAIT']);
  });
});

describe('from poll to poll', () => {
  test('keeps the same objects and the same map without changes', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    for (let i = 0; i < 40; i++) {
      advance(1000);
      expect((await read(LISTEN, HELD)).sockets).toBe(first.sockets);
    }
  });

  test('replaces a socket with new traffic and keeps its owners', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    const second = await read(LISTEN, { ...HELD, info: { ...HELD.info, bytesReceived: 300 } });
    const { spawned, changed, closed } = diff(first.sockets, second.sockets);
    expect([spawned, closed]).toEqual([[], []]);
    expect(changed.map(({ id, traffic }) => [id, traffic?.rxBytes, traffic?.txBytes])).toEqual([
      ['sk:2', 300, 100],
    ]);
    const [before, after] = [first.sockets.get('sk:2'), second.sockets.get('sk:2')];
    expect(after?.owners).toBe(before?.owners);
    expect({ ...after, traffic: undefined }).toEqual({ ...before, traffic: undefined });
    expect(second.sockets.get('sk:1')).toBe(first.sockets.get('sk:1'));
  });

  test('adds and removes a timer', async () => {
    const first = only(await read({ ...HELD, timer: { kind: 'on', expiresMs: 200 } }));
    expect(first.timer).toEqual({ kind: 'on', dueAtMs: WALL_MS + 200, retransmits: 0 });
    expect(only(await read(HELD))).not.toHaveProperty('timer');
  });

  test('reports another state as a change', async () => {
    start(50, 'web', 8);
    const first = await read(HELD);
    const second = await read({ ...HELD, state: 'CLOSE_WAIT' });
    expect(diff(first.sockets, second.sockets)).toMatchObject({
      spawned: [],
      changed: [{ id: 'sk:2', state: 'CLOSE_WAIT', inode: 8 }],
      closed: [],
    });
  });

  test('keeps id, user, owner and counters in TIME_WAIT', async () => {
    start(50, 'curl', 8);
    const before = only(await read(HELD));
    start(50, 'curl');
    const snapshot = await read(TIME_WAIT);
    const after = only(snapshot);
    expect(after).toMatchObject({
      id: 'sk:2',
      state: 'TIME_WAIT',
      uid: 1000,
      user: 'ana',
      traffic: before.traffic ?? {},
    });
    expect(after).not.toHaveProperty('inode');
    expect(after.timer?.dueAtMs).toBe(WALL_MS + 60_000);
    expect(owners(snapshot)).toEqual(['inherited curl 50']);
    fake.remove('50');
    advance(1000);
    const later = await read({ ...TIME_WAIT, timer: { kind: 'timewait', expiresMs: 59_000 } });
    expect(later.sockets).toBe(snapshot.sockets);
  });

  test('does not know the owner of a TIME_WAIT from before the start', async () => {
    const snapshot = await read(TIME_WAIT);
    expect(owners(snapshot)).toEqual(['gone - -']);
    expect(only(snapshot)).not.toHaveProperty('user');
  });

  test('gives a connection that is not accepted the owner of its listener, in any order', async () => {
    start(50, 'web', 7);
    const queued: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    expect(owners(await read(queued, LISTEN)).sort()).toEqual(['exact web 50', 'listener web 50']);
    // A worker accepts it: it gets its own inode.
    start(51, 'worker', 7, 9);
    const accepted = await read({ ...queued, state: 'ESTABLISHED', inode: 9 }, LISTEN);
    expect(ownersText(accepted.sockets.get('sk:3') as Socket)).toBe('exact worker 51');
    expect(ownersText(accepted.sockets.get('sk:1') as Socket)).toBe('exact web 50, exact worker 51');
  });

  describe('a connection request (SYN_RECV) with a cookie that its connection did not inherit', () => {
    const request: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    /** Sets the sockets that the kernel returns for the endpoints of the request. */
    const setLookupResult = (...found: InetFields[]) =>
      kernel.own.trouble.set('lookup', {
        datagrams: (sequence) => found.map((it) => message(20, inetPayload(it), { sequence, flags: 0 })),
      });
    const states = (snapshot: Snapshot) => all(snapshot).map(({ id, state }) => `${id} ${state}`);

    test('is replaced by the connection', async () => {
      start(50, 'web', 7);
      setLookupResult({ ...request, cookie: 4, state: 'ESTABLISHED' });
      const first = await read(LISTEN, request);
      expect(states(first)).toEqual(['sk:1 LISTEN', 'sk:4 ESTABLISHED']);
      const second = await read(LISTEN, { ...request, cookie: 4, state: 'ESTABLISHED' });
      expect(diff(first.sockets, second.sockets)).toEqual({ spawned: [], changed: [], closed: [] });
    });

    test('is replaced by the remnant of the connection', async () => {
      setLookupResult({ ...TIME_WAIT, cookie: 5 });
      expect(states(await read(request))).toEqual(['sk:5 TIME_WAIT']);
    });

    test('is dropped if only the listener is left', async () => {
      setLookupResult(LISTEN);
      expect(states(await read(LISTEN, request))).toEqual(['sk:1 LISTEN']);
      expect(states(await read(request))).toEqual([]);
    });

    test('is looked up once while it is still a request', async () => {
      expect(states(await read(request))).toEqual(['sk:3 SYN_RECV']);
      expect(kernel.own.requests.filter((it) => it === 'lookup')).toHaveLength(1);
      expect(states(await read({ ...request, recvQueue: 1 }))).toEqual(['sk:3 SYN_RECV']);
      expect(kernel.own.requests.filter((it) => it === 'lookup')).toHaveLength(1);
    });
  });

  test('finds the owner of waiting connections when it finds that of their listener', async () => {
    const queued: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    expect(owners(await read(LISTEN, queued))).toEqual(['unknown - -', 'unknown - -']);
    start(50, 'web', 7);
    expect(owners(await read(LISTEN, queued))).toEqual(['exact web 50', 'listener web 50']);
  });

  test('ignores a listener of another protocol on the same port', async () => {
    open({ also: ['sctp'] });
    start(50, 'web', 7);
    start(60, 'signalling', 70);
    const queued: InetFields = {
      cookie: 3,
      local: '127.0.0.1:80',
      remote: '127.0.0.1:4001',
      state: 'SYN_RECV',
    };
    const sctp: InetFields = { ...LISTEN, protocol: 'sctp', cookie: 4, inode: 70 };
    const { sockets } = await read(LISTEN, queued, sctp);
    expect(ownersText(sockets.get('sk:3') as Socket)).toBe('listener web 50');
  });

  test('reports closed sockets', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    const second = await read(LISTEN);
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], changed: [], closed: ['sk:2'] });
    expect((await read()).sockets.size).toBe(0);
  });

  test('gives a reused inode to its new socket', async () => {
    start(50, 'first', 7);
    start(60, 'second');
    await read(LISTEN);
    start(50, 'first', 99);
    start(60, 'second', 7);
    const second = await read({ ...LISTEN, cookie: 9 });
    expect(second.sockets.get('sk:9')?.inode).toBe(7);
    expect(owners(second)).toEqual(['exact second 60']);
  });

  test('treats the same endpoints with another cookie as another life', async () => {
    const first = await read(HELD);
    const second = await read({ ...HELD, cookie: 20, inode: 21 });
    expect(diff(first.sockets, second.sockets)).toMatchObject({
      spawned: [{ id: 'sk:14' }],
      closed: ['sk:2'],
    });
  });

  test('keeps the owner of sockets that share an inode (MPTCP) when one of them closes', async () => {
    open({ also: ['mptcp'] });
    const whole: InetFields = { ...HELD, protocol: 'mptcp', cookie: 30 };
    const flows: InetFields[] = [HELD, { ...HELD, cookie: 31, local: '127.0.0.2:80' }];
    expect(owners(await read(whole, ...flows))).toEqual(Array(3).fill('unknown - -'));
    start(50, 'phone', 8);
    let snapshot = await read(whole, ...flows);
    expect(owners(snapshot)).toEqual(Array(3).fill('exact phone 50'));
    snapshot = await read(whole, HELD);
    snapshot = await read(whole, HELD);
    expect(owners(snapshot)).toEqual(Array(2).fill('exact phone 50'));
    start(51, 'child', 8);
    expect(owners(await read(whole, HELD))).toEqual(Array(2).fill('exact phone 50, exact child 51'));
  });

  test('reports owners that are found late as changes', async () => {
    open({ ownerBudgetMs: 4 });
    const sockets = Array.from({ length: 20 }, (_, i): InetFields => ({
      ...LISTEN,
      cookie: i + 1,
      inode: 100 + i,
    }));
    for (let i = 0; i < 20; i++) start(50 + i, `prog-${i}`, 100 + i);
    let snapshot = await read(...sockets);
    expect(owners(snapshot)).toContain('pending - -');
    let changes = owners(snapshot).filter((it) => it !== 'pending - -').length;
    for (let i = 0; i < 100 && owners(snapshot).includes('pending - -'); i++) {
      const next = await read(...sockets);
      const { spawned, changed, closed } = diff(snapshot.sockets, next.sockets);
      expect([spawned, closed]).toEqual([[], []]);
      changes += changed.length;
      snapshot = next;
    }
    expect(owners(snapshot).sort()).toEqual(sockets.map((_, i) => `exact prog-${i} ${50 + i}`).sort());
    expect(changes).toBe(20);
  });

  test('counts hidden owners by user until they are known', async () => {
    fake.remove('1');
    open({ isRoot: false });
    const first = await read(LISTEN, HELD, { ...HELD, cookie: 3, inode: 9, uid: 0 });
    expect(notice(first, 'owners-hidden')).toBe(
      'owners of 3 sockets are hidden (2 of ana, 1 of root): run with sudo to see them',
    );
    // The notice stays without changes.
    expect(codes(await read(LISTEN, HELD, { ...HELD, cookie: 3, inode: 9, uid: 0 }))).toContain(
      'owners-hidden',
    );
    start(50, 'web', 7, 8, 9);
    fake.start(1, { comm: 'init' });
    expect(codes(await read(LISTEN, HELD))).not.toContain('owners-hidden');
  });
});
