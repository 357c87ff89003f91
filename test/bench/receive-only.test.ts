import { expect, test } from 'vitest';
import type { LookupChannel } from '../../src/source/linux/netlink/dump.ts';
import type { Channels, NetlinkSystem } from '../../src/source/linux/netlink/system.ts';
import { done, message, refusal } from '../helpers/netlink/messages.ts';
import { RecordingNetlink } from './receive-only.ts';

const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const ENOENT = 2;

const DUMP = message(20, new Uint8Array(56), { flags: NLM_F_DUMP | NLM_F_REQUEST });
const LOOKUP = message(20, new Uint8Array(60), { flags: NLM_F_REQUEST });
const SOCKET = message(20, new Uint8Array(72));

/** Opens channels that answer each request with `answers`, and fail as the kernel does where no datagram is left. */
function systemOf(answers: (request: Uint8Array) => readonly Uint8Array[]): NetlinkSystem {
  const channel = (): LookupChannel => {
    let left: readonly Uint8Array[] = [];
    return {
      send: (request) => void (left = answers(request)),
      receiveWaiting: () => 0,
      receive: (into) => {
        const [next, ...rest] = left;
        if (next === undefined) throw new Error('recv: EAGAIN');
        left = rest;
        into.set(next);
        return next.length;
      },
    };
  };
  return {
    open: (): Channels => ({ diag: channel(), route: channel(), close: () => {} }),
    openCloseReceiver: () => ({ close: () => {} }),
    inside: (_, act) => act(),
  };
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

test('receives a dump up to its end', () => {
  const netlink = new RecordingNetlink(systemOf(() => [SOCKET, joined(SOCKET, SOCKET), done()]));
  netlink.open(undefined).diag.send(DUMP);
  expect(netlink.replay()).toMatchObject({ dumps: 1, lookups: 0, bytes: 3 * SOCKET.length + done().length });
});

test('ends a dump whose last datagram also holds sockets', () => {
  const netlink = new RecordingNetlink(systemOf(() => [SOCKET, joined(SOCKET, done())]));
  netlink.open(undefined).route.send(DUMP);
  expect(netlink.replay()).toMatchObject({ dumps: 1 });
});

test('receives one datagram for a request that is no dump', () => {
  const netlink = new RecordingNetlink(
    systemOf((request) => (request.length === LOOKUP.length ? [SOCKET] : [done()])),
  );
  const { diag } = netlink.open(undefined);
  for (const request of [LOOKUP, DUMP, LOOKUP]) diag.send(request);
  expect(netlink.replay()).toMatchObject({ dumps: 1, lookups: 2 });
});

test('takes an error as the whole answer', () => {
  const netlink = new RecordingNetlink(systemOf(() => [refusal(ENOENT)]));
  const { diag } = netlink.open(undefined);
  for (const request of [LOOKUP, DUMP]) diag.send(request);
  expect(netlink.replay()).toMatchObject({ dumps: 1, lookups: 1 });
});

test('counts a dump that the kernel marks as interrupted', () => {
  const netlink = new RecordingNetlink(
    systemOf(() => [message(20, new Uint8Array(72), { flags: NLM_F_DUMP_INTR }), done()]),
  );
  netlink.open(undefined).diag.send(DUMP);
  expect(netlink.replay()).toMatchObject({ interrupted: 1 });
});

test('leaves out the requests of a namespace that has been closed', () => {
  const netlink = new RecordingNetlink(systemOf(() => [done()]));
  const [kept, closed] = [netlink.open(undefined), netlink.open(undefined)];
  for (const { diag } of [kept, closed, closed]) diag.send(DUMP);
  closed.close();
  expect(netlink.replay()).toMatchObject({ dumps: 1, skipped: 2 });
});
