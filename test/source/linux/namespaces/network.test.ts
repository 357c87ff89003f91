import { beforeEach, describe, expect, test } from 'vitest';
import type { FoundNamespace } from '../../../../src/source/linux/namespaces/namespaces.ts';
import { INET } from '../../../../src/source/linux/netlink/inet.ts';
import { sockIdOf } from '../../../../src/source/linux/netlink/inet-requests.ts';
import { cookieId } from '../../../../src/source/linux/netlink/cookie.ts';
import { Interfaces } from '../../../../src/source/linux/namespaces/interfaces.ts';
import { Network } from '../../../../src/source/linux/namespaces/network.ts';
import type { NetworkPoll } from '../../../../src/source/linux/namespaces/socket-dumps.ts';
import { FakeNetlink, FakeNetwork } from '../../../helpers/netlink/kernel.ts';
import type { InetFields } from '../../../helpers/netlink/fields.ts';
import { message } from '../../../helpers/netlink/messages.ts';

const FOUND: FoundNamespace = { inode: 5, path: '/proc/self/ns/net', isOwn: true };

/** Polls until an unsupported protocol is tried again. */
const RETRY_POLLS = 120;

let kernel: FakeNetlink;
let own: FakeNetwork;
let network: Network;
const open = (also: ConstructorParameters<typeof Network>[2]['also'] = []) =>
  (network = new Network(kernel, FOUND, { also, tcpDetails: false }));
beforeEach(() => {
  kernel = new FakeNetlink();
  ({ own } = kernel);
  open();
});

const LISTEN: InetFields = { cookie: 1, state: 'LISTEN', inode: 7 };

/** Runs a poll. @returns its result, the protocols of the received sockets, and the kinds of the requests */
function poll(): NetworkPoll & { received: string[]; requests: string[] } {
  const received: string[] = [];
  own.requests = [];
  const result = network.readSockets((from, protocol) => {
    expect(from).toBe(network);
    received.push(protocol);
  });
  return { ...result, received, requests: own.requests };
}

describe('dump requests', () => {
  test('receives the sockets of each protocol', () => {
    own.sockets = [LISTEN, { ...LISTEN, local: '[::]:80' }, { ...LISTEN, protocol: 'udp', state: 'CLOSE' }];
    const result = poll();
    expect(result.received).toEqual(['tcp', 'tcp', 'udp']);
    expect(result).toMatchObject({ failure: undefined, problems: 0, interrupted: 0, missing: [] });
    expect(result.unfinished.size).toBe(0);
  });

  test('requests an unsupported protocol again after 120 polls', () => {
    open(['vsock']);
    for (const kind of ['vsock', 'udplite4', 'udplite6'] as const) own.trouble.set(kind, { errno: 2 });
    expect(poll()).toMatchObject({ missing: ['vsock'] });
    for (let i = 1; i < RETRY_POLLS; i++) {
      const { requests, missing, unfinished } = poll();
      expect(requests).not.toContain('vsock');
      expect(requests).not.toContain('udplite4');
      expect(missing).toEqual(['vsock']);
      expect(unfinished.size).toBe(0);
    }
    // A kernel module was loaded.
    own.trouble.clear();
    const { requests, missing } = poll();
    expect(requests).toEqual(expect.arrayContaining(['vsock', 'udplite4', 'udplite6']));
    expect(missing).toEqual([]);
  });

  test.each([2, 22, 93, 95, 97])('error %i means that the protocol is unsupported', (errno) => {
    own.trouble.set('raw4', { errno });
    expect(poll().unfinished.size).toBe(0);
    expect(poll().requests).not.toContain('raw4');
  });

  test.each([1, 13, 16, 105])('error %i is a failure: the next poll requests the protocol again', (errno) => {
    own.trouble.set('raw4', { errno });
    expect([...poll().unfinished]).toEqual(['raw']);
    expect(poll().requests).toContain('raw4');
  });

  test('a failure of the netlink socket affects only one request', () => {
    own.sockets = [LISTEN];
    own.trouble.set('udp6', { broken: 105 });
    const { received, unfinished, failure } = poll();
    expect(received).toEqual(['tcp']);
    expect([...unfinished]).toEqual(['udp']);
    expect(failure).toBeUndefined();
  });
});

describe('close messages', () => {
  const opened = (events: boolean) => new Network(kernel, FOUND, { also: [], tcpDetails: false, events });

  test('are received if requested and if the kernel supports them', () => {
    expect(opened(false).closes).toBeUndefined();
    const { closes } = opened(true);
    own.destroy({ cookie: 5 });
    closes?.collect(0, 0);
    expect(closes?.take().map(({ id }) => id)).toEqual(['sk:5']);
    own.reportsCloses = false;
    expect(opened(true).closes).toBeUndefined();
  });
});

