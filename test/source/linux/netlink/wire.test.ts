import { describe, expect, test } from 'vitest';
import {
  counterAt,
  dumpRequest,
  eachAttribute,
  eachMessage,
  setSequence,
  textAt,
} from '../../../../src/source/linux/netlink/wire.ts';
import {
  attribute,
  bufferOf,
  done,
  joined,
  message,
  NLM_F_DUMP_INTR,
  refusal,
  struct,
} from '../../../helpers/netlink/messages.ts';

const bytesOf = (...values: number[]) => Uint8Array.from(values);

/** Returns types and payloads of the messages in a datagram, and the state of the dump. */
function walk(datagram: Uint8Array, { length = datagram.length, sequence = 7, behind = 0xa5 } = {}) {
  const buffer = bufferOf(datagram, { behind });
  const messages: (readonly [number, number[]])[] = [];
  const result = eachMessage(buffer, length, sequence, (type, start, end) =>
    messages.push([type, [...buffer.bytes.subarray(start, end)]]),
  );
  return { messages, ...result };
}

const QUIET = { done: false, errno: 0, interrupted: false, problems: 0 };

describe('messages', () => {
  test('reads several messages in one datagram, each at a multiple of four', () => {
    const datagram = joined(
      message(20, bytesOf(1, 2, 3, 4)),
      message(21, bytesOf(5)),
      message(22, bytesOf()),
    );
    expect(walk(datagram)).toEqual({
      ...QUIET,
      messages: [
        [20, [1, 2, 3, 4]],
        [21, [5]],
        [22, []],
      ],
    });
  });

  test('reads nothing after the end of a dump', () => {
    expect(walk(joined(message(20, bytesOf(1)), done(), message(20, bytesOf(2))))).toEqual({
      ...QUIET,
      done: true,
      messages: [[20, [1]]],
    });
  });

  test('returns a positive errno for an end with an error and for a refusal', () => {
    expect(walk(done(16))).toEqual({ ...QUIET, done: true, errno: 16, messages: [] });
    expect(walk(refusal(2))).toEqual({ ...QUIET, done: true, errno: 2, messages: [] });
    // An acknowledgement is an error message with errno 0.
    expect(walk(refusal(0))).toEqual({ ...QUIET, done: true, messages: [] });
  });

  test('treats an end without an errno as success', () => {
    expect(walk(message(3, bytesOf()))).toEqual({ ...QUIET, done: true, messages: [] });
  });

  test('skips NLMSG_NOOP', () => {
    expect(walk(joined(message(1, bytesOf(1)), message(20, bytesOf(2)))).messages).toEqual([[20, [2]]]);
  });

  test('skips answers to another request, with their end and refusal', () => {
    const other = { sequence: 6 };
    const datagram = joined(
      message(20, bytesOf(1), other),
      done(0, 6),
      refusal(2, 6),
      message(20, bytesOf(2), { sequence: 6, flags: NLM_F_DUMP_INTR }),
      message(20, bytesOf(3)),
    );
    expect(walk(datagram)).toEqual({ ...QUIET, messages: [[20, [3]]] });
  });

  test.each([
    ['a message', joined(message(20, bytesOf(1), { flags: NLM_F_DUMP_INTR }), message(20, bytesOf(2)))],
    ['the end', joined(message(20, bytesOf(1)), message(20, bytesOf(2)), done(0, 7, NLM_F_DUMP_INTR))],
  ])('is interrupted if %s says so, and still returns all messages', (_, datagram) => {
    const { interrupted, messages } = walk(datagram);
    expect(interrupted).toBe(true);
    expect(messages).toEqual([
      [20, [1]],
      [20, [2]],
    ]);
  });

  test.each([0, 15, 21, 0x7fffffff, 0x80000000, 0xffffffff])(
    'counts a message of invalid length %i and keeps those before it',
    (length) => {
      const first = message(20, bytesOf(1));
      const bad = message(20, bytesOf(2, 2, 2, 2), { length });
      expect(walk(joined(first, bad))).toEqual({ ...QUIET, problems: 1, messages: [[20, [1]]] });
    },
  );

  test('reads only whole messages of a datagram cut anywhere, with at most one problem', () => {
    const datagram = joined(message(20, bytesOf(1, 2, 3, 4)), message(21, bytesOf(5, 6, 7, 8)), done());
    for (let length = 0; length < datagram.length; length++) {
      const { messages, done: isDone, problems } = walk(datagram, { length });
      expect(messages).toHaveLength(length < 20 ? 0 : length < 40 ? 1 : 2);
      expect(isDone).toBe(false);
      // A rest shorter than a header is ignored.
      const rest = length % 20;
      expect(problems).toBe(rest < 16 ? 0 : 1);
    }
  });

  test('does not read past the buffer if the length is larger', () => {
    const datagram = message(20, bytesOf(1, 2, 3, 4));
    const buffer = bufferOf(datagram, { room: 0 });
    let count = 0;
    expect(eachMessage(buffer, 1_000_000, 7, () => count++)).toEqual(QUIET);
    expect(count).toBe(1);
  });
});

