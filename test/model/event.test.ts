import { expect, test } from 'vitest';
import { type PreviousFields, previousFields } from '../../src/model/event.ts';
import type { Owner, Socket } from '../../src/model/socket.ts';
import { socket } from '../helpers/fakes.ts';

const it = socket();
const owner = (pid: number): Owner => ({ knowledge: 'exact', pid });
const pending: readonly Owner[] = [{ knowledge: 'pending' }];

const packet = socket({ protocol: 'packet', remote: null, local: '*:3' });

test('includes the previous protocol of a packet socket', () => {
  const now = { ...packet, local: { ...packet.local, protocol: 0x800 } };
  expect(previousFields(packet, now)).toEqual({ local: packet.local });
});

test.each<[string, Partial<Socket>, Partial<Socket>, PreviousFields]>([
  ['nothing', {}, {}, {}],
  ['the state', { state: 'SYN_SENT' }, {}, { state: 'SYN_SENT' }],
  ['the peer', { remote: null }, {}, { remote: null }],
  ['the peer removed', {}, { remote: null }, { remote: it.remote }],
  ['the local endpoint', {}, { local: { address: '::', port: 1 } }, { local: it.local }],
  ['the process', { owners: [owner(1)] }, { owners: [owner(2)] }, { owners: [owner(1)] }],
  ['a second process', { owners: [owner(1)] }, { owners: [owner(1), owner(2)] }, { owners: [owner(1)] }],
  ['only how the owner is known', {}, { owners: [{ ...it.owners[0], knowledge: 'inherited' }] }, {}],
  ['an owner that was pending', { owners: pending }, {}, {}],
])('returns the previous values of changed fields only: %s', (_, before, now, expected) => {
  expect(previousFields({ ...it, ...before }, { ...it, ...now })).toEqual(expected);
});
