import { expect, test } from 'vitest';
import { endpointOf, familyOf, numberAt } from '../../../../src/source/windows/etw/endpoints.ts';
import { RECORD } from '../../../../src/source/windows/etw/layout.ts';
import { EventRing, SLOT } from '../../../../src/source/windows/etw/ring.ts';
import { eventBytes, type FakeEvent, readRecord } from '../../../helpers/etw.ts';

/** Returns the events of a ring as text: id, pid, size, family, local and remote endpoint. */
function textsOf(ring: EventRing): string[] {
  const texts: string[] = [];
  ring.drain((words, at) => {
    const [local, remote] = (['local', 'remote'] as const).map((side) => {
      const { address, port } = endpointOf(words, at, side);
      return `${address}|${port}`;
    });
    const numbers = [SLOT.id, SLOT.pid, SLOT.size].map((field) => numberAt(words, at, field));
    texts.push([...numbers, familyOf(words, at), local, remote].join(' '));
  });
  return texts;
}

const CONNECT: FakeEvent = {
  kind: 'connected',
  local: '192.0.2.1:50000',
  remote: '198.51.100.7:443',
  pid: 0xffff_fff0,
  size: 3_000_000_000,
};

test('reads events of both families', () => {
  const ring = new EventRing();
  readRecord(ring, eventBytes(CONNECT));
  readRecord(
    ring,
    eventBytes({ ...CONNECT, kind: 'udpReceived', local: '[2001:db8::1]:53', remote: '[::1]:9' }),
  );
  expect(textsOf(ring)).toEqual([
    '12 4294967280 3000000000 ipv4 192.0.2.1|50000 198.51.100.7|443',
    '43 4294967280 3000000000 ipv6 2001:db8::1|53 ::1|9',
  ]);
  expect(textsOf(ring)).toEqual([]);
});

test('an event of another provider, or with another id, is left out', () => {
  const ring = new EventRing();
  const other = eventBytes(CONNECT);
  other.header[RECORD.provider] = 1;
  readRecord(ring, other);
  for (const id of [0, 14, 17, 44, 60, 0xffff]) {
    const event = eventBytes(CONNECT);
    new DataView(event.header.buffer).setUint16(RECORD.id, id, true);
    readRecord(ring, event);
  }
  expect(textsOf(ring)).toEqual([]);
  expect(ring.takeLost()).toBe(0);
});

test('a payload that is too short is not read and counts as lost', () => {
  const ring = new EventRing();
  for (const length of [0, 19]) {
    const event = eventBytes(CONNECT);
    new DataView(event.header.buffer).setUint16(RECORD.dataLength, length, true);
    readRecord(ring, { ...event, payload: event.payload.subarray(0, length) });
  }
  expect(textsOf(ring)).toEqual([]);
  expect(ring.takeLost()).toBe(2);
});

test('events beyond the room of the ring are counted, and later ones have room again', () => {
  const ring = new EventRing();
  const event = eventBytes(CONNECT);
  for (let i = 0; i < 2 ** 15 + 3; i++) readRecord(ring, event);
  expect(textsOf(ring)).toHaveLength(2 ** 15);
  expect(ring.takeLost()).toBe(3);
  readRecord(ring, event);
  expect(textsOf(ring)).toHaveLength(1);
});
