import { beforeEach, describe, expect, test } from 'vitest';
import {
  ACCEPTED,
  advance,
  CONNECTED,
  container,
  drain,
  drainLines,
  drainOnlyEnd,
  fake,
  kernel,
  line,
  LISTEN,
  open,
  OWN,
  read,
  source,
  start,
  START_MS,
  useEventScene,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

useEventScene();

describe('close messages for an ordinary user', () => {
  test('name the owners of the listener for an accepted socket', async () => {
    start(50, 'web', 7);
    open();
    await read(LISTEN);
    advance(30);
    kernel.own.destroy(ACCEPTED);
    const end = drainOnlyEnd();
    expect(line(end)).toBe(
      '30 ended sk:acc CLOSE 127.0.0.1:80 127.0.0.1:4000; listener web 50; at least 70 ms; by destroy',
    );
    expect(end.socket).toMatchObject({ netns: { inode: OWN }, uid: 1000, user: 'ana' });
    expect(end.socket).not.toHaveProperty('inode');
    // It is emitted only once.
    expect(drain()).toEqual([]);
  });

  test('give the user of the listener for an accepted socket of another user', async () => {
    // A missing pid 1 means that processes are hidden (hidepid).
    fake.remove('1');
    open();
    await read({ ...LISTEN, uid: 0 });
    kernel.own.destroy(ACCEPTED);
    const { socket } = drainOnlyEnd();
    expect(ownersText(socket)).toBe('hidden - -');
    expect(socket).toMatchObject({ uid: 0, user: 'root' });
  });

  test('name no owner and no user for a connected socket', async () => {
    start(50, 'web', 7);
    open();
    await read(LISTEN);
    kernel.own.destroy(CONNECTED);
    const end = drainOnlyEnd();
    expect(line(end)).toBe(
      '0 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; gone - -; at least 70 ms; by destroy',
    );
    expect(end.socket).not.toHaveProperty('uid');
    expect(end.socket).not.toHaveProperty('user');
  });

  test('of a container have its namespace and the owners of its own listener', async () => {
    start(50, 'web', 7);
    const there = container(4026532000, 60, 'shop');
    fake.start(60, { comm: 'shop', fds: { 3: 17 } });
    fake.link('60/ns/net', 'net:[4026532000]');
    there.sockets = [{ ...LISTEN, cookie: 2, inode: 17 }];
    open();
    await read(LISTEN);
    there.destroy(ACCEPTED);
    const { socket } = drainOnlyEnd();
    expect(ownersText(socket)).toBe('listener shop 60');
    expect(socket.netns?.inode).toBe(4026532000);
  });

  test('have IPv6 addresses with the interface', async () => {
    open();
    await read();
    kernel.own.destroy({ cookie: 3, local: '[fe80::1]:80', remote: '[fe80::2]:4000', interfaceIndex: 1 });
    expect(drainOnlyEnd().socket).toMatchObject({
      family: 'ipv6',
      local: { address: 'fe80::1%lo', port: 80 },
      remote: { address: 'fe80::2%lo', port: 4000 },
      interface: 'lo',
    });
  });

  test('arrive before the first poll', () => {
    open();
    kernel.own.destroy(CONNECTED);
    expect(drainOnlyEnd().socket.id).toBe('sk:c0');
  });

  test('are sorted by time', () => {
    open();
    kernel.own.destroy(CONNECTED);
    source.events?.collect();
    advance(20);
    kernel.own.destroy(ACCEPTED);
    source.events?.collect();
    advance(20);
    expect(drain().map((it) => it.type === 'ended' && [it.atMs - START_MS, it.socket.id])).toEqual([
      [0, 'sk:c0'],
      [20, 'sk:acc'],
    ]);
  });

  test('of sockets that were never bound are dropped', () => {
    open();
    kernel.own.destroy({ cookie: 5, local: '0.0.0.0:0' });
    kernel.own.destroy({ cookie: 6, protocol: 'udp', local: '0.0.0.0:0' });
    expect(drain()).toEqual([]);
  });

  test('have no user: uid 0 does not mean root', () => {
    open();
    kernel.own.destroy({ ...CONNECTED, uid: 0 });
    const { socket } = drainOnlyEnd();
    expect(socket).not.toHaveProperty('uid');
    expect(socket).not.toHaveProperty('user');
  });
});

describe('UDP', () => {
  test('closes connected and unconnected sockets without owner and traffic', () => {
    open();
    kernel.own.destroy({ cookie: 1, protocol: 'udp', local: '127.0.0.1:53' });
    kernel.own.destroy({ cookie: 2, protocol: 'udp', local: '127.0.0.1:4001', remote: '192.0.2.53:53' });
    expect(drainLines()).toEqual([
      '0 ended sk:1 - 127.0.0.1:53 *; gone - -; by destroy',
      '0 ended sk:2 - 127.0.0.1:4001 192.0.2.53:53; gone - -; by destroy',
    ]);
    // UDP has no remnant to query.
    expect(kernel.own.requests).not.toContain('lookup');
  });
});

describe('bytes of a closed connection', () => {
  const SYN = 1;
  const FIN = 1;
  /** Returns the bytes of a connection that closes with these counters. */
  function bytes(it: InetFields): [rx: number | undefined, tx: number | undefined] {
    kernel.own.destroy(it);
    const { traffic } = drainOnlyEnd().socket;
    return [traffic?.rxBytes, traffic?.txBytes];
  }
  const connected = (info: InetFields['info']): InetFields => ({
    ...CONNECTED,
    info: { rttMicros: 30, bytesSent: 100, dataSegsIn: 3, ...info },
  });
  const accepted = (info: InetFields['info']): InetFields => ({
    ...connected(info),
    ...ACCEPTED,
    info: { rttMicros: 30, bytesSent: 100, dataSegsIn: 3, ...info },
  });

  beforeEach(() => open());

  test('include no FIN if the remnant is in FIN_WAIT2: only this side closed', () => {
    const { info: _, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'FIN_WAIT2', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 }));
    const end = drainOnlyEnd();
    expect(end.remnant).toEqual({ id: 'sk:99', state: 'FIN_WAIT2' });
    expect(end.socket.traffic).toMatchObject({ rxBytes: 200, txBytes: 100 });
  });

  test('exclude the FIN of the peer if the remnant is in TIME_WAIT', () => {
    const { info: _, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 + FIN }));
    const end = drainOnlyEnd();
    expect(end.remnant).toEqual({ id: 'sk:99', state: 'TIME_WAIT' });
    expect(end.socket.traffic).toMatchObject({ rxBytes: 200, txBytes: 100 });
  });

  test('exclude the FIN of the peer if it closed first and no remnant is left', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived: 200 + FIN }))).toEqual([200, 100]);
  });

  test('exclude the FIN of the peer on the accepting side while its listener exists', () => {
    kernel.own.sockets = [LISTEN];
    expect(bytes(accepted({ bytesAcked: 100 + FIN, bytesReceived: 200 + FIN }))).toEqual([200, 100]);
    // The listener is not taken for a remnant.
    kernel.own.destroy(accepted({ bytesAcked: 100 + FIN }));
    expect(drainOnlyEnd()).not.toHaveProperty('remnant');
  });

  test('include all bytes if the peer reset the connection', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: 200 }))).toEqual([200, 100]);
    kernel.own.sockets = [LISTEN];
    expect(bytes(accepted({ bytesAcked: 100, bytesReceived: 200 }))).toEqual([200, 100]);
  });

  test('are zero if only the FIN was received, or nothing', () => {
    for (const bytesReceived of [0, FIN]) {
      expect(bytes(connected({ bytesAcked: 100 + SYN + FIN, bytesReceived, dataSegsIn: 0 }))).toEqual([
        0, 100,
      ]);
    }
  });

  test('are zero if only the FIN was received and ours was not acknowledged', () => {
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: FIN, dataSegsIn: 0 }))).toEqual([0, 100]);
  });

  test('count retransmitted bytes once', () => {
    expect(
      bytes(connected({ bytesSent: 130, bytesRetrans: 30, bytesAcked: 100 + SYN, bytesReceived: 200 })),
    ).toEqual([200, 100]);
  });

  test('a living connection with the same endpoints is not a remnant', () => {
    kernel.own.sockets = [{ ...CONNECTED, cookie: 0x99 }];
    kernel.own.destroy(CONNECTED);
    expect(drainOnlyEnd()).not.toHaveProperty('remnant');
  });

  test('are missing, like the peer, if this side reset the connection', () => {
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000', info: { rttMicros: 0 } });
    const end = drainOnlyEnd();
    expect(line(end)).toBe('0 ended sk:c0 CLOSE 127.0.0.1:4000 *; gone - -; by destroy');
    expect(end.socket).not.toHaveProperty('traffic');
    // Older kernels keep the address but clear the port.
    kernel.own.destroy({ cookie: 0xc1, local: '127.0.0.1:4000', remote: '127.0.0.1:0' });
    expect(drainOnlyEnd().socket.remote).toBeNull();
  });

  test('are complete if the query for the remnant fails', () => {
    kernel.own.trouble.set('lookup', { broken: 11 });
    expect(bytes(connected({ bytesAcked: 100 + SYN, bytesReceived: 200 }))).toEqual([200, 100]);
  });
});

