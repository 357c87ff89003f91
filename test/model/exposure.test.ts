import { expect, test } from 'vitest';
import { exposureOf, isExposed, isOpenToOthers } from '../../src/model/exposure.ts';
import type { NetworkNamespace } from '../../src/model/socket.ts';
import { exposureText, exposureWords, shortExposureText } from '../../src/view/text/exposure-text.ts';
import { listener, socket, type SocketFields, udp } from '../helpers/fakes.ts';

const WEB: NetworkNamespace = { inode: 0xf000_0123, name: 'web' };
const OWN: NetworkNamespace = { inode: 0xf000_0000, name: 'host', own: true };

test.each<[string, string, SocketFields, isExposed: boolean, isOpen: boolean]>([
  ['all interfaces', 'all', { local: '0.0.0.0:80' }, true, true],
  // It serves IPv4 too.
  ['all interfaces', 'all', { local: '[::]:80' }, true, true],
  ['all interfaces', 'all', { local: '[::ffff:0.0.0.0]:80' }, true, true],
  ['loopback', 'loopback', { local: '127.0.0.53:53' }, false, false],
  ['loopback', 'loopback', { local: '[::1]:80' }, false, false],
  ['loopback', 'loopback', { local: '[::ffff:127.0.0.1]:80' }, false, false],
  ['loopback', 'loopback', { local: '0.0.0.0:80', interface: 'lo' }, false, false],
  ['interface eth0', 'eth0', { local: '0.0.0.0:68', interface: 'eth0' }, true, true],
  ['LAN 192.168.1.10', 'LAN', { local: '192.168.1.10:80', interface: 'eth0' }, true, true],
  ['LAN fe80::1%eth0', 'LAN', { local: '[fe80::1%eth0]:80' }, true, true],
  ['public 203.0.113.7', 'public', { local: '203.0.113.7:80' }, true, true],
  ['multicast 224.0.0.251', 'multicast', { local: '224.0.0.251:5353' }, true, true],
  ['container web', 'web', { local: '0.0.0.0:80', netns: WEB }, true, false],
  ['container web', 'web', { local: '172.17.0.2:80', netns: WEB }, true, false],
  ['namespace #291', '#291', { local: '[::]:80', netns: { inode: WEB.inode } }, true, false],
  ['loopback', 'loopback', { local: '127.0.0.1:80', netns: WEB }, false, false],
  ['all interfaces', 'all', { local: '0.0.0.0:80', netns: OWN }, true, true],
  ['this machine', 'machine', { protocol: 'unix', family: 'unix', local: '/run/x:0' }, false, false],
])('a listener: %s, in a narrow cell %s: %o', (text, short, fields, exposed, open) => {
  const it = listener(fields);
  const exposure = exposureOf(it);
  if (exposure === undefined) throw new Error('it has no exposure');
  expect([exposureText(exposure), shortExposureText(exposure)]).toEqual([text, short]);
  expect([isExposed(it), isOpenToOthers(exposure)]).toEqual([exposed, open]);
  expect(exposureWords(exposure, it)[1]).toMatch(/\w+ \w+/);
});

test('only listeners have an exposure', () => {
  expect([exposureOf(socket()), isExposed(socket())]).toEqual([undefined, false]);
  expect(exposureOf(udp())).toEqual({ to: 'all' });
});

test('says of the IPv6 wildcard that it serves IPv4 too', () => {
  const words = (local: string, family: 'ipv4' | 'ipv6') =>
    exposureWords({ to: 'all' }, listener({ local, family })).join();
  expect(words('[::]:80', 'ipv6')).toContain('IPv4 too');
  expect(words('0.0.0.0:80', 'ipv4')).not.toContain('IPv4');
});
