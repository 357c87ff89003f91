import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Protocol, Socket } from '../../../../src/model/socket.ts';
import { decodeClosed } from '../../../../src/source/linux/netlink/closes.ts';
import { decodeDetails } from '../../../../src/source/linux/netlink/details.ts';
import { decodeAddresses, decodeTimer, findInfo, INET } from '../../../../src/source/linux/netlink/inet.ts';
import { decodeTraffic } from '../../../../src/source/linux/netlink/traffic.ts';
import { OTHERS } from '../../../../src/source/linux/netlink/others.ts';
import { decodeInterfaceAddress, decodeLink } from '../../../../src/source/linux/netlink/route.ts';
import { cookieId } from '../../../../src/source/linux/netlink/cookie.ts';
import { Slots } from '../../../../src/source/linux/netlink/slots.ts';
import { eachAttribute, eachMessage, netlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../../../src/source/linux/sockdiag.ts';
import { type RequestKind, requestKind, FakeNetlink } from '../../../helpers/netlink/kernel.ts';
import { captured } from '../../../helpers/netlink/captured.ts';
import { joined, refusal } from '../../../helpers/netlink/messages.ts';
import { Random } from '../../../fuzz/random.ts';

/*
 * Decodes a million mutated datagrams of the kernel. Each is at the start of two buffers that differ in every bit after
 * it: a decoder that reads past its end returns two different results.
 */

const DATAGRAMS = 1_000_000;
const POLLS = 4000;
const NOTIFICATIONS = 50_000;
/** Time limit of a test, milliseconds: on a busy machine the million datagrams take minutes. */
const timeout = 300_000;
const SEED = 0x6e657470;
const ENOENT = 2;

const NAMES = {
  tcp: ['tcp-old', 'tcp-old-details', 'tcp4', 'tcp6'],
  mptcp: ['mptcp4', 'mptcp6'],
  udp: ['udp4', 'udp6', 'udplite4'],
  unix: ['unix'],
  packet: ['packet'],
  vsock: ['vsock', 'raw4'],
  links: ['links'],
  addresses: ['addresses'],
} as const;

type Kind = keyof typeof NAMES | 'closed';

/** Each captured close message, with the answer to the lookup of its remnant. */
const CLOSES: readonly { readonly notification: Uint8Array; readonly answer: Uint8Array }[] = readFileSync(
  new URL('../../../../fixtures/linux/netlink/closes.b64', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => new Uint8Array(Buffer.from(line, 'base64')))
  .flatMap((notification, i, lines) =>
    i % 3 === 0 ? [{ notification, answer: lines[i + 2] ?? new Uint8Array() }] : [],
  );

/** All captured messages, with their kind. */
const MESSAGES: readonly { readonly kind: Kind; readonly bytes: Uint8Array }[] = [
  // Notifications have the sequence number 0: here they get that of all other messages.
  ...CLOSES.map(({ notification }) => ({ kind: 'closed' as const, bytes: renumbered(notification, 7) })),
  ...messagesOf(Object.entries(NAMES) as [Kind, readonly string[]][]),
];

function messagesOf(captures: readonly (readonly [Kind, readonly string[]])[]) {
  return captures.flatMap(([kind, names]) =>
    names
      .flatMap((name) => captured(name).datagrams)
      .flatMap((datagram) => {
        const view = new DataView(datagram.buffer);
        const messages: { kind: Kind; bytes: Uint8Array }[] = [];
        for (let at = 0; at < datagram.length;) {
          const size = (view.getUint32(at, true) + 3) & ~3;
          messages.push({ kind, bytes: datagram.slice(at, at + size) });
          at += size;
        }
        return messages;
      }),
  );
}

/** Boundary values for lengths and numbers. */
const EDGES = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 20, 71, 72, 73, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
];
const WIDE_EDGES = [...EDGES, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff];

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

const NOW_MS = 1_700_000_000_000;

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

/** What a datagram was decoded to. */
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
  test('decodes a million without an exception or a read past the end', { timeout }, () => {
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

/** /proc of a machine without processes and with one network namespace. */
const NO_FILE = { failed: 'gone', message: 'ENOENT' } as const;

class BareProc extends Proc {
  constructor() {
    super('/nowhere');
  }

  override link(path: string): Outcome<string> {
    return path === 'self/ns/net' ? { value: 'net:[1]' } : NO_FILE;
  }

  // A real system call for each missing file would take half of the time of the test.
  override text = () => NO_FILE;
  override latin1 = () => NO_FILE;
  override table = () => NO_FILE;
  override names = () => NO_FILE;
  override stat = () => NO_FILE;
}

/** The captured answer to each request. */
const ANSWERS: Partial<Record<RequestKind, readonly Uint8Array[]>> = Object.fromEntries(
  (
    [
      ['tcp', 'tcp-old-details'],
      ['tcp4', 'tcp4'],
      ['tcp6', 'tcp6'],
      ['udp4', 'udp4'],
      ['udp6', 'udp6'],
      ['udplite4', 'udplite4'],
      ['raw4', 'raw4'],
      ['raw6', 'raw6'],
      ['mptcp4', 'mptcp4'],
      ['mptcp6', 'mptcp6'],
      ['sctp4', 'sctp4'],
      ['packet', 'packet'],
      ['unix', 'unix'],
      ['vsock', 'vsock'],
      ['links', 'links'],
      ['addresses', 'addresses'],
    ] as const satisfies readonly (readonly [RequestKind, string])[]
  ).map(([kind, name]) => [kind, captured(name).datagrams]),
);

/** Returns the captured answer to a request; for a lookup, the message of that socket in the captured dump. */
function answersTo(request: Uint8Array, isRoute: boolean): readonly Uint8Array[] {
  const kind = requestKind(request, isRoute);
  if (kind !== 'lookup') return ANSWERS[kind] ?? ANSWERS['mptcp6'] ?? [];
  // Ports, addresses and interface: struct inet_diag_sockid without its cookie.
  const sockId = request.subarray(24, 64);
  for (const datagram of ANSWERS['tcp'] ?? []) {
    const view = new DataView(datagram.buffer, datagram.byteOffset);
    for (let at = 0, next; at + 16 <= datagram.length; at = next) {
      next = at + Math.max(16, (view.getUint32(at, true) + 3) & ~3);
      if (Buffer.compare(sockId, datagram.subarray(at + 20, at + 60)) === 0)
        return [datagram.slice(at, next)];
    }
  }
  return [refusal(ENOENT)];
}

/** Returns a datagram with another sequence number in each of its messages. */
function renumbered(datagram: Uint8Array, sequence: number): Uint8Array {
  const bytes = datagram.slice();
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 16 <= bytes.length; at += Math.max(16, (view.getUint32(at, true) + 3) & ~3)) {
    view.setUint32(at + 8, sequence, true);
  }
  return bytes;
}

/** Returns datagrams with random changes: bytes flipped, datagrams cut, lengthened, dropped or repeated. */
function mutate(random: Random, datagrams: readonly Uint8Array[]): Uint8Array[] {
  const mutated: Uint8Array[] = datagrams.map((it) => it.slice());
  for (let count = 1 + random.below(4); count > 0; count--) {
    const index = random.below(mutated.length);
    const bytes = mutated[index] ?? new Uint8Array();
    const view = new DataView(bytes.buffer);
    const at = random.below(bytes.length);
    const cell = Math.min(at & ~3, bytes.length - 4);
    switch (random.below(7)) {
      case 0:
        bytes[at] = random.bits();
        break;
      case 1:
        if (cell >= 0) view.setUint32(cell, random.of(WIDE_EDGES), true);
        break;
      case 2:
        if (cell >= 0) view.setUint16(cell, random.of(EDGES), true);
        break;
      case 3:
        mutated[index] = bytes.slice(0, at);
        break;
      case 4:
        mutated[index] = joined(bytes, random.of(MESSAGES).bytes);
        break;
      case 5:
        mutated.splice(index, 1);
        break;
      default:
        mutated.splice(index, 0, bytes.slice());
    }
    if (mutated.length === 0) break;
  }
  return mutated;
}

describe('a kernel that sends mutated datagrams', () => {
  const sourceOn = (kernel: FakeNetlink, events = false) =>
    new SockDiagSource({
      also: ['unix', 'vsock', 'sctp', 'mptcp'],
      tcpDetails: true,
      events,
      ownerBudgetMs: Infinity,
      isRoot: true,
      system: kernel,
      proc: new BareProc(),
      passwdPath: 'passwd',
      root: '/nowhere',
      nowMs: () => 0,
      wallMs: () => NOW_MS,
    });

  /** Returns the fields of a socket that do not depend on earlier polls. */
  const currentFields = ({ id, protocol, family, local, remote, state, inode }: Socket) =>
    JSON.stringify([id, protocol, family, local, remote, state, inode]);

  test('every poll succeeds, and valid datagrams restore the snapshot', { timeout }, async () => {
    const random = new Random(SEED);
    const kernel = new FakeNetlink();
    let isValid = true;
    let mutations = 0;
    kernel.own.answer = (request, isRoute) => {
      const sequence = new DataView(request.buffer).getUint32(8, true);
      const datagrams = answersTo(request, isRoute).map((it) => renumbered(it, sequence));
      if (isValid || random.below(3) > 0) return datagrams;
      mutations++;
      return mutate(random, datagrams);
    };
    const source = sourceOn(kernel);
    const first = [...(await source.read()).sockets.values()].map(currentFields).sort();
    expect(first.length).toBeGreaterThan(45);
    for (let i = 0; i < POLLS; i++) {
      isValid = false;
      const { sockets, interfaces, degradations } = await source.read();
      for (const [id, it] of sockets) {
        if (it.id !== id || it.owners.length === 0 || !(it.local.port >= 0)) expect.fail(JSON.stringify(it));
      }
      if (interfaces.some(({ name }) => name === '')) expect.fail(JSON.stringify(interfaces));
      if (degradations.some(({ text }) => text === '')) expect.fail(JSON.stringify(degradations));
      if (i % 50 > 0) continue;
      isValid = true;
      // Refused requests are tried again after 120 polls.
      for (let poll = 0; poll < 121; poll++) await source.read();
      const { sockets: restored, degradations: remaining } = await source.read();
      expect([...restored.values()].map(currentFields).sort()).toEqual(first);
      const codes = remaining.map(({ code }) => code);
      const always = ['missing-kinds', 'owners-hidden', 'no-proc'];
      expect(codes.filter((code) => !always.includes(code))).toEqual([]);
    }
    expect(mutations).toBeGreaterThan(POLLS);
  });

  test('reports or counts each mutated close message', { timeout }, () => {
    const random = new Random(SEED);
    const kernel = new FakeNetlink();
    const others = kernel.own.answer.bind(kernel.own);
    let isValid = true;
    let answer = new Uint8Array();
    let mutations = 0;
    kernel.own.answer = (request, isRoute) => {
      if (requestKind(request, isRoute) !== 'lookup') return others(request, isRoute);
      const valid = renumbered(answer, new DataView(request.buffer).getUint32(8, true));
      if (isValid || random.below(3) > 0) return [valid];
      mutations++;
      return mutate(random, [valid]);
    };
    const { events } = sourceOn(kernel, true);
    if (events === undefined) throw new Error('a source without events');
    /** Returns the kernel events of the captured notifications, each with its captured answer. */
    const drainCaptured = () => {
      isValid = true;
      const drained = CLOSES.map((close) => {
        ({ answer } = close as { answer: Uint8Array<ArrayBuffer> });
        kernel.own.notifications = [close.notification];
        return events.drain();
      });
      isValid = false;
      return drained;
    };
    const first = drainCaptured();
    expect(first.flat().length).toBeGreaterThan(40);
    let eventCount = 0;
    for (let i = 0; i < NOTIFICATIONS; i++) {
      const close = random.of(CLOSES);
      ({ answer } = close as { answer: Uint8Array<ArrayBuffer> });
      const { notification } = close;
      kernel.own.notifications = random.below(4) ? mutate(random, [notification]) : [notification];
      if (random.below(20) === 0) kernel.own.notifications.push(-random.of([4, 11, 12, 105]));
      // No notification is longer than the receive buffer.
      kernel.own.notifications = kernel.own.notifications.map((it) =>
        typeof it === 'number' ? it : it.slice(0, 16 * 1024),
      );
      for (const it of events.drain()) {
        eventCount++;
        if (it.type !== 'ended') expect.fail(JSON.stringify(it));
        const { socket, lifetimeMs = 0 } = it;
        const { rxBytes = 0, txBytes = 0 } = socket.traffic ?? {};
        const isWhole =
          socket.id.startsWith('sk:') &&
          socket.local.port > 0 &&
          socket.local.port < 65_536 &&
          socket.owners.length > 0 &&
          lifetimeMs >= 0 &&
          Number.isFinite(rxBytes + txBytes) &&
          rxBytes >= 0;
        if (!isWhole) expect.fail(JSON.stringify(it));
      }
      // An error leaves notifications for the next call.
      while (kernel.own.notifications.length > 0) events.drain();
    }
    expect(eventCount).toBeGreaterThan(NOTIFICATIONS / 2);
    expect(mutations).toBeGreaterThan(NOTIFICATIONS / 20);
    expect(events.problems).toBeGreaterThan(NOTIFICATIONS / 20);
    expect(drainCaptured()).toEqual(first);
  });
});
