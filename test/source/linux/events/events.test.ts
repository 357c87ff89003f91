import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  accepts,
  advance,
  CLOSE_MESSAGE_WAIT_MS,
  CONNECTED,
  connects,
  drain,
  drainLines,
  type Ended,
  fake,
  kernel,
  open,
  read,
  source,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';

useEventScene();

describe('the coverage', () => {
  test('is all closes, with the reason why it is not more', () => {
    open();
    expect(source.events?.coverage).toEqual({
      level: 'closes',
      why: 'tracing needs root',
    });
    expect(source.leftovers).toBeUndefined();
  });

  test('is polls only if the kernel has no groups for close messages', () => {
    kernel.own.reportsCloses = false;
    open();
    expect(source.events?.coverage).toEqual({
      level: 'polls',
      why: 'this kernel does not report closed sockets; tracing needs root',
    });
    expect(drain()).toEqual([]);
  });

  test('is all changes with the trace, which has leftovers', () => {
    open({ trace });
    expect(source.events?.coverage).toEqual({ level: 'changes' });
    expect(source.leftovers).toBe(trace.leftovers);
  });

  test('the next poll has a notice about malformed messages', async () => {
    open({ trace });
    kernel.own.destroy({ ...CONNECTED, family: 99 });
    kernel.own.destroy({ ...CONNECTED, cookie: 2 });
    trace.problems = 2;
    expect(drain()).toHaveLength(1);
    const { degradations } = await read();
    expect(degradations.map(({ text }) => text)).toEqual(['3 messages from the kernel could not be decoded']);
  });
});

