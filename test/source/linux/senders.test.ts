import { describe, expect, test } from 'vitest';
import type { Owner } from '../../../src/model/socket.ts';
import { Senders, type UdpSocket } from '../../../src/source/linux/senders.ts';
import { endpoint, ownersText, socket } from '../../helpers/fakes.ts';

const FIRST = 4026531833;
const HERE = FIRST;
const THERE = 4026532000;

const owner = (process: string, pid: number): readonly Owner[] => [{ knowledge: 'exact', process, pid }];
const [dig, evil, decoy] = [owner('dig', 70), owner('evil', 71), owner('decoy', 72)];

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
      family: local.address.includes(':') ? 'ipv6' : 'ipv4',
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
    },
    owners,
    netns === undefined ? undefined : { netns, mayHaveMoved },
  );
}

const ended = (local: string, remote: string | null = null, family?: 'ipv6'): UdpSocket => ({
  netns: HERE,
  family: family ?? (local.startsWith('[') ? 'ipv6' : 'ipv4'),
  local: endpoint(local),
  remote: remote === null ? null : endpoint(remote),
});

/** Who is behind a socket. @param sent who sent from where to where, in which namespace: ours unless given */
function ownerOf(
  it: UdpSocket,
  ...sent: readonly (readonly [readonly Owner[], string, string?, (number | null)?])[]
): string {
  const senders = new Senders(FIRST);
  for (const [who, from, to, netns = HERE] of sent) addSent(senders, who, from, to, netns ?? undefined);
  return ownersText({ ...socket(), owners: senders.takeOwners(it, () => false) });
}

const DIG = 'sender dig 70';
const UNKNOWN = 'unknown - -';
const GONE = 'gone - -';

describe('the program that sent', () => {
  test.each<[string, UdpSocket, Parameters<typeof ownerOf>[1][], string]>([
    ['from its address', ended('192.0.2.1:5000'), [[dig, '192.0.2.1:5000']], DIG],
    ['from any address', ended('0.0.0.0:5000'), [[dig, '0.0.0.0:5000']], DIG],
    ['from an address that it chose for each packet', ended('0.0.0.0:5000'), [[dig, '192.0.2.1:5000']], DIG],
    ['from a socket of IPv6', ended('[::]:5000'), [[dig, '[::]:5000', '[2001:db8::1]:53']], DIG],
    ['by IPv4 from a socket of IPv6', ended('[::]:5000'), [[dig, '0.0.0.0:5000']], DIG],
    ['from a mapped address', ended('[::ffff:192.0.2.1]:5000'), [[dig, '192.0.2.1:5000']], DIG],
    [
      'before it had an address, to its peer',
      ended('192.0.2.1:5000', '192.0.2.53:53'),
      [[dig, '0.0.0.0:5000']],
      DIG,
    ],
    [
      'by IPv6 likewise',
      ended('[2001:db8::2]:5000', '[2001:db8::1]:53'),
      [[dig, '[::]:5000', '[2001:db8::1]:53']],
      DIG,
    ],
    ['to a group that it is bound to', ended('224.0.0.251:5353'), [[dig, '0.0.0.0:5353']], DIG],
    ['from another port', ended('192.0.2.1:5000'), [[dig, '192.0.2.1:5001']], GONE],
    ['from another address', ended('127.0.0.2:5000'), [[decoy, '127.0.0.3:5000']], GONE],
    [
      'before it had an address, to another peer',
      ended('192.0.2.1:5000', '192.0.2.53:53'),
      [[decoy, '0.0.0.0:5000', '192.0.2.9:9']],
      GONE,
    ],
    [
      'to another peer than that of the connection',
      ended('192.0.2.1:5000', '192.0.2.53:53'),
      [[decoy, '192.0.2.1:5000', '192.0.2.9:9']],
      GONE,
    ],
    [
      'by IPv6 from a socket of IPv4',
      ended('0.0.0.0:5000'),
      [[decoy, '[::]:5000', '[2001:db8::1]:53']],
      GONE,
    ],
    [
      'in another namespace',
      ended('192.0.2.1:5000'),
      [[decoy, '192.0.2.1:5000', '192.0.2.53:53', THERE]],
      GONE,
    ],
    [
      'in another namespace, beside the one here',
      ended('127.0.0.1:5000'),
      [
        [decoy, '127.0.0.1:5000', '127.0.0.1:9', THERE],
        [dig, '127.0.0.1:5000'],
      ],
      DIG,
    ],
    [
      'from another address, beside the one from here',
      ended('127.0.0.2:5000'),
      [
        [dig, '127.0.0.2:5000'],
        [decoy, '127.0.0.3:5000'],
      ],
      DIG,
    ],
    [
      'in a namespace that could not be read',
      ended('192.0.2.1:5000'),
      [[decoy, '192.0.2.1:5000', '192.0.2.53:53', null]],
      UNKNOWN,
    ],
    [
      'or another one in such a namespace',
      ended('192.0.2.1:5000'),
      [
        [dig, '192.0.2.1:5000'],
        [decoy, '192.0.2.1:5000', '192.0.2.53:53', null],
      ],
      UNKNOWN,
    ],
    [
      'or another one from the same address (SO_REUSEPORT)',
      ended('192.0.2.1:5000'),
      [
        [evil, '192.0.2.1:5000'],
        [decoy, '192.0.2.1:5000'],
      ],
      UNKNOWN,
    ],
    ['from a port that is not known yet', ended('192.0.2.1:0'), [[decoy, '192.0.2.1:0']], GONE],
  ])('%s', (_, it, sent, expected) => {
    expect(ownerOf(it, ...sent)).toBe(expected);
  });
});

