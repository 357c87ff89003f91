import { expect, test } from 'vitest';
import { EventFilter } from '../../src/cli/event-filter.ts';
import type { Event } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';
import { NO_LOOKUPS } from '../../src/store/lookups.ts';
import { batch, queryFrom, socket } from '../helpers/fakes.ts';

const CLIENT = socket({ id: 'client', local: '127.0.0.1:40000', remote: '127.0.0.1:6379', process: 'app' });
const SERVER = socket({ id: 'server', local: '127.0.0.1:6379', remote: '127.0.0.1:40000', process: 'redis' });

const filterFor = (query: string) => new EventFilter(queryFrom(query), NO_LOOKUPS, () => undefined);
const spawn = (it: Socket): Event => ({ type: 'spawn', atMs: 0, socket: it, learntBy: 'poll' });
const close = (it: Socket): Event => ({ type: 'close', atMs: 9, socket: it, learntBy: 'destroy' });

/** Returns the type and the program of the events that match, after all of them were taken. */
function matching(filter: EventFilter, ...events: readonly Event[]): string[] {
  filter.takeEvents(events);
  return events.flatMap((it) =>
    it.type !== 'gap' && it.type !== 'sum' && filter.matches(it)
      ? [`${it.type} ${it.socket.owners[0]?.process ?? ''}`]
      : [],
  );
}

test('a query for a peer finds the events of connections that open and close between two batches', () => {
  const filter = filterFor('peer:redis');
  expect(matching(filter, spawn(CLIENT), spawn(SERVER))).toEqual(['spawn app']);
  expect(matching(filter, close(SERVER))).toEqual([]);
  expect(matching(filter, close(CLIENT))).toEqual(['close app']);
});

test('a query for a peer finds the events of connections of earlier batches', () => {
  const filter = filterFor('peer:app or !peer:redis');
  filter.take(batch({ spawned: [CLIENT], partial: true }));
  filter.take(batch({ spawned: [SERVER] }));
  expect(matching(filter, close(SERVER), close(CLIENT))).toEqual(['close redis']);
});

test('a peer is forgotten with the batch after its close', () => {
  const filter = filterFor('peer:redis');
  filter.take(batch({ spawned: [CLIENT, SERVER] }));
  filter.takeEvents([close(SERVER)]);
  filter.take(batch({ closed: ['server'] }));
  expect(matching(filter, close(CLIENT))).toEqual([]);
});

test('knows who opened the connection of an event, with any query', () => {
  const filter = filterFor('');
  const listening = socket({ id: 'listener', local: '127.0.0.1:6379', remote: null, state: 'LISTEN' });
  const direction = (it: Socket) => {
    const event = spawn(it);
    return event.type === 'spawn' ? filter.directionOf(event) : 'no event';
  };
  expect([SERVER, CLIENT].map(direction)).toEqual([undefined, undefined]);
  filter.takeEvents([spawn(listening)]);
  expect([SERVER, CLIENT, { ...CLIENT, opened: 'out' as const }].map(direction)).toEqual([
    'in',
    undefined,
    'out',
  ]);
  filter.takeEvents([close(listening)]);
  expect(direction(SERVER)).toBe('in');
  filter.take(batch({ spawned: [listening], closed: ['listener'] }));
  expect(direction(SERVER)).toBeUndefined();
});
