import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cookieId } from '../../../../src/source/linux/netlink/cookie.ts';
import { type Change, CHANGE } from '../../../../src/source/linux/netlink/kept-numbers.ts';
import { Slots } from '../../../../src/source/linux/netlink/slots.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';
import { bufferOf, inetPayload } from '../../../helpers/netlink/messages.ts';

const NOTHING_KEPT = () => false;
const ALL_KEPT = () => true;

function apply(slots: Slots, fields: Partial<InetFields> = {}, nowMs = 0): Change {
  const bytes = inetPayload({ cookie: 1, ...fields });
  return slots.applyMessage(bufferOf(bytes), 0, bytes.length, nowMs);
}

/** Runs a poll with these messages. @returns the change and the slot of each, and the freed slots */
function poll(
  slots: Slots,
  messages: readonly Partial<InetFields>[],
  { isKept = NOTHING_KEPT, nowMs = 0 }: { isKept?: (slot: number) => boolean; nowMs?: number } = {},
) {
  slots.beginPoll();
  const applied = messages.map((fields) => ({ change: apply(slots, fields, nowMs), slot: slots.slot }));
  return {
    changes: applied.map(({ change }) => change),
    slots: applied.map(({ slot }) => slot),
    gone: slots.endPoll(isKept),
  };
}

const FULL = {
  cookie: 5,
  local: '192.0.2.1:80',
  remote: '192.0.2.2:4000',
  inode: 7,
  uid: 1000,
  recvQueue: 1,
  sendQueue: 2,
  interfaceIndex: 3,
  timer: { kind: 'on', expiresMs: 5000, retransmits: 1 },
  info: { rttMicros: 10, bytesSent: 100, bytesReceived: 200 },
} as const satisfies InetFields;

describe('the change of a message', () => {
  test('is none for the same message', () => {
    const slots = new Slots();
    expect(poll(slots, [FULL]).changes).toEqual([CHANGE.new]);
    for (let i = 0; i < 3; i++)
      expect(poll(slots, [FULL])).toMatchObject({ changes: [CHANGE.same], gone: [] });
  });

  test.each<[string, Partial<InetFields>]>([
    ['state', { state: 'CLOSE_WAIT' }],
    ['local port', { local: '192.0.2.1:81' }],
    ['local address', { local: '192.0.2.3:80' }],
    ['remote', { remote: '192.0.2.2:4001' }],
    ['inode', { inode: 0 }],
    ['user', { uid: 0 }],
    ['interface', { interfaceIndex: 0 }],
    ['last part of an IPv6 address', { local: '[::1]:80', remote: '[::2]:4000' }],
  ])('is `changed` for another %s', (_, fields) => {
    const slots = new Slots();
    poll(slots, [FULL]);
    expect(poll(slots, [{ ...FULL, ...fields }]).changes).toEqual([CHANGE.changed]);
    expect(poll(slots, [{ ...FULL, ...fields }]).changes).toEqual([CHANGE.same]);
  });

  test.each<[string, Partial<InetFields>]>([
    ['receive queue', { recvQueue: 9 }],
    ['send queue', { sendQueue: 9 }],
    ['timer', { timer: { ...FULL.timer, kind: 'keepalive' } }],
    ['number of retransmits', { timer: { ...FULL.timer, retransmits: 2 } }],
    ['expiry time of a timer', { timer: { ...FULL.timer, expiresMs: 7001 } }],
    ['number of sent bytes', { info: { ...FULL.info, bytesSent: 101 } }],
    ['number of received bytes above 2^32', { info: { ...FULL.info, bytesReceived: 200 + 2 ** 32 } }],
    ['round-trip time', { info: { ...FULL.info, rttMicros: 11 } }],
    ['length of struct tcp_info', { infoLength: 192 }],
  ])('is `traffic` for another %s', (_, fields) => {
    const slots = new Slots();
    poll(slots, [FULL]);
    expect(poll(slots, [{ ...FULL, ...fields }]).changes).toEqual([CHANGE.traffic]);
    expect(poll(slots, [{ ...FULL, ...fields }]).changes).toEqual([CHANGE.same]);
  });

  test('is none for fields that change in an idle socket', () => {
    const slots = new Slots();
    poll(slots, [FULL]);
    const idle = { ...FULL, info: { ...FULL.info, lastDataSentMs: 500, lastAckRecvMs: 600, rcvSpace: 9 } };
    expect(poll(slots, [idle]).changes).toEqual([CHANGE.same]);
  });

  test('is none for a timer that runs down, and `traffic` for one that restarts', () => {
    const slots = new Slots();
    const timer = (expiresMs: number) => ({ ...FULL, timer: { ...FULL.timer, expiresMs } });
    poll(slots, [timer(60_000)], { nowMs: 1000 });
    for (let second = 1; second < 60; second++) {
      const message = timer(60_000 - second * 1000 + (second % 2) * 400);
      expect(poll(slots, [message], { nowMs: 1000 + second * 1000 }).changes).toEqual([CHANGE.same]);
    }
    expect(poll(slots, [timer(60_000)], { nowMs: 61_000 }).changes).toEqual([CHANGE.traffic]);
  });

  test('is `traffic` for a timer that drifts slowly', () => {
    const slots = new Slots();
    const timer = (expiresMs: number) => ({ ...FULL, timer: { ...FULL.timer, expiresMs } });
    poll(slots, [timer(10_000)]);
    const changes = [10_600, 11_200, 11_800, 12_400].flatMap((ms) => poll(slots, [timer(ms)]).changes);
    expect(changes).toEqual([CHANGE.same, CHANGE.traffic, CHANGE.same, CHANGE.traffic]);
  });

  test('ignores the expiry time without a timer', () => {
    const slots = new Slots();
    const bytes = inetPayload({ cookie: 1 });
    const at = (expiresMs: number) => {
      new DataView(bytes.buffer).setUint32(52, expiresMs, true);
      slots.beginPoll();
      const change = slots.applyMessage(bufferOf(bytes), 0, bytes.length, 0);
      slots.endPoll(NOTHING_KEPT);
      return change;
    };
    expect([at(0), at(9999)]).toEqual([CHANGE.new, CHANGE.same]);
  });

  test('is `traffic` when struct tcp_info appears and disappears', () => {
    const slots = new Slots();
    const { info: _, ...bare } = FULL;
    poll(slots, [bare]);
    expect(poll(slots, [FULL]).changes).toEqual([CHANGE.traffic]);
    expect(poll(slots, [bare]).changes).toEqual([CHANGE.traffic]);
    expect(poll(slots, [bare]).changes).toEqual([CHANGE.same]);
  });
});

