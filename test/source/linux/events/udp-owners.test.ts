import { beforeEach, describe, expect, test } from 'vitest';
import {
  advance,
  drain,
  drainOnlyEnd,
  fake,
  kernel,
  open,
  source,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

useEventScene();

describe('the owner of a closed UDP socket', () => {
  const owner = (it: InetFields): string => {
    kernel.own.destroy({ protocol: 'udp', ...it });
    return ownersText(drainOnlyEnd().socket);
  };

  test('is the only process that sent from its port and address', () => {
    start(70, 'dig');
    start(71, 'host');
    open({ trace });
    trace.route('0.0.0.0:5000', '192.0.2.53:53', { tid: 70 });
    trace.route('0.0.0.0:5001', '192.0.2.53:53', { tid: 70 });
    trace.route('0.0.0.0:5001', '192.0.2.53:53', { tid: 71 });
    trace.route('[::]:5000', '[2001:db8::1]:53', { tid: 71 });
    expect(owner({ cookie: 1, local: '192.0.2.1:5000', remote: '192.0.2.53:53' })).toBe('sender dig 70');
    expect(owner({ cookie: 2, local: '0.0.0.0:5001' })).toBe('unknown - -');
    expect(owner({ cookie: 3, local: '[::]:5000' })).toBe('sender host 71');
    // The next socket with that port has another owner.
    expect(owner({ cookie: 4, local: '192.0.2.1:5000', remote: '192.0.2.53:53' })).toBe('gone - -');
  });

  test('is not a process of another network namespace', () => {
    start(70, 'evil');
    start(71, 'decoy');
    fake.link('71/ns/net', 'net:[4026532000]');
    open({ trace });
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 70 });
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 71 });
    expect(owner({ cookie: 1, local: '127.0.0.1:5000' })).toBe('sender evil 70');
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 71 });
    expect(owner({ cookie: 2, local: '127.0.0.1:5000' })).toBe('gone - -');
  });

  test('is an ended process in the namespace that it started in', () => {
    start(60, 'bash');
    start(61, 'runc');
    fake.link('61/ns/net', 'net:[4026532000]');
    open({ trace });
    trace.fork(60, 70, 'dig');
    trace.fork(70, 75, 'dig');
    trace.fork(61, 71, 'decoy');
    trace.fork(60, 72, 'unshare', true);
    const ports: readonly [number, number][] = [
      [70, 5000],
      [75, 5001],
      [71, 5002],
      [72, 5003],
    ];
    for (const [tid, port] of ports) trace.route(`127.0.0.1:${port}`, '127.0.0.1:53', { tid });
    for (const [tid] of ports) trace.exit(tid);
    expect(ports.map(([, port]) => owner({ cookie: port, local: `127.0.0.1:${port}` }))).toEqual([
      'sender dig 70',
      'sender dig 75',
      'gone - -',
      'unknown - -',
    ]);
  });

  test('is the sender whose pid was reused before /proc is read', () => {
    start(60, 'bash');
    open({ trace });
    trace.fork(60, 70, 'dig');
    trace.route('127.0.0.1:5000', '127.0.0.1:53', { tid: 70 });
    trace.exit(70);
    trace.fork(60, 70, 'nginx');
    start(70, 'nginx');
    expect(owner({ cookie: 1, local: '127.0.0.1:5000' })).toBe('sender dig 70');
  });

  test('is unknown while another socket has the same port', () => {
    start(70, 'avahi');
    open({ trace });
    kernel.own.sockets = [{ protocol: 'udp', cookie: 9, local: '0.0.0.0:5353', inode: 9 }];
    trace.route('0.0.0.0:5353', '224.0.0.251:5353', { tid: 70 });
    kernel.own.destroy({ protocol: 'udp', cookie: 1, local: '0.0.0.0:5353' });
    expect(drainOnlyEnd().socket.owners).toEqual([
      {
        knowledge: 'unknown',
        tried: 'a program sent from its address and port, but another socket uses them too',
      },
    ]);
    kernel.own.sockets = [];
    expect(owner({ cookie: 9, local: '0.0.0.0:5353' })).toBe('sender avahi 70');
  });

  test('is unknown if the close of the previous socket may be lost', () => {
    start(70, 'dig');
    open({ trace });
    trace.route('0.0.0.0:5000', '192.0.2.53:53', { tid: 70 });
    kernel.own.bufferSize = 0;
    kernel.own.destroy({ cookie: 1, protocol: 'udp', local: '192.0.2.1:5000' });
    drain();
    kernel.own.bufferSize = Infinity;
    expect(owner({ cookie: 2, local: '192.0.2.1:5000' })).toBe('gone - -');
  });

  test('is neither the process that a send interrupted nor a kernel thread', () => {
    start(70, 'dig');
    fake.start(90, { comm: 'kworker', flags: 0x00200000 });
    open({ trace });
    trace.route('192.0.2.1:5000', '192.0.2.53:53', { tid: 70, inInterrupt: true });
    trace.route('192.0.2.1:5001', '192.0.2.53:53', { tid: 90 });
    expect(owner({ cookie: 1, local: '192.0.2.1:5000' })).toBe('gone - -');
    expect(owner({ cookie: 2, local: '192.0.2.1:5001' })).toBe('gone - -');
  });
});

describe('many UDP packets', () => {
  const route = (port: number) => trace.route(`192.0.2.1:${port}`, '192.0.2.53:53', { tid: 70 });
  const ownerOf = (port: number): string => {
    kernel.own.destroy({ cookie: port, protocol: 'udp', local: `192.0.2.1:${port}` });
    return ownersText(drainOnlyEnd().socket);
  };
  beforeEach(() => {
    start(70, 'dig');
    open({ trace });
    drain();
  });

  test('keep the senders of the 10,000 most recent ports', () => {
    for (let port = 1; port <= 10_000; port++) route(port);
    route(1);
    route(10_001);
    expect(drain()).toEqual([]);
    expect([1, 2, 3, 10_001].map(ownerOf)).toEqual([
      'sender dig 70',
      'gone - -',
      'sender dig 70',
      'sender dig 70',
    ]);
  });

  test.each([
    [19_999, true],
    [20_000, false],
  ])('%i per second are traced: %s', (count, isTraced) => {
    for (let i = 0; i < count; i++) route(1);
    advance(1000);
    drain();
    expect(trace.hasRoutes).toBe(isTraced);
    expect(source.events?.coverage).toEqual({
      level: 'changes',
      ...(!isTraced && {
        why: 'programs of short-lived UDP sockets are unknown: too many packets to trace',
      }),
    });
    // Records that the kernel wrote before it stopped are ignored.
    route(2);
    drain();
    expect([1, 2].map(ownerOf)).toEqual(Array(2).fill(isTraced ? 'sender dig 70' : 'gone - -'));
  });

  test('stay traced if they exceed the limit only briefly', () => {
    for (let i = 0; i < 30_000; i++) route(1);
    advance(2000);
    drain();
    expect(trace.hasRoutes).toBe(true);
  });
});
