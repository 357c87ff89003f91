import { DATAGRAM_LENGTH } from '../netlink/datagrams.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';

/*
 * The filter of a capture socket (classic BPF, Documentation/networking/filter.rst). It runs in the kernel on each packet of a
 * network namespace, from the IP header on, and lets through:
 *
 *     answers of DNS, multicast DNS and LLMNR that arrive here
 *     the start of TLS, to any port, and of QUIC, to port 443, that leave from here
 *
 * A packet over loopback comes twice, when it leaves and when it arrives: the filter lets it through once.
 */

/** Codes of instructions, include/uapi/linux/bpf_common.h. `…At` adds the index register to an offset. */
const CODE = {
  load: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  loadAt: 0x40,
  loadHalfAt: 0x48,
  loadByteAt: 0x50,
  /** Index = length of the IPv4 header at an offset. */
  headerLength: 0xb1,
  index: 0x01,
  indexFromValue: 0x07,
  /** Stores the value in memory. */
  keep: 0x02,
  /** Loads the stored value. */
  kept: 0x60,
  and: 0x54,
  shiftRight: 0x74,
  addIndex: 0x0c,
  jump: 0x05,
  equal: 0x15,
  greater: 0x25,
  anyBit: 0x45,
  /** Ends the program: the first bytes of the packet pass, as many as the value; none for 0. */
  give: 0x06,
} as const;

/** Offsets that load no bytes of the packet, but facts about it (SKF_AD_OFF, include/uapi/linux/filter.h). */
const PROTOCOL = 0xfffff000;
const PACKET_TYPE = 0xfffff004;

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const TRANSPORT = { tcp: 6, udp: 17 } as const;
/** Kinds of packets, include/uapi/linux/if_packet.h: those to this machine, to all and to a group are 0 to 2. */
const TO_GROUP = 2;
const OUTGOING = 4;

const DNS_PORTS = [53, 5353, 5355] as const;
/** The bit of a DNS message that marks a response; the byte with it. */
const RESPONSE = 0x80;
const FLAGS_AT = 2;

type Code = keyof typeof CODE;
/** An instruction. A jump has the labels of its targets; undefined for the next instruction. */
interface Step {
  readonly code: Code;
  readonly value: number;
  readonly yes?: string | undefined;
  readonly no?: string | undefined;
  readonly label?: string;
}

const step = (code: Code, value = 0): Step => ({ code, value });
/** Returns a step with a label, to which others jump. */
const at = (label: string, next: Step): Step => ({ ...next, label });
/** Returns a step that jumps to `no` if the condition does not hold for the loaded value. */
const unless = (code: 'equal' | 'greater' | 'anyBit', value: number, no: string): Step => ({
  code,
  value,
  no,
});
/** Returns a step that jumps to `yes` if the condition holds for the loaded value. */
const when = (code: 'equal' | 'greater' | 'anyBit', value: number, yes: string): Step => ({
  code,
  value,
  yes,
});
/** Returns a step that always jumps. */
const go = (yes: string): Step => ({ code: 'jump', value: 0, yes });

/** The program. A load behind the end of the packet ends it, and the packet does not pass. */
const PROGRAM: readonly Step[] = [
  step('load', PROTOCOL),
  when('equal', ETHERTYPE.ipv6, 'ipv6'),
  unless('equal', ETHERTYPE.ipv4, 'refuse'),
  // Only the first fragment of a packet has ports.
  step('loadHalf', 6),
  when('anyBit', 0x1fff, 'refuse'),
  step('headerLength', 0),
  step('loadByte', 9),
  go('transport'),
  at('ipv6', step('index', 40)),
  step('loadByte', 6),
  at('transport', when('equal', TRANSPORT.tcp, 'tcp')),
  unless('equal', TRANSPORT.udp, 'refuse'),

  step('loadHalfAt', 0),
  ...DNS_PORTS.map((port) => when('equal', port, 'udp answer')),
  step('loadHalfAt', 2),
  unless('equal', 443, 'refuse'),
  // The first packet of QUIC version 1 (RFC 9000, section 17.2.2): a long header of the type Initial.
  step('loadByteAt', 8),
  step('and', 0xf0),
  unless('equal', 0xc0, 'refuse'),
  step('loadAt', 9),
  unless('equal', 1, 'refuse'),
  go('leaves'),
  at('udp answer', step('loadByteAt', 8 + FLAGS_AT)),
  go('answer'),

  at('tcp', step('loadHalfAt', 0)),
  step('keep'),
  // The index becomes the start of the data: the length of the header is in its byte 12, in units of four bytes.
  step('loadByteAt', 12),
  step('and', 0xf0),
  step('shiftRight', 2),
  step('addIndex'),
  step('indexFromValue'),
  step('kept'),
  when('equal', 53, 'tcp answer'),
  // The start of TLS, of any version: a record of the type handshake, with a ClientHello.
  step('loadHalfAt', 0),
  unless('equal', 0x1603, 'refuse'),
  step('loadByteAt', 5),
  unless('equal', 1, 'refuse'),
  go('leaves'),
  // DNS over TCP: two bytes with the length come before the message.
  at('tcp answer', step('loadByteAt', 2 + FLAGS_AT)),

  at('answer', unless('anyBit', RESPONSE, 'refuse')),
  step('load', PACKET_TYPE),
  { code: 'greater', value: TO_GROUP, yes: 'refuse', no: 'pass' },
  at('leaves', step('load', PACKET_TYPE)),
  unless('equal', OUTGOING, 'refuse'),
  at('pass', step('give', DATAGRAM_LENGTH)),
  at('refuse', step('give', 0)),
];

/** Returns the filter as an array of `struct sock_filter`. It cuts a packet that passes to `DATAGRAM_LENGTH`. */
export function captureFilter(): Uint8Array {
  const bytes = new Uint8Array(8 * PROGRAM.length);
  const view = new DataView(bytes.buffer);
  const labels = new Map(
    PROGRAM.flatMap(({ label }, i) => (label === undefined ? [] : [[label, i] as const])),
  );
  for (const [i, { code, value, yes, no }] of PROGRAM.entries()) {
    const distance = (label: string | undefined): number =>
      label === undefined ? 0 : (labels.get(label) ?? 0) - i - 1;
    view.setUint16(8 * i, CODE[code], LITTLE_ENDIAN);
    if (code === 'jump') view.setUint32(8 * i + 4, distance(yes), LITTLE_ENDIAN);
    else {
      view.setUint8(8 * i + 2, distance(yes));
      view.setUint8(8 * i + 3, distance(no));
      view.setUint32(8 * i + 4, value, LITTLE_ENDIAN);
    }
  }
  return bytes;
}
