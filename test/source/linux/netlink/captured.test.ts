import { describe, expect, test } from 'vitest';
import type { SocketState } from '../../../../src/model/socket.ts';
import type { Channel } from '../../../../src/source/linux/netlink/dump.ts';
import { dump, type DumpResult } from '../../../../src/source/linux/netlink/dump.ts';
import { decodeDetails } from '../../../../src/source/linux/netlink/details.ts';
import {
  AF_INET,
  AF_INET6,
  decodeAddresses,
  decodeTimer,
  findInfo,
} from '../../../../src/source/linux/netlink/inet.ts';
import { tcpRequest, inetRequest } from '../../../../src/source/linux/netlink/inet-requests.ts';
import { decodeTraffic } from '../../../../src/source/linux/netlink/traffic.ts';
import { OTHERS } from '../../../../src/source/linux/netlink/others.ts';
import {
  addressesRequest,
  decodeInterfaceAddress,
  decodeLink,
  linksRequest,
} from '../../../../src/source/linux/netlink/route.ts';
import { cookieId } from '../../../../src/source/linux/netlink/cookie.ts';
import { type NetlinkBuffer, setSequence } from '../../../../src/source/linux/netlink/wire.ts';
import { captured, capturedText } from '../../../helpers/netlink/captured.ts';

/** Runs a dump with a captured answer, which gets the sequence number of the request. */
function replay<T>(
  name: string,
  decode: (buffer: NetlinkBuffer, start: number, end: number) => T,
): { items: T[]; result: DumpResult } {
  const { request, datagrams } = captured(name);
  let sequence = new Uint8Array();
  const channel: Channel = {
    send: (message) => (sequence = message.slice(8, 12)),
    receive: (into) => {
      const datagram = datagrams.shift() ?? new Uint8Array();
      into.set(datagram);
      for (let at = 0; at + 16 <= datagram.length;) {
        into.set(sequence, at + 8);
        at += (new DataView(datagram.buffer).getUint32(at, true) + 3) & ~3;
      }
      return datagram.length;
    },
  };
  const items: T[] = [];
  const result = dump(channel, request, (buffer, start, end) => items.push(decode(buffer, start, end)));
  return { items, result };
}

const endpointText = (address: string, port: number) =>
  `${address.includes(':') ? `[${address}]` : address}:${port === 0 ? '*' : port}`;

/** Rewrites an endpoint of ss: `*` for a dual-stack wildcard, and a bound interface after the address. */
const fromSs = (text: string) => text.replace(/^\*:/, '[::]:').replace(/%v0(\]?):/, '$1:');

const NOW_MS = 1_700_000_000_000;

/** States in the words of ss. */
const SS_STATES: Partial<Record<SocketState, string>> = { ESTABLISHED: 'ESTAB', CLOSE: 'UNCONN' };

const inet = (protocol: 'tcp' | 'udp' | 'mptcp') => (buffer: NetlinkBuffer, start: number, end: number) => {
  const info = { start: 0, end: 0 };
  findInfo(buffer, start, end, info);
  const { view } = buffer;
  return {
    id: cookieId(buffer, start + 44),
    addresses: decodeAddresses(buffer, start, protocol),
    uid: view.getUint32(start + 64, true),
    inode: view.getUint32(start + 68, true),
    interfaceIndex: view.getUint32(start + 40, true),
    timer: decodeTimer(buffer, start, NOW_MS),
    traffic: decodeTraffic(buffer, start, info, NOW_MS),
    details: decodeDetails(buffer, start, end),
  };
};

type Inet = ReturnType<ReturnType<typeof inet>>;

/** Formats a decoded socket with the fields that ss prints. */
const row = ({ id, addresses, uid, inode, traffic }: Inet): string => {
  if (!addresses) return `${id} unknown`;
  const { local, remote, state } = addresses;
  const any = local.address.includes(':') ? '[::]:*' : '0.0.0.0:*';
  return [
    state === undefined
      ? 'UNCONN'
      : (SS_STATES[state] ??
        state.replaceAll('_', '-').replace('WAIT1', 'WAIT-1').replace('WAIT2', 'WAIT-2')),
    traffic.recvQueue,
    traffic.sendQueue,
    endpointText(local.address, local.port),
    remote ? endpointText(remote.address, remote.port) : any,
    `uid:${uid}`,
    `ino:${inode}`,
    id,
  ].join(' ');
};