describe('findTcp', () => {
  const CONNECTION: InetFields = { cookie: 9, local: '127.0.0.1:80', remote: '127.0.0.1:4000' };
  const SOCK_ID = sockIdOf({ address: '127.0.0.1', port: 80 }, { address: '127.0.0.1', port: 4000 });
  const found = () => {
    const ids: string[] = [];
    network.findTcp('ipv4', SOCK_ID, (buffer, start) => ids.push(cookieId(buffer, start + INET.cookie)));
    return ids;
  };

  test('finds the connection, else the listener, else nothing', () => {
    own.sockets = [LISTEN, { ...CONNECTION, cookie: 8, remote: '127.0.0.1:4001' }, CONNECTION];
    expect(found()).toEqual(['sk:9']);
    own.sockets = [{ ...LISTEN, local: '0.0.0.0:80' }];
    expect(found()).toEqual(['sk:1']);
    own.sockets = [];
    expect(found()).toEqual([]);
  });

  test('finds nothing if the kernel does not answer or the answer is malformed', () => {
    own.sockets = [CONNECTION];
    own.trouble.set('lookup', { broken: 11 });
    expect(found()).toEqual([]);
    own.trouble.set('lookup', { datagrams: (sequence) => [message(20, new Uint8Array(71), { sequence })] });
    expect(found()).toEqual([]);
    own.trouble.delete('lookup');
    expect(found()).toEqual(['sk:9']);
  });

  test('throws other errors, which are bugs of netpane', () => {
    own.answer = () => {
      throw new TypeError('a mistake');
    };
    expect(found).toThrow('a mistake');
  });
});

describe('temporary netlink sockets', () => {
  const OTHER = { inode: 500, path: '/proc/50/ns/net', isOwn: false } as const;
  beforeEach(() => {
    kernel.networks.set(500, own);
    kernel.descriptorsLeft = 0;
    network = new Network(kernel, OTHER, { also: [], tcpDetails: false });
  });

  test('that cannot be opened are a failure of the poll, with its reason', () => {
    kernel.closed.set(500, Object.assign(new Error('too many open files'), { code: 'EMFILE' }));
    expect(poll().failure).toBe('too many open files');
    network.readInterfaces();
    expect(network.interfacesFailure).toBe('too many open files');
  });

  test('do not hide an error that is a bug of netpane', () => {
    own.answer = () => {
      throw new TypeError('a mistake');
    };
    expect(poll).toThrow('a mistake');
    expect(() => network.readInterfaces()).toThrow('a mistake');
    expect(() => network.hasUdp('ipv4', new Uint8Array(48))).toThrow('a mistake');
  });
});

describe('TCP', () => {
  test('falls back to one dump per family in the same poll and all later ones', () => {
    own.sockets = [LISTEN, { ...LISTEN, local: '[::]:80' }];
    own.trouble.set('tcp', { errno: 22 });
    const first = poll();
    expect(first.requests.slice(0, 3)).toEqual(['tcp', 'tcp4', 'tcp6']);
    expect(first.received).toEqual(['tcp', 'tcp']);
    expect(first.unfinished.size).toBe(0);
    expect(poll().requests.slice(0, 3)).toEqual(['tcp4', 'tcp6', 'udp4']);
  });

  test('succeeds without IPv6', () => {
    own.trouble.set('tcp', { errno: 22 });
    own.trouble.set('tcp6', { errno: 97 });
    expect(poll()).toMatchObject({ failure: undefined, missing: [] });
    expect(poll().requests).not.toContain('tcp6');
  });

  test.each([
    [{ errno: 2 }, 'error 2'],
    [{ errno: 1 }, 'error 1'],
    [{ broken: 11 }, 'recv: EBROKEN'],
  ])('returns the reason if the kernel refuses both (%j)', (trouble, text) => {
    own.trouble.set('tcp', trouble);
    own.trouble.set('tcp4', trouble);
    for (let i = 0; i < 2; i++) {
      const { failure, unfinished } = poll();
      expect(failure).toBe(text);
      expect([...unfinished]).toContain('tcp');
    }
  });
});

describe('a table that changes during the dump', () => {
  test('is dumped at most three times', () => {
    for (const [times, tries, interrupted] of [
      [1, 2, 0],
      [2, 3, 0],
      [9, 3, 1],
    ] as const) {
      own.trouble.set('udp4', { interrupted: times });
      const result = poll();
      expect(result.requests.filter((it) => it === 'udp4')).toHaveLength(tries);
      expect(result.interrupted).toBe(interrupted);
      expect(result.unfinished.size).toBe(0);
    }
  });
});

