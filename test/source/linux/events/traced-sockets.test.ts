import { beforeEach, describe, expect, test } from 'vitest';
import {
  advance,
  CLOSE_MESSAGE_WAIT_MS,
  closes,
  CONNECTED,
  connects,
  drain,
  drainLines,
  type Ended,
  fake,
  kernel,
  open,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';

useEventScene();

describe('a connecting socket in the trace', () => {
  beforeEach(() => open({ trace }));

  test('emits every state change between two polls, in order, with the acting process', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    advance(10);
    closes(0xa, { tid: 70 });
    advance(1);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    advance(30);
    expect(drainLines()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '10 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70',
      '10 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '11 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 11 ms; by destroy',
    ]);
    expect(drain()).toEqual([]);
  });

  test('its owner is not netpane, whose copy of the socket is closed last', () => {
    start(70, 'curl');
    start(process.pid, 'node');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: process.pid });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const lines = drainLines();
    expect(lines.slice(2)).toEqual([
      '0 sk:c0 ESTABLISHED FIN_WAIT1',
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 0 ms; by destroy',
    ]);
  });

  test('waits for a close message that a later drain receives, then emits all events in order', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    expect(drain()).toEqual([]);
    advance(50);
    kernel.own.destroy(CONNECTED);
    const all = drainLines();
    expect(all.map((it) => it.split(' ', 2).join(' '))).toEqual([
      '0 appeared',
      '0 sk:c0',
      '0 sk:c0',
      '0 sk:c0',
      '0 ended',
    ]);
    expect(all.at(-1)).toContain('by destroy');
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drain()).toEqual([]);
  });

  test('emits spawn and close of a refused connection', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'CLOSE', '127.0.0.1:4000', '127.0.0.1:81');
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000' });
    expect(drainLines()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:81; exact curl 70',
      '0 ended sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:81; exact curl 70; 0 ms; by destroy',
    ]);
  });

  test('emits nothing for a connection without a free local port', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'CLOSE', '127.0.0.1:0', '127.0.0.1:81', { tid: 70 });
    trace.destroy(0xa, 0xc0);
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drain()).toEqual([]);
  });

  test('keeps both ports of a connection whose last record has none after a reset', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    trace.state(0xa, 'ESTABLISHED', 'CLOSE', '0.0.0.0:0', '0.0.0.0:0', { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ cookie: 0xc0, local: '0.0.0.0:0' });
    expect(drainLines().at(-1)).toBe(
      '0 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 0 ms; by destroy',
    );
  });

  test('its owner is the process of the connecting thread, also if the thread started before the trace', () => {
    start(70, 'java');
    fake.thread(71, 70, 'pool-1');
    connects(0xa, { tid: 71 });
    trace.destroy(0xa, 1);
    kernel.own.destroy({ ...CONNECTED, cookie: 1 });
    trace.thread(71, 72, 'pool-2');
    connects(0xb, { tid: 72 });
    trace.destroy(0xb, 2);
    kernel.own.destroy({ ...CONNECTED, cookie: 2 });
    const owners = drain()
      .filter((it): it is Ended => it.type === 'ended')
      .map(({ socket }) => ownersText(socket));
    expect(owners).toEqual(['exact java 70', 'exact java 70']);
  });

  let connections = 0;
  /** Makes and closes a connection in a thread. Returns its owner. */
  function ownerNow(tid: number): string {
    const cookie = 1000 + connections++;
    connects(cookie, { tid });
    trace.destroy(cookie, cookie);
    kernel.own.destroy({ ...CONNECTED, cookie });
    return ownersText((drain().at(-1) as Ended).socket);
  }

  test('its owner has both names if the process executes another program after it connected', () => {
    trace.fork(50, 70, 'python3');
    connects(0xa, { tid: 70 });
    trace.rename(70, 'python3', 'sleep');
    trace.exec(70, '/usr/bin/sleep');
    fake.start(70, { comm: 'sleep', exe: '/usr/bin/sleep' });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const owners = drain().flatMap((it) =>
      it.type === 'ended' || it.type === 'appeared' ? it.socket.owners : [],
    );
    expect(owners).toMatchObject([
      { knowledge: 'exact', pid: 70, process: 'python3', nowProcess: 'sleep' },
      { knowledge: 'exact', pid: 70, process: 'python3', nowProcess: 'sleep' },
    ]);
  });

  test('its owner comes before a process that received the socket and closed it', () => {
    start(70, 'curl');
    start(80, 'dbus-daemon');
    connects(0xa, { tid: 70 });
    closes(0xa, { tid: 80 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(ownersText((drain().at(-1) as Ended).socket)).toBe('exact curl 70, exact dbus-daemon 80');
  });

  test('leaves records that arrive while /proc is read to the next drain', () => {
    start(70, 'curl');
    connects(0xa, { tid: 70 });
    trace.onDrained = () => {
      trace.onDrained = () => undefined;
      closes(0xa, { tid: 70 });
      trace.destroy(0xa, 0xc0);
    };
    expect(drain()).toEqual([]);
    kernel.own.destroy(CONNECTED);
    expect(drainLines().map((it) => it.split(' ')[1])).toEqual([
      'appeared',
      'sk:c0',
      'sk:c0',
      'sk:c0',
      'ended',
    ]);
  });

  test('its owner is the program that an ended process executed', () => {
    trace.fork(50, 80, 'bash');
    trace.exec(80, '/usr/bin/curl');
    connects(0xa, { tid: 80 });
    trace.exit(80);
    closes(0xa, { tid: 80 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const end = drain().at(-1) as Ended;
    expect(end.socket.owners).toEqual([
      { knowledge: 'exact', pid: 80, process: 'curl', exe: '/usr/bin/curl' },
    ]);
  });

  test.each([true, 'unreported'] as const)(
    'does not read the owner from /proc if the process has ended: its pid may be reused (last thread: %s)',
    (isLast) => {
      trace.exec(80, '/usr/bin/curl');
      trace.exit(80, isLast);
      fake.start(80, { comm: 'later', exe: '/usr/bin/later' });
      expect(ownerNow(80)).toBe('exact curl 80');
    },
  );

  test('its owner has its full name of more than 15 bytes, also if the process has ended', () => {
    trace.fork(50, 80, 'bash');
    trace.exec(80, '/usr/bin/systemd-resolve-monitor');
    trace.exit(80);
    expect(ownerNow(80)).toBe('exact systemd-resolve-monitor 80');
  });

  test('its owner has the name of its parent if it has executed no program', () => {
    trace.fork(50, 80, 'worker');
    trace.exit(80);
    expect(ownerNow(80)).toBe('exact worker 80');
    // The child runs the same file as its parent.
    trace.exec(81, '/opt/very-long-program-name');
    trace.fork(81, 82, 'very-long-progr');
    trace.exit(82);
    expect(ownerNow(82)).toBe('exact very-long-program-name 82');
  });

  test('its owner has all fields of /proc while the process lives', () => {
    fake.start(70, { comm: 'python3', exe: '/usr/bin/python3.12', args: ['python3', 'get.py'] });
    // A script: `exe` is its interpreter.
    trace.exec(70, '/opt/get.py');
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    const end = drain().at(-1) as Ended;
    expect(end.socket.owners).toEqual([
      expect.objectContaining({
        knowledge: 'exact',
        pid: 70,
        process: 'python3',
        command: 'python3 get.py',
        exe: '/usr/bin/python3.12',
        startedAtMs: 1_700_000_001_000,
      }),
    ]);
  });

  test('its owner is the new process after a pid was reused', () => {
    trace.exec(80, '/usr/bin/curl');
    expect(ownerNow(80)).toBe('exact curl 80');
    trace.exit(80);
    advance(100);
    trace.fork(50, 80, 'bash');
    expect(ownerNow(80)).toBe('exact bash 80');
    // Still so after the first one was removed.
    advance(60_000);
    drain();
    expect(ownerNow(80)).toBe('exact bash 80');
  });

  test('its owner is gone if the process has ended and was never traced', () => {
    expect(ownerNow(99)).toBe('gone - -');
  });

  test('its owner is never a kernel thread, also not one that started during the trace', () => {
    fake.start(2, { comm: 'kthreadd', flags: 0x00200000 });
    fake.start(90, { comm: 'kworker/0:1', flags: 0x00200000 });
    expect(ownerNow(90)).toBe('gone - -');
    trace.fork(2, 91, 'kthreadd');
    fake.start(91, { comm: 'kworker/1:7', flags: 0x00200000 });
    expect(ownerNow(91)).toBe('gone - -');
    // A program that a kernel thread executes is an owner.
    trace.fork(91, 92, 'kworker/1:7');
    trace.exec(92, '/sbin/modprobe');
    expect(ownerNow(92)).toBe('exact modprobe 92');
  });

  test('its owner has the name of the process, not that of a thread that started before the trace', () => {
    trace.exec(80, '/usr/bin/worker');
    fake.thread(81, 80, 'pool-1');
    expect(ownerNow(81)).toBe('exact worker 80');
  });

  test('its owner is gone for a thread of an unknown process, also if a process had the number of the thread', () => {
    trace.thread(98, 99, 'pool');
    expect(ownerNow(99)).toBe('gone - -');
    // Process 80 has ended: 80 is now a thread.
    trace.exec(80, '/usr/bin/curl');
    expect(ownerNow(80)).toBe('exact curl 80');
    trace.thread(98, 80, 'pool');
    expect(ownerNow(80)).toBe('gone - -');
  });

  test('its owner is not the process that was interrupted', () => {
    start(70, 'curl');
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', '127.0.0.1:80', { tid: 70, inInterrupt: true });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(ownersText((drain().at(-1) as Ended).socket)).toBe('gone - -');
  });

  test('emits one life for a socket that connects to itself', () => {
    start(70, 'odd');
    const self = '127.0.0.1:4000';
    trace.state(0xa, 'CLOSE', 'SYN_SENT', '127.0.0.1:0', self, { tid: 70 });
    trace.state(0xa, 'SYN_SENT', 'SYN_RECV', self, self);
    trace.state(0xa, 'SYN_RECV', 'ESTABLISHED', self, self);
    advance(5);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy({ ...CONNECTED, remote: self });
    expect(drainLines()).toEqual([
      `0 appeared sk:c0 SYN_SENT ${self} ${self}; exact odd 70`,
      '0 sk:c0 SYN_SENT SYN_RECV',
      '0 sk:c0 SYN_RECV ESTABLISHED',
      `5 ended sk:c0 ESTABLISHED ${self} ${self}; exact odd 70; 5 ms; by destroy`,
    ]);
  });

  test('distinguishes two sockets at the same kernel address', () => {
    start(70, 'curl');
    start(71, 'wget');
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    connects(0xa, { tid: 71 }, '127.0.0.1:4001');
    trace.destroy(0xa, 0xc1);
    kernel.own.destroy(CONNECTED);
    kernel.own.destroy({ ...CONNECTED, cookie: 0xc1, local: '127.0.0.1:4001' });
    expect(drainLines().filter((it) => it.includes('ended'))).toEqual([
      expect.stringContaining('sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70'),
      expect.stringContaining('sk:c1 ESTABLISHED 127.0.0.1:4001 127.0.0.1:80; exact wget 71'),
    ]);
  });
});
