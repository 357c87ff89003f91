import { expect, test } from 'vitest';
import type { Owner } from '../../../../src/model/socket.ts';
import { NewListeners } from '../../../../src/source/linux/events/new-listeners.ts';

const OWN = 1;
const OTHER = 2;

const namespaceOf = (pid: number): number | undefined => ({ 10: OWN, 20: OTHER })[pid];

const listener = (pid: number, address: string, port: number) => {
  const owners: readonly Owner[] = [{ knowledge: 'exact', pid, process: `p${pid}` }];
  return { local: { address, port }, owners };
};

test('a listener is found by namespace, address and port', () => {
  const listeners = new NewListeners(namespaceOf);
  const one = listener(10, '192.0.2.1', 80);
  listeners.add(one);
  expect(listeners.ownersOf(OWN, { address: '192.0.2.1', port: 80 })).toBe(one.owners);
  expect(listeners.ownersOf(OWN, { address: '::ffff:192.0.2.1', port: 80 })).toBe(one.owners);
  expect(listeners.ownersOf(OWN, { address: '192.0.2.2', port: 80 })).toBeUndefined();
  expect(listeners.ownersOf(OWN, { address: '192.0.2.1', port: 81 })).toBeUndefined();
  expect(listeners.ownersOf(OTHER, { address: '192.0.2.1', port: 80 })).toBeUndefined();
});

test('a listener on any address is found by each address, after one on that address', () => {
  const listeners = new NewListeners(namespaceOf);
  const any = listener(10, '::', 80);
  const one = listener(10, '192.0.2.1', 80);
  listeners.add(any);
  listeners.add(one);
  expect(listeners.ownersOf(OWN, { address: '192.0.2.1', port: 80 })).toBe(one.owners);
  expect(listeners.ownersOf(OWN, { address: '2001:db8::1', port: 80 })).toBe(any.owners);
});

test('a listener of a process in an unknown namespace is not kept', () => {
  const listeners = new NewListeners(namespaceOf);
  listeners.add(listener(30, '192.0.2.1', 80));
  expect(listeners.ownersOf(undefined, { address: '192.0.2.1', port: 80 })).toBeUndefined();
});

test('the end of a listener leaves the one that has its port now', () => {
  const listeners = new NewListeners(namespaceOf);
  const old = listener(10, '192.0.2.1', 80);
  const now = listener(10, '192.0.2.1', 80);
  listeners.add(old);
  listeners.add(now);
  listeners.delete(old);
  expect(listeners.ownersOf(OWN, now.local)).toBe(now.owners);
  listeners.delete(now);
  expect(listeners.ownersOf(OWN, now.local)).toBeUndefined();
});
