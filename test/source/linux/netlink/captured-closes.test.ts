import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../../src/model/socket.ts';
import { sockIdOf, sockIdAt, tcpLookupRequest } from '../../../../src/source/linux/netlink/inet-requests.ts';
import { setSequence } from '../../../../src/source/linux/netlink/wire.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { SockDiagSource } from '../../../../src/source/linux/sockdiag.ts';
import { endpoint } from '../../../helpers/fakes.ts';
import { FakeNetlink } from '../../../helpers/netlink/kernel.ts';
import { requestKind } from '../../../helpers/netlink/requests.ts';
import { bufferOf } from '../../../helpers/netlink/messages.ts';
import { WALL_MS, decoded } from './closes-scene.ts';

/** Captured close messages, with what the capturing script knows about the sockets: see fixtures/linux/netlink. */
const file = (end: string) =>
  readFileSync(new URL(`../../../../fixtures/linux/netlink/closes${end}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
const PARTS = file('.b64').map((line) => new Uint8Array(Buffer.from(line, 'base64')));
const CAPTURED = file('.txt').map((line, i) => {
  const [name = '', protocol, local = '', remote, sent, received, lifetime] = line.split(' ');
  const [message, request, answer] = PARTS.slice(3 * i) as [Uint8Array, Uint8Array, Uint8Array];
  const number = (text: string | undefined) => (text === '-' ? undefined : Number(text));
  return {
    name,
    protocol,
    local: endpoint(local),
    remote: remote === undefined || remote === '-' ? null : endpoint(remote),
    txBytes: number(sent),
    rxBytes: number(received),
    lifetimeRange: lifetime === undefined || lifetime === '-' ? undefined : lifetime.split(':').map(Number),
    message,
    request,
    answer,
  };
});

/** Sockets that reset their connection, which clears their counters. */
const CLEARED = ['reset-server', 'reset6-server', 'idle-reset-server'];

/** State of the remnant by name, for sockets that leave one. */
const REMNANTS: Readonly<Record<string, string>> = {
  'active-client': 'FIN_WAIT2',
  'active6-client': 'FIN_WAIT2',
  'idle-client': 'FIN_WAIT2',
  'upload-client': 'FIN_WAIT2',
  'download-client': 'FIN_WAIT2',
  'mapped-server': 'FIN_WAIT2',
  'waits-client': 'TIME_WAIT',
  'waits6-client': 'TIME_WAIT',
};

/** Sockets with known traffic. */
const WITH_TRAFFIC = CAPTURED.filter(({ name, txBytes }) => txBytes !== undefined && !CLEARED.includes(name));

/** Returns the kernel events of a captured close message, with a kernel that gives the captured answer. */
function kernelEventsOf({ message, request, answer }: (typeof CAPTURED)[number]) {
  const kernel = new FakeNetlink();
  kernel.own.closeMessages = [message];
  const others = kernel.own.answer.bind(kernel.own);
  kernel.own.answer = (sent, isRoute) => {
    if (requestKind(sent, isRoute) !== 'lookup') return others(sent, isRoute);
    expect(Buffer.from(sent.subarray(12)).toString('hex')).toBe(
      Buffer.from(request.subarray(12)).toString('hex'),
    );
    const numbered = answer.slice();
    numbered.set(sent.subarray(8, 12), 8);
    return [numbered];
  };
  class BareProc extends Proc {
    override link(path: string) {
      return path === 'self/ns/net' ? { value: 'net:[1]' } : super.link(path);
    }
  }
  const source = new SockDiagSource({
    also: [],
    tcpDetails: false,
    ownerBudgetMs: Infinity,
    isRoot: false,
    events: true,
    system: kernel,
    proc: new BareProc('/nowhere'),
    passwdPath: 'passwd',
    root: '/nowhere',
    nowMs: () => 0,
    wallMs: () => WALL_MS,
  });
  const kernelEvents = source.events?.drain() ?? [];
  expect(source.events?.problems).toBe(0);
  return kernelEvents;
}

const endOf = (it: (typeof CAPTURED)[number]) => {
  const [end, ...others] = kernelEventsOf(it);
  if (end?.type !== 'ended' || others.length > 0) throw new Error(`${it.name} has no ended event`);
  return end;
};

describe('captured close messages', () => {
  test('exist', () => {
    expect(CAPTURED).toHaveLength(PARTS.length / 3);
    expect(WITH_TRAFFIC.length).toBeGreaterThan(20);
  });

  test('the lookup request equals the captured one', () => {
    for (const { protocol, local, remote, message, request } of CAPTURED) {
      if (protocol !== 'tcp') continue;
      const family = local.address.includes(':') ? 'ipv6' : 'ipv4';
      const sockIds = [sockIdAt(bufferOf(message), 16)];
      // From the endpoints, unless the kernel has cleared the remote one.
      if (remote) sockIds.push(sockIdOf(local, remote));
      for (const sockId of sockIds) {
        const made = tcpLookupRequest(family, sockId);
        setSequence(made, 7);
        expect(Buffer.from(made).toString('hex')).toBe(Buffer.from(request).toString('hex'));
      }
    }
  });

  test.each(CAPTURED.filter(({ local }) => local.port === 0))(
    '$name had no endpoints: no kernel event',
    (it) => {
      expect(decoded(it.message)?.protocol).toBe(it.protocol);
      expect(kernelEventsOf(it)).toEqual([]);
    },
  );

  test.each(CAPTURED.filter(({ local }) => local.port > 0))('$name: endpoints and remnant', (it) => {
    const { socket, remnant } = endOf(it);
    const { protocol, local, remote } = socket;
    const withoutScope = (end: Endpoint | null) => end && { address: end.address, port: end.port };
    expect({ protocol, local: withoutScope(local), remote: withoutScope(remote) }).toEqual({
      protocol: it.protocol,
      local: it.local,
      remote: it.remote,
    });
    // The uid field is 0 in every close message.
    expect([socket.uid, socket.user, socket.inode]).toEqual([undefined, undefined, undefined]);
    expect(remnant?.state).toBe(REMNANTS[it.name]);
    if (remnant) expect(remnant.id).not.toBe(socket.id);
  });

  test.each(WITH_TRAFFIC)('$name: bytes', (it) => {
    const { traffic } = endOf(it).socket;
    expect([traffic?.txBytes, traffic?.rxBytes]).toEqual([it.txBytes, it.rxBytes]);
  });

  test.each(CAPTURED.filter(({ lifetimeRange }) => lifetimeRange !== undefined))('$name: lifetime', (it) => {
    const { lifetimeMs, isAtLeast } = endOf(it);
    if (CLEARED.includes(it.name)) {
      expect(lifetimeMs).toBeUndefined();
      return;
    }
    const [minMs = 0, maxMs = 0] = it.lifetimeRange ?? [];
    expect(lifetimeMs).toBeLessThanOrEqual(maxMs);
    // One direction had no data.
    const isFullLifetime = it.txBytes === 0 || it.rxBytes === 0;
    expect(isAtLeast).toBe(!isFullLifetime);
    // A tick of the kernel may be 10 ms.
    if (isFullLifetime) expect(lifetimeMs).toBeGreaterThanOrEqual(minMs - 10);
  });

  test.each(CAPTURED.filter(({ name, txBytes }) => txBytes === undefined || CLEARED.includes(name)))(
    '$name: without a connection or after a reset there is neither lifetime nor traffic',
    (it) => {
      if (it.local.port === 0) return;
      const end = endOf(it);
      expect(end).not.toHaveProperty('lifetimeMs');
      expect(end.socket).not.toHaveProperty('traffic');
    },
  );
});
