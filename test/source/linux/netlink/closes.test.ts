import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../../src/model/socket.ts';
import { Closes, decodeClosed } from '../../../../src/source/linux/netlink/closes.ts';
import { sockIdOf, sockIdAt, tcpLookupRequest } from '../../../../src/source/linux/netlink/inet.ts';
import type { ClosesChannel } from '../../../../src/source/linux/netlink/system.ts';
import { setSequence } from '../../../../src/source/linux/netlink/wire.ts';
import { Proc } from '../../../../src/source/linux/proc.ts';
import { SockDiagSource } from '../../../../src/source/linux/sockdiag.ts';
import { endpoint } from '../../../helpers/fakes.ts';
import {
  requestKind,
  attribute,
  bufferOf,
  closeMessage,
  FakeNetlink,
  type InetFields,
  joined,
  message,
} from '../../../helpers/netlink.ts';

const WALL_MS = 1_700_000_000_000;

/** A message as the program decodes it; its header is 16 bytes long. */
function decoded(datagram: Uint8Array, { length = datagram.length, behind = 0xa5 } = {}) {
  return decodeClosed(bufferOf(datagram, { behind }), 16, length, 5, WALL_MS);
}

const CLOSED: InetFields = {
  cookie: 0x1_0000_0002,
  local: '192.0.2.1:4000',
  remote: '192.0.2.2:80',
  interfaceIndex: 3,
};
const INFO = {
  rttMicros: 30,
  bytesSent: 150,
  bytesRetrans: 50,
  bytesAcked: 102,
  bytesReceived: 201,
  dataSegsIn: 3,
  lastDataSentMs: 40,
  lastDataRecvMs: 70,
} as const;

describe('the word of a socket that is destroyed', () => {
  test('everything that it says', () => {
    expect(decoded(closeMessage({ ...CLOSED, info: INFO }))).toMatchObject({
      atMs: 5,
      id: 'sk:100000002',
      protocol: 'tcp',
      addresses: {
        family: 'ipv4',
        local: { address: '192.0.2.1', port: 4000 },
        remote: { address: '192.0.2.2', port: 80 },
        state: 'CLOSE',
      },
      interfaceIndex: 3,
      traffic: { rxBytes: 201, txBytes: 100, rttMicros: 30, lastReceivedAtMs: WALL_MS - 70 },
      end: { synFinAcked: 2, dataSegmentsIn: 3, lifetimeMs: 70, isFullLifetime: false },
    });
  });

  test('UDP and UDP-Lite, of which there is nothing more', () => {
    for (const protocol of ['udp', 'udplite'] as const) {
      const closed = decoded(closeMessage({ ...CLOSED, protocol, info: INFO }));
      expect(closed).toMatchObject({ protocol, addresses: { local: { port: 4000 } } });
      expect(closed).not.toHaveProperty('traffic');
      expect(closed?.addresses.state).toBeUndefined();
    }
  });

  test('what is no socket of the Internet that is known is none', () => {
    const bare = (attributes: readonly Uint8Array[], fields: Partial<InetFields> = {}) =>
      decoded(message(20, joined(closeMessage({ ...CLOSED, ...fields }).subarray(16, 88), ...attributes)), {
        // What stands behind looks like the number of TCP.
        behind: 6,
      });
    expect(bare([attribute(10, Uint8Array.of(6))])?.protocol).toBe('tcp');
    expect(bare([])).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of())])).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of(132))])).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of(6))], { family: 1 })).toBeUndefined();
    expect(bare([attribute(10, Uint8Array.of(6))], { state: 99 })).toBeUndefined();
    expect(decoded(closeMessage(CLOSED), { length: 16 + 71 })).toBeUndefined();
  });

  test('a struct tcp_info of older kernels tells what is in it', () => {
    // Linux 4.2 ends behind the bytes acknowledged and received.
    const old = decoded(closeMessage({ ...CLOSED, info: INFO, infoLength: 136 }));
    expect(old).toMatchObject({
      traffic: { rxBytes: 201, txBytes: 102 },
      end: { lifetimeMs: 70, dataSegmentsIn: 0, synFinAcked: 102 },
    });
    const empty = decoded(closeMessage({ ...CLOSED, info: INFO, infoLength: 0 }));
    expect(empty?.protocol).toBe('tcp');
    expect(empty).not.toHaveProperty('end');
  });
});

/** A channel that gives this in turn, and then nothing. */
const channelOf = (
  results: (Uint8Array | number)[],
  drops: () => number | undefined = () => 0,
): ClosesChannel => ({
  receiveNow: (into) => {
    const result = results.shift() ?? -11;
    if (typeof result === 'number') return result;
    into.set(result);
    return result.length;
  },
  drops,
});