describe('bytes after the end of a message', () => {
  test.each(Array.from({ length: 63 }, (_, i) => 4 * i))(
    'are not compared with %i bytes of struct tcp_info',
    (infoLength) => {
      const slots = new Slots();
      const bytes = inetPayload({ ...FULL, infoLength });
      const changes = [0, 0xff, 0x5a].map((behind) => {
        slots.beginPoll();
        const change = slots.applyMessage(bufferOf(bytes, { behind, room: 512 }), 0, bytes.length, 0);
        slots.endPoll(NOTHING_KEPT);
        return change;
      });
      expect(changes).toEqual([CHANGE.new, CHANGE.same, CHANGE.same]);
    },
  );
});

describe('a socket with two messages in one poll', () => {
  test('has one slot and the values of the later message', () => {
    const slots = new Slots();
    const { changes, slots: slotsOf } = poll(slots, [FULL, { cookie: 6 }, { ...FULL, recvQueue: 9 }]);
    expect(changes).toEqual([CHANGE.new, CHANGE.new, CHANGE.traffic]);
    expect(slotsOf[2]).toBe(slotsOf[0]);
    expect(slots.size).toBe(2);
    expect(poll(slots, [{ ...FULL, recvQueue: 9 }, { cookie: 6 }])).toMatchObject({
      changes: [CHANGE.same, CHANGE.same],
      gone: [],
    });
  });
});

describe('an incomplete poll', () => {
  test('keeps sockets without a message until a complete poll misses them', () => {
    const slots = new Slots();
    const [a, b, c] = [{ cookie: 1 }, { cookie: 2 }, { cookie: 3 }];
    const [slotOfA] = poll(slots, [a, b, c]).slots;
    expect(poll(slots, [b], { isKept: ALL_KEPT }).gone).toEqual([]);
    expect(slots.size).toBe(3);
    expect(poll(slots, [b, c]).gone).toEqual([slotOfA]);
  });

  test('keeps only the sockets that isKept accepts', () => {
    const slots = new Slots();
    const [a = -1, b = -1] = poll(slots, [{ cookie: 1 }, { cookie: 2 }]).slots;
    expect(poll(slots, [], { isKept: (slot) => slot === a }).gone).toEqual([b]);
    expect(poll(slots, [{ cookie: 1 }, { cookie: 2 }]).changes).toEqual([CHANGE.same, CHANGE.new]);
  });
});

