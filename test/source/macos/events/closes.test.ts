import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { KernelEvent } from '../../../../src/source/types.ts';
import type { PcblistOptions } from '../../../../src/source/macos/pcblist.ts';
import { FakeMac } from '../../../helpers/macos/fake-calls.ts';
import { pcblistOn } from '../../../helpers/macos/pcblist-source.ts';
import {
  closeMessage,
  FakeControl,
  type FakeSource,
  removedMessage,
} from '../../../helpers/macos/statistics.ts';
import type { PcbRow } from '../../../helpers/macos/tables.ts';

const NOW = 5000;
/** Ticks of mach_continuous_time in a millisecond, as on arm64. */
const TICKS = 24_000;

const row = (generation: number, more: Partial<PcbRow> = {}): PcbRow => ({
  generation,
  local: ['192.0.2.1', 50_000],
  remote: ['192.0.2.9', 443],
  lastPid: 99,
  tcp: { state: 4, irs: 0, rcvNxt: 101, iss: 0, sndUna: 51 },
  ...more,
});

const CLOSED: FakeSource = {
  protocol: 'tcp',
  local: ['192.0.2.1', 50_000],
  remote: ['192.0.2.9', 443],
  pid: 99,
  name: 'curl',
  rxBytes: 1000,
  txBytes: 500,
};

function start(tcp: readonly PcbRow[], control = new FakeControl(), options: Partial<PcblistOptions> = {}) {
  const mac = Object.assign(new FakeMac(), { tcp, control });
  mac.processes = { 99: { name: 'curl', path: '/usr/bin/curl', startedAt: 1, sockets: {} } };
  const source = pcblistOn(mac, { events: true, nowMs: () => NOW, ...options });
  const drain = (...datagrams: readonly (Uint8Array | number)[]): readonly KernelEvent[] => {
    control.waiting.push(...datagrams);
    return source.events?.drain() ?? [];
  };
  return { mac, source, control, drain };
}

describe('the close of a socket that a poll has seen', () => {
  test('has its id, its owner and its last counters', async () => {
    const { source, drain } = start([row(1)]);
    await source.read();
    expect(drain(closeMessage({ ...CLOSED, atTicks: (60_000 - 20) * TICKS, srtt: 320 }))).toMatchObject([
      {
        type: 'ended',
        atMs: NOW - 20,
        socket: {
          id: 'tcp 1',
          traffic: { rxBytes: 1000, txBytes: 500, rttMicros: 10_000 },
          owners: [{ pid: 99, process: 'curl' }],
        },
        learntBy: 'destroy',
      },
    ]);
  });

  test('leaves a remnant with the same id if it is in TIME_WAIT then', async () => {
    const { source, drain } = start([row(1)]);
    await source.read();
    expect(drain(closeMessage({ ...CLOSED, state: 10 }))).toMatchObject([
      { socket: { id: 'tcp 1' }, remnant: { id: 'tcp 1', state: 'TIME_WAIT' } },
    ]);
  });

  test('keeps larger counters of the last poll', async () => {
    const { source, drain } = start([row(1)]);
    await source.read();
    expect(drain(closeMessage({ ...CLOSED, rxBytes: 7, txBytes: 80 }))).toMatchObject([
      { socket: { traffic: { rxBytes: 100, txBytes: 80 } } },
    ]);
  });

  test('is found by its process if several have the same endpoints, and else by the next poll', async () => {
    const listener: FakeSource = { protocol: 'udp', local: ['0.0.0.0', 5353], pid: 99 };
    const { mac, source, drain } = start([]);
    const udp = { generation: 1, local: ['0.0.0.0', 5353] as const, lastPid: 7 };
    mac.udp = [udp, { ...udp, generation: 2, lastPid: 99 }];
    await source.read();
    expect(drain(closeMessage(listener))).toMatchObject([{ socket: { id: 'udp 2' } }]);
    mac.udp = [udp, { ...udp, generation: 3 }];
    await source.read();
    expect(drain(closeMessage({ ...listener, pid: 7 }))).toEqual([]);
    mac.udp = [{ ...udp, generation: 3 }];
    await source.read();
    expect(drain()).toMatchObject([{ socket: { id: 'udp 1' } }]);
    expect(drain()).toEqual([]);
  });

  test('is found if a poll has missed the socket before the event is read, or has seen its remnant', async () => {
    const { mac, source, control, drain } = start([row(1), row(2, { local: ['192.0.2.1', 50_002] })]);
    await source.read();
    control.waiting.push(
      closeMessage(CLOSED),
      closeMessage({ ...CLOSED, local: ['192.0.2.1', 50_002], state: 10 }),
    );
    mac.tcp = [row(2, { local: ['192.0.2.1', 50_002], tcp: { state: 10 } })];
    await source.read();
    expect(drain()).toMatchObject([
      { socket: { id: 'tcp 1' } },
      { socket: { id: 'tcp 2' }, remnant: { id: 'tcp 2' } },
    ]);
  });

  test('of IPv6 over IPv4 is found, although the event has an address of IPv4', async () => {
    const { source, drain } = start([row(1, { family: 30, vflag: 1 })]);
    await source.read();
    expect(drain(closeMessage(CLOSED))).toMatchObject([{ socket: { id: 'tcp 1', family: 'ipv6' } }]);
  });

  test('is not found a second time: the next close with its endpoints is that of another one', async () => {
    const { source, drain } = start([row(1)]);
    await source.read();
    expect(drain(closeMessage(CLOSED), closeMessage(CLOSED))).toMatchObject([
      { socket: { id: 'tcp 1' } },
      { socket: { id: 'tcp closed 1' } },
    ]);
  });

  test('is not found again while a poll still lists its remnant', async () => {
    const { mac, source, drain } = start([row(1)]);
    await source.read();
    drain(closeMessage(CLOSED));
    mac.tcp = [row(1, { tcp: { state: 10 } })];
    await source.read();
    expect(drain(closeMessage(CLOSED))).toMatchObject([{ socket: { id: 'tcp closed 1' } }]);
  });
});