/** Formats a line of ss like `row`. */
const ssRow = (words: readonly string[]): string => {
  const [state, receive, send, local = '', remote = ''] = words;
  const of = (name: string) => words.find((it) => it.startsWith(`${name}:`));
  return [
    state,
    receive,
    send,
    fromSs(local),
    fromSs(remote),
    of('uid') ?? 'uid:0',
    of('ino'),
    of('sk'),
  ].join(' ');
};

describe('captured requests', () => {
  test.each([
    ['tcp-old', tcpRequest(false)],
    ['tcp-old-details', tcpRequest(true)],
    ['tcp4', inetRequest(AF_INET, 'tcp', false)],
    ['tcp6', inetRequest(AF_INET6, 'tcp', false)],
    ['udp4', inetRequest(AF_INET, 'udp', false)],
    // Protocols other than TCP have no details.
    ['udp6', inetRequest(AF_INET6, 'udp', true)],
    ['udplite4', inetRequest(AF_INET, 'udplite', false)],
    ['sctp4', inetRequest(AF_INET, 'sctp', false)],
    ['raw6', inetRequest(AF_INET6, 'raw', false)],
    ['mptcp4', inetRequest(AF_INET, 'mptcp', false)],
    ['mptcp6', inetRequest(AF_INET6, 'mptcp', false)],
    ['packet', OTHERS.packet.request()],
    ['unix', OTHERS.unix.request()],
    ['vsock', OTHERS.vsock.request()],
    ['links', linksRequest()],
    ['addresses', addressesRequest()],
  ])('%s equals that of netpane', (name, request) => {
    setSequence(request, 7);
    expect(Buffer.from(request).toString('hex')).toBe(Buffer.from(captured(name).request).toString('hex'));
  });
});

