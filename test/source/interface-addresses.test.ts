import { expect, test } from 'vitest';
import { InterfaceAddresses } from '../../src/source/interface-addresses.ts';

const INFO = { netmask: '', mac: '', internal: false, cidr: null, family: 'IPv4' } as const;

test('the addresses of an interface are kept for five seconds', () => {
  let nowMs = 0;
  let asked = 0;
  const addresses = new InterfaceAddresses(
    () => nowMs,
    () => ({ en0: [{ ...INFO, address: `192.0.2.${++asked}` }] }),
  );
  expect(addresses.of('en0')).toEqual(['192.0.2.1']);
  expect(addresses.of('lo0')).toEqual([]);
  nowMs = 4999;
  expect(addresses.of('en0')).toEqual(['192.0.2.1']);
  nowMs = 5000;
  expect(addresses.of('en0')).toEqual(['192.0.2.2']);
});
