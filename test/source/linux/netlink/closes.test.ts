import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../../src/model/socket.ts';
import { Closes, decodeClosed } from '../../../../src/source/linux/netlink/closes.ts';
import { sockIdOf, sockIdAt, tcpLookupRequest } from '../../../../src/source/linux/netlink/inet-requests.ts';
import type { ClosesChannel } from '../../../../src/source/linux/netlink/system.ts';
import { setSequence } from '../../../../src/source/linux/netlink/wire.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../../../src/source/linux/sockdiag.ts';
import { endpoint } from '../../../helpers/fakes.ts';
import { requestKind, FakeNetlink } from '../../../helpers/netlink/kernel.ts';
import { attribute, bufferOf, closeMessage, joined, message } from '../../../helpers/netlink/messages.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';

const WALL_MS = 1_700_000_000_000;

/** Decodes a notification; its header is 16 bytes long. */
function decoded(datagram: Uint8Array, { length = datagram.length, behind = 0xa5 } = {}) {
  return decodeClosed(bufferOf(datagram, { behind }), 16, length, 5, WALL_MS);
}

const CLOSED: InetFields = {
  cookie: 0x1_0000_0002,
  local: '192.0.2.1:4000',
  remote: '192.0.2.2:80',
  interfaceIndex: 3,
};
const INFO = {
  rttMicros: 30,
  bytesSent: 150,
  bytesRetrans: 50,
  bytesAcked: 102,
  bytesReceived: 201,
  dataSegsIn: 3,
  lastDataSentMs: 40,
  lastDataRecvMs: 70,
} as const;

describe('decodeClosed', () => {
  test('decodes all fields of a TCP socket', () => {
    expect(decoded(closeMessage({ ...CLOSED, info: INFO }))).toMatchObject({
      atMs: 5,
      id: 'sk:100000002',
      protocol: 'tcp',
      addresses: {
        family: 'ipv4',
        local: { address: '192.0.2.1', port: 4000 },
        remote: { address: '192.0.2.2', port: 80 },
        state: 'CLOSE',
      },
      interfaceIndex: 3,
      traffic: { rxBytes: 201, txBytes: 100, rttMicros: 30, lastReceivedAtMs: WALL_MS - 70 },
      end: { synFinAcked: 2, dataSegmentsIn: 3, lifetimeMs: 70, isFullLifetime: false },
    });
  });

  test('decodes UDP and UDP-Lite without traffic', () => {
    for (const protocol of ['udp', 'udplite'] as const) {
      const closed = decoded(closeMessage({ ...CLOSED, protocol, info: INFO }));
      expect(closed).toMatchObject({ protocol, addresses: { local: { port: 4000 } } });
      expect(closed).not.toHaveProperty('traffic');
      expect(closed?.addresses.state).toBeUndefined();
    }
  });

  test('returns undefined for an unknown protocol, family or state, and for a truncated message', () => {
    const bare = (attributes: readonly Uint8Array[], fields: Partial<InetFields> = {}) =>
      decoded(message(20, joined(closeMessage({ ...CLOSED, ...fields }).subarray(16, 88), ...attributes)), {
        // The bytes after the message equal the protocol number of TCP.
        behind: 6,
      });
    expect(bare([attribute(10, Uint8Array.of(6))])?.protocol).toBe('tcp');
    expect(bare([])).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of())])).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of(132))])).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of(6))], { family: 1 })).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of(6))], { state: 99 })).toBeUndefined();
    expect(decoded(closeMessage(CLOSED), { length: 16 + 71 })).toBeUndefined();
  });

  test('decodes the shorter struct tcp_info of older kernels', () => {
    // In Linux 4.2 it ends after the acknowledged and received bytes.
    const old = decoded(closeMessage({ ...CLOSED, info: INFO, infoLength: 136 }));
    expect(old).toMatchObject({
      traffic: { rxBytes: 201, txBytes: 102 },
      end: { lifetimeMs: 70, dataSegmentsIn: 0, synFinAcked: 102 },
    });
    const empty = decoded(closeMessage({ ...CLOSED, info: INFO, infoLength: 0 }));
    expect(empty?.protocol).toBe('tcp');
    expect(empty).not.toHaveProperty('end');
  });
});

/** Returns a channel that returns these results in turn, then EAGAIN. */
const channelOf = (
  results: (Uint8Array | number)[],
  drops: () => number | undefined = () => 0,
): ClosesChannel => ({
  receiveNow: (into) => {
    const result = results.shift() ?? -11;
    if (typeof result === 'number') return result;
    into.set(result);
    return result.length;
  },
  drops,
});

