import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import { type Folds, type GroupBy, NO_FOLDS } from '../../../src/store/state.ts';
import type { Sort } from '../../../src/store/columns.ts';
import { baseline, batch, listener, socket, type SocketFields, udp } from '../../helpers/fakes.ts';
import { Follower } from './follower.ts';

const sortedBy = (column: Sort['column'], descending = false): Action => ({
  type: 'sort',
  column,
  descending,
});
const named = (id: string, process: string, fields: SocketFields = {}): Socket =>
  socket({ id, process, ...fields });

describe('what groups are made of', () => {
  const labelsOf = (group: GroupBy, ...sockets: Socket[]) =>
    Follower.grouped(group, baseline(sockets)).headers.map(({ label, sum }) => `${label} ${sum.sockets}`);

  test('programs by name, for any process; without a name by how the owner is known', () => {
    const unnamed = (id: string, owners: Socket['owners']) => socket({ id, owners });
    expect(
      labelsOf(
        'process',
        named('1', 'node', { pid: 1 }),
        named('2', 'node', { pid: 2 }),
        unnamed('3', [{ knowledge: 'hidden' }]),
        unnamed('4', [{ knowledge: 'hidden' }]),
        named('5', 'hidden'),
        unnamed('6', [{ knowledge: 'exact', pid: 6 }]),
        named('7', 'evil\x1b[2J'),
      ),
    ).toEqual(['evil?[2J 1', '"hidden" 1', 'node 2', '? 1', 'hidden 2']);
  });

  test('hosts by the address of the peer, v4-mapped or not', () => {
    expect(
      labelsOf(
        'host',
        socket({ id: '1', remote: '198.51.100.7:443' }),
        socket({ id: '2', local: '[::1]:1', remote: '[::ffff:198.51.100.7]:80' }),
        socket({ id: '3', local: '[::1]:1', remote: '[2001:db8::1]:80' }),
        listener({ id: '4' }),
        udp({ id: '5' }),
      ).toSorted(),
    ).toEqual(['198.51.100.7 2', '2001:db8::1 1', 'no peer 2']);
  });

  test('ports by the listening endpoint, with the protocol', () => {
    expect(
      labelsOf(
        'port',
        listener({ id: 'listener', local: '*:80' }),
        socket({ id: 'in', local: '192.0.2.10:80', remote: '198.51.100.7:50000' }),
        socket({ id: 'out', local: '192.0.2.10:50001', remote: '198.51.100.7:80', opened: 'out' }),
        udp({ id: 'udp', local: '*:80' }),
        udp({ id: 'nowhere', local: '*:0' }),
        socket({ id: 'raw', protocol: 'raw', local: '*:1', remote: null }),
        socket({ id: 'unix', protocol: 'unix', local: '*:0', remote: null }),
      ).toSorted(),
    ).toEqual(['*/udp 1', '80/tcp 3', '80/udp 1', 'icmp/raw 1', 'no port 1']);
  });

  test('users by name, or by number', () => {
    expect(
      labelsOf(
        'user',
        socket({ id: '1', user: 'ana', uid: 1000 }),
        socket({ id: '2', user: 'ana', uid: 1000 }),
        socket({ id: '3', uid: 0 }),
        socket({ id: '4', owners: [{ knowledge: 'exact', user: 'bob' }] }),
        socket({ id: '5' }),
      ).toSorted(),
    ).toEqual(['0 1', 'ana 2', 'bob 1', 'unknown 1']);
  });

  test('namespaces by name, or by inode', () => {
    expect(
      labelsOf(
        'ns',
        socket({ id: '1', netns: { inode: 7, name: 'web' } }),
        socket({ id: '2', netns: { inode: 8 } }),
        socket({ id: '3' }),
      ).toSorted(),
    ).toEqual(['8 1', 'unknown 1', 'web 1']);
  });
});

describe('the order of groups', () => {
  const rx = (id: string, process: string, rxBytes: number) => named(id, process, { traffic: { rxBytes } });
  const start = baseline([rx('1', 'a', 50), rx('2', 'b', 30), rx('3', 'b', 40), named('4', 'c')]);

  test('by name, ascending and descending', () => {
    const follower = Follower.grouped('process', start);
    expect(follower.shown).toEqual(['[a 1]', '1', '[b 2]', '2', '3', '[c 1]', '4']);
    expect(follower.do({ type: 'reverse-sort' }).shown).toEqual([
      '[c 1]',
      '4',
      '[b 2]',
      '2',
      '3',
      '[a 1]',
      '1',
    ]);
  });

  test('by sums, unknown ones last', () => {
    const follower = Follower.grouped('process', start, sortedBy('rxBytes', true));
    expect(follower.shown).toEqual(['[b 2]', '3', '2', '[a 1]', '1', '[c 1]', '4']);
    expect(follower.headers.map(({ sum }) => sum.rxBytes)).toEqual([70, 50, 0]);
    follower.do(batch({ monotonicMs: 1000, changed: [rx('1', 'a', 71)] }));
    expect(follower.shown).toEqual(['[a 1]', '1', '[b 2]', '3', '2', '[c 1]', '4']);
    expect(follower.do({ type: 'sort', column: 'rxRate', descending: true }).headers[0]?.sum.rxRate).toBe(21);
  });

  test('by their first rows if the column is not summed', () => {
    const follower = Follower.grouped(
      'process',
      start,
      batch({ spawned: [named('5', 'c')] }),
      sortedBy('age'),
    );
    expect(follower.shown).toEqual(['[c 2]', '5', '4', '[a 1]', '1', '[b 2]', '2', '3']);
  });

  test('hosts by number', () => {
    const host = (id: string, remote: string) => socket({ id, remote });
    const follower = Follower.grouped(
      'host',
      baseline([host('1', '10.0.0.10:1'), host('2', '10.0.0.9:1'), listener({ id: '3' })]),
      sortedBy('remoteAddress'),
    );
    expect(follower.shown).toEqual(['[10.0.0.9 1]', '2', '[10.0.0.10 1]', '1', '[no peer 1]', '3']);
  });

  test('with equal keys does not depend on arrival', () => {
    const same = [socket({ id: '1', process: 'x\x01' }), socket({ id: '2', process: 'x\x02' })];
    const order = (sockets: Socket[]) =>
      Follower.grouped('process', baseline(sockets), sortedBy('pid')).shown;
    expect(order(same)).toEqual(order(same.toReversed()));
  });
});

