import { describe, expect, test } from 'vitest';
import { diff } from '../../../../src/sampler/diff.ts';
import {
  WALL_MS,
  all,
  fake,
  HELD,
  kernel,
  LISTEN,
  notice,
  only,
  open,
  OWN,
  owners,
  read,
  start,
  useFakeSockDiag,
} from '../../../helpers/fake-sockdiag.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import type { FakeSocket, InetFields } from '../../../helpers/netlink/fields.ts';
import { tableText } from '../../../helpers/proc.ts';

useFakeSockDiag();

describe('a socket', () => {
  test('has all fields', async () => {
    start(50, 'web', 7, 8);
    const snapshot = await read(LISTEN, HELD);
    expect(all(snapshot)[1]).toEqual({
      id: 'sk:2',
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '127.0.0.1', port: 80 },
      remote: { address: '127.0.0.1', port: 4000 },
      state: 'ESTABLISHED',
      inode: 8,
      uid: 1000,
      user: 'ana',
      interface: 'lo',
      netns: { inode: OWN, name: 'host', own: true },
      traffic: {
        recvQueue: 0,
        sendQueue: 0,
        rxBytes: 200,
        txBytes: 100,
        rxSegments: 0,
        txSegments: 0,
        retransmits: 0,
        rttMicros: 30,
        rttVarMicros: 0,
        cwnd: 10,
        lastSentAtMs: WALL_MS,
        lastReceivedAtMs: WALL_MS,
      },
      owners: [expect.objectContaining({ knowledge: 'exact', pid: 50, process: 'web' })],
    });
    expect(snapshot.degradations).toEqual([]);
  });

  test('has TCP details only if requested', async () => {
    start(50, 'web', 8);
    expect(only(await read(HELD))).not.toHaveProperty('tcp');
    open({ tcpDetails: true });
    expect(only(await read(HELD)).tcp).toMatchObject({ sndCwnd: 10, bytesSent: 100 });
  });

  test('of each protocol is read', async () => {
    open({ also: ['unix', 'vsock', 'sctp', 'mptcp'] });
    const { sockets } = await read(
      { cookie: 1, protocol: 'udp', local: '0.0.0.0:53', state: 'CLOSE', inode: 1 },
      { cookie: 2, protocol: 'udp', local: '[::]:53', state: 'CLOSE', inode: 2 },
      { cookie: 3, protocol: 'udplite', local: '0.0.0.0:54', state: 'CLOSE', inode: 3 },
      { cookie: 4, protocol: 'raw', local: '0.0.0.0:1', state: 'CLOSE', inode: 4 },
      { cookie: 5, protocol: 'sctp', local: '0.0.0.0:55', state: 'LISTEN', inode: 5 },
      { cookie: 6, protocol: 'mptcp', local: '0.0.0.0:56', state: 'LISTEN', inode: 6 },
      { cookie: 7, protocol: 'packet', inode: 9, interfaceIndex: 1 },
      { cookie: 8, protocol: 'unix', name: '/run/x', inode: 10 },
      { cookie: 9, protocol: 'vsock', local: [3, 22], state: 'LISTEN', inode: 11 },
      { cookie: 10, local: '[::1]:80', state: 'LISTEN', inode: 12 },
    );
    expect(
      [...sockets.values()].map(
        (it) =>
          `${it.id} ${it.protocol} ${it.family} ${it.local.address}:${it.local.port} ${it.state} ${it.local.protocol ?? ''}`,
      ),
    ).toEqual([
      'sk:a tcp ipv6 ::1:80 LISTEN ',
      'sk:1 udp ipv4 0.0.0.0:53 undefined ',
      'sk:2 udp ipv6 :::53 undefined ',
      'sk:3 udplite ipv4 0.0.0.0:54 undefined ',
      'sk:4 raw ipv4 0.0.0.0:0 undefined 1',
      'sk:5 sctp ipv4 0.0.0.0:55 LISTEN ',
      'sk:6 mptcp ipv4 0.0.0.0:56 LISTEN ',
      'sk:7 packet packet lo:0 undefined 3',
      'sk:8 unix unix /run/x:0 ESTABLISHED ',
      'sk:9 vsock vsock 3:22 LISTEN ',
    ]);
  });

  test('of an extra kind is not requested by default', async () => {
    await read();
    expect(kernel.own.requests).not.toContain('unix');
    expect(kernel.own.requests).toEqual([
      'tcp',
      'udp4',
      'udp6',
      'udplite4',
      'udplite6',
      'raw4',
      'raw6',
      'packet',
      'links',
      'addresses',
    ]);
  });

  test('of ping is read from /proc', async () => {
    start(50, 'ping', 70);
    const PING = { local: '0.0.0.0:5', state: '07', inode: 70, uid: 1000, recvQueue: 832 } as const;
    const table = tableText([PING]);
    fake.write('self/net/icmp', table);
    const snapshot = await read();
    expect(only(snapshot)).toMatchObject({
      id: 'icmp:70',
      protocol: 'icmp',
      // The number after the address is the identifier of echo requests, not a port.
      local: { address: '0.0.0.0', port: 0 },
      remote: null,
      traffic: { recvQueue: 832, sendQueue: 0 },
      user: 'ana',
      inode: 70,
    });
    expect(owners(snapshot)).toEqual(['exact ping 50']);
    expect((await read()).sockets).toBe(snapshot.sockets);
    fake.write('self/net/icmp', tableText([{ ...PING, remote: '192.0.2.1:7', state: '01', sendQueue: 9 }]));
    expect(only(await read())).toMatchObject({
      remote: { address: '192.0.2.1', port: 0 },
      state: 'ESTABLISHED',
      traffic: { recvQueue: 832, sendQueue: 9 },
    });
    fake.write('self/net/icmp', `${table}garbage\n`);
    expect(notice(await read(), 'unreadable-messages')).toBe(
      '1 message from the kernel could not be decoded',
    );
    fake.write('self/net/icmp', tableText([]));
    expect((await read()).sockets.size).toBe(0);
  });

  test('of raw IP is read from /proc if the kernel has no diag for it', async () => {
    const RAW: InetFields = { cookie: 4, protocol: 'raw', local: '0.0.0.0:1', state: 'CLOSE', inode: 70 };
    start(50, 'sniffer', 70);
    const line = { local: '0.0.0.0:1', state: '07', inode: 70, uid: 0, recvQueue: 832 } as const;
    fake.write('self/net/raw', tableText([line]));
    // A kernel with diag lists it once.
    expect([...(await read(RAW)).sockets.keys()]).toEqual(['sk:4']);
    open();
    kernel.own.trouble.set('raw4', { errno: 2 });
    kernel.own.trouble.set('raw6', { errno: 2 });
    const snapshot = await read(RAW);
    expect(only(snapshot)).toMatchObject({
      protocol: 'raw',
      local: { address: '0.0.0.0', port: 0, protocol: 1 },
      inode: 70,
      traffic: { recvQueue: 832, sendQueue: 0 },
    });
    expect(owners(snapshot)).toEqual(['exact sniffer 50']);
    expect(snapshot.degradations).toEqual([]);
  });

  test('of packet is read from /proc if the kernel has no diag for it', async () => {
    start(50, 'sniffer', 70);
    kernel.own.trouble.set('packet', { errno: 2 });
    fake.write(
      'self/net/packet',
      `sk               RefCnt Type Proto  Iface R Rmem   User   Inode
000000006529a472 3      3    0003   1     1 832    1000   70
000000006529a473 3      2    0000   0     0 0      0      71
`,
    );
    const snapshot = await read();
    const [bound, unbound] = all(snapshot);
    expect(bound).toMatchObject({
      local: { address: 'lo', port: 0, protocol: 3 },
      user: 'ana',
      traffic: { recvQueue: 832 },
    });
    expect(owners(snapshot)[0]).toBe('exact sniffer 50');
    expect(unbound?.local).toEqual({ address: '*', port: 0 });
    fake.write('self/net/packet', 'sk\ngarbage\n');
    expect(notice(await read(), 'unreadable-messages')).toBe(
      '1 message from the kernel could not be decoded',
    );
  });

  test('with a link-local address has its interface at both endpoints', async () => {
    kernel.own.links = [{ index: 2, name: 'eth0', addresses: ['fe80::1', '2001:db8::1'] }];
    const { sockets } = await read(
      { cookie: 1, local: '[fe80::1]:80', remote: '[fe80::2]:81', inode: 1 },
      { cookie: 2, local: '[2001:db8::1]:80', remote: '[2001:db8::2]:81', inode: 2 },
      { cookie: 3, local: '[fe80::9]:80', remote: '[fe80::2]:81', inode: 3 },
      { cookie: 4, local: '0.0.0.0:80', state: 'LISTEN', inode: 4 },
      { cookie: 5, local: '0.0.0.0:81', state: 'LISTEN', inode: 5, interfaceIndex: 2 },
    );
    expect([...sockets.values()].map((it) => [it.local.address, it.remote?.address, it.interface])).toEqual([
      ['fe80::1%eth0', 'fe80::2%eth0', 'eth0'],
      ['2001:db8::1', '2001:db8::2', 'eth0'],
      ['fe80::9', 'fe80::2', undefined],
      ['0.0.0.0', undefined, undefined],
      ['0.0.0.0', undefined, 'eth0'],
    ]);
  });
});

