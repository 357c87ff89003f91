import { describe, expect, test } from 'vitest';
import type { Owner } from '../../../../src/model/socket.ts';
import { Senders, type UdpSocket } from '../../../../src/source/linux/events/senders.ts';
import { endpoint, ownersText, socket } from '../../../helpers/fakes.ts';

// Inodes of network namespaces; the sockets of these tests are in the initial one unless a test says otherwise.
const INITIAL = 4026531833;
const HERE = INITIAL;
const THERE = 4026532000;

const owner = (process: string, pid: number): readonly Owner[] => [{ knowledge: 'exact', process, pid }];
/** Senders: `dig` is usually the expected owner; `decoy` never is, nor is `other`, which competes with it. */
const [dig, other, decoy] = [owner('dig', 70), owner('other', 71), owner('decoy', 72)];

/** Adds a sender. @param netns namespace of the process; without it, the namespace could not be read */
function addSent(
  senders: Senders,
  owners: readonly Owner[],
  from: string,
  to = '192.0.2.53:53',
  netns?: number,
  mayHaveMoved = false,
) {
  const [local, remote] = [endpoint(from), endpoint(to)];
  senders.add(
    {
      type: 'route',
      atMs: 0,
      tid: 1,
      inProcess: true,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
    },
    owners,
    netns === undefined ? undefined : { netns, mayHaveMoved },
  );
}

/** Returns a closed UDP socket of the initial namespace. */
const closed = (local: string, remote: string | null = null, family?: 'ipv6'): UdpSocket => ({
  netns: HERE,
  family: family ?? (local.startsWith('[') ? 'ipv6' : 'ipv4'),
  local: endpoint(local),
  remote: remote === null ? null : endpoint(remote),
});

/**
 * Returns the owner of a closed socket.
 * @param sent process, source, destination and namespace of each sender: HERE by default, null if it could not be read
 */
function ownerOf(
  it: UdpSocket,
  ...sent: readonly (readonly [readonly Owner[], string, string?, (number | null)?])[]
): string {
  const senders = new Senders(INITIAL);
  for (const [who, from, to, netns = HERE] of sent) addSent(senders, who, from, to, netns ?? undefined);
  return ownersText({ ...socket(), owners: senders.takeOwners(it, () => false) });
}

const DIG = 'sender dig 70';
/** Several processes may have sent, or the namespace of one could not be read. */
const UNKNOWN = 'unknown - -';
/** No sender matches. */
const GONE = 'gone - -';

