import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { MacInterfaces } from '../../../../src/source/macos/native/interfaces.ts';
import { interfaceMessage } from '../../../helpers/interfaces.ts';
import { FakeMac } from '../../../helpers/macos/fake-calls.ts';

const NAMES = ['', 'lo0', 'en0'];

const interfacesOf = (mac: FakeMac) =>
  new MacInterfaces(
    mac,
    (index) => NAMES[index],
    (name) => [`address of ${name}`],
  );

const withMessages = (...messages: readonly Uint8Array[]): FakeMac =>
  Object.assign(new FakeMac(), { interfaces: new Uint8Array(Buffer.concat(messages)) });

test('interfaces have names, state and counters of 64 bits; messages about addresses are left out', () => {
  const mac = withMessages(
    interfaceMessage(1, 0x49),
    interfaceMessage(1, 0, 0xc),
    interfaceMessage(2, 1),
    interfaceMessage(9, 0x41),
  );
  expect(interfacesOf(mac).read()).toEqual([
    { name: 'lo0', isUp: true, rxBytes: 2 ** 40 + 1, txBytes: 1, addresses: ['address of lo0'] },
    { name: 'en0', isUp: false, rxBytes: 2 ** 40 + 2, txBytes: 2, addresses: ['address of en0'] },
    { name: '9', isUp: true, rxBytes: 2 ** 40 + 9, txBytes: 9, addresses: ['address of 9'] },
  ]);
});

test('a list that does not fit is read again with more memory', () => {
  const mac = withMessages(...Array.from({ length: 300 }, () => interfaceMessage(1, 0x41)));
  expect(interfacesOf(mac).read()).toHaveLength(300);
});

test('a list that is cut, or has a message of length 0, is read up to there', () => {
  const cut = withMessages(interfaceMessage(1, 0x41), interfaceMessage(2, 0x41).subarray(0, 159));
  expect(interfacesOf(cut).read()).toHaveLength(1);
  const empty = interfaceMessage(2, 0x41);
  empty[0] = 0;
  expect(
    interfacesOf(withMessages(interfaceMessage(1, 0x41), empty, interfaceMessage(1, 0x41))).read(),
  ).toHaveLength(1);
});

test('there are none if the kernel refuses', () => {
  const mac = new FakeMac();
  mac.sysctl = () => -constants.errno.EPERM;
  expect(interfacesOf(mac).read()).toBeUndefined();
});