describe('TCP sockets, as ss printed them', () => {
  const rows = capturedText('tcp').map(ssRow).sort();

  test('of both families by the old request', () => {
    const { items, result } = replay('tcp-old', inet('tcp'));
    expect(result).toEqual({ errno: 0, interrupted: false, problems: 0 });
    // ss 6.1 does not request sockets that are only bound; the kernel reports them with the state CLOSE.
    const bound = items.filter(({ addresses }) => addresses?.state === 'CLOSE');
    expect(bound.map(({ addresses }) => addresses?.local)).toEqual([{ address: '192.0.2.10', port: 83 }]);
    expect(
      items
        .filter((it) => !bound.includes(it))
        .map(row)
        .sort(),
    ).toEqual(rows);
  });

  test('are the same by family', () => {
    const four = replay('tcp4', inet('tcp')).items;
    const six = replay('tcp6', inet('tcp')).items;
    expect(four.every(({ addresses }) => addresses?.family === 'ipv4')).toBe(true);
    expect(six.every(({ addresses }) => addresses?.family === 'ipv6')).toBe(true);
    expect([...four, ...six].map(row).sort()).toEqual(replay('tcp-old', inet('tcp')).items.map(row).sort());
  });

  test('have the counters, windows and times of ss', () => {
    const { items } = replay('tcp-old-details', inet('tcp'));
    let compared = 0;
    for (const words of capturedText('tcp')) {
      const id = words.find((it) => it.startsWith('sk:'));
      const item = items.find((it) => it.id === id);
      const field = (name: string) => {
        const at = words.findIndex((it) => it.startsWith(`${name}:`));
        return at < 0 ? undefined : words[at]?.slice(name.length + 1);
      };
      const isOver = words[0] === 'TIME-WAIT' || words[0] === 'SYN-RECV' || field('wscale') === undefined;
      if (isOver || item === undefined) continue;
      compared++;
      const number = (name: string) => Number(field(name) ?? 0);
      // The peer's FIN counts as a byte.
      const fin = words[0] === 'CLOSE-WAIT' ? 1 : 0;
      const [rtt, rttVar] = (field('rtt') ?? '').split('/').map(Number);
      expect(item.traffic).toMatchObject({
        rxBytes: number('bytes_received') - fin,
        txBytes: number('bytes_sent') - number('bytes_retrans'),
        rxSegments: number('segs_in'),
        txSegments: number('segs_out'),
        retransmits: 0,
        cwnd: number('cwnd'),
        rttMicros: Math.round((rtt ?? 0) * 1000),
        rttVarMicros: Math.round((rttVar ?? 0) * 1000),
      });
      // ss leaves out an unknown rate, and prints rates in bits.
      const at = words.indexOf('delivery_rate');
      const rate = at < 0 ? undefined : Number(words[at + 1]?.replace('bps', '')) / 8;
      expect(item.traffic.deliveryRate).toBe(rate);
      const [sndWscale, rcvWscale] = (field('wscale') ?? '').split(',').map(Number);
      expect(item.details).toMatchObject({
        sndWscale,
        rcvWscale,
        timestamps: words.includes('ts'),
        sack: words.includes('sack'),
        appLimited: words.includes('app_limited'),
        rtoMicros: number('rto') * 1000,
        sndMss: number('mss'),
        pmtu: number('pmtu'),
        rcvMss: number('rcvmss'),
        advMss: number('advmss'),
        minRttMicros: Math.round(number('minrtt') * 1000),
        delivered: number('delivered'),
        rcvSpace: number('rcv_space'),
        rcvSsthresh: number('rcv_ssthresh'),
        sndWnd: number('snd_wnd'),
        dataSegsOut: number('data_segs_out'),
        dataSegsIn: number('data_segs_in'),
        bytesAcked: number('bytes_acked'),
        congestion: 'bbr',
      });
    }
    expect(compared).toBe(15);
  });

  const find = (items: readonly Inet[], local: string, remote: string) =>
    items.find(
      ({ addresses }) =>
        addresses?.remote &&
        endpointText(addresses.local.address, addresses.local.port) === local &&
        endpointText(addresses.remote.address, addresses.remote.port) === remote,
    );

  test('agree at both endpoints of a connection', () => {
    const { items } = replay('tcp4', inet('tcp'));
    const client = find(items, '192.0.2.10:40001', '192.0.2.10:80');
    const server = find(items, '192.0.2.10:80', '192.0.2.10:40001');
    expect(client?.traffic).toMatchObject({ rxBytes: 3_000_000, txBytes: 100_008, recvQueue: 0 });
    expect(server?.traffic).toMatchObject({ rxBytes: 100_008, txBytes: 3_000_000, recvQueue: 8 });
    // About 600 milliseconds before the capture.
    const sentAgoMs = NOW_MS - (client?.traffic.lastSentAtMs ?? 0);
    expect(sentAgoMs).toBeGreaterThan(400);
    expect(sentAgoMs).toBeLessThan(5000);
  });

  test('have no traffic while connecting, and no counters as a listener', () => {
    const { items } = replay('tcp4', inet('tcp'));
    const opening = items.find(({ addresses }) => addresses?.state === 'SYN_SENT');
    expect(opening?.traffic).toMatchObject({ rxBytes: 0, txBytes: 0, txSegments: 1 });
    expect(opening?.traffic).not.toHaveProperty('rttMicros');
    expect(opening?.traffic).not.toHaveProperty('lastSentAtMs');
    expect(opening?.traffic).not.toHaveProperty('lastReceivedAtMs');
    const listener = items.find(({ addresses }) => addresses?.local.port === 80 && addresses.remote === null);
    expect(listener?.traffic).toEqual({ recvQueue: 1, sendQueue: 16 });
  });

  test('timers', () => {
    const timers = replay('tcp-old', inet('tcp')).items.flatMap(({ addresses, timer }) =>
      timer ? `${addresses?.local.port} ${addresses?.state} ${timer.kind} ${timer.retransmits}` : [],
    );
    expect(timers.sort()).toEqual([
      '40007 TIME_WAIT timewait 0',
      '40008 TIME_WAIT timewait 0',
      '40009 FIN_WAIT2 timewait 0',
      '40011 SYN_SENT on 0',
      '80 SYN_RECV on 0',
    ]);
    const [waiting] = replay('tcp4', inet('tcp')).items.filter((it) => it.timer?.kind === 'timewait');
    const dueInMs = (waiting?.timer?.dueAtMs ?? 0) - NOW_MS;
    // TCP_TIMEWAIT_LEN is a minute.
    expect(dueInMs).toBeGreaterThan(50_000);
    expect(dueInMs).toBeLessThanOrEqual(60_000);
  });

  test('have the interface that they are bound to', () => {
    const bound = replay('tcp-old', inet('tcp')).items.filter(({ interfaceIndex }) => interfaceIndex > 0);
    expect(
      [
        ...new Set(
          bound.map(({ addresses, interfaceIndex }) => `${addresses?.local.address} ${interfaceIndex}`),
        ),
      ].sort(),
    ).toEqual(['192.0.2.10 3', 'fe80::1 3']);
  });

  test('are IPv6 only or dual stack', () => {
    const { items } = replay('tcp6', inet('tcp'));
    const only = (port: number) =>
      items.find(({ addresses }) => addresses?.local.port === port && addresses.remote === null)?.details[
        'v6Only'
      ];
    expect([only(8080), only(9000)]).toEqual([false, true]);
  });
});

