import { describe, expect, test } from 'vitest';
import { captureFilter } from '../../../../src/source/linux/names/capture-filter.ts';
import { LITTLE_ENDIAN } from '../../../../src/source/linux/netlink/wire.ts';
import {
  clientHello,
  dnsMessage,
  ipPacket,
  type PacketEnd,
  TO_QUESTION,
  withLength,
} from '../../../helpers/packets.ts';
import { quicInitial } from '../../../helpers/quic.ts';

/** Kinds of packets, include/uapi/linux/if_packet.h. */
const KIND = { toHost: 0, broadcast: 1, multicast: 2, toOthers: 3, outgoing: 4 } as const;
const PASSES = 4096;

/** Runs the filter on an IP packet, as the kernel does: a load behind the end of the packet ends it with 0. */
function run(
  packet: Uint8Array,
  kind: number,
  protocol = (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800,
): number {
  const bytes = captureFilter();
  const program = new DataView(bytes.buffer);
  const data = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const memory: number[] = [];
  let [value, index] = [0, 0];
  for (let at = 0; at < bytes.length; at += 8) {
    const code = program.getUint16(at, LITTLE_ENDIAN);
    const k = program.getUint32(at + 4, LITTLE_ENDIAN);
    const go = (isTrue: boolean) => (at += 8 * program.getUint8(at + (isTrue ? 2 : 3)));
    const load = (from: number): number | undefined => {
      if (from === 0xfffff000) return protocol;
      if (from === 0xfffff004) return kind;
      const length = { 0x00: 4, 0x08: 2, 0x10: 1 }[code & 0x18] ?? 0;
      if (from + length > packet.length) return undefined;
      return length === 4 ? data.getUint32(from) : length === 2 ? data.getUint16(from) : data.getUint8(from);
    };
    if (code === 0xb1) index = ((packet[k] ?? 0) & 15) * 4;
    else if ((code & 7) === 0 && code !== 0x60) {
      const loaded = load((code & 0xe0) === 0x40 ? index + k : k);
      if (loaded === undefined) return 0;
      value = loaded;
    } else if (code === 0x60) value = memory[k] ?? 0;
    else if (code === 0x02) memory[k] = value;
    else if (code === 0x01) index = k;
    else if (code === 0x07) index = value;
    else if (code === 0x54) value &= k;
    else if (code === 0x74) value >>>= k;
    else if (code === 0x0c) value += index;
    else if (code === 0x05) at += 8 * k;
    else if (code === 0x15) go(value === k);
    else if (code === 0x25) go(value > k);
    else if (code === 0x45) go((value & k) !== 0);
    else if (code === 0x06) return k;
    else throw new Error(`the instruction ${code}`);
  }
  throw new Error('the filter has no end');
}

const NEAR: PacketEnd = ['10.0.0.2', 40_000];
const NEAR6: PacketEnd = ['fd00::2', 40_000];
const ANSWER = dnsMessage('api.example', [{ name: TO_QUESTION, type: 'A', value: '192.0.2.1' }]);
const QUESTION = dnsMessage('api.example', [], { flags: 0x0100 });
const HELLO = await clientHello('api.example');
const QUIC = quicInitial(Buffer.from('12345678'), [{ offset: 0, bytes: HELLO.subarray(5) }]);

describe('answers', () => {
  test.each([53, 5353, 5355])('from port %d arrive', (port) => {
    const packet = ipPacket('udp', ['10.0.0.1', port], NEAR, ANSWER);
    const results = Object.values(KIND).map((kind) => run(packet, kind));
    expect(results).toEqual([PASSES, PASSES, PASSES, 0, 0]);
    expect(run(ipPacket('udp', ['fd00::1', port], NEAR6, ANSWER), KIND.toHost)).toBe(PASSES);
  });

  test('over TCP arrive, without the segments that have no data', () => {
    expect(run(ipPacket('tcp', ['10.0.0.1', 53], NEAR, withLength(ANSWER)), KIND.toHost)).toBe(PASSES);
    expect(run(ipPacket('tcp', ['10.0.0.1', 53], NEAR, withLength(ANSWER)), KIND.outgoing)).toBe(0);
    expect(run(ipPacket('tcp', ['10.0.0.1', 53], NEAR, Buffer.alloc(0)), KIND.toHost)).toBe(0);
  });

  test('from other ports, and questions, do not', () => {
    expect(run(ipPacket('udp', ['10.0.0.1', 54], NEAR, ANSWER), KIND.toHost)).toBe(0);
    expect(run(ipPacket('udp', ['10.0.0.1', 53], NEAR, QUESTION), KIND.toHost)).toBe(0);
    expect(run(ipPacket('tcp', ['10.0.0.1', 53], NEAR, withLength(QUESTION)), KIND.toHost)).toBe(0);
    expect(run(ipPacket('udp', NEAR, ['10.0.0.1', 53], QUESTION), KIND.outgoing)).toBe(0);
  });
});

describe('the start of a connection', () => {
  test('by TLS leaves to any port', () => {
    for (const packet of [
      ipPacket('tcp', NEAR, ['10.0.0.1', 443], HELLO),
      ipPacket('tcp', NEAR6, ['fd00::1', 8443], HELLO),
    ]) {
      expect(run(packet, KIND.outgoing)).toBe(PASSES);
      expect(run(packet, KIND.toHost)).toBe(0);
    }
  });

  test('by QUIC leaves to port 443', () => {
    expect(run(ipPacket('udp', NEAR, ['10.0.0.1', 443], QUIC), KIND.outgoing)).toBe(PASSES);
    expect(run(ipPacket('udp', NEAR, ['10.0.0.1', 443], QUIC), KIND.toHost)).toBe(0);
    expect(run(ipPacket('udp', NEAR, ['10.0.0.1', 444], QUIC), KIND.outgoing)).toBe(0);
  });

  test('any other data does not pass', () => {
    const tls = (at: number, byte: number) => {
      const record = Buffer.from(HELLO);
      record[at] = byte;
      return run(ipPacket('tcp', NEAR, ['10.0.0.1', 443], record), KIND.outgoing);
    };
    expect([tls(0, 0x17), tls(1, 2), tls(5, 2)]).toEqual([0, 0, 0]);
    const quic = (at: number, byte: number) => {
      const datagram = Buffer.from(QUIC);
      datagram[at] = byte;
      return run(ipPacket('udp', NEAR, ['10.0.0.1', 443], datagram), KIND.outgoing);
    };
    expect([quic(0, 0x40), quic(0, 0xe0), quic(4, 2)]).toEqual([0, 0, 0]);
  });
});

test('a later fragment, another protocol and a short packet do not pass', () => {
  const packet = ipPacket('udp', ['10.0.0.1', 53], NEAR, ANSWER);
  const fragment = Buffer.from(packet);
  fragment[7] = 1;
  const icmp = Buffer.from(packet);
  icmp[9] = 1;
  expect([run(fragment, KIND.toHost), run(icmp, KIND.toHost), run(packet, KIND.toHost, 0x0806)]).toEqual([
    0, 0, 0,
  ]);
  for (let length = 0; length < 31; length++)
    expect(run(packet.subarray(0, length), KIND.toHost, 0x0800)).toBe(0);
});
