import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { diff } from '../../../../src/sampler/diff.ts';
import {
  codes,
  container,
  HELD,
  kernel,
  LISTEN,
  notice,
  only,
  open,
  owners,
  read,
  start,
  TIME_WAIT,
  useFakeSockDiag,
} from '../../../helpers/fake-sockdiag.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import type { FakeSocket, InetFields } from '../../../helpers/netlink/fields.ts';
import { joined, message } from '../../../helpers/netlink/messages.ts';

useFakeSockDiag();

describe('when the kernel refuses or sends malformed messages', () => {
  test('rejects the first poll with the reason', async () => {
    kernel.own.trouble.set('tcp', { errno: 1 });
    kernel.own.trouble.set('tcp4', { errno: 13 });
    await expect(read(LISTEN)).rejects.toThrow(/^cannot read the sockets of this machine: error 13$/);
  });

  test('dumps TCP by family if the request for both is refused', async () => {
    kernel.own.trouble.set('tcp', { errno: 22 });
    const six: InetFields = { ...LISTEN, cookie: 3, local: '[::1]:80', inode: 9 };
    const first = await read(LISTEN, six);
    expect([...first.sockets.keys()]).toEqual(['sk:1', 'sk:3']);
    kernel.own.requests = [];
    await read(LISTEN, six);
    expect(kernel.own.requests.slice(0, 2)).toEqual(['tcp4', 'tcp6']);
    expect(kernel.own.requests).not.toContain('tcp');
  });

  test('keeps the sockets of an incomplete dump with a notice, and closes those of other dumps', async () => {
    const udp: InetFields = { cookie: 3, protocol: 'udp', local: '0.0.0.0:53', state: 'CLOSE', inode: 9 };
    kernel.own.trouble.set('tcp', { errno: 22 });
    const first = await read(LISTEN, HELD, udp);
    kernel.own.trouble.set('tcp4', { errno: 105, breaksOffAfter: 1 });
    const second = await read(LISTEN, HELD);
    expect(codes(second)).toContain('stale');
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], closed: ['sk:3'] });
    kernel.own.trouble.delete('tcp4');
    const third = await read(LISTEN);
    expect(codes(third)).not.toContain('stale');
    expect([...third.sockets.keys()]).toEqual(['sk:1']);
  });

  test('keeps sockets of an incomplete dump of other families and namespaces', async () => {
    open({ also: ['unix'] });
    const unix: FakeSocket = { protocol: 'unix', cookie: 3, name: '/run/x', inode: 9 };
    const inner = container(500, 60, { ...LISTEN, cookie: 10, inode: 70 });
    const first = await read(LISTEN, unix, { protocol: 'packet', cookie: 4, inode: 12 });
    inner.sockets = [];
    kernel.own.trouble.set('unix', { broken: 105 });
    kernel.own.trouble.set('packet', { errno: 1 });
    const second = await read(LISTEN);
    expect(codes(second)).toContain('stale');
    expect(diff(first.sockets, second.sockets)).toMatchObject({ spawned: [], closed: ['sk:a'] });
    kernel.own.trouble.clear();
    expect([...(await read(LISTEN)).sockets.keys()]).toEqual(['sk:1']);
  });

  test('keeps all sockets after a malformed message, with a notice', async () => {
    start(50, 'web', 7, 8);
    const first = await read(LISTEN, HELD);
    kernel.own.trouble.set('tcp', {
      datagrams: (sequence) => [
        message(20, new Uint8Array(80), { sequence, length: 4000 }),
        message(3, new Uint8Array(4), { sequence }),
      ],
    });
    const second = await read(LISTEN, HELD);
    expect(notice(second, 'unreadable-messages')).toBe('1 message from the kernel could not be decoded');
    expect(second.sockets).toBe(first.sockets);
  });

  test('counts sockets of an unknown state or family while they exist', async () => {
    const odd: InetFields[] = [
      { ...HELD, cookie: 20, state: 77 },
      { ...HELD, cookie: 21, family: 9 },
    ];
    const expected = '2 messages from the kernel could not be decoded';
    expect(notice(await read(LISTEN, ...odd), 'unreadable-messages')).toBe(expected);
    expect(notice(await read(LISTEN, ...odd), 'unreadable-messages')).toBe(expected);
    // Traffic of an undecodable socket adds no socket.
    const busy = odd.map((it): InetFields => ({ ...it, recvQueue: 5 }));
    const third = await read(LISTEN, ...busy);
    expect(notice(third, 'unreadable-messages')).toBe(expected);
    expect([...third.sockets.keys()]).toEqual(['sk:1']);
    // One of them gets a known state.
    const fourth = await read(LISTEN, { ...HELD, cookie: 20 });
    expect(codes(fourth)).not.toContain('unreadable-messages');
    expect([...fourth.sockets.keys()].sort()).toEqual(['sk:1', 'sk:14']);
  });

  test('counts messages that are too short', async () => {
    kernel.own.trouble.set('packet', {
      datagrams: (sequence) => [
        joined(message(20, new Uint8Array(8), { sequence }), message(3, new Uint8Array(4), { sequence })),
      ],
    });
    kernel.own.trouble.set('udp4', {
      datagrams: (sequence) => [
        joined(message(20, new Uint8Array(71), { sequence }), message(3, new Uint8Array(4), { sequence })),
      ],
    });
    expect(notice(await read(), 'unreadable-messages')).toBe(
      '2 messages from the kernel could not be decoded',
    );
  });

  test('repeats a dump while the table changes, and gives a notice after three', async () => {
    kernel.own.trouble.set('tcp', { interrupted: 1, lacks: 1 });
    const first = await read(LISTEN, HELD);
    expect(first.sockets.size).toBe(2);
    expect(codes(first)).not.toContain('interrupted-dumps');
    kernel.own.requests = [];
    kernel.own.trouble.set('tcp', { interrupted: 1000 });
    const second = await read(LISTEN, HELD);
    expect(kernel.own.requests.filter((it) => it === 'tcp')).toHaveLength(3);
    expect(notice(second, 'interrupted-dumps')).toMatch(
      /^1 socket list of the kernel changed during every read/,
    );
    expect(second.sockets.size).toBe(2);
  });

  test('keeps the owner of a socket that changes between two attempts of a dump', async () => {
    start(50, 'curl', 8);
    let tries = 0;
    const answer = kernel.own.answer.bind(kernel.own);
    kernel.own.trouble.set('tcp', { interrupted: 1 });
    kernel.own.answer = (request, isRoute) => {
      const datagrams = answer(request, isRoute);
      if (kernel.own.requests.at(-1) === 'tcp' && tries++ === 0) kernel.own.sockets = [{ ...TIME_WAIT }];
      return datagrams;
    };
    const snapshot = await read(HELD);
    expect(only(snapshot)).toMatchObject({ id: 'sk:2', state: 'TIME_WAIT' });
    expect(only(await read(HELD))).toMatchObject({ state: 'ESTABLISHED', inode: 8 });
    expect(owners(await read(HELD))).toEqual(['exact curl 50']);
  });

  test('keeps the owner of an inode when one of its subflows closes between two attempts', async () => {
    open({ also: ['mptcp'] });
    start(50, 'phone', 8);
    const whole: InetFields = { ...HELD, protocol: 'mptcp', cookie: 30 };
    await read(whole, HELD);
    kernel.own.trouble.set('tcp', { interrupted: 1 });
    const answer = kernel.own.answer.bind(kernel.own);
    kernel.own.answer = (request, isRoute) => {
      const datagrams = answer(request, isRoute);
      // The second dump lists the subflow in another state.
      kernel.own.sockets = [whole, { ...TIME_WAIT, recvQueue: 1, remote: '127.0.0.1:4001' }];
      return datagrams;
    };
    await read(whole, TIME_WAIT);
    start(51, 'child', 8);
    const { sockets } = await read(whole, TIME_WAIT);
    expect(ownersText(sockets.get('sk:1e') as Socket)).toBe('exact phone 50, exact child 51');
  });

  test('reports unsupported kinds only if requested', async () => {
    open({ also: ['sctp', 'vsock', 'unix'] });
    for (const asked of ['sctp4', 'sctp6', 'vsock', 'raw4', 'udplite6'] as const)
      kernel.own.trouble.set(asked, { errno: 2 });
    const first = await read(LISTEN);
    expect(notice(first, 'missing-kinds')).toBe('this kernel does not list sctp, vsock sockets');
    expect(codes(first)).not.toContain('stale');
    kernel.own.requests = [];
    expect(notice(await read(LISTEN), 'missing-kinds')).toBe('this kernel does not list sctp, vsock sockets');
    expect(kernel.own.requests).not.toContain('vsock');
    expect(kernel.own.requests).not.toContain('raw4');
    expect(kernel.own.requests).toContain('unix');
  });

  test('measures the cost of a poll', async () => {
    start(50, 'web', 7);
    const { socketsMs, ownersMs } = await read(LISTEN);
    expect(socketsMs).toBeGreaterThan(0);
    expect(ownersMs).toBeGreaterThan(0);
  });
});
