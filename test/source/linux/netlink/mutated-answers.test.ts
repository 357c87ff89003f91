import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../../src/model/batch.ts';
import type { Socket } from '../../../../src/model/socket.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../../../src/source/linux/sockdiag.ts';
import { FakeNetlink } from '../../../helpers/netlink/kernel.ts';
import { requestKind, type RequestKind } from '../../../helpers/netlink/requests.ts';
import { captured } from '../../../helpers/netlink/captured.ts';
import { joined, refusal } from '../../../helpers/netlink/messages.ts';
import { Random } from '../../../fuzz/random.ts';
import { timeout, SEED, CLOSES, MESSAGES, EDGES, WIDE_EDGES, NOW_MS, renumbered } from './mutated.ts';

const POLLS = 4000;
const CLOSE_MESSAGES = 50_000;

const ENOENT = 2;

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
    const fieldsOf = ({ sockets }: Snapshot) => [...sockets.values()].map(currentFields).sort();
    const first = fieldsOf(await source.read());
    expect(first.length).toBeGreaterThan(45);
    const always = ['missing-kinds', 'owners-hidden', 'no-proc'];
    /** Returns what differs from the first snapshot; undefined if nothing does. */
    const differenceOf = (snapshot: Snapshot) => {
      const codes = snapshot.degradations.map(({ code }) => code).filter((code) => !always.includes(code));
      const fields = fieldsOf(snapshot);
      return codes.length === 0 && fields.join('\n') === first.join('\n') ? undefined : { codes, fields };
    };
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
      let difference = differenceOf(await source.read());
      for (let poll = 0; poll < 121 && difference; poll++) difference = differenceOf(await source.read());
      expect(difference).toBeUndefined();
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
    /** Returns the kernel events of the captured close messages, each with its captured answer. */
    const drainCaptured = () => {
      isValid = true;
      const drained = CLOSES.map((close) => {
        ({ answer } = close as { answer: Uint8Array<ArrayBuffer> });
        kernel.own.closeMessages = [close.message];
        return events.drain();
      });
      isValid = false;
      return drained;
    };
    const first = drainCaptured();
    expect(first.flat().length).toBeGreaterThan(40);
    let eventCount = 0;
    for (let i = 0; i < CLOSE_MESSAGES; i++) {
      const close = random.of(CLOSES);
      ({ answer } = close as { answer: Uint8Array<ArrayBuffer> });
      const { message } = close;
      kernel.own.closeMessages = random.below(4) ? mutate(random, [message]) : [message];
      if (random.below(20) === 0) kernel.own.closeMessages.push(-random.of([4, 11, 12, 105]));
      // No close message is longer than the receive buffer.
      kernel.own.closeMessages = kernel.own.closeMessages.map((it) =>
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
      // An error leaves messages for the next call.
      while (kernel.own.closeMessages.length > 0) events.drain();
    }
    expect(eventCount).toBeGreaterThan(CLOSE_MESSAGES / 2);
    expect(mutations).toBeGreaterThan(CLOSE_MESSAGES / 20);
    expect(events.problems).toBeGreaterThan(CLOSE_MESSAGES / 20);
    expect(drainCaptured()).toEqual(first);
  });
});
