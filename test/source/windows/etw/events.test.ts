import { expect, test } from 'vitest';
import type { KernelEvent } from '../../../../src/source/types.ts';
import type { FakeEvent } from '../../../helpers/etw.ts';
import { CREATED_MS, type FakeRow, STARTED_MS } from '../../../helpers/windows.ts';
import { CONNECTION, CURL, useWindows } from '../../../helpers/windows-scene.ts';

const scene = useWindows();

const AT = { local: '192.0.2.1:50000', remote: '198.51.100.7:443' } as const;
const TIME_WAIT: FakeRow = { ...CONNECTION, state: 11, pid: 0 };
const FIN_WAIT2: FakeRow = { ...CONNECTION, state: 7 };

/** Reports events on `AT` of the process curl, at the present time. */
function emit(...events: readonly Partial<FakeEvent>[]): void {
  const { trace, wallMs, nowMs } = scene();
  for (const event of events)
    trace.emit({ kind: 'connected', ...AT, pid: CURL.pid, atMs: wallMs + nowMs, ...event });
}

/** Polls these rows a second later, and returns the kernel events then. */
async function pollAfter(rows: readonly FakeRow[]): Promise<readonly KernelEvent[]> {
  const it = scene();
  it.nowMs += 1000;
  await it.poll(rows);
  return it.source.events?.drain() ?? [];
}

async function startAsAdministrator(rows: readonly FakeRow[] = []): Promise<void> {
  const it = scene();
  it.windows.processes = [CURL];
  it.asAdministrator();
  await it.poll(rows);
}

test('a connection that no poll has seen has its end with process, bytes and lifetime', async () => {
  await startAsAdministrator();
  emit({ kind: 'connected' }, { kind: 'sent', size: 100 });
  scene().nowMs = 40;
  emit({ kind: 'received', size: 5000 }, { kind: 'received', size: 1 }, { kind: 'disconnected' });
  expect(await pollAfter([])).toEqual([
    {
      type: 'ended',
      atMs: 40,
      lifetimeMs: 40,
      learntBy: 'destroy',
      socket: {
        id: 'tcp closed 1',
        protocol: 'tcp',
        family: 'ipv4',
        local: { address: '192.0.2.1', port: 50_000 },
        remote: { address: '198.51.100.7', port: 443 },
        state: 'ESTABLISHED',
        opened: 'out',
        createdAtMs: CREATED_MS,
        traffic: { rxBytes: 5001, txBytes: 100 },
        owners: [
          {
            knowledge: 'inherited',
            pid: 100,
            process: 'curl.exe',
            startedAtMs: STARTED_MS,
            ...CURL.details,
          },
        ],
      },
    },
  ]);
  expect(scene().source.events?.drain()).toEqual([]);
});

test('an accepted connection is incoming; its owner is gone if the process has ended', async () => {
  await startAsAdministrator();
  scene().windows.processes = [];
  emit({ kind: 'accepted', pid: 7 }, { kind: 'disconnected', pid: 7 });
  expect(await pollAfter([])).toMatchObject([
    { type: 'ended', socket: { opened: 'in', owners: [{ knowledge: 'gone', pid: 7 }] } },
  ]);
});

test('a process that started after the connection is not its owner', async () => {
  await startAsAdministrator();
  scene().windows.processes = [{ ...CURL, startedAtMs: CREATED_MS + 5000 }];
  emit({ kind: 'connected' }, { kind: 'disconnected' });
  expect(await pollAfter([])).toMatchObject([{ socket: { owners: [{ knowledge: 'gone', pid: 100 }] } }]);
});

test('the end waits for a poll that began after it', async () => {
  await startAsAdministrator();
  emit({ kind: 'connected' }, { kind: 'disconnected' });
  expect(scene().source.events?.drain()).toEqual([]);
  expect(await pollAfter([])).toHaveLength(1);
});

test('a polled connection keeps its id and process, and has the last bytes', async () => {
  await startAsAdministrator([CONNECTION]);
  const [socket] = (await scene().source.read()).sockets.values();
  emit({ kind: 'sent', size: 9 }, { kind: 'disconnected' });
  expect(await pollAfter([])).toEqual([
    {
      type: 'ended',
      atMs: 0,
      learntBy: 'destroy',
      socket: { ...socket, traffic: { rxBytes: 0, txBytes: 9 } },
    },
  ]);
});

test('the end of a connection is reported once it has left FIN_WAIT2, with the time of its event', async () => {
  await startAsAdministrator([CONNECTION]);
  emit({ kind: 'disconnected' });
  expect(await pollAfter([FIN_WAIT2])).toEqual([]);
  const [event] = await pollAfter([TIME_WAIT]);
  expect(event).toMatchObject({ type: 'ended', atMs: 0, remnant: { state: 'TIME_WAIT' } });
  expect(event).toMatchObject({ socket: { id: (event as { remnant: { id: string } }).remnant.id } });
});

test('a connection that polls saw in TIME_WAIT only gets the process of its events', async () => {
  await startAsAdministrator();
  emit({ kind: 'connected' }, { kind: 'disconnected' });
  const [event] = await pollAfter([TIME_WAIT]);
  expect(event).toMatchObject({
    socket: { state: 'TIME_WAIT', owners: [{ knowledge: 'inherited', process: 'curl.exe' }] },
    remnant: { state: 'TIME_WAIT' },
  });
});

test('a later connection with the same endpoints does not keep the end of the first one back', async () => {
  await startAsAdministrator([CONNECTION]);
  const [first] = (await scene().source.read()).sockets.keys();
  emit({ kind: 'disconnected' });
  const [event] = await pollAfter([{ ...CONNECTION, createdAtMs: CREATED_MS + 5000 }]);
  expect(event).toMatchObject({ type: 'ended', socket: { id: first } });
});

