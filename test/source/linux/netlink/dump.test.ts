import { describe, expect, test } from 'vitest';
import {
  type Channel,
  dump,
  getMany,
  getOne,
  type LookupChannel,
} from '../../../../src/source/linux/netlink/dump.ts';
import { NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import { dumpRequest, singleRequest } from '../../../../src/source/linux/netlink/wire.ts';
import { done, joined, message, NLM_F_DUMP_INTR, refusal } from '../../../helpers/netlink/messages.ts';
import { receiverOf } from '../../../helpers/netlink/kernel.ts';

/** Returns a channel whose kernel answers each request in turn with these datagrams, given its sequence number. */
function kernel(
  ...answers: ((sequence: number) => readonly Uint8Array[])[]
): Channel & { waiting: Uint8Array[] } {
  const waiting: Uint8Array[] = [];
  return {
    waiting,
    send: (request) => {
      const sequence = new DataView(request.buffer).getUint32(8, true);
      waiting.push(...(answers.shift()?.(sequence) ?? []));
    },
    receive: (into) => {
      const datagram = waiting.shift();
      if (datagram === undefined) throw new NativeError('recv', 11, 'EAGAIN');
      into.set(datagram);
      return datagram.length;
    },
  };
}

const REQUEST = dumpRequest(20, new Uint8Array(4));

function runDump(channel: Channel) {
  const received: number[] = [];
  const result = dump(channel, REQUEST, (buffer, start, end, type) => {
    received.push(type, ...buffer.bytes.subarray(start, end));
  });
  return { received, ...result };
}

const one = (sequence: number, value: number, flags = 2) =>
  message(20, Uint8Array.of(value), { sequence, flags });

const CLEAN = { errno: 0, interrupted: false, problems: 0 };

describe('a dump', () => {
  test('receives several datagrams up to its end', () => {
    const channel = kernel((s) => [joined(one(s, 1), one(s, 2)), one(s, 3), done(0, s), one(s, 4)]);
    expect(runDump(channel)).toEqual({ ...CLEAN, received: [20, 1, 20, 2, 20, 3] });
    // Datagrams after the end are not received.
    expect(channel.waiting).toHaveLength(1);
  });

  test('returns the errno of a refusal and of a dump that breaks off', () => {
    expect(runDump(kernel((s) => [refusal(2, s)]))).toEqual({ ...CLEAN, errno: 2, received: [] });
    expect(runDump(kernel((s) => [one(s, 1), done(16, s)]))).toEqual({
      ...CLEAN,
      errno: 16,
      received: [20, 1],
    });
  });

  test('is interrupted if any message says that the table changed', () => {
    const early = kernel((s) => [one(s, 1, NLM_F_DUMP_INTR), one(s, 2), done(0, s)]);
    expect(runDump(early)).toEqual({ ...CLEAN, interrupted: true, received: [20, 1, 20, 2] });
    const late = kernel((s) => [one(s, 1), done(0, s, NLM_F_DUMP_INTR)]);
    expect(runDump(late)).toEqual({ ...CLEAN, interrupted: true, received: [20, 1] });
  });

  test('counts malformed messages and receives the rest of the dump', () => {
    const bad = (s: number) => message(20, Uint8Array.of(9), { sequence: s, length: 4000 });
    const channel = kernel((s) => [joined(one(s, 1), bad(s)), bad(s), one(s, 2), done(0, s)]);
    expect(runDump(channel)).toEqual({ ...CLEAN, problems: 2, received: [20, 1, 20, 2] });
  });

  test('skips leftovers of an earlier answer', () => {
    let before = 0;
    const channel = kernel(
      (s) => {
        before = s;
        return [one(s, 1)];
      },
      (s) => [one(before, 2), done(5, before), refusal(2, before), one(s, 3), done(0, s)],
    );
    expect(() => runDump(channel)).toThrow(NativeError);
    expect(runDump(channel)).toEqual({ ...CLEAN, received: [20, 3] });
  });

  test('throws an error of the netlink socket', () => {
    expect(() => runDump(kernel((s) => [one(s, 1)]))).toThrow('recv: EAGAIN');
    const failing: Channel = {
      send: () => {
        throw new NativeError('send', 105, 'ENOBUFS');
      },
      receive: () => 0,
    };
    expect(() => runDump(failing)).toThrow('send: ENOBUFS');
  });

  test('returns an errno for a dump that ends without NLMSG_DONE', () => {
    const { errno, received } = runDump(kernel((s) => [one(s, 1), new Uint8Array()]));
    expect(received).toEqual([20, 1]);
    expect(errno).not.toBe(0);
  });
});

describe('getOne', () => {
  function runGetOne(channel: Channel) {
    const received: number[] = [];
    const errno = getOne(channel, dumpRequest(20, new Uint8Array(4)), (buffer, start, end) => {
      received.push(...buffer.bytes.subarray(start, end));
    });
    return { errno, received };
  }

  test('returns after the first answer', () => {
    const channel = kernel((s) => [one(s, 1), one(s, 2)]);
    expect(runGetOne(channel)).toEqual({ errno: 0, received: [1] });
    expect(channel.waiting).toHaveLength(1);
  });

  test('returns the errno if the object does not exist', () => {
    expect(runGetOne(kernel((s) => [refusal(2, s)]))).toEqual({ errno: 2, received: [] });
  });

  test('skips leftovers of earlier answers', () => {
    let before = 0;
    const channel = kernel(
      (s) => {
        before = s;
        return [];
      },
      (s) => [one(before, 2), done(5, before), refusal(2, before), one(s, 3)],
    );
    expect(() => runGetOne(channel)).toThrow('recv: EAGAIN');
    expect(runGetOne(channel)).toEqual({ errno: 0, received: [3] });
  });

  test('returns an errno for a malformed answer without waiting for another', () => {
    const bad = (s: number) => [message(20, Uint8Array.of(9), { sequence: s, length: 4000 })];
    for (const answer of [bad, () => [new Uint8Array()]]) {
      const { errno, received } = runGetOne(kernel(answer));
      expect(received).toEqual([]);
      expect(errno).not.toBe(0);
    }
  });

  test('throws an error of the netlink socket', () => {
    expect(() => runGetOne(kernel(() => []))).toThrow('recv: EAGAIN');
  });
});

describe('getMany', () => {
  /** A kernel that answers the request with each value, and forgets the answers to the `lost` ones when many are asked. */
  function lookups(answer: (value: number, sequence: number) => Uint8Array, lost: readonly number[] = []) {
    const waiting: Uint8Array[] = [];
    const sizes: number[] = [];
    const channel: LookupChannel = {
      send: (bytes) => {
        sizes.push(bytes.length / 20);
        const view = new DataView(bytes.buffer);
        for (let at = 0; at < bytes.length; at += 20) {
          const [value, sequence] = [view.getUint8(at + 16), view.getUint32(at + 8, true)];
          if (bytes.length === 20 || !lost.includes(value)) waiting.push(answer(value, sequence));
        }
      },
      receive: (into) => {
        const datagram = waiting.shift();
        if (datagram === undefined) throw new NativeError('recv', 11, 'EAGAIN');
        into.set(datagram);
        return datagram.length;
      },
      receiveWaiting: receiverOf(() => waiting.shift() ?? -11),
    };
    return { channel, sizes, waiting };
  }

  function runGetMany(channel: LookupChannel, count: number): string[] {
    const received: string[] = [];
    const requests = Array.from({ length: count }, (_, i) => singleRequest(20, Uint8Array.of(i, 0, 0, 0)));
    getMany(channel, requests, (index, buffer, start, end) => {
      received.push(`${index}: ${buffer.bytes.subarray(start, end).join(' ')}`);
    });
    return received;
  }

  test('sends many requests at once, and matches the answers with them', () => {
    const { channel, sizes } = lookups((value, s) => (value % 3 === 0 ? refusal(2, s) : one(s, value + 100)));
    const wanted = Array.from({ length: 70 }, (_, i) => i).filter((i) => i % 3 !== 0);
    expect(runGetMany(channel, 70)).toEqual(wanted.map((i) => `${i}: ${i + 100}`));
    expect(sizes).toEqual([32, 32, 6]);
  });

  test('asks again for answers that did not fit into the buffer', () => {
    const { channel } = lookups((value, s) => one(s, value), [1, 3]);
    expect(runGetMany(channel, 4).sort()).toEqual(['0: 0', '1: 1', '2: 2', '3: 3']);
  });

  test('skips leftovers of earlier answers', () => {
    const { channel, waiting } = lookups((value, s) => one(s, value));
    waiting.push(one(7, 9), refusal(2, 0));
    expect(runGetMany(channel, 2)).toEqual(['0: 0', '1: 1']);
  });

  test('asks nothing without requests, and throws an error of the netlink socket', () => {
    const { channel, sizes } = lookups((value, s) => one(s, value));
    expect(runGetMany(channel, 0)).toEqual([]);
    expect(sizes).toEqual([]);
    const silent = { ...channel, send: () => {} };
    expect(() => runGetMany(silent, 2)).toThrow('recv: EAGAIN');
  });
});
