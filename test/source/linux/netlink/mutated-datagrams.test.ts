import { describe, expect, test } from 'vitest';
import type { Protocol } from '../../../../src/model/socket.ts';
import { decodeClosed } from '../../../../src/source/linux/netlink/closes.ts';
import { decodeDetails } from '../../../../src/source/linux/netlink/details.ts';
import { decodeAddresses, decodeTimer, findInfo, INET } from '../../../../src/source/linux/netlink/inet.ts';
import { decodeTraffic } from '../../../../src/source/linux/netlink/traffic.ts';
import { OTHERS } from '../../../../src/source/linux/netlink/others.ts';
import { decodeInterfaceAddress, decodeLink } from '../../../../src/source/linux/netlink/route.ts';
import { Slots } from '../../../../src/source/linux/netlink/slots.ts';
import { cookieId } from '../../../../src/source/linux/netlink/cookie.ts';
import { eachAttribute, eachMessage, netlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';
import { Random } from '../../../fuzz/random.ts';
import { timeout, SEED, NAMES, type Kind, MESSAGES, EDGES, WIDE_EDGES, NOW_MS } from './mutated.ts';

/*
 * Decodes mutated datagrams of the kernel. Each is at the start of two buffers that differ in every bit after it: a
 * decoder that reads past its end returns two different results.
 */

/** A million reach no further branch of the decoders, in three times the time. */
const DATAGRAMS = 200_000;

const MAX_LENGTH = 4096;
const BUFFER_LENGTH = 64 * 1024;

/** The datagram under construction. */
const scratch = netlinkBuffer(2 * MAX_LENGTH);

/** Builds a mutated datagram in `scratch`. @returns its kind and length */
function build(random: Random): { kind: Kind; length: number } {
  const { bytes, u16, u32 } = scratch;
  const { kind, bytes: first } = random.of(MESSAGES);
  bytes.set(first);
  let { length } = first;
  for (let count = random.below(3); count > 0; count--) {
    const message = random.of(MESSAGES);
    if (message.kind !== kind && random.below(8) > 0) continue;
    if (length + message.bytes.length > MAX_LENGTH) break;
    bytes.set(message.bytes, length);
    length += message.bytes.length;
  }
  for (let count = random.below(6); count > 0; count--) {
    const at = random.below(length);
    const cell = at & ~3;
    switch (random.below(9)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        bytes[at] = random.bits();
        break;
      case 2:
        u16[cell >>> 1] = random.of(EDGES);
        break;
      case 3:
        u16[at >>> 1] = random.below(2) ? length - at + random.below(5) - 2 : random.bits();
        break;
      case 4:
        u32[cell >>> 2] = random.of(WIDE_EDGES);
        break;
      case 5:
        u32[cell >>> 2] = random.below(2) ? length - cell + random.below(9) - 4 : random.bits();
        break;
      case 6:
        length = random.below(4) ? Math.max(0, length - random.below(24)) : at;
        break;
      case 7: {
        // Copy a piece of another message, possibly empty.
        const { bytes: other } = random.of(MESSAGES);
        const from = random.below(other.length) & ~3;
        const piece = other.subarray(from, from + random.below(128));
        bytes.set(piece.subarray(0, Math.max(0, length - cell)), cell);
        break;
      }
      default: {
        const end = Math.min(length, cell + 4 * random.below(16));
        for (let i = cell; i < end; i += 4) u32[i >>> 2] = random.bits();
      }
    }
    if (length === 0) break;
  }
  return { kind, length };
}

const INET_PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'mptcp', 'sctp', 'raw', 'udplite'];

/** Returns true if two results are equal, also in fields that are undefined. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
  let fields = 0;
  for (const key in one) {
    if (!isSame(one[key as keyof typeof one], other[key as keyof typeof other])) return false;
    fields++;
  }
  for (const _ in other) fields--;
  return fields === 0;
}

/** A decoded datagram. */
interface Decoded {
  /** For each message: type, start, end, number of attributes, decoded value. */
  readonly messages: unknown[];
  readonly problems: number;
  readonly ending: unknown;
}

/** Decodes datagrams in one buffer. */
class Reader {
  readonly #buffer = netlinkBuffer(BUFFER_LENGTH);
  readonly #slots = new Slots();
  readonly #behind: number;
  readonly #info = { start: 0, end: 0 };
  #length = 0;
  #messages: unknown[] = [];

