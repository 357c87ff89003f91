import { describe, expect, test } from 'vitest';
import { Closes } from '../../../../src/source/linux/netlink/closes.ts';
import type { ClosesChannel } from '../../../../src/source/linux/netlink/system.ts';
import { attribute, closeMessage, joined, message } from '../../../helpers/netlink/messages.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';
import { WALL_MS, decoded } from './closes-scene.ts';
import { receiverOf } from '../../../helpers/netlink/kernel.ts';

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
      expect(closed?.traffic).toBeUndefined();
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
    expect(empty?.end).toBeUndefined();
  });
});

/** Returns a channel that returns these results in turn, then EAGAIN. */
const channelOf = (
  results: (Uint8Array | number)[],
  drops: () => number | undefined = () => 0,
): ClosesChannel => ({
  receiveWaiting: receiverOf(() => results.shift() ?? -11),
  drops,
});

describe('Closes', () => {
  const close = closeMessage(CLOSED);

  test('receives all waiting close messages past EINTR and ENOBUFS, and returns each once', () => {
    const closes = new Closes(channelOf([close, -4, joined(close, close), -105, close]));
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(4);
    expect(closes.take()).toEqual([]);
    expect(closes.takeLost()).toBe(0);
    expect(closes.problems).toBe(0);
  });

  test('stops at another error and continues with the next call', () => {
    const closes = new Closes(channelOf([close, -12, close]));
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(1);
    closes.collect(6, WALL_MS);
    expect(closes.take().map(({ atMs }) => atMs)).toEqual([6]);
  });

  test('counts malformed and truncated messages', () => {
    const closes = new Closes(
      channelOf([
        closeMessage({ ...CLOSED, family: 1 }),
        joined(close, message(20, new Uint8Array(4)), close),
        message(20, new Uint8Array(80), { sequence: 0, length: 4000 }),
        joined(close, closeMessage({ ...CLOSED, family: 1 })),
      ]),
    );
    closes.collect(5, WALL_MS);
    // Messages with a sequence number are answers, and skipped.
    expect(closes.take()).toHaveLength(3);
    expect(closes.problems).toBe(3);
  });

  test('ends if the channel never runs empty', () => {
    for (const endless of [close, -105, -4]) {
      let count = 0;
      const receiveWaiting = receiverOf(() => {
        if (++count > 1_000_000) throw new Error('collect does not end');
        return endless;
      });
      const closes = new Closes({ receiveWaiting, drops: () => 0 });
      closes.collect(5, WALL_MS);
      expect(closes.take().length).toBe(typeof endless === 'number' ? 0 : 120_000);
      expect(count).toBeLessThan(130_000);
    }
  });

  test('keeps 120,000 messages until they are taken, and counts further ones as lost', () => {
    let received = 0;
    const receiveWaiting = receiverOf(() => {
      received++;
      return close;
    });
    const closes = new Closes({ receiveWaiting, drops: () => 0 });
    for (let i = 0; i < 3; i++) closes.collect(5, WALL_MS);
    expect(closes.takeLost()).toBe(received - 120_000);
    expect(closes.take()).toHaveLength(120_000);
    closes.collect(6, WALL_MS);
    expect(closes.take()).toHaveLength(120_000);
  });

  test('receives all before it decodes the first ones', () => {
    const results = [1, 2, 3].map(() => close);
    const closes = new Closes(channelOf(results));
    closes.collect(5, WALL_MS);
    expect(closes.take(2)).toHaveLength(2);
    expect(results).toEqual([]);
  });

  test('returns a few at a time of many that were received', () => {
    const closes = new Closes(channelOf([1, 2, 3].map(() => close)));
    closes.collect(5, WALL_MS);
    expect([closes.take(2).length, closes.hasMore]).toEqual([2, true]);
    expect([closes.take(2).length, closes.hasMore]).toEqual([1, false]);
  });

  test('adds the messages that it had no room for to those that the kernel lost', () => {
    const drops = [0, 10];
    const closes = new Closes(
      channelOf([close, close, close, close, -105], () => drops.shift()),
      3,
    );
    closes.collect(5, WALL_MS);
    expect([closes.takeLost(), closes.takeLost()]).toEqual([11, 0]);
    expect(closes.take()).toHaveLength(3);
  });

  test('returns the cookies of the TCP sockets whose messages it had no room for', () => {
    const messageOf = (cookie: number, protocol: 'tcp' | 'udp' = 'tcp') =>
      closeMessage({ ...CLOSED, cookie, protocol });
    const closes = new Closes(
      channelOf([close, messageOf(0x1_0000_0005), messageOf(6, 'udp'), messageOf(7)]),
      1,
    );
    closes.collect(5, WALL_MS);
    expect(closes.takeDiscarded()).toEqual([
      { low: 5, high: 1 },
      { low: 7, high: 0 },
    ]);
    expect(closes.takeDiscarded()).toEqual([]);
    expect(closes.takeLost()).toBe(3);
  });

  test('keeps the time at which each message was received, and before which none was waiting', () => {
    const results: (Uint8Array | number)[] = [close];
    const closes = new Closes(channelOf(results));
    closes.collect(5, WALL_MS);
    results.push(close);
    closes.collect(7, WALL_MS + 2);
    expect(closes.take().map(({ atMs, sinceMs }) => [atMs, sinceMs])).toEqual([
      [5, -Infinity],
      [7, 5],
    ]);
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
    for (const each of [[], [-105, close], [close], [-105]]) {
      results.push(...each);
      closes.collect(5, WALL_MS);
      lost.push(closes.takeLost());
    }
    expect(lost).toEqual([0, 2, 0, 7]);
    expect(reads).toBe(4);
  });

  test('returns undefined once if messages were lost and the kernel does not count them', () => {
    const closes = new Closes(channelOf([close, -105, close], () => undefined));
    closes.collect(5, WALL_MS);
    expect([closes.takeLost(), closes.takeLost()]).toEqual([undefined, 0]);
  });
});