describe('Closes', () => {
  const notification = closeMessage(CLOSED);

  test('receives all waiting notifications past EINTR and ENOBUFS, and returns each once', () => {
    const closes = new Closes(
      channelOf([notification, -4, joined(notification, notification), -105, notification]),
    );
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(4);
    expect(closes.take()).toEqual([]);
    expect(closes.takeLost()).toBe(0);
    expect(closes.problems).toBe(0);
  });

  test('stops at another error and continues with the next call', () => {
    const closes = new Closes(channelOf([notification, -12, notification]));
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(1);
    closes.collect(6, WALL_MS);
    expect(closes.take().map(({ atMs }) => atMs)).toEqual([6]);
  });

  test('counts malformed and truncated messages', () => {
    const closes = new Closes(
      channelOf([
        closeMessage({ ...CLOSED, family: 1 }),
        joined(notification, message(20, new Uint8Array(4)), notification),
        message(20, new Uint8Array(80), { sequence: 0, length: 4000 }),
        joined(notification, closeMessage({ ...CLOSED, family: 1 })),
      ]),
    );
    closes.collect(5, WALL_MS);
    // Messages with a sequence number are answers, and skipped.
    expect(closes.take()).toHaveLength(3);
    expect(closes.problems).toBe(3);
  });

  test('ends if the channel never runs empty', () => {
    for (const endless of [notification.length, -105, -4]) {
      let count = 0;
      const closes = new Closes({
        receiveNow: (into) => {
          if (endless > 0) into.set(notification);
          if (++count > 1_000_000) throw new Error('collect does not end');
          return endless;
        },
        drops: () => 0,
      });
      closes.collect(5, WALL_MS);
      expect(closes.take().length).toBe(endless > 0 ? count : 0);
    }
  });

  test('receives at most 10,000 until they are taken; the rest stays in the buffer of the kernel', () => {
    let left = 1_000_000;
    const closes = new Closes({
      receiveNow: (into) => {
        into.set(notification);
        left--;
        return notification.length;
      },
      drops: () => 0,
    });
    for (let i = 0; i < 100; i++) closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(10_000);
    expect(left).toBe(990_000);
    closes.collect(6, WALL_MS);
    expect(closes.take()).toHaveLength(10_000);
  });

  test('receives fewer if memory is short', () => {
    const closes = new Closes(channelOf([notification, notification, notification, notification]), 3);
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(3);
    closes.collect(6, WALL_MS);
    expect(closes.take()).toHaveLength(1);
  });

  test('reads the count of lost messages only after receiving something', () => {
    let reads = 0;
    const drops = [10, 12, 12, 19];
    const results: (Uint8Array | number)[] = [];
    const closes = new Closes(
      channelOf(results, () => {
        reads++;
        return drops.shift();
      }),
    );
    const lost = [];
    for (const each of [[], [-105, notification], [notification], [-105]]) {
      results.push(...each);
      closes.collect(5, WALL_MS);
      lost.push(closes.takeLost());
    }
    expect(lost).toEqual([0, 2, 0, 7]);
    expect(reads).toBe(4);
  });

  test('returns undefined once if messages were lost and the kernel does not count them', () => {
    const closes = new Closes(channelOf([notification, -105, notification], () => undefined));
    closes.collect(5, WALL_MS);
    expect([closes.takeLost(), closes.takeLost()]).toEqual([undefined, 0]);
  });
});