describe('the owner is the process that sent', () => {
  test.each<[string, UdpSocket, Parameters<typeof ownerOf>[1][], string]>([
    ['from the address of the socket', closed('192.0.2.1:5000'), [[dig, '192.0.2.1:5000']], DIG],
    ['from the unspecified address', closed('0.0.0.0:5000'), [[dig, '0.0.0.0:5000']], DIG],
    ['from an address chosen per packet', closed('0.0.0.0:5000'), [[dig, '192.0.2.1:5000']], DIG],
    ['from an IPv6 socket', closed('[::]:5000'), [[dig, '[::]:5000', '[2001:db8::1]:53']], DIG],
    ['by IPv4 from an IPv6 socket', closed('[::]:5000'), [[dig, '0.0.0.0:5000']], DIG],
    ['from an IPv4-mapped address', closed('[::ffff:192.0.2.1]:5000'), [[dig, '192.0.2.1:5000']], DIG],
    [
      'before the socket had an address, to its peer',
      closed('192.0.2.1:5000', '192.0.2.53:53'),
      [[dig, '0.0.0.0:5000']],
      DIG,
    ],
    [
      'before the socket had an IPv6 address, to its peer',
      closed('[2001:db8::2]:5000', '[2001:db8::1]:53'),
      [[dig, '[::]:5000', '[2001:db8::1]:53']],
      DIG,
    ],
    ['by a socket bound to a multicast group', closed('224.0.0.251:5353'), [[dig, '0.0.0.0:5353']], DIG],
    ['unless from another port', closed('192.0.2.1:5000'), [[dig, '192.0.2.1:5001']], GONE],
    ['unless from another address', closed('127.0.0.2:5000'), [[decoy, '127.0.0.3:5000']], GONE],
    [
      'unless to another peer before the socket had an address',
      closed('192.0.2.1:5000', '192.0.2.53:53'),
      [[decoy, '0.0.0.0:5000', '192.0.2.9:9']],
      GONE,
    ],
    [
      'unless to another peer than the connected one',
      closed('192.0.2.1:5000', '192.0.2.53:53'),
      [[decoy, '192.0.2.1:5000', '192.0.2.9:9']],
      GONE,
    ],
    [
      'unless by IPv6 from an IPv4 socket',
      closed('0.0.0.0:5000'),
      [[decoy, '[::]:5000', '[2001:db8::1]:53']],
      GONE,
    ],
    [
      'unless in another namespace',
      closed('192.0.2.1:5000'),
      [[decoy, '192.0.2.1:5000', '192.0.2.53:53', THERE]],
      GONE,
    ],
    [
      'despite another sender in another namespace',
      closed('127.0.0.1:5000'),
      [
        [decoy, '127.0.0.1:5000', '127.0.0.1:9', THERE],
        [dig, '127.0.0.1:5000'],
      ],
      DIG,
    ],
    [
      'despite another sender from another address',
      closed('127.0.0.2:5000'),
      [
        [dig, '127.0.0.2:5000'],
        [decoy, '127.0.0.3:5000'],
      ],
      DIG,
    ],
    [
      'unless in a namespace that could not be read',
      closed('192.0.2.1:5000'),
      [[decoy, '192.0.2.1:5000', '192.0.2.53:53', null]],
      UNKNOWN,
    ],
    [
      'unless another one sent in a namespace that could not be read',
      closed('192.0.2.1:5000'),
      [
        [dig, '192.0.2.1:5000'],
        [decoy, '192.0.2.1:5000', '192.0.2.53:53', null],
      ],
      UNKNOWN,
    ],
    [
      'unless another one sent from the same address (SO_REUSEPORT)',
      closed('192.0.2.1:5000'),
      [
        [other, '192.0.2.1:5000'],
        [decoy, '192.0.2.1:5000'],
      ],
      UNKNOWN,
    ],
    ['unless the port is unknown', closed('192.0.2.1:0'), [[decoy, '192.0.2.1:0']], GONE],
  ])('%s', (_, it, sent, expected) => {
    expect(ownerOf(it, ...sent)).toBe(expected);
  });
});

describe('a sender that may have entered another namespace before it ended', () => {
  const from = '192.0.2.1:5000';
  const there: UdpSocket = { ...closed(from), netns: THERE };
  /**
   * Returns the owners of two equal sockets, closed one after the other.
   * @param sentBy process, namespace that it started in, and whether it may have entered another one
   */
  const ownersOfTwo = (
    it: UdpSocket,
    ...sentBy: readonly (readonly [readonly Owner[], number, boolean])[]
  ) => {
    const senders = new Senders(INITIAL);
    for (const [who, netns, mayHaveMoved] of sentBy)
      addSent(senders, who, from, undefined, netns, mayHaveMoved);
    return [it, it].map((each) => ownersText({ ...socket(), owners: senders.takeOwners(each, () => false) }));
  };

  test('is the owner of one socket, if it is the only sender and began in the initial namespace', () => {
    expect(ownersOfTwo(there, [dig, INITIAL, true])).toEqual([DIG, GONE]);
  });

  test.each<[string, UdpSocket, [readonly Owner[], number, boolean][], string]>([
    ['is not the owner if it cannot have moved', there, [[dig, INITIAL, false]], GONE],
    ['is not the owner of a socket in the initial namespace', closed(from), [[decoy, THERE, true]], GONE],
    [
      'is not the owner if it started in another namespace than the initial one',
      there,
      [[decoy, 4026532001, true]],
      GONE,
    ],
    [
      'comes after a sender in the namespace of the socket',
      there,
      [
        [dig, THERE, false],
        [decoy, INITIAL, true],
      ],
      DIG,
    ],
    [
      'is not the owner if there are two',
      there,
      [
        [other, INITIAL, true],
        [decoy, INITIAL, true],
      ],
      UNKNOWN,
    ],
  ])('%s', (_, it, sentBy, expected) => {
    expect(ownersOfTwo(it, ...sentBy)[0]).toBe(expected);
  });
});

