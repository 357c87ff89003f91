import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Network } from '../../../../src/source/linux/namespaces/network.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';
import { FakeNetlink, FakeNetwork } from '../../../helpers/netlink/kernel.ts';

const LISTENER: InetFields = { cookie: 1, state: 'LISTEN', inode: 7 };
const REQUEST: InetFields = { cookie: 2, state: 'SYN_RECV' };
const SETTLED: InetFields = { cookie: 4, state: 'ESTABLISHED', inode: 8 };

/** With this inode the 8th, 16th and so on poll asks for all sockets in any case. */
const INODE = 16;

let kernel: FakeNetlink;
let net: FakeNetwork;
let network: Network;
const open = (tcpDetails = false) =>
  (network = new Network(
    kernel,
    { inode: INODE, path: '/run/netns/n', isOwn: false },
    { also: [], tcpDetails },
  ));
beforeEach(() => {
  kernel = new FakeNetlink();
  net = new FakeNetwork();
  kernel.networks.set(INODE, net);
  net.sockets = [LISTENER];
  net.tcpCounters = 'Tcp: 1';
  open();
});

/** Polls. @returns which states of TCP sockets each request asked for, and the number of sockets received */
function poll(): { asked: ('all' | 'listeners')[]; received: number } {
  const answer = vi.spyOn(net, 'answer');
  let received = 0;
  network.readSockets((_, protocol) => (received += Number(protocol === 'tcp')));
  const dumps = answer.mock.calls.flatMap(([request]) => {
    const view = new DataView(request.buffer, request.byteOffset);
    const type = view.getUint16(4, true);
    if (type === 18) return [view.getUint32(68, true)];
    return type === 20 && request[17] === 6 ? [view.getUint32(20, true)] : [];
  });
  answer.mockRestore();
  return { asked: dumps.map((states) => (states === 1 << 10 ? 'listeners' : 'all')), received };
}

const polls = (count: number) => Array.from({ length: count }, () => poll().asked.join(' '));

describe('a namespace with nothing but TCP listeners', () => {
  test('is asked for listeners only, from the third poll with the same counters on, in seven of eight polls', () => {
    expect(polls(17)).toEqual([
      ...['all', 'all', 'listeners', 'listeners', 'listeners', 'listeners', 'listeners', 'all'],
      ...['listeners', 'listeners', 'listeners', 'listeners', 'listeners', 'listeners', 'listeners', 'all'],
      'listeners',
    ]);
    expect(poll().received).toBe(1);
  });

  test('is asked for all sockets as soon as the counters change, until two polls find them unchanged', () => {
    polls(3);
    net.tcpCounters = 'Tcp: 2';
    net.sockets = [LISTENER, REQUEST];
    expect(poll()).toEqual({ asked: ['all'], received: 2 });
    net.sockets = [LISTENER];
    expect(polls(1)).toEqual(['all']);
    expect(poll()).toEqual({ asked: ['listeners'], received: 1 });
  });

  test('shows a SYN_RECV socket that the kernel makes a moment after it counted the segment', () => {
    polls(4);
    net.tcpCounters = 'Tcp: 2';
    expect(poll()).toEqual({ asked: ['all'], received: 1 });
    net.sockets = [LISTENER, REQUEST];
    expect(poll()).toEqual({ asked: ['all'], received: 2 });
  });

  test('is asked for all sockets again once the eighth poll has found one that is only bound', () => {
    polls(7);
    net.sockets = [LISTENER, { cookie: 3, state: 'BOUND_INACTIVE' }];
    expect(polls(3)).toEqual(['all', 'all', 'all']);
  });

  test('is asked for listeners only, family by family, if the kernel refuses the older request', () => {
    net.trouble.set('tcp', { errno: 22 });
    polls(3);
    expect(poll().asked).toEqual(['listeners', 'listeners']);
  });
});

describe('a namespace with settled connections', () => {
  test.each<[string, InetFields]>([
    ['without a timer', SETTLED],
    ['with a keepalive timer', { ...SETTLED, timer: { kind: 'keepalive', expiresMs: 7_000_000 } }],
    ['that the peer has closed', { ...SETTLED, state: 'CLOSE_WAIT' }],
  ])('is asked for listeners only: %s', (_, connection) => {
    net.sockets = [LISTENER, connection];
    expect(polls(4)).toEqual(['all', 'all', 'listeners', 'listeners']);
  });

  test('is asked for all sockets as soon as the counters change', () => {
    net.sockets = [LISTENER, SETTLED];
    polls(4);
    net.tcpCounters = 'Tcp: 2';
    expect(poll()).toEqual({ asked: ['all'], received: 2 });
  });
});

describe('all TCP sockets are asked for', () => {
  const ALL = Array.from({ length: 6 }, () => 'all');

  test('while one of them is a remnant', () => {
    net.sockets = [LISTENER, { cookie: 3, state: 'TIME_WAIT' }];
    expect(polls(6)).toEqual(ALL);
  });

  test.each<[string, InetFields]>([
    ['has data to read', { ...SETTLED, recvQueue: 1 }],
    ['has data to send', { ...SETTLED, sendQueue: 1 }],
    ['has a timer to send again', { ...SETTLED, timer: { kind: 'on', expiresMs: 200 } }],
    ['probes a closed window', { ...SETTLED, timer: { kind: 'persist', expiresMs: 200 } }],
    ['waits for accept(2)', { ...SETTLED, inode: 0 }],
    ['ends', { ...SETTLED, state: 'FIN_WAIT2' }],
  ])('while a connection %s', (_, connection) => {
    net.sockets = [LISTENER, SETTLED, connection];
    expect(polls(6)).toEqual(ALL);
  });

  test('while details of connections are wanted', () => {
    open(true);
    net.sockets = [LISTENER, SETTLED];
    expect(polls(6)).toEqual(ALL);
  });

  test('while the counters cannot be read', () => {
    net.tcpCounters = undefined;
    expect(polls(6)).toEqual(ALL);
  });

  test('while the counters change at each poll', () => {
    for (let i = 0; i < 6; i++) {
      net.tcpCounters = `Tcp: ${i}`;
      expect(poll().asked).toEqual(['all']);
    }
  });

  test.each(['interrupted', 'malformed'])('while the answers are %s', (kind) => {
    for (const request of ['tcp', 'tcp4', 'tcp6'] as const)
      net.trouble.set(
        request,
        kind === 'interrupted' ? { interrupted: Infinity } : { datagrams: () => [new Uint8Array(20)] },
      );
    const asked = Array.from({ length: 6 }, () => poll().asked).flat();
    expect(asked.length).toBeGreaterThanOrEqual(6);
    expect(asked).not.toContain('listeners');
  });
});
