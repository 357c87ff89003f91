import { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { parseBits } from '../../src/model/address-bits.ts';

/** An endpoint of a packet: address and port. */
export type PacketEnd = readonly [address: string, port: number];

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);

/** Returns the bytes of an address. */
export function addressBytes(address: string): Buffer {
  const bits = parseBits(address) ?? 0;
  return typeof bits === 'number' ? u32(bits) : Buffer.concat(bits.map(u16));
}

/** Returns an IP packet with a UDP datagram or a TCP segment; checksums are 0. */
export function ipPacket(
  protocol: 'udp' | 'tcp',
  [source, sourcePort]: PacketEnd,
  [destination, destinationPort]: PacketEnd,
  payload: Uint8Array,
): Buffer {
  const ports = Buffer.concat([u16(sourcePort), u16(destinationPort)]);
  const header =
    protocol === 'udp'
      ? Buffer.concat([ports, u16(8 + payload.length), u16(0)])
      : Buffer.concat([ports, u32(1), u32(1), u16(0x5018), u16(1024), u32(0)]);
  const transport = Buffer.concat([header, payload]);
  const number = protocol === 'udp' ? 17 : 6;
  const addresses = Buffer.concat([addressBytes(source), addressBytes(destination)]);
  return source.includes(':')
    ? Buffer.concat([
        u32(0x6000_0000),
        u16(transport.length),
        Buffer.from([number, 64]),
        addresses,
        transport,
      ])
    : Buffer.concat([
        u16(0x4500),
        u16(20 + transport.length),
        u32(0),
        Buffer.from([64, number, 0, 0]),
        addresses,
        transport,
      ]);
}

/** Returns a domain name as DNS writes it, without compression. */
export const dnsName = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);

/** A record of a DNS message; `name` is a domain name, or the bytes of one. */
export interface DnsRecord {
  readonly name: string | Uint8Array;
  readonly type: 'A' | 'AAAA' | 'CNAME' | 'TXT';
  /** An address, a domain name or a text. */
  readonly value: string;
  readonly ttlSeconds?: number;
  readonly class?: number;
}

const TYPES = { A: 1, AAAA: 28, CNAME: 5, TXT: 16 } as const;

function recordBytes({ name, type, value, ttlSeconds = 60, class: number = 1 }: DnsRecord): Buffer {
  const data = type === 'CNAME' ? dnsName(value) : type === 'TXT' ? Buffer.from(value) : addressBytes(value);
  const owner = typeof name === 'string' ? dnsName(name) : name;
  return Buffer.concat([owner, u16(TYPES[type]), u16(number), u32(ttlSeconds), u16(data.length), data]);
}

/** Returns a DNS message. @param question undefined for none, as in multicast DNS */
export function dnsMessage(
  question: string | undefined,
  answers: readonly DnsRecord[],
  { flags = 0x8180, additional = [] }: { flags?: number; additional?: readonly DnsRecord[] } = {},
): Buffer {
  return Buffer.concat([
    u16(1),
    u16(flags),
    u16(question === undefined ? 0 : 1),
    u16(answers.length),
    u16(0),
    u16(additional.length),
    ...(question === undefined ? [] : [dnsName(question), u16(1), u16(1)]),
    ...[...answers, ...additional].map(recordBytes),
  ]);
}

/** A pointer to the question, which begins right after the header. */
export const TO_QUESTION = u16(0xc00c);

/** Returns a message as DNS over TCP sends it. */
export const withLength = (message: Uint8Array): Buffer => Buffer.concat([u16(message.length), message]);

/** Resolves to the first bytes that OpenSSL sends to connect to a server with this name: a record with a ClientHello. */
export function clientHello(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        resolve(chunk);
        done();
        socket.destroy();
      },
    });
    connect({ socket, servername }).on('error', () => undefined);
  });
}