test('a failed session is a gap, a notice and the coverage of polls', async () => {
  await startAsAdministrator();
  expect(scene().source.events?.coverage.level).toBe('closes');
  expect(scene().source.facilities().closeMessages).toBe(true);
  scene().trace.ring?.end(0);
  expect(await pollAfter([])).toMatchObject([{ type: 'gap' }]);
  expect(await pollAfter([])).toEqual([]);
  const why = 'another program stopped the session of events';
  expect(scene().source.events?.coverage).toEqual({ level: 'polls', why });
  expect(scene().source.facilities().closeMessages).toBe(why);
  const { degradations } = await scene().source.read();
  expect(degradations.map(({ text }) => text)).toContain(
    `connections between two polls and the traffic of UDP are not seen: ${why}`,
  );
});

test('lost events are a gap with their number, lost buffers one without', async () => {
  await startAsAdministrator();
  scene().trace.lost = { events: 3, buffers: 2 };
  expect(await pollAfter([])).toEqual([
    { type: 'gap', atMs: 1000, missed: 3, learntBy: 'destroy' },
    { type: 'gap', atMs: 1000, learntBy: 'destroy' },
  ]);
  expect(await pollAfter([])).toEqual([]);
});

test('each poll makes Windows hand over its events', async () => {
  await startAsAdministrator();
  await pollAfter([]);
  expect(scene().trace.flushes).toBe(2);
});

test('the session is stopped with the source, and is what remains if the thread ends without that', async () => {
  await startAsAdministrator();
  const { source, trace } = scene();
  expect(source.leftovers).toEqual({ session: 'netpane-1-10', ring: trace.ring?.memory });
  source.close();
  expect(trace.sessions.size).toBe(0);
});

const UDP: FakeRow = { table: 'udp4', local: '0.0.0.0:53', pid: 100 };

test('a UDP socket has its packets and its last four peers', async () => {
  await startAsAdministrator([UDP]);
  const sockets = async () => [...(await scene().source.read()).sockets.values()];
  expect((await sockets())[0]?.traffic).toEqual({ rxBytes: 0, txBytes: 0, rxSegments: 0, txSegments: 0 });
  for (const i of [1, 2, 1, 3, 4, 5])
    emit({ kind: 'udpReceived', local: '192.0.2.1:53', remote: `198.51.100.${i}:9`, size: 10 });
  emit({ kind: 'udpSent', local: '192.0.2.1:53', remote: '198.51.100.5:9', size: 100 });
  // Packets of another process, and to another port.
  emit({ kind: 'udpSent', local: '192.0.2.1:53', remote: '198.51.100.9:9', size: 1, pid: 5 });
  emit({ kind: 'udpSent', local: '192.0.2.1:54', remote: '198.51.100.9:9', size: 1 });
  const [socket] = await sockets();
  expect(socket?.traffic).toEqual({ rxBytes: 60, txBytes: 100, rxSegments: 6, txSegments: 1 });
  expect(socket?.peers).toEqual([5, 4, 3, 2].map((i) => ({ address: `198.51.100.${i}`, port: 9 })));
  expect((await sockets())[0]).toBe(socket);
  emit({ kind: 'udpSent', local: '192.0.2.1:53', remote: '198.51.100.1:9', size: 1 });
  expect((await sockets())[0]).toMatchObject({
    traffic: { txBytes: 101 },
    peers: [{ address: '198.51.100.1' }, { address: '198.51.100.5' }, {}, {}],
  });
});

test('packets belong to the socket with their address before one of any address', async () => {
  const rows: FakeRow[] = [
    UDP,
    { ...UDP, local: '192.0.2.1:53' },
    { table: 'udp6', local: '[::]:53', pid: 100 },
    { table: 'udp6', local: '[fe80::1]:53', pid: 100, scope: 3 },
  ];
  await startAsAdministrator(rows);
  emit(
    { kind: 'udpSent', local: '192.0.2.1:53', size: 1 },
    { kind: 'udpSent', local: '192.0.2.9:53', size: 10 },
    { kind: 'udpSent', local: '[fe80::1]:53', remote: '[fe80::2]:1', size: 100 },
    { kind: 'udpSent', local: '[fe80::9]:53', remote: '[fe80::2]:1', size: 1000 },
  );
  const sockets = await scene().poll(rows);
  expect(Object.fromEntries(sockets.map((it) => [it.local.address, it.traffic?.txBytes]))).toEqual({
    '0.0.0.0': 10,
    '192.0.2.1': 1,
    '::': 1000,
    'fe80::1%3': 100,
  });
});

test('a UDP socket has only the packets of the process that its last row names', async () => {
  const rows: FakeRow[] = [UDP];
  await startAsAdministrator(rows);
  rows[0] = { ...UDP, pid: 5 };
  await scene().poll(rows);
  emit({ kind: 'udpSent', local: '0.0.0.0:53', size: 1 });
  emit({ kind: 'udpSent', local: '0.0.0.0:53', size: 10, pid: 5 });
  expect(await scene().poll(rows)).toMatchObject([{ traffic: { txBytes: 10 } }]);
});

test('a connection is found by a link-local address without its scope', async () => {
  const row: FakeRow = { table: 'tcp6', local: '[fe80::1]:5', remote: '[fe80::2]:6', scope: 3, pid: 100 };
  await startAsAdministrator([row]);
  emit({ kind: 'disconnected', local: '[fe80::1]:5', remote: '[fe80::2]:6' });
  expect(await pollAfter([])).toMatchObject([{ socket: { local: { address: 'fe80::1%3' } } }]);
});
