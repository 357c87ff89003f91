import { beforeEach, describe, expect, test } from 'vitest';
import type { FoundNamespace } from '../../../src/source/linux/namespaces.ts';
import { INET, sockIdOf } from '../../../src/source/linux/netlink/inet.ts';
import { cookieId } from '../../../src/source/linux/netlink/slots.ts';
import { Interfaces } from '../../../src/source/linux/interfaces.ts';
import { Network, type NetworkPoll } from '../../../src/source/linux/network.ts';
import { FakeNetlink, type FakeNetwork, type InetFields, message } from '../../helpers/netlink.ts';

const FOUND: FoundNamespace = { inode: 5, path: '/proc/self/ns/net', isOwn: true };

/** A protocol that the kernel did not have is asked for again after so many rounds. */
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

/** A reading, and what was asked for and taken in it. */
function read(): NetworkPoll & { taken: string[]; requests: string[] } {
  const taken: string[] = [];
  own.requests = [];
  const reading = network.readSockets((of, protocol) => {
    expect(of).toBe(network);
    taken.push(protocol);
  });
  return { ...reading, taken, requests: own.requests };
}

describe('the questions', () => {
  test('each of them, and the sockets of each', () => {
    own.sockets = [LISTEN, { ...LISTEN, local: '[::]:80' }, { ...LISTEN, protocol: 'udp', state: 'CLOSE' }];
    const reading = read();
    expect(reading.taken).toEqual(['tcp', 'tcp', 'udp']);
    expect(reading).toMatchObject({ failure: undefined, problems: 0, interrupted: 0, missing: [] });
    expect(reading.unfinished.size).toBe(0);
  });

  test('what the kernel does not have is not asked for again before 120 rounds are over', () => {
    open(['vsock']);
    for (const kind of ['vsock', 'udplite4', 'udplite6'] as const) own.trouble.set(kind, { errno: 2 });
    expect(read()).toMatchObject({ missing: ['vsock'] });
    for (let i = 1; i < RETRY_POLLS; i++) {
      const { requests, missing, unfinished } = read();
      expect(requests).not.toContain('vsock');
      expect(requests).not.toContain('udplite4');
      expect(missing).toEqual(['vsock']);
      expect(unfinished.size).toBe(0);
    }
    // A module was loaded meanwhile.
    own.trouble.clear();
    const { requests, missing } = read();
    expect(requests).toEqual(expect.arrayContaining(['vsock', 'udplite4', 'udplite6']));
    expect(missing).toEqual([]);
  });

  test.each([2, 22, 93, 95, 97])('error %i says that there is no such thing', (errno) => {
    own.trouble.set('raw4', { errno });
    expect(read().unfinished.size).toBe(0);
    expect(read().requests).not.toContain('raw4');
  });

  test.each([1, 13, 16, 105])('error %i says no such thing: it is asked for again at once', (errno) => {
    own.trouble.set('raw4', { errno });
    expect([...read().unfinished]).toEqual(['raw']);
    expect(read().requests).toContain('raw4');
  });

  test('an error of the socket is that of one question', () => {
    own.sockets = [LISTEN];
    own.trouble.set('udp6', { broken: 105 });
    const { taken, unfinished, failure } = read();
    expect(taken).toEqual(['tcp']);
    expect([...unfinished]).toEqual(['udp']);
    expect(failure).toBeUndefined();
  });
});

describe('what it destroys', () => {
  const opened = (events: boolean) => new Network(kernel, FOUND, { also: [], tcpDetails: false, events });

  test('is told where that is asked for, and where the kernel does', () => {
    expect(opened(false).closes).toBeUndefined();
    const { closes } = opened(true);
    own.destroy({ cookie: 5 });
    closes?.collect(0, 0);
    expect(closes?.take().map(({ id }) => id)).toEqual(['sk:5']);
    own.reportsCloses = false;
    expect(opened(true).closes).toBeUndefined();
  });
});

describe('the socket of two endpoints', () => {
  const CONNECTION: InetFields = { cookie: 9, local: '127.0.0.1:80', remote: '127.0.0.1:4000' };
  const SOCKID = sockIdOf({ address: '127.0.0.1', port: 80 }, { address: '127.0.0.1', port: 4000 });
  const found = () => {
    const ids: string[] = [];
    network.findTcp('ipv4', SOCKID, (buffer, start) => ids.push(cookieId(buffer, start + INET.cookie)));
    return ids;
  };

  test('is asked for; else there is the listener, or nothing', () => {
    own.sockets = [LISTEN, { ...CONNECTION, cookie: 8, remote: '127.0.0.1:4001' }, CONNECTION];
    expect(found()).toEqual(['sk:9']);
    own.sockets = [{ ...LISTEN, local: '0.0.0.0:80' }];
    expect(found()).toEqual(['sk:1']);
    own.sockets = [];
    expect(found()).toEqual([]);
  });

  test('where the kernel does not answer, or nonsense, there is none', () => {
    own.sockets = [CONNECTION];
    own.trouble.set('lookup', { broken: 11 });
    expect(found()).toEqual([]);
    own.trouble.set('lookup', { datagrams: (sequence) => [message(20, new Uint8Array(71), { sequence })] });
    expect(found()).toEqual([]);
    own.trouble.delete('lookup');
    expect(found()).toEqual(['sk:9']);
  });

  test('what else fails is a mistake of ours, and thrown', () => {
    own.answer = () => {
      throw new TypeError('a mistake');
    };
    expect(found).toThrow('a mistake');
  });
});

