import { expect, test } from 'vitest';
import { Network } from '../../../../src/source/linux/namespaces/network.ts';
import { FakeNetlink, FakeNetwork, type Trouble } from '../../../helpers/netlink/kernel.ts';

const [ENOENT, EINTR, ENOBUFS] = [2, 4, 105];

/** Asks the kernel to close a socket that no dump contains. @returns the errno */
function closeMissing(trouble?: Trouble): number | undefined {
  const kernel = new FakeNetlink();
  const net = new FakeNetwork();
  kernel.networks.set(16, net);
  if (trouble) net.trouble.set('tcp6', trouble);
  const place = { inode: 16, path: '/run/netns/n', isOwn: false };
  return new Network(kernel, place, { also: [], tcpDetails: false })
    .closeSockets('tcp', new Set(['missing']))
    .get('missing');
}

test('a socket that the kernel does not list is closed already', () => {
  expect(closeMissing()).toBe(ENOENT);
});

test.each([
  ['the kernel refuses to list sockets', { errno: ENOBUFS }, ENOBUFS],
  ['the list breaks off', { errno: ENOBUFS, breaksOffAfter: 0 }, ENOBUFS],
  ['the sockets change while they are listed', { interrupted: 1 }, EINTR],
])('a socket is not called closed if %s', (_, trouble, errno) => {
  expect(closeMissing(trouble)).toBe(errno);
});
