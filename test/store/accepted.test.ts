import { expect, test } from 'vitest';
import { acceptedBy } from '../../src/store/accepted.ts';
import type { Socket } from '../../src/model/socket.ts';
import { after, baseline, batch, emptyState, listener, socket } from '../helpers/fakes.ts';

const connection = (id: string, local: string, changes: Partial<Socket> = {}): Socket => ({
  ...socket({ id, process: 'web', pid: 1, local, remote: '192.0.2.9:5000' }),
  ...changes,
});

function stateOf(...sockets: Socket[]) {
  return after(emptyState(), baseline(sockets));
}

/** Returns the number of connections, and of listeners, of each listener by its id. */
function counts({ table: { rows, sequence } }: ReturnType<typeof stateOf>, ...ids: string[]) {
  return ids.map((id) => {
    const row = rows.get(id);
    const { connections, listeners } = row ? acceptedBy(row, rows, sequence) : {};
    return [connections, listeners];
  });
}

test('counts the open connections that a listener accepted', () => {
  const state = stateOf(
    listener({ id: 'any', local: '0.0.0.0:80' }),
    connection('a', '10.0.0.1:80'),
    connection('b', '10.0.0.2:80', { state: 'CLOSE_WAIT' }),
    connection('rest', '10.0.0.1:80', { state: 'TIME_WAIT' }),
    connection('other port', '10.0.0.1:81'),
    connection('other namespace', '10.0.0.1:80', { netns: { inode: 7 } }),
    connection('opened here', '10.0.0.1:80', { opened: 'out' }),
    connection('other protocol', '10.0.0.1:80', { protocol: 'sctp' }),
  );
  expect(counts(state, 'any')).toEqual([[2, 1]]);
  const less = after(state, batch({ monotonicMs: 1000, closed: ['a'] }));
  expect(counts(less, 'any')).toEqual([[1, 1]]);
});

test('a connection belongs to the listener with its own address', () => {
  const state = stateOf(
    listener({ id: 'any', local: '0.0.0.0:80' }),
    listener({ id: 'any6', local: '[::]:80', family: 'ipv6' }),
    listener({ id: 'own', local: '10.0.0.1:80' }),
    connection('a', '10.0.0.1:80'),
    connection('b', '10.0.0.2:80'),
    connection('c', '[2001:db8::1]:80', { family: 'ipv6' }),
  );
  expect(counts(state, 'any', 'any6', 'own')).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
});

test('says how many listeners share an endpoint', () => {
  const state = stateOf(
    listener({ id: 'one', local: '0.0.0.0:80' }),
    listener({ id: 'two', local: '0.0.0.0:80' }),
    connection('a', '10.0.0.1:80'),
  );
  expect(counts(state, 'one', 'two')).toEqual([
    [1, 2],
    [1, 2],
  ]);
});