describe('TCP', () => {
  test('by family where the kernel refuses both at once: in the same reading, and from then on', () => {
    own.sockets = [LISTEN, { ...LISTEN, local: '[::]:80' }];
    own.trouble.set('tcp', { errno: 22 });
    const first = read();
    expect(first.requests.slice(0, 3)).toEqual(['tcp', 'tcp4', 'tcp6']);
    expect(first.taken).toEqual(['tcp', 'tcp']);
    expect(first.unfinished.size).toBe(0);
    expect(read().requests.slice(0, 3)).toEqual(['tcp4', 'tcp6', 'udp4']);
  });

  test('without IPv6 nothing is missed', () => {
    own.trouble.set('tcp', { errno: 22 });
    own.trouble.set('tcp6', { errno: 97 });
    expect(read()).toMatchObject({ failure: undefined, missing: [] });
    expect(read().requests).not.toContain('tcp6');
  });

  test.each([
    [{ errno: 2 }, 'error 2'],
    [{ errno: 1 }, 'error 1'],
    [{ broken: 11 }, 'recv: EBROKEN'],
  ])('refused altogether (%j): the reason', (trouble, text) => {
    own.trouble.set('tcp', trouble);
    own.trouble.set('tcp4', trouble);
    for (let i = 0; i < 2; i++) {
      const { failure, unfinished } = read();
      expect(failure).toBe(text);
      expect([...unfinished]).toContain('tcp');
    }
  });
});

describe('a list that changed while it was made', () => {
  test('is asked for three times at most', () => {
    for (const [times, tries, interrupted] of [
      [1, 2, 0],
      [2, 3, 0],
      [9, 3, 1],
    ] as const) {
      own.trouble.set('udp4', { interrupted: times });
      const reading = read();
      expect(reading.requests.filter((it) => it === 'udp4')).toHaveLength(tries);
      expect(reading.interrupted).toBe(interrupted);
      expect(reading.unfinished.size).toBe(0);
    }
  });
});

describe('its name and its interfaces', () => {
  test('the same object while the name stays; the version tells of another', () => {
    const { netns, version } = network;
    expect(netns).toEqual({ inode: 5 });
    network.update({ ...FOUND, path: '/proc/9/ns/net' });
    expect(network.netns).toBe(netns);
    expect(network.version).toBe(version);
    network.update({ ...FOUND, name: 'shop' });
    expect(network.netns).toEqual({ inode: 5, name: 'shop' });
    expect(network.version).not.toBe(version);
  });

  test('20,000 addresses are asked for once in 16 rounds; the first 64 are shown, and all of them are known', () => {
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
    // One that changes is seen within 16 rounds.
    own.links = [{ index: 2, name: 'eth0', addresses: addresses.slice(1) }];
    for (let i = 0; i < 16; i++) {
      network.readSockets(() => {});
      network.readInterfaces();
    }
    expect(network.interfaces.nameOfAddress('10.0.0.0')).toBeUndefined();
  });

  test('counters are no other version; names and addresses are', () => {
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
    ]) {
      own.links = links;
      network.readInterfaces();
      expect(network.version).not.toBe(version);
      ({ version } = network);
    }
  });
});

describe('which interface has an address', () => {
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
    // All of 127.0.0.0/8 is the loopback's.
    ['127.9.9.9', 'lo'],
    // Two have it.
    ['fe80::1', undefined],
    ['192.0.2.2', undefined],
    // Of an interface that went between the two lists.
    ['192.0.2.9', undefined],
  ])('%s: %s', (address, name) => {
    expect(interfaces.nameOfAddress(address)).toBe(name);
  });

  test('by its index, and its addresses', () => {
    expect([interfaces.nameOf(3), interfaces.nameOf(9)]).toEqual(['eth1', undefined]);
    expect(interfaces.addressesOf(2)).toEqual(['192.0.2.1', 'fe80::1']);
    expect(interfaces.addressesOf(9)).toEqual([]);
  });

  test('without a loopback interface', () => {
    expect(new Interfaces([link(2, 'eth0')], []).nameOfAddress('127.0.0.1')).toBeUndefined();
  });
});