describe('cookies', () => {
  test.each([1n, 2n ** 32n, 2n ** 53n, 2n ** 54n, 2n ** 63n, 2n ** 64n - 1n])(
    'are all different around %i',
    (middle) => {
      const slots = new Slots();
      const neighbours = [-2n, -1n, 0n, 1n, 2n].map((step) => BigInt.asUintN(64, middle + step));
      const messages = neighbours.map((cookie) => ({ cookie }));
      expect(new Set(poll(slots, messages).slots).size).toBe(5);
      expect(poll(slots, messages.toReversed()).changes).toEqual(Array<Change>(5).fill(CHANGE.same));
      const ids = neighbours.map((cookie) => cookieId(bufferOf(inetPayload({ cookie })), 44));
      expect(ids).toEqual(neighbours.map((cookie) => `sk:${cookie.toString(16)}`));
    },
  );
});

describe('many sockets', () => {
  test('grow the arrays', () => {
    const slots = new Slots();
    const messages = Array.from({ length: 5000 }, (_, i) => ({ cookie: i + 1, inode: i }));
    expect(new Set(poll(slots, messages).slots).size).toBe(5000);
    expect(new Set(poll(slots, messages).changes)).toEqual(new Set([CHANGE.same]));
    expect(poll(slots, messages.slice(0, 10)).gone).toHaveLength(4990);
    expect(slots.size).toBe(10);
  });

  test('reuse free slots', () => {
    const slots = new Slots();
    let highest = 0;
    for (let i = 0; i < 100; i++) {
      const messages = Array.from({ length: 20 }, (_, k) => ({ cookie: i * 20 + k + 1 }));
      highest = Math.max(highest, ...poll(slots, messages).slots);
    }
    // Twenty close while twenty open.
    expect(highest).toBeLessThan(40);
  });

  test('a reused slot has no values of its previous socket', () => {
    const slots = new Slots();
    const [old] = poll(slots, [FULL]).slots;
    poll(slots, []);
    const next = poll(slots, [{ ...FULL, cookie: 6 }]);
    expect(next.slots).toEqual([old]);
    expect(next.changes).toEqual([CHANGE.new]);
  });
});

describe('random messages', () => {
  const states = ['ESTABLISHED', 'FIN_WAIT1', 'TIME_WAIT'] as const;
  const one = fc.record({
    cookie: fc.oneof(
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(2 ** 40, 2n ** 53n + 1n, 2n ** 64n - 5n),
    ),
    state: fc.constantFrom(...states),
    inode: fc.integer({ min: 0, max: 2 }),
    recvQueue: fc.integer({ min: 0, max: 2 }),
    info: fc.option(fc.record({ bytesSent: fc.integer({ min: 0, max: 2 }) }), { nil: undefined }),
  });
  const plan = fc.array(fc.record({ messages: fc.array(one, { maxLength: 16 }), isComplete: fc.boolean() }), {
    maxLength: 12,
  });

  test('have the same changes and slots as in a map by cookie', () => {
    fc.assert(
      fc.property(plan, (polls) => {
        const slots = new Slots();
        const model = new Map<bigint, { head: string; traffic: string; slot: number; poll: number }>();
        for (const [index, { messages, isComplete }] of polls.entries()) {
          slots.beginPoll();
          for (const { info, ...rest } of messages) {
            const fields = { ...rest, ...(info && { info }) };
            const cookie = BigInt(fields.cookie);
            const head = `${fields.state} ${fields.inode}`;
            const traffic = `${fields.recvQueue} ${info?.bytesSent}`;
            const known = model.get(cookie);
            const expected =
              known === undefined
                ? CHANGE.new
                : known.head !== head
                  ? CHANGE.changed
                  : known.traffic !== traffic
                    ? CHANGE.traffic
                    : CHANGE.same;
            // Not `expect`, which takes longer than all else.
            assert.equal(apply(slots, fields), expected);
            if (known) assert.equal(slots.slot, known.slot);
            else for (const other of model.values()) assert.notEqual(other.slot, slots.slot);
            model.set(cookie, { head, traffic, slot: slots.slot, poll: index });
          }
          const unseen = [...model].filter(([, it]) => it.poll !== index);
          const gone = slots.endPoll(() => !isComplete);
          expect(gone.sort()).toEqual(isComplete ? unseen.map(([, { slot }]) => slot).sort() : []);
          if (isComplete) for (const [cookie] of unseen) model.delete(cookie);
          expect(slots.size).toBe(model.size);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
