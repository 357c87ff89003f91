import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  accepts,
  advance,
  closes,
  container,
  drain,
  drainLines,
  type Ended,
  kernel,
  LISTEN,
  open,
  read,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';

useEventScene();

describe('the owner of an accepted socket in the trace', () => {
  const ended = () =>
    drain()
      .filter((it): it is Ended => it.type === 'ended')
      .map(({ socket }) => ownersText(socket));

  test('is that of the listener of the last poll until a process closes the socket', async () => {
    start(50, 'web', 7);
    open({ trace });
    await read(LISTEN);
    accepts(0xb);
    advance(5);
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(drainLines()).toEqual([
      '0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; listener web 50',
      '0 sk:acc SYN_RECV ESTABLISHED',
      '5 ended sk:acc ESTABLISHED 127.0.0.1:80 127.0.0.1:4000; listener web 50; 5 ms; by destroy',
    ]);
  });

  test('is the worker of the listener that closes it', async () => {
    start(50, 'web', 7);
    start(51, 'web-worker', 7);
    open({ trace });
    await read(LISTEN);
    accepts(0xb);
    closes(0xb, { tid: 51 }, '127.0.0.1:80', '127.0.0.1:4000');
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['exact web-worker 51']);
  });

  test('is that of a listener that no poll has seen yet', async () => {
    start(60, 'fresh');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    accepts(0xb);
    trace.destroy(0xb, 0xacc);
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['listener fresh 60']);
    // After the listener closed, the owner is unknown.
    trace.state(0x1, 'LISTEN', 'CLOSE', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    trace.destroy(0x1, 0x11);
    kernel.own.destroy({ cookie: 0x11, local: '0.0.0.0:80' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 0xacd });
    expect(ended()).toEqual(['exact fresh 60', 'gone - -']);
  });

  test('is all holders of the listener once a poll has seen it', async () => {
    start(60, 'fresh', 7);
    start(61, 'fresh-worker', 7);
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    await read(LISTEN);
    drain();
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['listener fresh 60, listener fresh-worker 61']);
  });

  test('is that of a listener on its address, or on any address of both families', async () => {
    start(60, 'fresh');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '[::]:80', '[::]:0', { tid: 60 });
    trace.state(0x2, 'CLOSE', 'LISTEN', '127.0.0.1:81', '0.0.0.0:0', { tid: 60 });
    kernel.own.destroy({ ...ACCEPTED, local: '[::ffff:127.0.0.1]:80', remote: '[::ffff:127.0.0.1]:4000' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 2, local: '127.0.0.1:81' });
    kernel.own.destroy({ ...ACCEPTED, cookie: 3, local: '127.0.0.2:81' });
    expect(ended()).toEqual(['listener fresh 60', 'listener fresh 60', 'gone - -']);
  });

  test('is not that of a listener of another namespace', async () => {
    container(4026532000, 60, 'shop');
    open({ trace });
    await read();
    trace.state(0x1, 'CLOSE', 'LISTEN', '0.0.0.0:80', '0.0.0.0:0', { tid: 60 });
    kernel.own.destroy(ACCEPTED);
    expect(ended()).toEqual(['gone - -']);
    kernel.networks.get(4026532000)?.destroy({ ...ACCEPTED, cookie: 2 });
    expect(ended()).toEqual(['listener shop 60']);
  });
});
