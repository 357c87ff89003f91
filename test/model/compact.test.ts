import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { BatchDecoder, BatchEncoder } from '../../src/model/compact.ts';
import type { Socket } from '../../src/model/socket.ts';
import { EVERY_FIELD } from '../helpers/every-field.ts';
import { batch } from '../helpers/fakes.ts';

/** A remote endpoint has no protocol number. */
const SOCKET = { ...EVERY_FIELD, remote: { address: '::2', port: 2 } } as const satisfies Socket;

const some = <T extends object>(fields: T) =>
  fc.record(
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, fc.constant(value as unknown)])),
    { requiredKeys: [] },
  ) as fc.Arbitrary<Partial<T>>;

const NEEDED = { id: 'a', protocol: 'udp', family: 'ipv4', owners: [] } as const;

test('decodes every field and adds none', () => {
  const decoder = new BatchDecoder();
  fc.assert(
    fc.property(
      some(SOCKET),
      some(SOCKET.traffic),
      fc.constantFrom(null, SOCKET.remote),
      fc.boolean(),
      (fields, traffic, remote, isSpawned) => {
        const socket: Socket = {
          ...NEEDED,
          local: SOCKET.local,
          ...fields,
          remote,
          ...(fields.traffic && { traffic }),
        };
        const before = batch(isSpawned ? { spawned: [socket] } : { changed: [socket], closed: ['x'] });
        const after = decoder.decode(structuredClone(before));
        expect(after).toEqual(before);
        const [made] = [...after.spawned, ...after.changed];
        expect(Object.keys(made ?? {}).sort()).toEqual(Object.keys(socket).sort());
        expect(Object.keys(made?.traffic ?? {}).sort()).toEqual(Object.keys(socket.traffic ?? {}).sort());
      },
    ),
  );
});

test('decodes more distinct texts than the cache holds', () => {
  const decoder = new BatchDecoder();
  const spawned = Array.from({ length: 120_000 }, (_, i) => ({ ...SOCKET, user: `user ${i}` }));
  expect(decoder.decode(batch({ spawned })).spawned.map(({ user }) => user)).toEqual(
    spawned.map(({ user }) => user),
  );
});

test('decodes the sockets of events; one that is also in a list is the same object', () => {
  const events = [
    { type: 'spawn', atMs: 1, socket: SOCKET, learntBy: 'trace' },
    { type: 'gap', atMs: 2, missed: 3, learntBy: 'destroy' },
    {
      type: 'close',
      atMs: 4,
      socket: { ...SOCKET, id: 'sk:2' },
      learntBy: 'poll',
      lifetimeMs: 5,
      isAtLeast: true,
    },
  ] as const;
  const before = batch({ spawned: [SOCKET], events });
  const after = new BatchDecoder().decode(structuredClone(new BatchEncoder().encode(before)));
  expect(after).toEqual(before);
  const [spawn, , close] = after.events;
  expect(spawn?.type === 'spawn' && spawn.socket).toBe(after.spawned[0]);
  expect(close?.type === 'close' && Object.getPrototypeOf(close.socket)).toBe(
    Object.getPrototypeOf(after.spawned[0]),
  );
});

test('an event refers to a socket of an earlier part of the same batch', () => {
  const other: Socket = { ...SOCKET, id: 'sk:2' };
  const spawn = (socket: Socket) => ({ type: 'spawn', atMs: 1, socket, learntBy: 'trace' }) as const;
  const [encoder, decoder] = [new BatchEncoder(), new BatchDecoder()];
  const cross = (part: Batch) => decoder.decode(structuredClone(encoder.encode(part)));
  for (let count = 0; count < 2; count++) {
    const first = cross(batch({ spawned: [SOCKET], changed: [other], partial: true }));
    const last = cross(batch({ events: [spawn(other), spawn(SOCKET)] }));
    expect(last.events.map((event) => event.type !== 'gap' && event.socket)).toEqual([other, SOCKET]);
    expect(last.events[0]?.type === 'spawn' && last.events[0].socket).toBe(first.changed[0]);
  }
});

test('makes ids unique across hosts, and leaves those of this host as they are', () => {
  const socket: Socket = { ...NEEDED, local: SOCKET.local, remote: null };
  const event = { type: 'spawn', learntBy: 'poll', atMs: 1, socket } as const;
  const local = batch({ spawned: [socket], closed: ['b'], events: [event] });
  const idsIn = ({ spawned, closed, events }: Batch) => [
    ...spawned.map(({ id }) => id),
    ...closed,
    ...events.map((it) => (it.type === 'gap' ? '' : it.socket.id)),
  ];
  const decoded = (it: Batch) => new BatchDecoder().decode(new BatchEncoder().encode(it));
  expect(idsIn(decoded(local))).toEqual(['a', 'b', 'a']);
  expect(idsIn(decoded({ ...local, host: 'web1' }))).toEqual(['web1/a', 'web1/b', 'web1/a']);
});
