import type { NetworkInterfaceInfo } from 'node:os';
import { expect, test } from 'vitest';
import { InterfaceAddresses } from '../../src/source/interface-addresses.ts';
import { ipv4, ipv6 } from '../helpers/interfaces.ts';

const EN0 = [ipv4('192.0.2.1'), ipv6('2001:db8::1'), ipv6('fe80::1', 4)];
const LO0 = [ipv4('127.0.0.1'), ipv6('::1'), ipv6('fe80::1', 1)];

/** Returns the addresses of a machine after they were read. */
function read(all: Readonly<Record<string, NetworkInterfaceInfo[]>>): InterfaceAddresses {
  const addresses = new InterfaceAddresses(
    () => 0,
    () => all,
  );
  addresses.refresh();
  return addresses;
}

test('the addresses of an interface are kept for five seconds', () => {
  let nowMs = 0;
  let count = 0;
  const addresses = new InterfaceAddresses(
    () => nowMs,
    () => ({ en0: [ipv4(`192.0.2.${++count}`)] }),
  );
  expect(addresses.refresh()).toBe(true);
  expect(addresses.of('en0')).toEqual(['192.0.2.1']);
  expect(addresses.of('lo0')).toEqual([]);
  nowMs = 4999;
  expect(addresses.refresh()).toBe(false);
  expect(addresses.of('en0')).toEqual(['192.0.2.1']);
  nowMs = 5000;
  expect(addresses.refresh()).toBe(true);
  expect(addresses.of('en0')).toEqual(['192.0.2.2']);
  expect([addresses.nameOf('192.0.2.1'), addresses.nameOf('192.0.2.2')]).toEqual([undefined, 'en0']);
});

test('addresses that are the same when they are read again are no change', () => {
  let nowMs = 0;
  const addresses = new InterfaceAddresses(
    () => nowMs,
    () => ({ lo0: LO0, en0: EN0 }),
  );
  addresses.refresh();
  nowMs = 5000;
  expect(addresses.refresh()).toBe(false);
});

test('an address leads to its interface; with its scope also one that several interfaces have', () => {
  const { nameOf } = read({ lo0: LO0, en0: EN0 });
  const found = [
    ...['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '::1'],
    // As macOS has it, and as Windows has it.
    ...['fe80::1%en0', 'fe80::1%4', 'fe80::1%1', 'fe80::1'],
    ...['0.0.0.0', '::', '198.51.100.7'],
  ].map((address) => nameOf(address));
  expect(found).toEqual([
    ...['en0', 'en0', 'en0', 'lo0'],
    ...['en0', 'en0', 'lo0', undefined],
    ...[undefined, undefined, undefined],
  ]);
});

test('every address of 127.0.0.0/8 belongs to the loopback interface, if there is one', () => {
  expect(read({ lo0: LO0 }).nameOf('127.8.9.10')).toBe('lo0');
  expect(read({ en0: EN0 }).nameOf('127.8.9.10')).toBeUndefined();
});
