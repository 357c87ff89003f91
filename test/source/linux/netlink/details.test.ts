import { describe, expect, test } from 'vitest';
import {
  attribute,
  inetPayload,
  joined,
  struct,
  tcpInfo,
  TCP_INFO_LENGTH,
} from '../../../helpers/netlink/messages.ts';
import { BUSY, decode, of } from './decode.ts';

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
