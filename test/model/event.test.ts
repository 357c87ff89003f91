import { expect, test } from 'vitest';
import { type PreviousFields, previousFields } from '../../src/model/event.ts';
import type { Owner, Socket } from '../../src/model/socket.ts';
import { socket } from '../helpers/fakes.ts';

const it = socket();
const owner = (pid: number): Owner => ({ knowledge: 'exact', pid });
const pending: readonly Owner[] = [{ knowledge: 'pending' }];

const packet = socket({ protocol: 'packet', remote: null, local: '*:3' });

test('a change of the protocol that a packet socket takes tells the old one', () => {
  const now = { ...packet, local: { ...packet.local, protocol: 0x800 } };
  expect(previousFields(packet, now)).toEqual({ local: packet.local });
});

test.each<[string, Partial<Socket>, Partial<Socket>, PreviousFields]>([
  ['nothing', {}, {}, {}],
  ['the state', { state: 'SYN_SENT' }, {}, { state: 'SYN_SENT' }],
  ['the peer', { remote: null }, {}, { remote: null }],
  ['no peer any more', {}, { remote: null }, { remote: it.remote }],
  ['the local end', {}, { local: { address: '::', port: 1 } }, { local: it.local }],
  ['the program', { owners: [owner(1)] }, { owners: [owner(2)] }, { owners: [owner(1)] }],
  ['a second program', { owners: [owner(1)] }, { owners: [owner(1), owner(2)] }, { owners: [owner(1)] }],
  ['how the program is known', {}, { owners: [{ ...it.owners[0], knowledge: 'inherited' }] }, {}],
  ['a program that had not been looked for', { owners: pending }, {}, {}],
])('a change tells what it replaced, and only that: %s', (_, before, now, told) => {
  expect(previousFields({ ...it, ...before }, { ...it, ...now })).toEqual(told);
});