test('gives the reason why the owner is unknown', () => {
  const senders = new Senders(INITIAL);
  for (const who of [other, decoy]) addSent(senders, who, '192.0.2.1:5000', undefined, HERE);
  expect(senders.takeOwners(closed('192.0.2.1:5000'), () => false)).toEqual([
    { knowledge: 'unknown', tried: 'several programs sent from its address and port' },
  ]);
});

test('removes the sender after the close unless another socket has its port and address', () => {
  const senders = new Senders(INITIAL);
  const close = (isShared: boolean) => {
    const knowledge = senders.takeOwners(closed('192.0.2.1:5000'), () => isShared)[0]?.knowledge;
    senders.removeReleased();
    return knowledge;
  };
  addSent(senders, dig, '192.0.2.1:5000', undefined, HERE);
  expect([close(true), close(false), close(false)]).toEqual(['unknown', 'sender', 'gone']);
});

test('keeps the senders of a closed socket for further sockets until removeReleased is called', () => {
  const senders = new Senders(INITIAL);
  const close = () => senders.takeOwners(closed('192.0.2.1:5000'), () => false)[0]?.knowledge;
  for (const who of [other, decoy]) addSent(senders, who, '192.0.2.1:5000', undefined, HERE);
  expect([close(), close()]).toEqual(['unknown', 'unknown']);
  senders.removeReleased();
  expect(close()).toBe('gone');
});

test('searches for another socket only if there are senders', () => {
  const isShared = (): boolean => {
    throw new Error('it was called');
  };
  expect(new Senders(INITIAL).takeOwners(closed('192.0.2.1:5000'), isShared)).toEqual([
    { knowledge: 'gone' },
  ]);
});

test('assumes any peer for a sender with more peers than are kept', () => {
  const senders = new Senders(INITIAL);
  for (let i = 1; i <= 100; i++) addSent(senders, dig, '192.0.2.1:5000', `198.51.100.${i}:53`, HERE);
  const it = senders.takeOwners(closed('192.0.2.1:5000', '198.51.100.99:53'), () => false);
  expect(ownersText({ ...socket(), owners: it })).toBe(DIG);
});

test('gives an unknown owner if more processes sent than are kept', () => {
  const senders = new Senders(INITIAL);
  for (let pid = 1; pid <= 100; pid++)
    addSent(senders, owner('p', pid), '192.0.2.1:5000', `198.51.100.${pid}:53`, HERE);
  const it = senders.takeOwners(closed('192.0.2.1:5000', '198.51.100.99:53'), () => false);
  expect(it[0]?.knowledge).toBe('unknown');
});

test('removes the oldest endpoints beyond the maximum', () => {
  const senders = new Senders(INITIAL);
  for (let port = 1; port <= 10_001; port++) addSent(senders, dig, `192.0.2.1:${port}`, undefined, HERE);
  const knowledgeAt = (port: number) =>
    senders.takeOwners(closed(`192.0.2.1:${port}`), () => false)[0]?.knowledge;
  expect([1, 2, 10_001].map(knowledgeAt)).toEqual(['gone', 'sender', 'sender']);
  // The removed endpoint is not found for a socket on the unspecified address either.
  expect(senders.takeOwners(closed('0.0.0.0:1'), () => false)).toEqual([{ knowledge: 'gone' }]);
});