/** Captured close messages, with what the capturing script knows about the sockets: see fixtures/linux/netlink. */
const file = (end: string) =>
  readFileSync(new URL(`../../../../fixtures/linux/netlink/closes${end}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
const PARTS = file('.b64').map((line) => new Uint8Array(Buffer.from(line, 'base64')));
const CAPTURED = file('.txt').map((line, i) => {
  const [name = '', protocol, local = '', remote, sent, received, lifetime] = line.split(' ');
  const [notification, request, answer] = PARTS.slice(3 * i) as [Uint8Array, Uint8Array, Uint8Array];
  const number = (text: string | undefined) => (text === '-' ? undefined : Number(text));
  return {
    name,
    protocol,
    local: endpoint(local),
    remote: remote === undefined || remote === '-' ? null : endpoint(remote),
    txBytes: number(sent),
    rxBytes: number(received),
    lifetimeRange: lifetime === undefined || lifetime === '-' ? undefined : lifetime.split(':').map(Number),
    notification,
    request,
    answer,
  };
});

/** Sockets that reset their connection, which clears their counters. */
const CLEARED = ['reset-server', 'reset6-server', 'idle-reset-server'];

/** State of the remnant by name, for sockets that leave one. */
const REMNANTS: Readonly<Record<string, string>> = {
  'active-client': 'FIN_WAIT2',
  'active6-client': 'FIN_WAIT2',
  'idle-client': 'FIN_WAIT2',
  'upload-client': 'FIN_WAIT2',
  'download-client': 'FIN_WAIT2',
  'mapped-server': 'FIN_WAIT2',
  'waits-client': 'TIME_WAIT',
  'waits6-client': 'TIME_WAIT',
};

/** Sockets with known traffic. */
const WITH_TRAFFIC = CAPTURED.filter(({ name, txBytes }) => txBytes !== undefined && !CLEARED.includes(name));

/** Returns the kernel events of a captured notification, with a kernel that gives the captured answer. */
function kernelEventsOf({ notification, request, answer }: (typeof CAPTURED)[number]) {
  const kernel = new FakeNetlink();
  kernel.own.notifications = [notification];
  const others = kernel.own.answer.bind(kernel.own);
  kernel.own.answer = (sent, isRoute) => {
    if (requestKind(sent, isRoute) !== 'lookup') return others(sent, isRoute);
    expect(Buffer.from(sent.subarray(12)).toString('hex')).toBe(
      Buffer.from(request.subarray(12)).toString('hex'),
    );
    const numbered = answer.slice();
    numbered.set(sent.subarray(8, 12), 8);
    return [numbered];
  };
  class BareProc extends Proc {
    override link(path: string) {
      return path === 'self/ns/net' ? { value: 'net:[1]' } : super.link(path);
    }
  }
  const source = new SockDiagSource({
    also: [],
    tcpDetails: false,
    ownerBudgetMs: Infinity,
    isRoot: false,
    events: true,
    system: kernel,
    proc: new BareProc('/nowhere'),
    passwdPath: 'passwd',
    root: '/nowhere',
    nowMs: () => 0,
    wallMs: () => WALL_MS,
  });
  const kernelEvents = source.events?.drain() ?? [];
  expect(source.events?.problems).toBe(0);
  return kernelEvents;
}

const endOf = (it: (typeof CAPTURED)[number]) => {
  const [end, ...others] = kernelEventsOf(it);
  if (end?.type !== 'ended' || others.length > 0) throw new Error(`${it.name} has no ended event`);
  return end;
};

describe('captured notifications', () => {
  test('exist', () => {
    expect(CAPTURED).toHaveLength(PARTS.length / 3);
    expect(WITH_TRAFFIC.length).toBeGreaterThan(20);
  });

  test('the lookup request equals the captured one', () => {
    for (const { protocol, local, remote, notification, request } of CAPTURED) {
      if (protocol !== 'tcp') continue;
      const family = local.address.includes(':') ? 'ipv6' : 'ipv4';
      const sockIds = [sockIdAt(bufferOf(notification), 16)];
      // From the endpoints, unless the kernel has cleared the remote one.
      if (remote) sockIds.push(sockIdOf(local, remote));
      for (const sockId of sockIds) {
        const made = tcpLookupRequest(family, sockId);
        setSequence(made, 7);
        expect(Buffer.from(made).toString('hex')).toBe(Buffer.from(request).toString('hex'));
      }
    }
  });

  test.each(CAPTURED.filter(({ local }) => local.port === 0))(
    '$name had no endpoints: no kernel event',
    (it) => {
      expect(decoded(it.notification)?.protocol).toBe(it.protocol);
      expect(kernelEventsOf(it)).toEqual([]);
    },
  );

  test.each(CAPTURED.filter(({ local }) => local.port > 0))('$name: endpoints and remnant', (it) => {
    const { socket, remnant } = endOf(it);
    const { protocol, local, remote } = socket;
    const withoutScope = (end: Endpoint | null) => end && { address: end.address, port: end.port };
    expect({ protocol, local: withoutScope(local), remote: withoutScope(remote) }).toEqual({
      protocol: it.protocol,
      local: it.local,
      remote: it.remote,
    });
    // The uid field is 0 in every notification.
    expect([socket.uid, socket.user, socket.inode]).toEqual([undefined, undefined, undefined]);
    expect(remnant?.state).toBe(REMNANTS[it.name]);
    if (remnant) expect(remnant.id).not.toBe(socket.id);
  });

  test.each(WITH_TRAFFIC)('$name: bytes', (it) => {
    const { traffic } = endOf(it).socket;
    expect([traffic?.txBytes, traffic?.rxBytes]).toEqual([it.txBytes, it.rxBytes]);
  });

  test.each(CAPTURED.filter(({ lifetimeRange }) => lifetimeRange !== undefined))('$name: lifetime', (it) => {
    const { lifetimeMs, isAtLeast } = endOf(it);
    if (CLEARED.includes(it.name)) {
      expect(lifetimeMs).toBeUndefined();
      return;
    }
    const [minMs = 0, maxMs = 0] = it.lifetimeRange ?? [];
    expect(lifetimeMs).toBeLessThanOrEqual(maxMs);
    // One direction had no data.
    const isFullLifetime = it.txBytes === 0 || it.rxBytes === 0;
    expect(isAtLeast).toBe(!isFullLifetime);
    // A tick of the kernel may be 10 ms.
    if (isFullLifetime) expect(lifetimeMs).toBeGreaterThanOrEqual(minMs - 10);
  });

  test.each(CAPTURED.filter(({ name, txBytes }) => txBytes === undefined || CLEARED.includes(name)))(
    '$name: without a connection or after a reset there is neither lifetime nor traffic',
    (it) => {
      if (it.local.port === 0) return;
      const end = endOf(it);
      expect(end).not.toHaveProperty('lifetimeMs');
      expect(end.socket).not.toHaveProperty('traffic');
    },
  );
});
