import { expect, test } from 'vitest';
import { EventFilter } from '../../../src/cli/event-filter.ts';
import { FirstMatches } from '../../../src/cli/on/first-matches.ts';
import type { SocketEvent } from '../../../src/model/event.ts';
import type { Socket } from '../../../src/model/socket.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import { baseline, batch, queryFrom, socket } from '../../helpers/fakes.ts';

const spawn = (it: Socket): SocketEvent => ({ type: 'spawn', atMs: 0, socket: it, learntBy: 'poll' });
const change = (it: Socket): SocketEvent => ({ ...spawn(it), type: 'change' });
const close = (it: Socket): SocketEvent => ({ ...spawn(it), type: 'close' });

const OPEN = socket({ id: 'a', state: 'ESTABLISHED', process: 'app' });
const HALF = { ...OPEN, state: 'CLOSE_WAIT' } as const;
const UNKNOWN: Socket = { ...OPEN, owners: [{ knowledge: 'pending' }] };

/** Returns the matches of a query, and the ids with the types of the events that matched so far. */
function start(query: string): { readonly matches: FirstMatches; readonly seen: string[] } {
  const seen: string[] = [];
  const filter = new EventFilter(queryFrom(query), NO_LOOKUPS, () => undefined);
  const matches = new FirstMatches(filter, ({ type, socket: { id, owners } }) =>
    seen.push(`${type} ${id} ${owners[0]?.process ?? '…'}`),
  );
  return { matches, seen };
}

test('reports a socket once in its life: at its spawn', () => {
  const { matches, seen } = start('app');
  matches.takeEvents([spawn(OPEN), change(HALF), close(HALF)]);
  matches.take(batch({ spawned: [OPEN], closed: ['a'] }));
  expect(seen).toEqual(['spawn a app']);
});

test('reports a socket at the first change after which it matches, and not at its close', () => {
  const { matches, seen } = start('state:CLOSE_WAIT');
  matches.takeEvents([spawn(OPEN), change(HALF), change(OPEN), change(HALF), close(HALF)]);
  expect(seen).toEqual(['change a app']);
  matches.takeEvents([close({ ...HALF, id: 'b' })]);
  expect(seen).toEqual(['change a app']);
});

test('reports a socket of another life with the same id', () => {
  const { matches, seen } = start('app');
  matches.takeEvents([spawn(OPEN), close(OPEN), spawn(OPEN)]);
  expect(seen).toEqual(['spawn a app', 'spawn a app']);
});

test('takes the events of a batch before its sockets, as the screen gets them', () => {
  const { matches, seen } = start('app');
  matches.take(batch({ spawned: [OPEN], events: [spawn(OPEN)] }));
  expect(seen).toEqual(['spawn a app']);
});

test('does not report a socket that matched in the baseline, but reports one that comes to match later', () => {
  const { matches, seen } = start('state:CLOSE_WAIT');
  const old = socket({ id: 'old', state: 'CLOSE_WAIT' });
  matches.take(baseline([OPEN], { partial: true }));
  matches.take(baseline([old]));
  matches.takeEvents([change(old), change(HALF)]);
  expect(seen).toEqual(['change a app']);
});

test('a second baseline, of a sampler that was restarted, reports nothing', () => {
  const { matches, seen } = start('app');
  matches.take(baseline([]));
  matches.take(batch({ spawned: [OPEN], events: [spawn(OPEN)] }));
  matches.take(baseline([OPEN, { ...OPEN, id: 'b' }]));
  matches.takeEvents([change(OPEN), change({ ...OPEN, id: 'b' })]);
  expect(seen).toEqual(['spawn a app']);
});

test('waits for an owner that is pending, which arrives without an event', () => {
  const { matches, seen } = start('process:app');
  matches.takeEvents([spawn(UNKNOWN)]);
  matches.take(batch({ spawned: [UNKNOWN] }));
  expect(seen).toEqual([]);
  matches.take(batch({ changed: [OPEN] }));
  matches.take(batch({ changed: [OPEN] }));
  expect(seen).toEqual(['spawn a app']);
});

test('a socket of the baseline whose owner is known later is not reported', () => {
  const { matches, seen } = start('process:app');
  matches.take(baseline([UNKNOWN]));
  matches.take(batch({ changed: [OPEN] }));
  matches.takeEvents([change(HALF)]);
  expect(seen).toEqual([]);
});

test('a change of a socket of the baseline is not reported if only its owner was unknown before', () => {
  const changed: SocketEvent = { ...change(HALF), was: { state: 'ESTABLISHED' } };
  const matchesOf = (query: string) => {
    const { matches, seen } = start(query);
    matches.take(baseline([UNKNOWN]));
    matches.takeEvents([changed]);
    matches.take(batch({ changed: [HALF] }));
    return seen;
  };
  expect(matchesOf('process:app')).toEqual([]);
  expect(matchesOf('process:app state:CLOSE_WAIT')).toEqual(['change a app']);
});