describe('receiving them', () => {
  const word = closeMessage(CLOSED);

  test('all that there is, whatever comes between; each is given once', () => {
    const closes = new Closes(channelOf([word, -4, joined(word, word), -105, word]));
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(4);
    expect(closes.take()).toEqual([]);
    expect(closes.takeLost()).toBe(0);
    expect(closes.problems).toBe(0);
  });

  test('up to an error, and from there on the next time', () => {
    const closes = new Closes(channelOf([word, -12, word]));
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(1);
    closes.collect(6, WALL_MS);
    expect(closes.take().map(({ atMs }) => atMs)).toEqual([6]);
  });

  test('what makes no sense is counted, and so is what is cut', () => {
    const closes = new Closes(
      channelOf([
        closeMessage({ ...CLOSED, family: 1 }),
        joined(word, message(20, new Uint8Array(4)), word),
        message(20, new Uint8Array(80), { sequence: 0, length: 4000 }),
        joined(word, closeMessage({ ...CLOSED, family: 1 })),
      ]),
    );
    closes.collect(5, WALL_MS);
    // A message with a number answers a question, which was not asked here.
    expect(closes.take()).toHaveLength(3);
    expect(closes.problems).toBe(3);
  });

  test('no more at once than somebody else can be kept waiting for', () => {
    for (const endless of [word.length, -105, -4]) {
      let count = 0;
      const closes = new Closes({
        receiveNow: (into) => {
          if (endless > 0) into.set(word);
          if (++count > 1_000_000) throw new Error('it does not end');
          return endless;
        },
        drops: () => 0,
      });
      closes.collect(5, WALL_MS);
      expect(closes.take().length).toBe(endless > 0 ? count : 0);
    }
  });

  test('bounds the messages that wait, however often they are collected: the rest stays with the kernel', () => {
    let left = 1_000_000;
    const closes = new Closes({
      receiveNow: (into) => {
        into.set(word);
        left--;
        return word.length;
      },
      drops: () => 0,
    });
    for (let i = 0; i < 100; i++) closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(10_000);
    expect(left).toBe(990_000);
    closes.collect(6, WALL_MS);
    expect(closes.take()).toHaveLength(10_000);
  });

  test('where memory is short fewer wait', () => {
    const closes = new Closes(channelOf([word, word, word, word]), 3);
    closes.collect(5, WALL_MS);
    expect(closes.take()).toHaveLength(3);
    closes.collect(6, WALL_MS);
    expect(closes.take()).toHaveLength(1);
  });

  test('how many were lost is asked only where something came', () => {
    let asked = 0;
    const drops = [10, 12, 12, 19];
    const results: (Uint8Array | number)[] = [];
    const closes = new Closes(
      channelOf(results, () => {
        asked++;
        return drops.shift();
      }),
    );
    const lost = [];
    for (const each of [[], [-105, word], [word], [-105]]) {
      results.push(...each);
      closes.collect(5, WALL_MS);
      lost.push(closes.takeLost());
    }
    expect(lost).toEqual([0, 2, 0, 7]);
    expect(asked).toBe(4);
  });

  test('where the kernel does not count, that some were', () => {
    const closes = new Closes(channelOf([word, -105, word], () => undefined));
    closes.collect(5, WALL_MS);
    expect([closes.takeLost(), closes.takeLost()]).toEqual([undefined, 0]);
  });
});

