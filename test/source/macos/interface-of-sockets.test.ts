import { expect, test } from 'vitest';
import type { ReadAddresses } from '../../../src/source/interface-addresses.ts';
import { ipv4, ipv6 } from '../../helpers/interfaces.ts';
import { FakeMac } from '../../helpers/macos/fake-calls.ts';
import { pcblistOn } from '../../helpers/macos/pcblist-source.ts';
import { closeMessage, FakeControl } from '../../helpers/macos/statistics.ts';

test('a socket has the interface with its local address, also after the address has moved, and when its close is all that was seen', async () => {
  const control = new FakeControl();
  const tcp = [
    { generation: 1, local: ['192.0.2.1', 50_000], remote: ['192.0.2.9', 443], tcp: { state: 4 } },
    { generation: 2, local: ['0.0.0.0', 80], tcp: { state: 1 } },
  ] as const;
  let addresses: ReturnType<ReadAddresses> = { en0: [ipv4('192.0.2.1'), ipv6('fe80::1', 4)] };
  let nowMs = 0;
  const source = pcblistOn(Object.assign(new FakeMac(), { tcp, control }), {
    events: true,
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    readAddresses: () => addresses,
  });
  const interfaces = async () =>
    [...(await source.read()).sockets.values()].map((socket) => socket.interface);
  expect(await interfaces()).toEqual(['en0', undefined]);
  addresses = { en5: [ipv4('192.0.2.1')] };
  nowMs = 5000;
  expect(await interfaces()).toEqual(['en5', undefined]);
  control.waiting.push(
    closeMessage({ protocol: 'tcp', local: ['192.0.2.1', 9], remote: ['192.0.2.9', 443], pid: 99 }),
  );
  expect(source.events?.drain()).toMatchObject([{ type: 'ended', socket: { interface: 'en5' } }]);
});