describe('a process that has ended may have entered another namespace', () => {
  const from = '192.0.2.1:5000';
  const there: UdpSocket = { ...ended(from), netns: THERE };
  const taken = (it: UdpSocket, ...began: readonly (readonly [readonly Owner[], number, boolean])[]) => {
    const senders = new Senders(FIRST);
    for (const [who, netns, hasEnded] of began) addSent(senders, who, from, undefined, netns, hasEnded);
    return [it, it].map((each) => ownersText({ ...socket(), owners: senders.takeOwners(each, () => false) }));
  };

  test('from the first one: it is named where it alone sent, once', () => {
    expect(taken(there, [dig, FIRST, true])).toEqual([DIG, GONE]);
  });

  test.each<[string, UdpSocket, [readonly Owner[], number, boolean][], string]>([
    ['one that lives has not', there, [[dig, FIRST, false]], GONE],
    ['no user enters the first one', ended(from), [[decoy, THERE, true]], GONE],
    ['nor one of another user', there, [[decoy, 4026532001, true]], GONE],
    [
      'one that sent there comes first',
      there,
      [
        [dig, THERE, false],
        [decoy, FIRST, true],
      ],
      DIG,
    ],
    [
      'of two it may be either',
      there,
      [
        [evil, FIRST, true],
        [decoy, FIRST, true],
      ],
      UNKNOWN,
    ],
  ])('%s', (_, it, began, expected) => {
    expect(taken(it, ...began)[0]).toBe(expected);
  });
});

test('gives the reason where no program is named', () => {
  const senders = new Senders(FIRST);
  for (const who of [evil, decoy]) addSent(senders, who, '192.0.2.1:5000', undefined, HERE);
  expect(senders.takeOwners(ended('192.0.2.1:5000'), () => false)).toEqual([
    { knowledge: 'unknown', tried: 'several programs sent from its port and address' },
  ]);
});

test('who sent is forgotten with the socket, but not while another one has its port and address', () => {
  const senders = new Senders(FIRST);
  const take = (isShared: boolean) => {
    const knowledge = senders.takeOwners(ended('192.0.2.1:5000'), () => isShared)[0]?.knowledge;
    senders.removeReleased();
    return knowledge;
  };
  addSent(senders, dig, '192.0.2.1:5000', undefined, HERE);
  expect([take(true), take(false), take(false)]).toEqual(['unknown', 'sender', 'gone']);
});

test('each of several that ended since the last drain may be any sender’s', () => {
  const senders = new Senders(FIRST);
  const take = () => senders.takeOwners(ended('192.0.2.1:5000'), () => false)[0]?.knowledge;
  for (const who of [evil, decoy]) addSent(senders, who, '192.0.2.1:5000', undefined, HERE);
  expect([take(), take()]).toEqual(['unknown', 'unknown']);
  senders.removeReleased();
  expect(take()).toBe('gone');
});

test('another socket is asked about only where somebody sent', () => {
  const asked = (): boolean => {
    throw new Error('it was asked');
  };
  expect(new Senders(FIRST).takeOwners(ended('192.0.2.1:5000'), asked)).toEqual([{ knowledge: 'gone' }]);
});

test('a program that sends to more peers than are kept may have sent to any', () => {
  const senders = new Senders(FIRST);
  for (let i = 1; i <= 100; i++) addSent(senders, dig, '192.0.2.1:5000', `198.51.100.${i}:53`, HERE);
  const it = senders.takeOwners(ended('192.0.2.1:5000', '198.51.100.99:53'), () => false);
  expect(ownersText({ ...socket(), owners: it })).toBe(DIG);
});

test('more programs than are kept at one place are several', () => {
  const senders = new Senders(FIRST);
  for (let pid = 1; pid <= 100; pid++)
    addSent(senders, owner('p', pid), '192.0.2.1:5000', `198.51.100.${pid}:53`, HERE);
  const it = senders.takeOwners(ended('192.0.2.1:5000', '198.51.100.99:53'), () => false);
  expect(it[0]?.knowledge).toBe('unknown');
});

test('places beyond the most that are kept push out the oldest ones', () => {
  const senders = new Senders(FIRST);
  for (let port = 1; port <= 10_001; port++) addSent(senders, dig, `192.0.2.1:${port}`, undefined, HERE);
  const knowledgeAt = (port: number) =>
    senders.takeOwners(ended(`192.0.2.1:${port}`), () => false)[0]?.knowledge;
  expect([1, 2, 10_001].map(knowledgeAt)).toEqual(['gone', 'sender', 'sender']);
  // A place that is gone is not found by a socket on any address either.
  expect(senders.takeOwners(ended('0.0.0.0:1'), () => false)).toEqual([{ knowledge: 'gone' }]);
});