describe('Unix sockets', () => {
  test('have the name of their peer, and report differences as changes', async () => {
    open({ also: ['unix'] });
    start(50, 'client', 10);
    start(60, 'server', 11, 12);
    const sockets: FakeSocket[] = [
      { protocol: 'unix', cookie: 1, inode: 10, peer: 12 },
      { protocol: 'unix', cookie: 2, name: '/run/x', inode: 11, state: 'LISTEN' },
      { protocol: 'unix', cookie: 3, name: '/run/x', inode: 12, peer: 10 },
      { protocol: 'unix', cookie: 4, inode: 13, peer: 99 },
    ];
    const first = await read(...sockets);
    expect(all(first).map((it) => [it.local.address, it.remote?.address, ownersText(it)])).toEqual([
      ['', '/run/x', 'exact client 50'],
      ['/run/x', undefined, 'exact server 60'],
      ['/run/x', '', 'exact server 60'],
      ['', '', 'unknown - -'],
    ]);
    await read(...sockets);
    const settled = await read(...sockets);
    expect((await read(...sockets)).sockets).toBe(settled.sockets);
    const busy = await read({ ...sockets[0], recvQueue: 5 } as FakeSocket, ...sockets.slice(1));
    expect(diff(settled.sockets, busy.sockets)).toMatchObject({
      spawned: [],
      changed: [{ id: 'sk:1', traffic: { recvQueue: 5, sendQueue: 0 } }],
      closed: [],
    });
  });
});
