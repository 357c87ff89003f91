import { describe, expect, test } from 'vitest';
import type { Protocol, SocketState } from '../../../../src/model/socket.ts';
import {
  AF_INET,
  AF_INET6,
  tcpRequest,
  decodeAddresses,
  decodeDetails,
  decodeTimer,
  decodeTraffic,
  findInfo,
  inetRequest,
  tcpProbe,
} from '../../../../src/source/linux/netlink/inet.ts';
import {
  attribute,
  bufferOf,
  type InetFields,
  inetPayload,
  joined,
  struct,
  tcpInfo,
  TCP_INFO_LENGTH,
} from '../../../helpers/netlink.ts';

const NOW_MS = 1_700_000_000_000;

/** Decodes a message with all decoders; the bytes after it have the value `behind`. */
function decode(bytes: Uint8Array, protocol: Protocol = 'tcp', behind = 0xa5) {
  const buffer = bufferOf(bytes, { behind });
  const info = { start: 0, end: 0 };
  findInfo(buffer, 0, bytes.length, info);
  return {
    info: { ...info },
    addresses: decodeAddresses(buffer, 0, protocol),
    timer: decodeTimer(buffer, 0, NOW_MS),
    traffic: decodeTraffic(buffer, 0, info, NOW_MS),
    details: decodeDetails(buffer, 0, bytes.length),
  };
}

const of = (fields: Partial<InetFields>, protocol: Protocol = 'tcp') =>
  decode(inetPayload({ cookie: 1, ...fields }), protocol);

describe('requests', () => {
  /** Fields after the header of 16 bytes: family, protocol, extensions, states. */
  const fields = (request: Uint8Array) => ({
    length: request.length,
    family: request[16],
    protocol: request[17],
    extensions: request[18],
    states: [...request.subarray(20, 24)],
    rest: request.subarray(24).some((byte) => byte !== 0),
  });
  const ALL = [255, 255, 255, 255];

  test.each([
    ['tcp', 6],
    ['udp', 17],
    ['sctp', 132],
    ['udplite', 136],
    ['raw', 255],
  ] as const)('%s by family requests details only for TCP', (protocol, number) => {
    for (const family of [AF_INET, AF_INET6] as const) {
      expect(fields(inetRequest(family, protocol, false))).toEqual({
        length: 72,
        family,
        protocol: number,
        extensions: protocol === 'tcp' ? 0b10 : 0,
        states: ALL,
        rest: false,
      });
      expect(fields(inetRequest(family, protocol, true)).extensions).toBe(protocol === 'tcp' ? 0b1110 : 0);
    }
  });

  test('MPTCP has its number in an attribute', () => {
    const request = inetRequest(AF_INET, 'mptcp', false);
    expect(fields(request)).toMatchObject({ length: 80, protocol: 255, states: ALL });
    expect(request.subarray(72)).toEqual(
      struct(8, [
        [0, 2, 8],
        [2, 2, 3],
        [4, 4, 262],
      ]),
    );
  });

  test('tcpRequest covers both families', () => {
    const request = tcpRequest(true);
    const expected = struct(76, [
      [0, 4, 76],
      [4, 2, 18],
      [6, 2, 0x301],
      [19, 1, 0b1110],
      [68, 4, 0xffffffff],
    ]);
    expect(request).toEqual(expected);
    expect(tcpRequest(false)[19]).toBe(0b10);
  });

  test('tcpProbe asks for sockets in no state', () => {
    expect(fields(tcpProbe())).toMatchObject({ length: 72, family: 2, protocol: 6, extensions: 0 });
    expect(fields(tcpProbe()).states).toEqual([0, 0, 0, 0]);
  });
});