describe('attributes', () => {
  function walkAttributes(bytes: Uint8Array, end = bytes.length) {
    const buffer = bufferOf(bytes);
    const found: (readonly [number, number[]])[] = [];
    const isWhole = eachAttribute(buffer, 0, end, (type, from, to) =>
      found.push([type, [...buffer.bytes.subarray(from, to)]]),
    );
    return { found, isWhole };
  }

  test('reads type and payload of attributes at multiples of four, also of an empty one', () => {
    const bytes = joined(attribute(1, bytesOf(1)), attribute(2, bytesOf()), attribute(3, bytesOf(3, 3)));
    expect(walkAttributes(bytes)).toEqual({
      found: [
        [1, [1]],
        [2, []],
        [3, [3, 3]],
      ],
      isWhole: true,
    });
  });

  test('removes the flags of a type (nested, network byte order)', () => {
    expect(
      walkAttributes(joined(attribute(0x8005, bytesOf(1)), attribute(0x4006, bytesOf(2)))).found,
    ).toEqual([
      [5, [1]],
      [6, [2]],
    ]);
  });

  test.each([0, 3, 9, 0xffff])('stops at an attribute of invalid length %i', (length) => {
    const bytes = joined(attribute(1, bytesOf(1)), attribute(2, bytesOf(2, 2, 2, 2), length));
    expect(walkAttributes(bytes)).toEqual({ found: [[1, [1]]], isWhole: false });
  });

  test('accepts a last attribute without padding', () => {
    expect(walkAttributes(attribute(1, bytesOf(1)), 5)).toEqual({ found: [[1, [1]]], isWhole: true });
    expect(walkAttributes(attribute(1, bytesOf(1)), 4).isWhole).toBe(false);
    expect(walkAttributes(attribute(1, bytesOf(1)), 3)).toEqual({ found: [], isWhole: true });
  });
});

describe('a request', () => {
  test('has header, payload and attributes', () => {
    const request = dumpRequest(20, bytesOf(1, 2, 3), [[3, 262]]);
    expect(request).toEqual(
      joined(
        struct(16, [
          [0, 4, 28],
          [4, 2, 20],
          // NLM_F_REQUEST | NLM_F_DUMP
          [6, 2, 0x301],
        ]),
        bytesOf(1, 2, 3, 0),
        struct(8, [
          [0, 2, 8],
          [2, 2, 3],
          [4, 4, 262],
        ]),
      ),
    );
  });

  test('gets its sequence number at any memory offset', () => {
    const request = new Uint8Array(32).subarray(8, 24);
    setSequence(request, 0xfffffffe);
    expect(request).toEqual(struct(16, [[8, 4, 0xfffffffe]]));
  });
});

describe('text and counters', () => {
  test('reads text up to the first NUL or the end', () => {
    const buffer = bufferOf(new Uint8Array(Buffer.from('lo\0eth0')), { behind: 0x78 });
    expect(textAt(buffer, 0, 7)).toBe('lo');
    expect(textAt(buffer, 3, 7)).toBe('eth0');
    expect(textAt(buffer, 3, 5)).toBe('et');
    expect(textAt(buffer, 3, 3)).toBe('');
  });

  test('replaces invalid UTF-8 in text', () => {
    expect(textAt(bufferOf(bytesOf(0xff, 0x41, 0)), 0, 3)).toBe('\ufffdA');
  });

  test.each([0n, 1n, 0xffffffffn, 0x100000000n, 2n ** 53n - 1n])('reads the counter %i', (value) => {
    const buffer = bufferOf(struct(8, [[0, 8, value]]));
    expect(counterAt(buffer, 0, 8)).toBe(Number(value));
  });

  test('returns undefined for a counter that does not fit', () => {
    expect(counterAt(bufferOf(new Uint8Array(8)), 0, 7)).toBeUndefined();
  });
});