describe('the lifetime', () => {
  const life = (info: InetFields['info']) => {
    kernel.own.destroy({ ...CONNECTED, info: { rttMicros: 30, ...info } });
    const { lifetimeMs, isAtLeast } = drainOnlyEnd();
    return [lifetimeMs, isAtLeast];
  };
  beforeEach(() => open());

  test('is at least the time since data was last sent or received, whichever is earlier', () => {
    const both = { bytesSent: 1, dataSegsIn: 1 };
    expect(life({ ...both, lastDataSentMs: 300, lastDataRecvMs: 800 })).toEqual([800, true]);
    expect(life({ ...both, lastDataSentMs: 800, lastDataRecvMs: 300 })).toEqual([800, true]);
  });

  test('is exact if nothing was received or nothing was sent', () => {
    const times = { lastDataSentMs: 300, lastDataRecvMs: 800 };
    expect(life({ ...times, bytesSent: 1, dataSegsIn: 0 })).toEqual([800, false]);
    expect(life({ ...times, bytesSent: 0, dataSegsIn: 1 })).toEqual([800, false]);
    expect(life(times)).toEqual([800, false]);
  });

  test('is absent if no connection was established', () => {
    const { info: _, ...refused } = CONNECTED;
    kernel.own.destroy(refused);
    expect(drainOnlyEnd()).not.toHaveProperty('lifetimeMs');
    kernel.own.destroy({ ...refused, info: { lastDataSentMs: 7 } });
    expect(drainOnlyEnd()).not.toHaveProperty('lifetimeMs');
    kernel.own.destroy({ cookie: 1, local: '127.0.0.1:80' });
    expect(drainOnlyEnd()).not.toHaveProperty('lifetimeMs');
    // They leave no remnant, so none is queried.
    expect(kernel.own.requests).not.toContain('lookup');
  });
});