describe('decodeAddresses', () => {
  test.each([
    ['127.0.0.1:80', '192.0.2.1:65535', 'ipv4'],
    ['[2001:db8::10]:443', '[::1]:1', 'ipv6'],
    ['[::ffff:192.0.2.10]:443', '[::ffff:198.51.100.7]:1', 'ipv6'],
  ])('decodes %s → %s', (local, remote, family) => {
    const { addresses } = of({ local, remote });
    const text = ({ address, port }: { address: string; port: number }) =>
      `${family === 'ipv6' ? `[${address}]` : address}:${port}`;
    expect(addresses && [text(addresses.local), addresses.remote && text(addresses.remote)]).toEqual([
      local,
      remote,
    ]);
    expect(addresses).toMatchObject({ family, state: 'ESTABLISHED' });
  });

  test.each([
    'ESTABLISHED',
    'SYN_SENT',
    'SYN_RECV',
    'FIN_WAIT1',
    'FIN_WAIT2',
    'TIME_WAIT',
    'CLOSE',
    'CLOSE_WAIT',
    'LAST_ACK',
    'LISTEN',
    'CLOSING',
    'NEW_SYN_RECV',
    'BOUND_INACTIVE',
  ] as const)('decodes the TCP state %s', (state) => {
    expect(of({ state }).addresses?.state).toBe(state);
    expect(of({ state }, 'mptcp').addresses?.state).toBe(state);
  });

  test.each(['udp', 'udplite'] as const)('%s has a state only if it is connected', (protocol) => {
    const unconnected = of({ state: 'CLOSE' }, protocol).addresses;
    expect(unconnected).toMatchObject({ remote: null });
    expect(unconnected?.state).toBeUndefined();
    expect(of({ remote: '192.0.2.1:53' }, protocol).addresses).toMatchObject({
      remote: { address: '192.0.2.1', port: 53 },
      state: 'ESTABLISHED',
    });
  });

  test('a raw socket has its protocol and no ports', () => {
    expect(of({ local: '127.0.0.1:89', state: 'CLOSE' }, 'raw').addresses).toEqual({
      family: 'ipv4',
      local: { address: '127.0.0.1', port: 0, protocol: 89 },
      remote: null,
      state: undefined,
    });
    expect(of({ local: '127.0.0.1:89', remote: '192.0.2.1:53' }, 'raw').addresses).toMatchObject({
      remote: { address: '192.0.2.1', port: 0 },
      state: 'ESTABLISHED',
    });
  });

  test.each<[number, SocketState]>([
    [0, 'CLOSE'],
    [1, 'SYN_SENT'],
    [2, 'SYN_RECV'],
    [3, 'ESTABLISHED'],
    [4, 'FIN_WAIT1'],
    [5, 'FIN_WAIT1'],
    [6, 'CLOSE_WAIT'],
    [7, 'LAST_ACK'],
    [10, 'LISTEN'],
  ])('decodes the SCTP state %i as %s', (state, name) => {
    expect(of({ state }, 'sctp').addresses?.state).toBe(name);
  });

  test('has no remote endpoint for a listener, and for any address with port 0', () => {
    expect(of({ state: 'LISTEN', remote: '192.0.2.1:1' }).addresses?.remote).toBeNull();
    expect(of({ local: '[::]:80', state: 'CLOSE' }).addresses?.remote).toBeNull();
    expect(of({ remote: '0.0.0.0:53' }).addresses?.remote).toEqual({ address: '0.0.0.0', port: 53 });
    expect(of({ remote: '192.0.2.1:0' }, 'raw').addresses?.remote).toEqual({ address: '192.0.2.1', port: 0 });
  });

  test.each([0, 14, 255])('returns undefined for the unknown state %i', (state) => {
    expect(of({ state }).addresses).toBeUndefined();
  });

  test.each([0, 1, 9, 11, 255])('returns undefined for the unknown family %i', (family) => {
    expect(of({ family }).addresses).toBeUndefined();
  });
});

describe('decodeTimer', () => {
  test.each(['on', 'keepalive', 'timewait', 'persist'] as const)('decodes the timer %s', (kind) => {
    expect(of({ timer: { kind, expiresMs: 1500, retransmits: 3 } }).timer).toEqual({
      kind,
      dueAtMs: NOW_MS + 1500,
      retransmits: 3,
    });
  });

  test('returns undefined without a timer and for an unknown kind', () => {
    expect(of({}).timer).toBeUndefined();
    const bytes = inetPayload({ cookie: 1 });
    bytes[2] = 5;
    expect(decode(bytes).timer).toBeUndefined();
  });
});

const BUSY = {
  rttMicros: 1500,
  rttVarMicros: 700,
  sndCwnd: 12,
  totalRetrans: 3,
  bytesAcked: 5001,
  bytesReceived: 9000,
  segsOut: 40,
  segsIn: 50,
  deliveryRate: 2 ** 33,
  bytesSent: 6000,
  bytesRetrans: 500,
  lastDataSentMs: 20,
  lastDataRecvMs: 30,
};