  constructor(behind: number) {
    this.#behind = behind;
    this.#buffer.bytes.fill(behind);
    this.#slots.beginPoll();
  }

  /** Ends a poll and begins the next one. @returns the slots of closed sockets */
  nextPoll(): number[] {
    const gone = this.#slots.endPoll(() => false);
    this.#slots.beginPoll();
    return gone;
  }

  read(length: number, decode: Kind, protocol: Protocol): Decoded {
    const { bytes } = this.#buffer;
    bytes.set(scratch.bytes.subarray(0, length));
    this.#length = length;
    this.#messages = [];
    const { done, errno, interrupted, problems } = eachMessage(this.#buffer, length, 7, (type, start, end) =>
      this.#addResult(decode, protocol, type, start, end),
    );
    bytes.fill(this.#behind, 0, length);
    return { messages: this.#messages, problems, ending: [done, errno, interrupted] };
  }

  #addResult(decode: Kind, protocol: Protocol, type: number, start: number, end: number): void {
    if (start < 16 || start % 4 !== 0 || end < start || end > this.#length)
      throw new Error(`a message from ${start} to ${end} in a datagram of ${this.#length}`);
    let attributes = 0;
    eachAttribute(this.#buffer, start, end, (_, from, to) => {
      if (from < start || to < from || to > end) throw new Error(`an attribute from ${from} to ${to}`);
      attributes++;
    });
    const result = this.#decode(decode, protocol, start, end);
    this.#messages.push(type, start, end, attributes, result);
  }

  #decode(kind: Kind, protocol: Protocol, start: number, end: number): unknown {
    const buffer = this.#buffer;
    if (kind === 'unix' || kind === 'packet' || kind === 'vsock')
      return OTHERS[kind].decode(buffer, start, end);
    if (kind === 'links') return decodeLink(buffer, start, end);
    if (kind === 'addresses') return decodeInterfaceAddress(buffer, start, end);
    if (kind === 'closed') return decodeClosed(buffer, start, end, 0, NOW_MS);
    // The source checks the length of a message before it decodes it.
    if (end - start < INET.length) return 'short';
    const info = this.#info;
    findInfo(buffer, start, end, info);
    if (info.end > end || info.end < info.start) throw new Error(`details from ${info.start} to ${info.end}`);
    const change = this.#slots.applyMessage(buffer, start, end, NOW_MS);
    return [
      change,
      this.#slots.slot,
      decodeAddresses(buffer, start, protocol),
      decodeTimer(buffer, start, NOW_MS),
      decodeTraffic(buffer, start, info, NOW_MS),
      protocol === 'tcp' ? decodeDetails(buffer, start, end) : 0,
      cookieId(buffer, start + INET.cookie),
    ];
  }
}

const KINDS = [...Object.keys(NAMES), 'closed'] as Kind[];

describe('mutated datagrams', () => {
  test('decodes each without an exception or a read past the end', { timeout }, () => {
    const random = new Random(SEED);
    const zeros = new Reader(0);
    const ones = new Reader(0xff);
    const counts = { messages: 0, withoutMessages: 0, problems: 0 };
    for (let i = 0; i < DATAGRAMS; i++) {
      const { kind, length } = build(random);
      const decode = random.below(8) ? kind : random.of(KINDS);
      const protocol = random.below(2) ? 'tcp' : random.of(INET_PROTOCOLS);
      const result = zeros.read(length, decode, protocol);
      if (!isSame(ones.read(length, decode, protocol), result)) {
        const hex = Buffer.from(scratch.bytes.subarray(0, length)).toString('hex');
        expect.fail(`datagram ${i} is read past its end: ${decode} ${protocol} ${hex}`);
      }
      if (result.messages.length === 0) counts.withoutMessages++;
      else counts.messages++;
      if (result.problems > 0) counts.problems++;
      if (i % 500 === 499) expect(ones.nextPoll()).toEqual(zeros.nextPoll());
    }
    // Enough datagrams reach a decoder, and enough are malformed.
    expect(counts.messages).toBeGreaterThan(DATAGRAMS / 2);
    expect(counts.problems).toBeGreaterThan(DATAGRAMS / 20);
  });
});
