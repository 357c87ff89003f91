import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cookieId, type Sight, SIGHT, Slots } from '../../../../src/source/linux/netlink/slots.ts';
import { bufferOf, type InetFields, inetPayload } from '../../../helpers/netlink.ts';

const NOTHING_KEPT = () => false;
const ALL_KEPT = () => true;

function see(slots: Slots, fields: Partial<InetFields> = {}, nowMs = 0): Sight {
  const bytes = inetPayload({ cookie: 1, ...fields });
  return slots.see(bufferOf(bytes), 0, bytes.length, nowMs);
}

/** A reading of these messages: what each was, the slot it has, and the slots that are free again. */
function reading(
  slots: Slots,
  messages: readonly Partial<InetFields>[],
  { isKept = NOTHING_KEPT, nowMs = 0 }: { isKept?: (slot: number) => boolean; nowMs?: number } = {},
) {
  slots.begin();
  const seen = messages.map((fields) => ({ sight: see(slots, fields, nowMs), slot: slots.slot }));
  return {
    sights: seen.map(({ sight }) => sight),
    slots: seen.map(({ slot }) => slot),
    gone: slots.end(isKept),
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

describe('what a message says that the last one did not', () => {
  test('nothing', () => {
    const slots = new Slots();
    expect(reading(slots, [FULL]).sights).toEqual([SIGHT.new]);
    for (let i = 0; i < 3; i++)
      expect(reading(slots, [FULL])).toMatchObject({ sights: [SIGHT.same], gone: [] });
  });

  test.each<[string, Partial<InetFields>]>([
    ['state', { state: 'CLOSE_WAIT' }],
    ['local port', { local: '192.0.2.1:81' }],
    ['local address', { local: '192.0.2.3:80' }],
    ['remote', { remote: '192.0.2.2:4001' }],
    ['inode', { inode: 0 }],
    ['user', { uid: 0 }],
    ['interface', { interfaceIndex: 0 }],
    ['end of an IPv6 address', { local: '[::1]:80', remote: '[::2]:4000' }],
  ])('%s: changed', (_, fields) => {
    const slots = new Slots();
    reading(slots, [FULL]);
    expect(reading(slots, [{ ...FULL, ...fields }]).sights).toEqual([SIGHT.changed]);
    expect(reading(slots, [{ ...FULL, ...fields }]).sights).toEqual([SIGHT.same]);
  });

  test.each<[string, Partial<InetFields>]>([
    ['queues', { recvQueue: 9 }],
    ['send queue', { sendQueue: 9 }],
    ['timer', { timer: { ...FULL.timer, kind: 'keepalive' } }],
    ['count of a timer', { timer: { ...FULL.timer, retransmits: 2 } }],
    ['moment of a timer', { timer: { ...FULL.timer, expiresMs: 7001 } }],
    ['bytes', { info: { ...FULL.info, bytesSent: 101 } }],
    ['many bytes', { info: { ...FULL.info, bytesReceived: 200 + 2 ** 32 } }],
    ['round-trip time', { info: { ...FULL.info, rttMicros: 11 } }],
    ['length of the details', { infoLength: 192 }],
  ])('%s: traffic', (_, fields) => {
    const slots = new Slots();
    reading(slots, [FULL]);
    expect(reading(slots, [{ ...FULL, ...fields }]).sights).toEqual([SIGHT.traffic]);
    expect(reading(slots, [{ ...FULL, ...fields }]).sights).toEqual([SIGHT.same]);
  });

  test('what changes while nothing happens: the same', () => {
    const slots = new Slots();
    reading(slots, [FULL]);
    const idle = { ...FULL, info: { ...FULL.info, lastDataSentMs: 500, lastAckRecvMs: 600, rcvSpace: 9 } };
    expect(reading(slots, [idle]).sights).toEqual([SIGHT.same]);
  });

  test('a timer that runs down is the same timer, one that was set anew is not', () => {
    const slots = new Slots();
    const timer = (expiresMs: number) => ({ ...FULL, timer: { ...FULL.timer, expiresMs } });
    reading(slots, [timer(60_000)], { nowMs: 1000 });
    for (let second = 1; second < 60; second++) {
      const message = timer(60_000 - second * 1000 + (second % 2) * 400);
      expect(reading(slots, [message], { nowMs: 1000 + second * 1000 }).sights).toEqual([SIGHT.same]);
    }
    expect(reading(slots, [timer(60_000)], { nowMs: 61_000 }).sights).toEqual([SIGHT.traffic]);
  });

  test('a timer that drifts little by little is noticed', () => {
    const slots = new Slots();
    const timer = (expiresMs: number) => ({ ...FULL, timer: { ...FULL.timer, expiresMs } });
    reading(slots, [timer(10_000)]);
    const sights = [10_600, 11_200, 11_800, 12_400].flatMap((ms) => reading(slots, [timer(ms)]).sights);
    expect(sights).toEqual([SIGHT.same, SIGHT.traffic, SIGHT.same, SIGHT.traffic]);
  });

  test('without a timer the field of its moment means nothing', () => {
    const slots = new Slots();
    const bytes = inetPayload({ cookie: 1 });
    const at = (expiresMs: number) => {
      new DataView(bytes.buffer).setUint32(52, expiresMs, true);
      slots.begin();
      const sight = slots.see(bufferOf(bytes), 0, bytes.length, 0);
      slots.end(NOTHING_KEPT);
      return sight;
    };
    expect([at(0), at(9999)]).toEqual([SIGHT.new, SIGHT.same]);
  });

  test('details that come and go', () => {
    const slots = new Slots();
    const { info: _, ...bare } = FULL;
    reading(slots, [bare]);
    expect(reading(slots, [FULL]).sights).toEqual([SIGHT.traffic]);
    expect(reading(slots, [bare]).sights).toEqual([SIGHT.traffic]);
    expect(reading(slots, [bare]).sights).toEqual([SIGHT.same]);
  });
});

describe('what lies behind the end of a message', () => {
  test.each(Array.from({ length: 63 }, (_, i) => 4 * i))(
    'is not compared: %i bytes of details',
    (infoLength) => {
      const slots = new Slots();
      const bytes = inetPayload({ ...FULL, infoLength });
      const sights = [0, 0xff, 0x5a].map((behind) => {
        slots.begin();
        const sight = slots.see(bufferOf(bytes, { behind, room: 512 }), 0, bytes.length, 0);
        slots.end(NOTHING_KEPT);
        return sight;
      });
      expect(sights).toEqual([SIGHT.new, SIGHT.same, SIGHT.same]);
    },
  );
});

describe('a socket told of twice in one reading', () => {
  test('is one socket; the later message stands', () => {
    const slots = new Slots();
    const { sights, slots: seen } = reading(slots, [FULL, { cookie: 6 }, { ...FULL, recvQueue: 9 }]);
    expect(sights).toEqual([SIGHT.new, SIGHT.new, SIGHT.traffic]);
    expect(seen[2]).toBe(seen[0]);
    expect(slots.size).toBe(2);
    expect(reading(slots, [{ ...FULL, recvQueue: 9 }, { cookie: 6 }])).toMatchObject({
      sights: [SIGHT.same, SIGHT.same],
      gone: [],
    });
  });
});

describe('a reading that was not read to its end', () => {
  test('what was not seen is there still, and is told of when it is gone', () => {
    const slots = new Slots();
    const [a, b, c] = [{ cookie: 1 }, { cookie: 2 }, { cookie: 3 }];
    const [slotOfA] = reading(slots, [a, b, c]).slots;
    expect(reading(slots, [b], { isKept: ALL_KEPT }).gone).toEqual([]);
    expect(slots.size).toBe(3);
    expect(reading(slots, [b, c]).gone).toEqual([slotOfA]);
  });

  test('only what may be kept', () => {
    const slots = new Slots();
    const [a = -1, b = -1] = reading(slots, [{ cookie: 1 }, { cookie: 2 }]).slots;
    expect(reading(slots, [], { isKept: (slot) => slot === a }).gone).toEqual([b]);
    expect(reading(slots, [{ cookie: 1 }, { cookie: 2 }]).sights).toEqual([SIGHT.same, SIGHT.new]);
  });
});

describe('cookies', () => {
  test.each([1n, 2n ** 32n, 2n ** 53n, 2n ** 54n, 2n ** 63n, 2n ** 64n - 1n])(
    'around %i each is a socket of its own',
    (middle) => {
      const slots = new Slots();
      const near = [-2n, -1n, 0n, 1n, 2n].map((step) => BigInt.asUintN(64, middle + step));
      const messages = near.map((cookie) => ({ cookie }));
      expect(new Set(reading(slots, messages).slots).size).toBe(5);
      expect(reading(slots, messages.toReversed()).sights).toEqual(Array<Sight>(5).fill(SIGHT.same));
      const ids = near.map((cookie) => cookieId(bufferOf(inetPayload({ cookie })), 44));
      expect(ids).toEqual(near.map((cookie) => `sk:${cookie.toString(16)}`));
    },
  );
});

describe('many', () => {
  test('more than at first there is room for', () => {
    const slots = new Slots();
    const messages = Array.from({ length: 5000 }, (_, i) => ({ cookie: i + 1, inode: i }));
    expect(new Set(reading(slots, messages).slots).size).toBe(5000);
    expect(new Set(reading(slots, messages).sights)).toEqual(new Set([SIGHT.same]));
    expect(reading(slots, messages.slice(0, 10)).gone).toHaveLength(4990);
    expect(slots.size).toBe(10);
  });

  test('slots that are free are taken again', () => {
    const slots = new Slots();
    let highest = 0;
    for (let i = 0; i < 100; i++) {
      const messages = Array.from({ length: 20 }, (_, k) => ({ cookie: i * 20 + k + 1 }));
      highest = Math.max(highest, ...reading(slots, messages).slots);
    }
    // Twenty that go while twenty come.
    expect(highest).toBeLessThan(40);
  });

  test('a slot that is taken again knows nothing of the one before', () => {
    const slots = new Slots();
    const [old] = reading(slots, [FULL]).slots;
    reading(slots, []);
    const next = reading(slots, [{ ...FULL, cookie: 6 }]);
    expect(next.slots).toEqual([old]);
    expect(next.sights).toEqual([SIGHT.new]);
  });
});

describe('whatever comes, goes and changes, in whatever order', () => {
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

  test('it is as a map of cookies has it', () => {
    fc.assert(
      fc.property(plan, (readings) => {
        const slots = new Slots();
        const model = new Map<bigint, { head: string; traffic: string; slot: number; round: number }>();
        for (const [round, { messages, isComplete }] of readings.entries()) {
          slots.begin();
          for (const { info, ...rest } of messages) {
            const fields = { ...rest, ...(info && { info }) };
            const cookie = BigInt(fields.cookie);
            const head = `${fields.state} ${fields.inode}`;
            const traffic = `${fields.recvQueue} ${info?.bytesSent}`;
            const known = model.get(cookie);
            const expected =
              known === undefined
                ? SIGHT.new
                : known.head !== head
                  ? SIGHT.changed
                  : known.traffic !== traffic
                    ? SIGHT.traffic
                    : SIGHT.same;
            expect(see(slots, fields)).toBe(expected);
            if (known) expect(slots.slot).toBe(known.slot);
            else for (const other of model.values()) expect(other.slot).not.toBe(slots.slot);
            model.set(cookie, { head, traffic, slot: slots.slot, round });
          }
          const unseen = [...model].filter(([, it]) => it.round !== round);
          const gone = slots.end(() => !isComplete);
          expect(gone.sort()).toEqual(isComplete ? unseen.map(([, { slot }]) => slot).sort() : []);
          if (isComplete) for (const [cookie] of unseen) model.delete(cookie);
          expect(slots.size).toBe(model.size);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