describe('decodeTraffic', () => {
  test('decodes all fields', () => {
    expect(of({ info: BUSY, recvQueue: 1, sendQueue: 2 }).traffic).toEqual({
      recvQueue: 1,
      sendQueue: 2,
      rxBytes: 9000,
      txBytes: 5500,
      rxSegments: 50,
      txSegments: 40,
      retransmits: 3,
      rttMicros: 1500,
      rttVarMicros: 700,
      cwnd: 12,
      deliveryRate: 2 ** 33,
      lastSentAtMs: NOW_MS - 20,
      lastReceivedAtMs: NOW_MS - 30,
    });
  });

  /** Lengths of struct tcp_info: Linux 2.6.13, 4.1, 4.9 … */
  test.each([
    [104, ['cwnd', 'recvQueue', 'retransmits', 'rttMicros', 'rttVarMicros', 'sendQueue']],
    [
      136,
      'cwnd lastReceivedAtMs lastSentAtMs recvQueue retransmits rttMicros rttVarMicros rxBytes sendQueue txBytes'.split(
        ' ',
      ),
    ],
    [
      168,
      'cwnd deliveryRate lastReceivedAtMs lastSentAtMs recvQueue retransmits rttMicros rttVarMicros rxBytes rxSegments sendQueue txBytes txSegments'.split(
        ' ',
      ),
    ],
  ])('leaves out fields beyond the %i bytes of an older kernel', (infoLength, fields) => {
    const { traffic } = of({ info: BUSY, infoLength });
    expect(Object.keys(traffic).sort()).toEqual(fields);
  });

  test('counts acknowledged bytes if the kernel does not count sent bytes', () => {
    expect(of({ info: BUSY, infoLength: 192 }).traffic.txBytes).toBe(5001);
    // With the sent bytes, but without the retransmitted ones.
    expect(of({ info: BUSY, infoLength: 208 }).traffic.txBytes).toBe(6000);
  });

  test('ignores the additional fields of a newer kernel', () => {
    expect(of({ info: BUSY, infoLength: 400 }).traffic).toEqual(of({ info: BUSY }).traffic);
  });

  test.each([undefined, 0, 3])('decodes only queues with struct tcp_info of length %s', (infoLength) => {
    const { traffic } = of({ ...(infoLength !== undefined && { infoLength }), recvQueue: 4 });
    expect(traffic).toEqual({ recvQueue: 4, sendQueue: 0 });
  });

  test('decodes only queues of a listener', () => {
    expect(of({ state: 'LISTEN', info: BUSY, recvQueue: 2, sendQueue: 128 }).traffic).toEqual({
      recvQueue: 2,
      sendQueue: 128,
    });
  });

  test.each([
    ['ESTABLISHED', 9000],
    ['CLOSE_WAIT', 8999],
    ['LAST_ACK', 8999],
    ['CLOSING', 8999],
    ['FIN_WAIT2', 9000],
  ] as const)("%s: does not count the peer's FIN as a byte", (state, rxBytes) => {
    expect(of({ state, info: BUSY }).traffic.rxBytes).toBe(rxBytes);
  });

  test('counts 0 received bytes if only the FIN was received', () => {
    expect(of({ state: 'CLOSE_WAIT', info: { bytesReceived: 1 } }).traffic.rxBytes).toBe(0);
    expect(of({ state: 'CLOSE_WAIT', info: { bytesReceived: 0 } }).traffic.rxBytes).toBe(0);
  });

  test('leaves out times of last data and rates that do not exist', () => {
    const { traffic } = of({ info: { rttVarMicros: 5, lastDataSentMs: 20, lastDataRecvMs: 30, segsOut: 1 } });
    expect(traffic).toEqual({
      recvQueue: 0,
      sendQueue: 0,
      rxBytes: 0,
      txBytes: 0,
      rxSegments: 0,
      txSegments: 1,
      retransmits: 0,
      cwnd: 0,
    });
    // Without data, the kernel counts from the start of its clock.
    const { traffic: odd } = of({ info: { ...BUSY, lastDataSentMs: 2 ** 32 - 5, lastDataRecvMs: 2 ** 31 } });
    expect(odd).not.toHaveProperty('lastSentAtMs');
    expect(odd).not.toHaveProperty('lastReceivedAtMs');
  });
});