describe('name and interfaces', () => {
  test('keeps the same object until the name changes, which increases the version', () => {
    const { netns, version } = network;
    expect(netns).toEqual({ inode: 5, own: true });
    network.update({ ...FOUND, path: '/proc/9/ns/net' });
    expect(network.netns).toBe(netns);
    expect(network.version).toBe(version);
    network.update({ ...FOUND, name: 'shop' });
    expect(network.netns).toEqual({ inode: 5, name: 'shop', own: true });
    expect(network.version).not.toBe(version);
  });

  test('reads 20,000 addresses every 16 polls, shows the first 64 and finds interfaces by all', () => {
    const addresses = Array.from({ length: 20_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    own.links = [{ index: 2, name: 'eth0', addresses }];
    own.requests = [];
    for (let i = 0; i < 33; i++) {
      network.readSockets(() => {});
      expect(network.readInterfaces()[0]?.addresses).toHaveLength(64);
    }
    expect(own.requests.filter((it) => it === 'addresses')).toHaveLength(3);
    expect(own.requests.filter((it) => it === 'links')).toHaveLength(33);
    expect(network.interfaces.nameOfAddress('10.0.78.31')).toBe('eth0');
    // A change is found within 16 polls.
    own.links = [{ index: 2, name: 'eth0', addresses: addresses.slice(1) }];
    for (let i = 0; i < 16; i++) {
      network.readSockets(() => {});
      network.readInterfaces();
    }
    expect(network.interfaces.nameOfAddress('10.0.0.0')).toBeUndefined();
  });

  test('increases the version for names, addresses and the loopback flag, not for counters', () => {
    own.links = [{ index: 2, name: 'eth0', rxBytes: 1, addresses: ['192.0.2.1'] }];
    network.readInterfaces();
    let { version } = network;
    own.links = [{ index: 2, name: 'eth0', rxBytes: 2, addresses: ['192.0.2.1'] }];
    expect(network.readInterfaces()[0]?.rxBytes).toBe(2);
    expect(network.version).toBe(version);
    for (const links of [
      [{ index: 2, name: 'eth1', addresses: ['192.0.2.1'] }],
      [{ index: 2, name: 'eth1', addresses: ['192.0.2.2'] }],
      [{ index: 3, name: 'eth1', addresses: ['192.0.2.2'] }],
      [{ index: 3, name: 'eth1', addresses: ['192.0.2.2'], isLoopback: true }],
    ]) {
      own.links = links;
      network.readInterfaces();
      expect(network.version).not.toBe(version);
      ({ version } = network);
    }
  });
});

describe('Interfaces', () => {
  const link = (index: number, name: string, isLoopback = false) => ({
    index,
    name,
    isUp: true,
    isLoopback,
    rxBytes: 0,
    txBytes: 0,
  });
  const interfaces = new Interfaces(
    [link(1, 'lo', true), link(2, 'eth0'), link(3, 'eth1')],
    [
      { interfaceIndex: 1, address: '127.0.0.1' },
      { interfaceIndex: 2, address: '192.0.2.1' },
      { interfaceIndex: 2, address: 'fe80::1' },
      { interfaceIndex: 3, address: 'fe80::1' },
      { interfaceIndex: 9, address: '192.0.2.9' },
    ],
  );

  test.each([
    ['192.0.2.1', 'eth0'],
    ['127.0.0.1', 'lo'],
    // All of 127.0.0.0/8 belongs to the loopback interface.
    ['127.9.9.9', 'lo'],
    // Two interfaces have it.
    ['fe80::1', undefined],
    ['192.0.2.2', undefined],
    // Its interface was removed between the two dumps.
    ['192.0.2.9', undefined],
  ])('finds the interface of %s: %s', (address, name) => {
    expect(interfaces.nameOfAddress(address)).toBe(name);
  });

  test('finds the name and the addresses by index', () => {
    expect([interfaces.nameOf(3), interfaces.nameOf(9)]).toEqual(['eth1', undefined]);
    expect(interfaces.addressesOf(2)).toEqual(['192.0.2.1', 'fe80::1']);
    expect(interfaces.addressesOf(9)).toEqual([]);
  });

  test('finds no interface of 127.0.0.1 without a loopback interface', () => {
    expect(new Interfaces([link(2, 'eth0')], []).nameOfAddress('127.0.0.1')).toBeUndefined();
  });
});