describe('the trace', () => {
  test('names no owner from before records were lost', () => {
    start(70, 'curl');
    open({ trace });
    start(80, 'old');
    trace.exec(80, '/usr/bin/old');
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 80 });
    trace.route('127.0.0.1:5000', '192.0.2.53:53', { tid: 80 });
    connects(0xa, { tid: 80 });
    drain();
    // The lost records include the end of all these.
    trace.lost = 12;
    start(80, 'new');
    connects(0xb, { tid: 80 }, '127.0.0.1:4001');
    trace.destroy(0xb, 0xcb);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xcb, local: '127.0.0.1:4001' });
    const ends = drainLines();
    expect(ends).toContain('0 gap of 12 by trace');
    expect(ends.find((it) => it.includes('ended'))).toContain('inherited new 80');
    trace.state(0xa, 'ESTABLISHED', 'CLOSE', '127.0.0.1:4002', '127.0.0.1:80');
    trace.destroy(0xa, 0xca);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xca, local: '127.0.0.1:4002' });
    kernel.own.destroy(ACCEPTED);
    kernel.own.destroy({ cookie: 5, protocol: 'udp', local: '127.0.0.1:5000' });
    expect(drainLines().map((it) => it.split('; ').slice(0, 2).join('; '))).toEqual([
      '0 ended sk:ca CLOSE 127.0.0.1:4002 127.0.0.1:80; gone - -',
      '0 ended sk:acc CLOSE 127.0.0.1:80 127.0.0.1:4000; gone - -',
      '0 ended sk:5 - 127.0.0.1:5000 *; gone - -',
    ]);
  });

  test('distinguishes two sockets at one address by their ports if records were lost', () => {
    start(70, 'web');
    open({ trace });
    trace.state(0xa, 'CLOSE_WAIT', 'LAST_ACK', '127.0.0.1:80', '127.0.0.1:4000', { tid: 70 });
    trace.state(0xb, 'CLOSE_WAIT', 'LAST_ACK', '127.0.0.1:80', '127.0.0.1:4001', { tid: 70 });
    trace.lost = 12;
    trace.destroy(0xa, 0xc0);
    trace.state(0xb, 'FIN_WAIT1', 'FIN_WAIT2', '127.0.0.1:4001', '127.0.0.1:80');
    trace.destroy(0xb, 0xc1);
    kernel.own.destroy(CONNECTED);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xc1, local: '127.0.0.1:4001' });
    const ends = drainLines().filter((it) => it.includes('ended'));
    expect(ends.map((it) => it.split('; ').slice(0, 2).join('; '))).toEqual([
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -',
      '0 ended sk:c1 FIN_WAIT2 127.0.0.1:4001 127.0.0.1:80; gone - -',
    ]);
  });

  test('does not name the parent of a process whose exec may be lost', () => {
    start(70, 'bash');
    open({ trace });
    trace.lost = 12;
    trace.fork(70, 81, 'bash');
    connects(0xa, { tid: 81 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines().find((it) => it.includes('ended'))).toContain('; gone - -; ');
  });

  test('is closed after a failure; its reason is reported, and close messages continue', () => {
    start(70, 'curl');
    open({ trace });
    start(80, 'old');
    trace.exec(80, '/usr/bin/old');
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 80 });
    trace.route('127.0.0.1:5000', '192.0.2.53:53', { tid: 80 });
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    drain();
    trace.failure = 'reading the trace failed with error 5';
    advance(CLOSE_MESSAGE_WAIT_MS);
    // The events before the failure are emitted.
    expect(drainLines().at(-1)).toContain('ended sk:c0');
    expect(source.events?.coverage).toEqual({
      level: 'closes',
      why: 'tracing stopped: reading the trace failed with error 5',
    });
    expect(trace.closed).toBe(1);
    expect(source.leftovers).toBeUndefined();
    kernel.own.destroy({ ...CONNECTED, cookie: 4 });
    kernel.own.destroy(ACCEPTED);
    kernel.own.destroy({ cookie: 5, protocol: 'udp', local: '127.0.0.1:5000' });
    expect(drain().map((it) => it.type === 'ended' && ownersText(it.socket))).toEqual(
      Array(3).fill('gone - -'),
    );
  });

  test('and all netlink sockets are closed once', async () => {
    open({ trace });
    await read();
    expect(kernel.openCount).toBe(1);
    source.close();
    expect([trace.closed, kernel.openCount]).toEqual([1, 0]);
    source.close();
    expect(kernel.openCount).toBe(0);
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const used = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  /** Returns the bytes of memory kept per turn. */
  const keptOf = (turns: number, turn: (i: number) => void): number => {
    for (let i = 0; i < turns / 2; i++) turn(i);
    const before = used();
    for (let i = 0; i < turns; i++) turn(turns + i);
    return (used() - before) / turns;
  };

  test('is released after a close, however it was learnt', () => {
    start(70, 'curl');
    open({ trace });
    const kept = keptOf(5000, (i) => {
      const place = { local: `127.0.0.1:${1 + (i % 60_000)}` };
      // Closes reported by trace and close message, by one of them; a socket that is still open; a listener.
      connects(i, { tid: 70 }, place.local);
      trace.destroy(i, 5 * i);
      kernel.own.destroy({ ...CONNECTED, ...place, cookie: 5 * i });
      accepts(i, '127.0.0.1:80', place.local);
      trace.destroy(i, 5 * i + 1);
      kernel.own.destroy({ ...CONNECTED, ...place, cookie: 5 * i + 2 });
      kernel.own.sockets = [{ ...CONNECTED, ...place, cookie: 5 * i + 3 }];
      connects(-i, { tid: 70 }, place.local);
      trace.state(1e9 + i, 'CLOSE', 'LISTEN', place.local, '0.0.0.0:0', { tid: 70 });
      drain();
      trace.destroy(-i, 5 * i + 3);
      trace.state(1e9 + i, 'LISTEN', 'CLOSE', place.local, '0.0.0.0:0', { tid: 70 });
      trace.destroy(1e9 + i, 5 * i + 4);
      kernel.own.requests = [];
      advance(CLOSE_MESSAGE_WAIT_MS);
    });
    expect(kept).toBeLessThan(50);
  });

  test('is released after the end of a process or thread of any kind', () => {
    open({ trace });
    const kept = keptOf(20_000, (i) => {
      const pid = 10 * (i + 10);
      trace.fork(1, pid, 'sh');
      trace.exec(pid, '/usr/bin/worker');
      trace.thread(pid, pid + 1, 'pool');
      trace.exit(pid, false);
      trace.exit(pid + 1, true);
      // Unknown threads, and a kernel that does not report the last thread of a process.
      trace.exit(pid + 2);
      trace.exit(pid + 3, 'unreported');
      trace.fork(pid, pid + 4, 'sh');
      trace.exit(pid + 4, 'unreported');
      if (i % 100 === 0) drain();
      advance(50);
    });
    expect(kept).toBeLessThan(15);
  });

  test('is released after the end of a process that was read while it ended', () => {
    open({ trace });
    let named = 0;
    const kept = keptOf(2000, (i) => {
      const pid = 100 + i;
      start(pid, 'old');
      trace.exit(pid);
      connects(pid, { tid: pid });
      trace.destroy(pid, pid);
      kernel.own.destroy({ ...CONNECTED, cookie: pid });
      if (ownersText((drain().at(-1) as Ended).socket) === `exact old ${pid}`) named++;
      fake.remove(String(pid));
      advance(50);
    });
    // `keptOf` runs half of the turns once more, before it measures.
    expect(named).toBe(3000);
    expect(kept).toBeLessThan(200);
  });
});