describe('attributes', () => {
  const CONG = attribute(4, Buffer.from('cubic\0'));
  const MARK = attribute(15, struct(4, [[0, 4, 0x1234]]));
  const ONLY = attribute(11, Uint8Array.of(1));
  const SHUTDOWN = attribute(8, Uint8Array.of(3));
  const CGROUP = attribute(21, struct(8, [[0, 8, 77]]));
  const UNKNOWN = attribute(99, new Uint8Array(13));

  test('decodes all known attributes in any order among unknown ones', () => {
    const attributes = [UNKNOWN, CGROUP, SHUTDOWN, ONLY, MARK, CONG];
    const { details, traffic } = of({ attributes, info: BUSY });
    expect(details).toMatchObject({
      congestion: 'cubic',
      mark: 0x1234,
      v6Only: true,
      shutdown: 3,
      cgroupId: 77,
      sndCwnd: 12,
    });
    expect(traffic.cwnd).toBe(12);
  });

  test('decodes a message without attributes', () => {
    const { details, info } = of({});
    expect(details).toEqual({});
    expect(info.start).toBe(info.end);
  });

  test('ignores attributes that are too short', () => {
    const attributes = [
      attribute(4, new Uint8Array()),
      attribute(8, new Uint8Array()),
      attribute(11, new Uint8Array()),
      attribute(15, new Uint8Array(3)),
      attribute(21, new Uint8Array(7)),
    ];
    expect(of({ attributes }).details).toEqual({ congestion: '' });
  });

  test.each([0, 3, 4000, 0xffff])('stops at an attribute of invalid length %i', (length) => {
    const { details, traffic } = of({
      attributes: [CONG, attribute(99, new Uint8Array(4), length)],
      info: BUSY,
    });
    expect(details).toEqual({ congestion: 'cubic' });
    expect(traffic).toEqual({ recvQueue: 0, sendQueue: 0 });
  });

  test('does not read past the end of a truncated message', () => {
    const whole = joined(inetPayload({ cookie: 1 }), CONG, attribute(2, tcpInfo(BUSY)), MARK);
    for (let length = 72; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      expect(decode(cut, 'tcp', 0xff)).toEqual(decode(cut, 'tcp', 0));
    }
  });

  test('decodes all of struct tcp_info with its flags', () => {
    const info = tcpInfo({
      pacingRate: 5,
      maxPacingRate: 0,
      totalRto: 7,
      totalRtoRecoveries: 8,
      totalRtoTimeMs: 9,
    });
    info.set([1, 2, 3, 4, 5, 0b101011, 0x73, 1]);
    new DataView(info.buffer).setBigUint64(112, 2n ** 64n - 1n);
    const { details } = decode(joined(inetPayload({ cookie: 1 }), attribute(2, info)));
    expect(details).toMatchObject({
      retransmitsInRow: 3,
      probes: 4,
      backoff: 5,
      timestamps: true,
      sack: true,
      windowScaling: false,
      ecn: true,
      ecnSeen: false,
      synData: true,
      sndWscale: 3,
      rcvWscale: 7,
      appLimited: true,
      pacingRate: 5,
      totalRto: 7,
      totalRtoRecoveries: 8,
      totalRtoTimeMs: 9,
    });
    // An unlimited rate is left out.
    expect(details).not.toHaveProperty('maxPacingRate');
  });

  test.each([104, 168, 192, 248])(
    '%i bytes of struct tcp_info have only the fields that end within them',
    (infoLength) => {
      const ends: Record<string, number> = {
        totalRetrans: 104,
        pacingRate: 112,
        dataSegsOut: 160,
        deliveryRate: 168,
        sndbufLimitedMicros: 192,
        delivered: 196,
        rehash: 240,
        totalRtoTimeMs: TCP_INFO_LENGTH,
      };
      const { details } = of({ infoLength });
      const known = Object.entries(ends).filter(([name]) => name in details);
      expect(known.map(([name]) => name)).toEqual(
        Object.keys(ends).filter((name) => (ends[name] ?? 0) <= infoLength),
      );
    },
  );
});