describe('other protocols, as ss printed them', () => {
  test('MPTCP', () => {
    const { items } = replay('mptcp4', inet('mptcp'));
    expect(items.map(row).sort()).toEqual(capturedText('mptcp').map(ssRow).sort());
  });

  test('UDP of both families has no state if unconnected', () => {
    const items = [...replay('udp4', inet('udp')).items, ...replay('udp6', inet('udp')).items];
    expect(items.map(row).sort()).toEqual(capturedText('udp').map(ssRow).sort());
    expect(
      items
        .filter(({ addresses }) => addresses?.remote === null)
        .map(({ addresses }) => [addresses?.local.port, addresses?.state]),
    ).toEqual([
      [68, undefined],
      [546, undefined],
    ]);
    expect(items.every(({ traffic }) => Object.keys(traffic).join(' ') === 'recvQueue sendQueue')).toBe(true);
  });

  test.each(['raw4', 'raw6', 'sctp4', 'vsock'])('%s: the kernel refuses with ENOENT', (name) => {
    expect(replay(name, () => 0)).toEqual({
      items: [],
      result: { errno: 2, interrupted: false, problems: 0 },
    });
  });

  test('an empty answer has no sockets', () => {
    expect(replay('mptcp6', () => 0)).toEqual({
      items: [],
      result: { errno: 0, interrupted: false, problems: 0 },
    });
  });

  test('packet sockets', () => {
    const { items } = replay('packet', OTHERS.packet.decode);
    const words = capturedText('packet');
    const text = (name: string, line: readonly string[]) => line.find((it) => it.startsWith(`${name}:`));
    expect(items.map((it) => [`ino:${it?.inode}`, it?.id])).toEqual(
      words.map((line) => [text('ino', line), text('sk', line)]),
    );
    expect(items.map((it) => [String(it?.recvQueue), String(it?.sendQueue)])).toEqual(
      words.map(([, , received, sent]) => [received, sent]),
    );
    // All protocols on all interfaces; IPv4 on one.
    expect(items).toMatchObject([
      { protocol: 'packet', local: { address: '*', port: 0, protocol: 3 }, remote: null, uid: 0 },
      {
        protocol: 'packet',
        local: { address: '*', port: 0, protocol: 0x0800 },
        remote: null,
        interfaceIndex: 3,
      },
    ]);
    expect(items[0]?.interfaceIndex).toBeUndefined();
  });

  test('Unix sockets: names, peers and queues', () => {
    const { items } = replay('unix', OTHERS.unix.decode);
    const rows = items.map((it) =>
      [
        it?.state === undefined ? 'UNCONN' : (SS_STATES[it.state] ?? it.state),
        it?.recvQueue,
        it?.sendQueue,
        it?.local.address || '*',
        it?.inode,
        '*',
        it?.peerInode ?? 0,
      ].join(' '),
    );
    expect(rows.sort()).toEqual(
      capturedText('unix')
        .map((words) => words.slice(1, 8).join(' '))
        .sort(),
    );
  });
});

describe('interfaces, as ip printed them', () => {
  test('names, flags and counters', () => {
    const links = replay('links', decodeLink).items;
    expect(links.map((it) => [it?.index, it?.name, it?.isUp, it?.isLoopback])).toEqual([
      [1, 'lo', true, true],
      [2, 'v1', true, false],
      [3, 'v0', true, false],
    ]);
    const bytes = capturedText('links').map((words) => {
      const at = words.findIndex((it) => it.startsWith('RX:'));
      const to = words.findIndex((it) => it.startsWith('TX:'));
      const first = (from: number) => Number(words.slice(from).find((it) => /^\d+$/.test(it)));
      return [first(at), first(to)];
    });
    expect(links.map((it) => [it?.rxBytes, it?.txBytes])).toEqual(bytes);
    expect(bytes[0]?.[0]).toBeGreaterThan(3_000_000);
  });

  test('addresses', () => {
    const texts = replay('addresses', decodeInterfaceAddress).items.map(
      (it) => `${it?.interfaceIndex} ${it?.address}`,
    );
    // The kernel lists one family after the other.
    expect(texts.sort()).toEqual(
      capturedText('addresses')
        .map(([index = '', , , prefix = '']) => `${parseInt(index)} ${prefix.split('/', 1)[0]}`)
        .sort(),
    );
  });
});
