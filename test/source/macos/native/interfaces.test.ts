import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { IF_MESSAGE, MacInterfaces } from '../../../../src/source/macos/native/interfaces.ts';
import { FakeMac } from '../../../helpers/macos/fake-calls.ts';

/** Returns a message about an interface as the kernel would write it. */
function message(index: number, flags: number, type = 0x12): Uint8Array {
  const bytes = new Uint8Array(IF_MESSAGE.size);
  const view = new DataView(bytes.buffer);
  view.setUint16(IF_MESSAGE.length, bytes.length, true);
  view.setUint8(IF_MESSAGE.type, type);
  view.setUint32(IF_MESSAGE.flags, flags, true);
  view.setUint16(IF_MESSAGE.index, index, true);
  view.setBigUint64(IF_MESSAGE.rxBytes, 2n ** 40n + BigInt(index), true);
  view.setBigUint64(IF_MESSAGE.txBytes, BigInt(index), true);
  return bytes;
}

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
  const mac = withMessages(message(1, 0x49), message(1, 0, 0xc), message(2, 1), message(9, 0x41));
  expect(interfacesOf(mac).read()).toEqual([
    { name: 'lo0', isUp: true, rxBytes: 2 ** 40 + 1, txBytes: 1, addresses: ['address of lo0'] },
    { name: 'en0', isUp: false, rxBytes: 2 ** 40 + 2, txBytes: 2, addresses: ['address of en0'] },
    { name: '9', isUp: true, rxBytes: 2 ** 40 + 9, txBytes: 9, addresses: ['address of 9'] },
  ]);
});

test('a list that does not fit is read again with more memory', () => {
  const mac = withMessages(...Array.from({ length: 300 }, () => message(1, 0x41)));
  expect(interfacesOf(mac).read()).toHaveLength(300);
});

test('a list that is cut, or has a message of length 0, is read up to there', () => {
  const cut = withMessages(message(1, 0x41), message(2, 0x41).subarray(0, 159));
  expect(interfacesOf(cut).read()).toHaveLength(1);
  const empty = message(2, 0x41);
  empty[0] = 0;
  expect(interfacesOf(withMessages(message(1, 0x41), empty, message(1, 0x41))).read()).toHaveLength(1);
});

test('there are none if the kernel refuses', () => {
  const mac = new FakeMac();
  mac.sysctl = () => -constants.errno.EPERM;
  expect(interfacesOf(mac).read()).toBeUndefined();
});
