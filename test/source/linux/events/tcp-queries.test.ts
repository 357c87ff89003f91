import { describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  WITH_TRAFFIC,
  accepts,
  advance,
  closes,
  CONNECTED,
  connects,
  container,
  drain,
  drainLines,
  type Ended,
  kernel,
  line,
  LISTEN,
  open,
  read,
  start,
  trace,
  useEventScene,
} from '../../../helpers/event-scene.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

useEventScene();

describe('sockets that live on', () => {
  const LIVING: InetFields = { ...CONNECTED, inode: 70_000, uid: 1000 };

  test('are queried once: the first state is emitted as a spawn, then the others', () => {
    start(70, 'curl');
    open({ trace });
    kernel.own.sockets = [LIVING];
    connects(0xa, { tid: 70 });
    advance(10);
    const all = drain();
    expect(all.map(line)).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80; exact curl 70',
      '0 sk:c0 SYN_SENT ESTABLISHED',
    ]);
    expect(all[0]).toMatchObject({
      socket: { inode: 70_000, uid: 1000, user: 'ana', traffic: { rxBytes: 200, txBytes: 100 } },
    });
    // Only new state changes are emitted from then on, without another query.
    kernel.own.requests = [];
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    expect(drainLines()).toEqual(['10 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70']);
    expect(kernel.own.requests).toEqual([]);
    advance(5);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '15 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 15 ms; by destroy',
    ]);
  });

  test('are queried in the namespace of the process', () => {
    container(4026532000, 60, 'shop').sockets = [{ ...LIVING, cookie: 0x77 }];
    open({ trace });
    kernel.own.sockets = [LIVING];
    connects(0xa, { tid: 60 });
    const [first] = drain();
    expect(first).toMatchObject({ socket: { id: 'sk:77', netns: { inode: 4026532000 } } });
  });

  test('have their holder as owner, or that of their listener', async () => {
    start(50, 'web', 7, 8);
    open({ trace });
    const held: InetFields = { ...ACCEPTED, cookie: 2, inode: 8, remote: '127.0.0.1:4001' };
    await read(LISTEN, held);
    kernel.own.sockets = [LISTEN, { ...ACCEPTED, inode: 0 }, held];
    accepts(0xb);
    accepts(0xc, '127.0.0.1:80', '127.0.0.1:4001');
    expect(drainLines().filter((it) => it.includes('appeared'))).toEqual([
      '0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; listener web 50',
      '0 appeared sk:2 SYN_RECV 127.0.0.1:80 127.0.0.1:4001; exact web 50',
    ]);
  });

  test('are pending if the next poll has to find the holder', () => {
    open({ trace });
    kernel.own.sockets = [{ ...ACCEPTED, inode: 9 }];
    accepts(0xb);
    expect(drainLines()[0]).toBe('0 appeared sk:acc SYN_RECV 127.0.0.1:80 127.0.0.1:4000; pending - -');
  });

  test('include listeners', () => {
    start(60, 'fresh');
    open({ trace });
    kernel.own.sockets = [{ ...LISTEN, local: '127.0.0.1:81' }];
    trace.state(0x1, 'CLOSE', 'LISTEN', '127.0.0.1:81', '0.0.0.0:0', { tid: 60 });
    expect(drainLines()).toEqual(['0 appeared sk:1 LISTEN 127.0.0.1:81 *; exact fresh 60']);
  });

  test('are not confused with their listener', () => {
    start(50, 'web', 7);
    open({ trace });
    kernel.own.sockets = [LISTEN];
    accepts(0xb);
    expect(drain()).toEqual([]);
  });

  test('are not confused with a TIME_WAIT remnant', () => {
    start(70, 'curl');
    open({ trace });
    const { info: _, ...bare } = CONNECTED;
    connects(0xa, { tid: 70 });
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    // It closed between the trace and the query.
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    expect(drain()).toEqual([]);
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines().map((it) => it.split('; ')[0])).toEqual([
      '0 appeared sk:c0 SYN_SENT 127.0.0.1:4000 127.0.0.1:80',
      '0 sk:c0 SYN_SENT ESTABLISHED',
      '0 sk:c0 ESTABLISHED FIN_WAIT1',
      '0 ended sk:c0 ESTABLISHED 127.0.0.1:4000 127.0.0.1:80'.replace('ESTABLISHED', 'FIN_WAIT1'),
    ]);
  });

  test('have no spawn if they are older than netpane', async () => {
    start(70, 'curl', 70_000);
    open({ trace });
    await read(LIVING);
    trace.state(0xa, 'ESTABLISHED', 'FIN_WAIT1', '127.0.0.1:4000', '127.0.0.1:80', { tid: 70 });
    expect(drainLines()).toEqual(['0 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70']);
    trace.state(0xa, 'FIN_WAIT1', 'FIN_WAIT2', '127.0.0.1:4000', '127.0.0.1:80');
    trace.state(0xa, 'FIN_WAIT2', 'CLOSE', '127.0.0.1:4000', '127.0.0.1:80');
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; at least 70 ms; by destroy',
    ]);
  });

  test('have no spawn but every state change if they are older and close at once', () => {
    start(70, 'curl');
    open({ trace });
    closes(0xa, { tid: 70 });
    trace.destroy(0xa, 0xc0);
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([
      '0 sk:c0 ESTABLISHED FIN_WAIT1; exact curl 70',
      '0 sk:c0 FIN_WAIT1 FIN_WAIT2',
      '0 ended sk:c0 FIN_WAIT2 127.0.0.1:4000 127.0.0.1:80; exact curl 70; at least 70 ms; by destroy',
    ]);
  });

  test('a FIN in the trace does not count as a received byte', () => {
    open({ trace });
    accepts(0xb);
    trace.state(0xb, 'ESTABLISHED', 'CLOSE_WAIT', '127.0.0.1:80', '127.0.0.1:4000');
    trace.destroy(0xb, 0xacc);
    // It was reset then, so that ours was not acknowledged.
    kernel.own.destroy({ ...ACCEPTED, info: { ...WITH_TRAFFIC, bytesReceived: 201 } });
    expect((drain().at(-1) as Ended).socket.traffic?.rxBytes).toBe(200);
  });
});
