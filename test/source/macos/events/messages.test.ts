import { describe, expect, test } from 'vitest';
import { addAllRequest, decodeDatagram } from '../../../../src/source/macos/events/messages.ts';
import { closeMessage, type FakeSource, removedMessage } from '../../../helpers/macos/statistics.ts';

const TCP: FakeSource = {
  protocol: 'tcp',
  local: ['192.0.2.1', 50_000],
  remote: ['2001:db8::1', 443],
  state: 10,
  pid: 99,
  name: 'curl',
  rxBytes: 2 ** 33 + 100,
  rxDuplicates: 40,
  txBytes: 500,
  txRetransmits: 20,
  srtt: 320,
  rttvar: 48,
  startedTicks: 1000,
  atTicks: 25_000,
};

describe('a datagram', () => {
  test('has all values of a closed TCP source', () => {
    expect(decodeDatagram(closeMessage(TCP))).toEqual({
      closed: [
        {
          protocol: 'tcp',
          local: { family: 'ipv4', isIpv6: false, words: [0, 0, 0, 0x010200c0], port: 50_000 },
          remote: { family: 'ipv6', isIpv6: true, words: [-1_207_107_296, 0, 0, 0x01000000], port: 443 },
          state: 10,
          pid: 99,
          effectivePid: 0,
          processName: 'curl',
          uid: 501,
          rxBytes: 2 ** 33 + 60,
          txBytes: 480,
          srtt: 320,
          rttvar: 48,
          startedTicks: 1000,
          atTicks: 25_000,
        },
      ],
      lost: 0,
      malformed: 0,
      answers: [],
    });
  });

  test('has several messages, of UDP and of user space too', () => {
    const sources: FakeSource[] = [
      { protocol: 'udp', local: ['0.0.0.0', 5353], name: 'mdns', pid: 7, uid: 65 },
      { ...TCP, provider: 3 },
      { protocol: 'udp', provider: 5 },
    ];
    const { closed } = decodeDatagram(Buffer.concat(sources.map(closeMessage)));
    expect(closed.map(({ protocol, pid, processName }) => [protocol, pid, processName])).toEqual([
      ['udp', 7, 'mdns'],
      ['tcp', 99, 'curl'],
      ['udp', 4242, ''],
    ]);
    expect(closed[0]).toMatchObject({ uid: 65, local: { port: 5353 }, remote: undefined, state: undefined });
  });

  test('counts sources whose last values were lost', () => {
    const datagram = Buffer.concat([
      closeMessage(TCP),
      removedMessage(),
      removedMessage(8),
      removedMessage(8),
    ]);
    expect(decodeDatagram(datagram)).toMatchObject({ lost: 2, malformed: 0 });
  });

  test('leaves out updates that are no closes, other providers and unknown messages', () => {
    const unknown = closeMessage(TCP);
    unknown.writeUInt32LE(99_999, 8);
    const others = [closeMessage({ ...TCP, flags: 0 }), closeMessage({ ...TCP, provider: 8 }), unknown];
    expect(decodeDatagram(Buffer.concat(others))).toEqual({ closed: [], lost: 0, malformed: 0, answers: [] });
  });

  test.each([
    ['a length of 0', 0, 496],
    ['a length beyond its end', 60_000, 496],
    ['a descriptor that is too short', 200, 200],
  ])('with %s counts it and ends', (_, length, bytes) => {
    const message = closeMessage(TCP).subarray(0, bytes);
    message.writeUInt16LE(length, 12);
    expect(decodeDatagram(message)).toMatchObject({ closed: [], malformed: 1 });
  });

  test('of less than a header has nothing', () => {
    expect(decodeDatagram(new Uint8Array(15))).toMatchObject({ closed: [], malformed: 0 });
  });
});

test('a link-local address has its interface in the second group, as in the lists of sockets', () => {
  const { closed } = decodeDatagram(closeMessage({ ...TCP, local: ['fe80::4', 1024, 20] }));
  expect(closed[0]?.local?.words[0]).toBe((0x1400 << 16) | 0x80fe);
});

test('a request has the layout of nstat_msg_add_all_srcs', () => {
  const view = new DataView(addAllRequest(4, 7).buffer);
  expect([
    view.byteLength,
    view.getUint32(0, true),
    view.getUint32(8, true),
    view.getUint16(12, true),
  ]).toEqual([56, 7, 1002, 56]);
  expect([view.getBigUint64(16, true), view.getUint32(32, true)]).toEqual([0x100000n, 4]);
});
