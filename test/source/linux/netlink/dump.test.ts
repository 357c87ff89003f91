import { describe, expect, test } from 'vitest';
import { type Channel, dump, getOne } from '../../../../src/source/linux/netlink/dump.ts';
import { NativeError } from '../../../../src/source/linux/netlink/native.ts';
import { dumpRequest } from '../../../../src/source/linux/netlink/wire.ts';
import { done, joined, message, NLM_F_DUMP_INTR, refusal } from '../../../helpers/netlink.ts';

/** A kernel that gives these datagrams, made with the number of the request. */
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
  const taken: number[] = [];
  const result = dump(channel, REQUEST, (buffer, start, end, type) => {
    taken.push(type, ...buffer.bytes.subarray(start, end));
  });
  return { taken, ...result };
}

const one = (sequence: number, value: number, flags = 2) =>
  message(20, Uint8Array.of(value), { sequence, flags });

const CLEAN = { errno: 0, interrupted: false, problems: 0 };

describe('a dump', () => {
  test('of several datagrams, up to its end', () => {
    const channel = kernel((s) => [joined(one(s, 1), one(s, 2)), one(s, 3), done(0, s), one(s, 4)]);
    expect(runDump(channel)).toEqual({ ...CLEAN, taken: [20, 1, 20, 2, 20, 3] });
    // What comes after the end is not waited for.
    expect(channel.waiting).toHaveLength(1);
  });

  test('refused at once, and broken off', () => {
    expect(runDump(kernel((s) => [refusal(2, s)]))).toEqual({ ...CLEAN, errno: 2, taken: [] });
    expect(runDump(kernel((s) => [one(s, 1), done(16, s)]))).toEqual({ ...CLEAN, errno: 16, taken: [20, 1] });
  });

  test('made while the table changed, whichever message says so', () => {
    const early = kernel((s) => [one(s, 1, NLM_F_DUMP_INTR), one(s, 2), done(0, s)]);
    expect(runDump(early)).toEqual({ ...CLEAN, interrupted: true, taken: [20, 1, 20, 2] });
    const late = kernel((s) => [one(s, 1), done(0, s, NLM_F_DUMP_INTR)]);
    expect(runDump(late)).toEqual({ ...CLEAN, interrupted: true, taken: [20, 1] });
  });

  test('what makes no sense is counted, and the rest of the dump taken', () => {
    const bad = (s: number) => message(20, Uint8Array.of(9), { sequence: s, length: 4000 });
    const channel = kernel((s) => [joined(one(s, 1), bad(s)), bad(s), one(s, 2), done(0, s)]);
    expect(runDump(channel)).toEqual({ ...CLEAN, problems: 2, taken: [20, 1, 20, 2] });
  });

  test('what is left of the answer to an earlier request is passed over', () => {
    let before = 0;
    const channel = kernel(
      (s) => {
        before = s;
        return [one(s, 1)];
      },
      (s) => [one(before, 2), done(5, before), refusal(2, before), one(s, 3), done(0, s)],
    );
    expect(() => runDump(channel)).toThrow(NativeError);
    expect(runDump(channel)).toEqual({ ...CLEAN, taken: [20, 3] });
  });

  test('an error of the socket is thrown', () => {
    expect(() => runDump(kernel((s) => [one(s, 1)]))).toThrow('recv: EAGAIN');
    const deaf: Channel = {
      send: () => {
        throw new NativeError('send', 105, 'ENOBUFS');
      },
      receive: () => 0,
    };
    expect(() => runDump(deaf)).toThrow('send: ENOBUFS');
  });

  test('one that ends without saying so is no whole dump', () => {
    const { errno, taken } = runDump(kernel((s) => [one(s, 1), new Uint8Array()]));
    expect(taken).toEqual([20, 1]);
    expect(errno).not.toBe(0);
  });
});

describe('a question with one answer', () => {
  function runGetOne(channel: Channel) {
    const taken: number[] = [];
    const errno = getOne(channel, dumpRequest(20, new Uint8Array(4)), (buffer, start, end) => {
      taken.push(...buffer.bytes.subarray(start, end));
    });
    return { errno, taken };
  }

  test('is over with it: nothing more is waited for', () => {
    const channel = kernel((s) => [one(s, 1), one(s, 2)]);
    expect(runGetOne(channel)).toEqual({ errno: 0, taken: [1] });
    expect(channel.waiting).toHaveLength(1);
  });

  test('is refused where there is no such thing', () => {
    expect(runGetOne(kernel((s) => [refusal(2, s)]))).toEqual({ errno: 2, taken: [] });
  });

  test('what is left of the answers to others is passed over', () => {
    let before = 0;
    const channel = kernel(
      (s) => {
        before = s;
        return [];
      },
      (s) => [one(before, 2), done(5, before), refusal(2, before), one(s, 3)],
    );
    expect(() => runGetOne(channel)).toThrow('recv: EAGAIN');
    expect(runGetOne(channel)).toEqual({ errno: 0, taken: [3] });
  });

  test('an answer that makes no sense is none, and no other is waited for', () => {
    const bad = (s: number) => [message(20, Uint8Array.of(9), { sequence: s, length: 4000 })];
    for (const answer of [bad, () => [new Uint8Array()]]) {
      const { errno, taken } = runGetOne(kernel(answer));
      expect(taken).toEqual([]);
      expect(errno).not.toBe(0);
    }
  });

  test('an error of the socket is thrown', () => {
    expect(() => runGetOne(kernel(() => []))).toThrow('recv: EAGAIN');
  });
});