describe('the close of a socket that no poll has seen', () => {
  test('has its lifetime, and its program as the last one that used it', async () => {
    const { source, drain } = start([]);
    await source.read();
    const [event] = drain(
      closeMessage({ ...CLOSED, startedTicks: 1_000_000, atTicks: 1_000_000 + 12 * TICKS }),
    );
    expect(event).toMatchObject({
      type: 'ended',
      lifetimeMs: expect.closeTo(12) as number,
      socket: {
        protocol: 'tcp',
        state: 'ESTABLISHED',
        user: 'ada',
        owners: [{ knowledge: 'inherited', pid: 99, process: 'curl', exe: '/usr/bin/curl' }],
      },
    });
  });

  test('has only the name of a program that has ended, or whose pid another one has', async () => {
    const { mac, source, drain } = start([]);
    await source.read();
    const named = [{ socket: { owners: [{ knowledge: 'inherited', pid: 98, process: 'wget' }] } }];
    expect(drain(closeMessage({ ...CLOSED, pid: 98, name: 'wget' }))).toMatchObject(named);
    mac.processes = { 98: { name: 'other', sockets: {} } };
    expect(drain(closeMessage({ ...CLOSED, pid: 98, name: 'wget' }))).toMatchObject(named);
    expect(drain(closeMessage({ ...CLOSED, pid: 97, name: '' }))).toMatchObject([
      { socket: { owners: [{ knowledge: 'gone' }] } },
    ]);
    expect(drain(closeMessage({ ...CLOSED, pid: 0 }))).toMatchObject([
      { socket: { owners: [{ knowledge: 'kernel' }] } },
    ]);
  });

  test('is left out if the socket was never bound or connected', async () => {
    const { source, drain } = start([]);
    await source.read();
    expect(
      drain(closeMessage({ protocol: 'tcp' }), closeMessage({ ...CLOSED, remote: ['0.0.0.0', 0] })),
    ).toEqual([]);
  });
});

describe('lost closes', () => {
  test('are a gap: with their number if macOS counts them', async () => {
    const { source, drain } = start([]);
    await source.read();
    expect(drain(Buffer.concat([removedMessage(8), removedMessage(8)]))).toEqual([
      { type: 'gap', atMs: NOW, missed: 2, learntBy: 'destroy' },
    ]);
    expect(drain()).toEqual([]);
  });

  test('are a gap without a number after ENOBUFS, and the next ones are read', async () => {
    const { source, drain } = start([row(1)]);
    await source.read();
    expect(drain(constants.errno.ENOBUFS, closeMessage(CLOSED))).toMatchObject([
      { type: 'ended' },
      { type: 'gap', learntBy: 'destroy' },
    ]);
  });
});

describe('opening', () => {
  test('asks for TCP and UDP of the kernel and of user space, and closing ends it', () => {
    const { control, source } = start([]);
    expect(control.requests.map((it) => new DataView(it.buffer).getUint32(32, true))).toEqual([2, 3, 4, 5]);
    expect(source.events?.coverage).toEqual({ level: 'closes', why: 'macOS reports closes only' });
    expect(source.facilities().closeMessages).toBe(true);
    source.close();
    expect(control.isClosed).toBe(true);
  });

  test('works without user-space flows', () => {
    expect(start([], new FakeControl({ 3: 2, 5: 2 })).source.events).toBeDefined();
  });

  test('has no events if macOS refuses them, and says why', () => {
    const { source, control } = start([], new FakeControl({ 4: constants.errno.EPERM }));
    expect(source.events).toBeUndefined();
    expect(control.isClosed).toBe(true);
    expect(source.facilities().closeMessages).toBe('macOS does not report closes (EPERM)');
  });

  test('keeps the closes that come before the answer', async () => {
    const control = new FakeControl();
    control.waiting.push(closeMessage(CLOSED));
    const { source, drain } = start([], control);
    await source.read();
    expect(drain()).toHaveLength(1);
  });
});

describe('with the remnants left out', () => {
  const remnant = row(1, { tcp: { state: 10 } });
  const OMIT = { omitsRemnants: true };

  test('no remnant is listed, and the close of its connection is found', async () => {
    const { mac, source, drain } = start([row(1)], undefined, OMIT);
    await source.read();
    mac.tcp = [remnant];
    expect((await source.read()).sockets.size).toBe(0);
    expect(drain(closeMessage({ ...CLOSED, state: 10 }))).toMatchObject([{ socket: { id: 'tcp 1' } }]);
  });

  test('remnants are listed nevertheless if macOS refuses to report closes', async () => {
    const { source } = start([remnant], new FakeControl({ 2: 1 }), OMIT);
    expect((await source.read()).sockets.size).toBe(1);
  });
});
