import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  advance,
  CLOSE_MESSAGE_WAIT_MS,
  CONNECTED,
  connects,
  container,
  drain,
  drainLines,
  kernel,
  open,
  read,
  source,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';

useEventScene();

describe('close messages that exceed the buffer', () => {
  const destroy = (count: number) => {
    for (let i = 0; i < count; i++) kernel.own.destroy({ ...CONNECTED, cookie: 100 + i });
  };

  test('are counted and reported once', () => {
    open();
    kernel.own.bufferSize = 3;
    destroy(10);
    expect(drainLines().map((it) => it.replace(/ended .*/, 'ended'))).toEqual([
      '0 ended',
      '0 ended',
      '0 ended',
      '0 gap of 7 by destroy',
    ]);
    expect(drain()).toEqual([]);
    advance(10);
    destroy(5);
    expect(drainLines().at(-1)).toBe('10 gap of 2 by destroy');
  });

  test('are summed over all namespaces', () => {
    const there = container(4026532000, 60, 'shop');
    open();
    kernel.own.bufferSize = there.bufferSize = 1;
    destroy(3);
    for (let i = 0; i < 4; i++) there.destroy(ACCEPTED);
    expect(drainLines().filter((it) => it.includes('gap'))).toEqual(['0 gap of 5 by destroy']);
  });

  test('are reported without a number if the kernel does not count them', () => {
    kernel.own.countsDrops = false;
    open();
    kernel.own.bufferSize = 1;
    destroy(3);
    expect(drainLines().at(-1)).toBe('0 gap of some by destroy');
    expect(drain()).toEqual([]);
  });

  test('are not reported if they were lost before netpane started', () => {
    kernel.own.drops = 40;
    open();
    destroy(1);
    expect(drain()).toHaveLength(1);
  });

  test('are counted across the overflow of the counter at 2^32', () => {
    kernel.own.drops = 2 ** 32 - 2;
    open();
    kernel.own.bufferSize = 0;
    destroy(3);
    kernel.own.drops = 1;
    expect(drainLines()).toEqual(['0 gap of 3 by destroy']);
  });

  test('do not occur during a poll, which reads the messages', async () => {
    const opening = kernel.open.bind(kernel);
    let received = 0;
    kernel.open = (...where) => {
      const channels = opening(...where);
      const receive = (into: Uint8Array) => {
        advance(10);
        destroy(1);
        received++;
        return channels.diag.receive(into);
      };
      const { diag } = channels;
      return {
        ...channels,
        diag: {
          send: (request) => diag.send(request),
          receive,
          receiveWaiting: (max, onDatagram) => diag.receiveWaiting(max, onDatagram),
        },
      };
    };
    open();
    kernel.own.bufferSize = 15;
    await read(
      ...Array.from({ length: 300 }, (_, i) => ({ ...ACCEPTED, cookie: 1000 + i, inode: 1000 + i })),
    );
    const count = received;
    expect(count).toBeGreaterThan(30);
    expect(drain().map(({ type }) => type)).toEqual(Array(count).fill('ended'));
  });

  test('are not collected again within 10 ms', () => {
    open();
    advance(10);
    source.events?.collect();
    advance(9);
    kernel.own.destroy(CONNECTED);
    source.events?.collect();
    expect(kernel.own.closeMessages).toHaveLength(1);
    advance(1);
    source.events?.collect();
    expect(kernel.own.closeMessages).toHaveLength(0);
    expect(drain()).toHaveLength(1);
  });
});

test('a drain has a part of many closes, and the next ones the rest', () => {
  open();
  for (let i = 0; i < 150; i++) kernel.own.destroy({ ...CONNECTED, cookie: 1000 + i });
  const parts: number[] = [];
  do parts.push(source.events?.drain(parts.length > 0).length ?? 0);
  while (source.events?.hasMore);
  expect(parts.reduce((sum, it) => sum + it, 0)).toBe(150);
  expect(Math.max(...parts)).toBeLessThan(100);
  expect(source.events?.isPending).toBe(false);
});

test('a drain reads all namespaces, also if the last one has left closes of another', () => {
  const there = container(4026532000, 60, 'shop');
  open();
  for (let i = 0; i < 150; i++) kernel.own.destroy({ ...CONNECTED, cookie: 1000 + i });
  source.events?.drain();
  there.destroy({ ...ACCEPTED, cookie: 7 });
  const ids = source.events?.drain().map((it) => it.type === 'ended' && it.socket.id);
  expect(source.events?.hasMore).toBe(true);
  expect(ids).toContain('sk:7');
});

describe('closes without a close message', () => {
  function lose(sk: number, cookie: number, port: number): void {
    connects(sk, { tid: 70 }, `127.0.0.1:${port}`);
    trace.destroy(sk, cookie);
    kernel.own.destroy({ ...CONNECTED, cookie, local: `127.0.0.1:${port}` });
  }

  test('are emitted from the trace after the wait for the message', () => {
    start(70, 'curl');
    open({ trace });
    connects(0xa, { tid: 70 });
    advance(10);
    trace.destroy(0xa, 0xc0);
    advance(CLOSE_MESSAGE_WAIT_MS - 1);
    expect(drain()).toEqual([]);
    advance(1);
    expect(drainLines()).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '10 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 10 ms; by trace',
    ]);
    expect(drain()).toEqual([]);
  });

  test('are not part of the gap', () => {
    start(70, 'curl');
    open({ trace });
    kernel.own.bufferSize = 1;
    for (let i = 0; i < 4; i++) lose(0xa + i, 0xc0 + i, 4000 + i);
    // UDP closes are not traced.
    for (let i = 0; i < 2; i++) kernel.own.destroy({ ...CONNECTED, protocol: 'udp', cookie: i });
    const first = drainLines();
    expect(first.filter((it) => it.includes('ended'))).toHaveLength(1);
    advance(CLOSE_MESSAGE_WAIT_MS);
    const then = drainLines();
    expect(then.filter((it) => it.includes('ended') && it.includes('by trace'))).toHaveLength(3);
    expect([...first, ...then].filter((it) => it.includes('gap'))).toEqual(['0 gap of 2 by destroy']);
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drain()).toEqual([]);
  });

  test('do not reduce a later gap', () => {
    start(70, 'curl');
    open({ trace });
    // The kernel sends no close message for its own sockets.
    connects(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect(drainLines().at(-1)).toContain('ended');
    advance(1000);
    kernel.own.bufferSize = 0;
    kernel.own.destroy({ ...CONNECTED, protocol: 'udp' });
    const first = drainLines();
    advance(CLOSE_MESSAGE_WAIT_MS);
    expect([...first, ...drainLines()]).toEqual([expect.stringContaining('gap of 1 by destroy')]);
  });

  test('a close message is enough without records of the socket', () => {
    open({ trace });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -; at least 70 ms; by destroy',
    ]);
  });
});