/** What was captured of sockets that were closed, with what is known of them otherwise: see fixtures/linux/netlink. */
const file = (end: string) =>
  readFileSync(new URL(`../../../../fixtures/linux/netlink/closes${end}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
const PARTS = file('.b64').map((line) => new Uint8Array(Buffer.from(line, 'base64')));
const CAPTURED = file('.txt').map((line, i) => {
  const [name = '', protocol, local = '', remote, sent, received, lived] = line.split(' ');
  const [word, request, answer] = PARTS.slice(3 * i) as [Uint8Array, Uint8Array, Uint8Array];
  const number = (text: string | undefined) => (text === '-' ? undefined : Number(text));
  return {
    name,
    protocol,
    local: endpoint(local),
    remote: remote === undefined || remote === '-' ? null : endpoint(remote),
    txBytes: number(sent),
    rxBytes: number(received),
    lived: lived === undefined || lived === '-' ? undefined : lived.split(':').map(Number),
    word,
    request,
    answer,
  };
});

/** Ends that the kernel forgets as they reset the connection. */
const FORGOTTEN = ['reset-server', 'reset6-server', 'idle-reset-server'];

/** Ends of which something is left when word of them comes. */
const LEFT: Readonly<Record<string, string>> = {
  'active-client': 'FIN_WAIT2',
  'active6-client': 'FIN_WAIT2',
  'idle-client': 'FIN_WAIT2',
  'upload-client': 'FIN_WAIT2',
  'download-client': 'FIN_WAIT2',
  'mapped-server': 'FIN_WAIT2',
  'waits-client': 'TIME_WAIT',
  'waits6-client': 'TIME_WAIT',
};

/** Ends of which traffic is known. */
const TRAFFIC = CAPTURED.filter(({ name, txBytes }) => txBytes !== undefined && !FORGOTTEN.includes(name));

/** What netpane tells of a word that was captured, where the kernel gives the answer that was captured with it. */
function kernelEvents({ word, request, answer }: (typeof CAPTURED)[number]) {
  const kernel = new FakeNetlink();
  kernel.own.notifications = [word];
  const others = kernel.own.answer.bind(kernel.own);
  kernel.own.answer = (asked, isRoute) => {
    if (requestKind(asked, isRoute) !== 'lookup') return others(asked, isRoute);
    expect(Buffer.from(asked.subarray(12)).toString('hex')).toBe(
      Buffer.from(request.subarray(12)).toString('hex'),
    );
    const numbered = answer.slice();
    numbered.set(asked.subarray(8, 12), 8);
    return [numbered];
  };
  class BareProc extends Proc {
    override link(path: string) {
      return path === 'self/ns/net' ? { value: 'net:[1]' } : super.link(path);
    }
  }
  const source = new SockDiagSource({
    also: [],
    tcpDetails: false,
    ownerBudgetMs: Infinity,
    isRoot: false,
    events: true,
    system: kernel,
    proc: new BareProc('/nowhere'),
    passwdPath: 'passwd',
    root: '/nowhere',
    nowMs: () => 0,
    wallMs: () => WALL_MS,
  });
  const kernelEvents = source.events?.drain() ?? [];
  expect(source.events?.problems).toBe(0);
  return kernelEvents;
}

const endOf = (it: (typeof CAPTURED)[number]) => {
  const [end, ...others] = kernelEvents(it);
  if (end?.type !== 'ended' || others.length > 0) throw new Error(`${it.name} has no ended event`);
  return end;
};

describe('words that were captured', () => {
  test('are there', () => {
    expect(CAPTURED).toHaveLength(PARTS.length / 3);
    expect(TRAFFIC.length).toBeGreaterThan(20);
  });

  test('the request for what has the same endpoints, byte for byte', () => {
    for (const { protocol, local, remote, word, request } of CAPTURED) {
      if (protocol !== 'tcp') continue;
      const family = local.address.includes(':') ? 'ipv6' : 'ipv4';
      const sockIds = [sockIdAt(bufferOf(word), 16)];
      // From texts, where the kernel has not forgotten the peer.
      if (remote) sockIds.push(sockIdOf(local, remote));
      for (const sockId of sockIds) {
        const made = tcpLookupRequest(family, sockId);
        setSequence(made, 7);
        expect(Buffer.from(made).toString('hex')).toBe(Buffer.from(request).toString('hex'));
      }
    }
  });

  test.each(CAPTURED.filter(({ local }) => local.port === 0))('$name was nowhere: nothing is told', (it) => {
    expect(decoded(it.word)?.protocol).toBe(it.protocol);
    expect(kernelEvents(it)).toEqual([]);
  });

  test.each(CAPTURED.filter(({ local }) => local.port > 0))('$name: where it was, and what is left', (it) => {
    const { socket, remnant } = endOf(it);
    const { protocol, local, remote } = socket;
    const plain = (end: Endpoint | null) => end && { address: end.address, port: end.port };
    expect({ protocol, local: plain(local), remote: plain(remote) }).toEqual({
      protocol: it.protocol,
      local: it.local,
      remote: it.remote,
    });
    // The kernel says 0 of every one.
    expect([socket.uid, socket.user, socket.inode]).toEqual([undefined, undefined, undefined]);
    expect(remnant?.state).toBe(LEFT[it.name]);
    if (remnant) expect(remnant.id).not.toBe(socket.id);
  });

  test.each(TRAFFIC)('$name: its bytes', (it) => {
    const { traffic } = endOf(it).socket;
    expect([traffic?.txBytes, traffic?.rxBytes]).toEqual([it.txBytes, it.rxBytes]);
  });

  test.each(CAPTURED.filter(({ lived }) => lived !== undefined))('$name: how long it lived', (it) => {
    const { lifetimeMs, isAtLeast } = endOf(it);
    if (FORGOTTEN.includes(it.name)) {
      expect(lifetimeMs).toBeUndefined();
      return;
    }
    const [least = 0, most = 0] = it.lived ?? [];
    expect(lifetimeMs).toBeLessThanOrEqual(most);
    // In one direction nothing went.
    const isWhole = it.txBytes === 0 || it.rxBytes === 0;
    expect(isAtLeast).toBe(!isWhole);
    // The kernel's tick may be 10 ms.
    if (isWhole) expect(lifetimeMs).toBeGreaterThanOrEqual(least - 10);
  });

  test.each(CAPTURED.filter(({ name, txBytes }) => txBytes === undefined || FORGOTTEN.includes(name)))(
    '$name: of what never was a connection, or is forgotten, nothing is made up',
    (it) => {
      if (it.local.port === 0) return;
      const end = endOf(it);
      expect(end).not.toHaveProperty('lifetimeMs');
      expect(end.socket).not.toHaveProperty('traffic');
    },
  );
});