describe('closed sockets', () => {
  test('stay in their group until they are dropped, and are not in its sum', () => {
    const of = (id: string) => named(id, 'a', { traffic: { rxBytes: 5, txBytes: 7 } });
    const follower = Follower.grouped('process', baseline([of('1'), of('2')]), batch({ closed: ['1'] }));
    expect(follower.shown).toEqual(['[a 1]', '1', '2']);
    expect(follower.headers[0]?.sum).toEqual({
      sockets: 1,
      listening: 0,
      established: 1,
      closeWait: 0,
      timeWait: 0,
      counted: 1,
      rxBytes: 5,
      txBytes: 7,
      rxRate: 0,
      txRate: 0,
    });
    follower.do(batch({ monotonicMs: 2000, closed: ['2'] }));
    expect(follower.shown).toEqual(['[a 0]', '1', '2']);
    expect(follower.do({ type: 'time', atMs: 99_000 }).shown).toEqual([]);
    expect(follower.order.length).toBe(0);
  });
});

describe('folds', () => {
  const start = baseline([named('1', 'a'), named('2', 'a'), named('3', 'b')]);
  const folded = (follower: Follower, ...labels: string[]): Folds => ({
    all: false,
    except: new Set(follower.headers.filter(({ label }) => labels.includes(label)).map(({ id }) => id)),
  });

  test('folds one group', () => {
    const follower = Follower.grouped('process', start);
    follower.set({ folds: folded(follower, 'a') });
    expect(follower.shown).toEqual(['[a 2 folded]', '[b 1]', '3']);
    expect(follower.order.openCount).toBe(3);
    expect(follower.order.rows().map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect([follower.order.indexOf('1'), follower.order.indexOf('3')]).toEqual([-1, 2]);
    expect(follower.order.headerOf('1')).toBe(follower.headers[0]?.id);
    expect(follower.set({ folds: NO_FOLDS }).shown).toEqual(['[a 2]', '1', '2', '[b 1]', '3']);
  });

  test('folds all groups, also new ones, and all except one', () => {
    const follower = Follower.grouped('process', start);
    follower.set({ folds: { all: true, except: new Set() } });
    follower.do(batch({ spawned: [named('4', 'c')] }));
    expect(follower.shown).toEqual(['[a 2 folded]', '[b 1 folded]', '[c 1 folded]']);
    follower.set({ folds: { ...folded(follower, 'b'), all: true } });
    expect(follower.shown).toEqual(['[a 2 folded]', '[b 1]', '3', '[c 1 folded]']);
  });

  test('are kept after the group is gone', () => {
    const follower = Follower.grouped('process', start);
    follower.set({ folds: folded(follower, 'b') }).do(batch({ closed: ['3'] }), { type: 'time', atMs: 9999 });
    expect(follower.shown).toEqual(['[a 2]', '1', '2']);
    follower.do(batch({ monotonicMs: 10_000, spawned: [named('5', 'b')] }));
    expect(follower.shown).toEqual(['[a 2]', '1', '2', '[b 1 folded]']);
  });
});

test('a frozen order keeps groups and rows in place and adds new or moved ones last', () => {
  const [a, b] = [named('1', 'b'), named('2', 'd')];
  const follower = Follower.grouped('process', baseline([a, named('3', 'b'), b, named('4', 'e')]), {
    type: 'freeze',
  });
  follower.do(
    batch({ monotonicMs: 1000, changed: [{ ...a, owners: [{ knowledge: 'exact', process: 'd' }] }] }),
    batch({ monotonicMs: 2000, spawned: [named('0', 'b'), named('5', 'a')] }),
  );
  expect(follower.shown).toEqual(['[b 2]', '3', '0', '[d 2]', '2', '1', '[e 1]', '4', '[a 1]', '5']);
  expect(follower.do({ type: 'freeze' }).shown).toEqual([
    '[a 1]',
    '5',
    '[b 2]',
    '0',
    '3',
    '[d 2]',
    '1',
    '2',
    '[e 1]',
    '4',
  ]);
});

test('a pause keeps its groups and sums', () => {
  const follower = Follower.grouped('process', baseline([named('1', 'a')]), { type: 'pause' });
  follower.do(batch({ monotonicMs: 1000, spawned: [named('2', 'a')] }));
  expect(follower.shown).toEqual(['[a 1]', '1']);
  expect(follower.do({ type: 'pause' }).shown).toEqual(['[a 2]', '1', '2']);
});

test('switches to another grouping and to none', () => {
  const follower = Follower.grouped(
    'process',
    baseline([named('1', 'a'), listener({ id: '2', process: 'a' })]),
  );
  expect(follower.set({ group: 'host' }).shown).toEqual(['[198.51.100.7 1]', '1', '[no peer 1]', '2']);
  expect(follower.set({ group: null }).shown).toEqual(['2', '1']);
  expect(follower.order.headerOf('1')).toBeUndefined();
});
