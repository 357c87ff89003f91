import { beforeEach, expect, test } from 'vitest';
import { ERROR } from '../../../src/source/windows/api.ts';
import { STATISTICS } from '../../../src/source/windows/layout.ts';
import type { FakeRow, FakeWindows } from '../../helpers/windows.ts';
import { CONNECTION, useWindows, type WindowsScene } from '../../helpers/windows-scene.ts';

const { data, path, congestion, sendBuffer, receiveBuffer } = STATISTICS;

let scene: WindowsScene;
let windows: FakeWindows;
const newScene = useWindows();
beforeEach(() => {
  scene = newScene();
  ({ windows } = scene);
  windows.isElevated = true;
  scene.source = scene.newSource();
});

const trafficOf = async (rows: readonly FakeRow[] = [CONNECTION]) => (await scene.poll(rows))[0]?.traffic;

test('an ordinary user gets no traffic, and Windows is not asked for any', async () => {
  windows.isElevated = false;
  scene.source = scene.newSource();
  expect(await trafficOf()).toBeUndefined();
  expect(windows.started).toEqual([]);
});

test('an administrator gets bytes beyond 4 GiB, segments, round-trip times, retransmissions, window and queues', async () => {
  windows.statistics = {
    data: [
      [data.bytesReceived, 5_000_000_000n],
      [data.bytesAcked, 6_000_000_000n],
      [data.segmentsIn, 11n],
      [data.segmentsOut, 12n],
    ],
    path: [
      [path.retransmits, 9],
      [path.rttMs, 42],
      [path.rttVarMs, 7],
      [path.segmentBytes, 1460],
    ],
    congestion: [[congestion.window, 14_600]],
    sendBuffer: [
      [sendBuffer.unacknowledged, 100n],
      [sendBuffer.unsent, 20n],
    ],
    receiveBuffer: [[receiveBuffer.unread, 3n]],
  };
  expect(await trafficOf()).toEqual({
    rxBytes: 5_000_000_000,
    txBytes: 6_000_000_000,
    rxSegments: 11,
    txSegments: 12,
    retransmits: 9,
    rttMicros: 42_000,
    rttVarMicros: 7000,
    cwnd: 10,
    sendQueue: 120,
    recvQueue: 3,
  });
});

test('a changed counter makes a new socket, an unchanged one the same', async () => {
  windows.statistics = { data: [[data.bytesReceived, 1n]] };
  const [first] = await scene.poll([CONNECTION]);
  const [second] = await scene.poll([CONNECTION]);
  expect(second).toBe(first);
  windows.statistics = { data: [[data.bytesReceived, 2n]] };
  const [third] = await scene.poll([CONNECTION]);
  expect(third).toMatchObject({ id: first?.id, traffic: { rxBytes: 2 } });
  expect(third?.owners).toBe(first?.owners);
});

test('what Windows does not know is absent', async () => {
  windows.statistics = {
    data: [[data.bytesReceived, 2n ** 64n - 1n]],
    path: [[path.rttMs, 0xffff_ffff]],
    congestion: [[congestion.window, 14_600]],
  };
  expect(await trafficOf()).toEqual({
    txBytes: 0,
    rxSegments: 0,
    txSegments: 0,
    retransmits: 0,
    rttVarMicros: 0,
  });
});

test('counting starts once for each open connection, with the row that identifies it', async () => {
  const rows: FakeRow[] = [
    CONNECTION,
    { table: 'tcp6', local: '[fe80::1]:80', remote: '[2001:db8::2]:443', scope: 5 },
    { local: '0.0.0.0:80', state: 2 },
    { ...CONNECTION, local: '192.0.2.1:1', state: 11 },
    { table: 'udp4', local: '0.0.0.0:53' },
  ];
  await scene.poll(rows);
  await scene.poll(rows);
  const tcp4 = '05000000c0000201c3500000c633640701bb0000';
  const tcp6 =
    '05000000fe8000000000000000000000000000010500000000500000' +
    '20010db80000000000000000000000020500000001bb0000';
  expect(windows.started).toEqual(
    [tcp4, tcp6].flatMap((row) => Object.keys(STATISTICS).map((kind) => `${kind} ${row}`)),
  );
});

test('counting starts when the handshake is over', async () => {
  await scene.poll([{ ...CONNECTION, state: 3 }]);
  expect(windows.started).toEqual([]);
  await scene.poll([CONNECTION]);
  expect(windows.started).not.toEqual([]);
});

test('the last traffic stays in TIME_WAIT', async () => {
  windows.statistics = { data: [[data.bytesReceived, 1n]] };
  const before = await trafficOf();
  expect(await trafficOf([{ ...CONNECTION, state: 11, pid: 0 }])).toEqual(before);
});

test('a notice says that Windows refuses to count; a connection that has just ended does not change it', async () => {
  const refuseWith = (error: number) => {
    windows.startErrors = Object.fromEntries(Object.keys(STATISTICS).map((kind) => [kind, error]));
    scene.source = scene.newSource();
  };
  refuseWith(ERROR.notSupported);
  await scene.poll([CONNECTION]);
  expect((await scene.source.read()).degradations).toEqual([
    {
      code: 'statistics-refused',
      text: 'traffic and round-trip times are not shown: Windows refuses to count them with error 50',
      short: 'no traffic',
    },
  ]);
  windows.startErrors = Object.fromEntries(Object.keys(STATISTICS).map((kind) => [kind, ERROR.notFound]));
  await scene.poll([CONNECTION, { ...CONNECTION, local: '192.0.2.1:1' }]);
  expect(await scene.codes()).toEqual(['statistics-refused']);
  refuseWith(ERROR.notFound);
  await scene.poll([CONNECTION]);
  expect(await scene.codes()).toEqual([]);
});

test('more connections than fit in the time of a poll are read in turn, each within a few polls, with a notice', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ ...CONNECTION, local: `192.0.2.1:${i + 1}` }));
  windows.statistics = { data: [[data.bytesReceived, 1n]] };
  windows.onRead = () => (scene.nowMs += 0.2);
  const counted = async () => (await scene.poll(rows)).filter(({ traffic }) => traffic?.rxBytes === 1).length;
  const first = await counted();
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(100);
  expect(await scene.codes()).toEqual(['traffic-in-turn']);
  await counted();
  expect(await counted()).toBe(100);
  windows.onRead = () => {};
  await counted();
  expect(await scene.codes()).toEqual([]);
});
