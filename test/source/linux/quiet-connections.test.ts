import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Snapshot } from '../../../src/model/batch.ts';
import {
  codes,
  HELD,
  kernel,
  LISTEN,
  open,
  owners,
  read,
  source,
  start,
  TIME_WAIT,
  useFakeSockDiag,
} from '../../helpers/fake-sockdiag.ts';

useFakeSockDiag();
beforeEach(() => {
  kernel.own.tcpCounters = 'Tcp: 1';
  open();
});

const ids = ({ sockets }: Snapshot) => [...sockets.keys()].sort();
/** Polls until the connections are not asked for. */
async function settle(): Promise<Snapshot> {
  for (let i = 0; i < 2; i++) await read(LISTEN, HELD);
  const answer = vi.spyOn(kernel.own, 'answer');
  const snapshot = await read(LISTEN, HELD);
  const isForListeners = ([request]: readonly [Uint8Array]) =>
    new DataView(request.buffer, request.byteOffset).getUint32(68, true) === 1 << 10;
  // TCPDIAG_GETSOCK, the dump of TCP. RTM_GETLINK has the same number and is shorter.
  const dumps = answer.mock.calls.filter(([request]) => request[4] === 18 && request.length > 32);
  expect(dumps.map(([request]) => isForListeners([request]))).toEqual([true]);
  answer.mockRestore();
  return snapshot;
}

// The counters of the kernel say that no connection has changed.
describe('polls that do not ask for TCP connections', () => {
  test('keep the connections, as the same objects', async () => {
    const first = await read(LISTEN, HELD);
    const quiet = await settle();
    expect(ids(quiet)).toEqual(['sk:1', 'sk:2']);
    expect(quiet.sockets.get('sk:2')).toBe(first.sockets.get('sk:2'));
    expect(codes(quiet)).toEqual([]);
  });

  test('are followed by one that shows each change, as soon as the counters change', async () => {
    await settle();
    kernel.own.tcpCounters = 'Tcp: 2';
    const info = { bytesSent: 900, bytesReceived: 200, rttMicros: 30, sndCwnd: 10 };
    const changed = await read(LISTEN, { ...HELD, info }, { ...HELD, cookie: 5, inode: 9 });
    expect(ids(changed)).toEqual(['sk:1', 'sk:2', 'sk:5']);
    expect(changed.sockets.get('sk:2')?.traffic?.txBytes).toBe(900);
    kernel.own.tcpCounters = 'Tcp: 3';
    expect(ids(await read(LISTEN))).toEqual(['sk:1']);
  });

  test('show listeners that open and close', async () => {
    await settle();
    expect(
      ids(await read(LISTEN, HELD, { ...LISTEN, cookie: 6, inode: 10, local: '127.0.0.1:81' })),
    ).toContain('sk:6');
    expect(ids(await read(HELD))).toEqual(['sk:2']);
  });

  test('show another owner of a connection', async () => {
    start(100, 'curl', 8);
    await settle();
    start(200, 'nginx', 8);
    for (let i = 0; i < 16; i++) await source.read();
    expect(owners(await source.read()).join()).toContain('nginx');
  });

  test('look up no connection as a held remnant', async () => {
    open({ events: true, omitsRemnants: true });
    await settle();
    kernel.own.requests = [];
    await read(LISTEN, TIME_WAIT);
    expect(kernel.own.requests.length).toBeLessThan(10);
  });

  test('do not come while a bound leaves out sockets, so that their number stays right', async () => {
    open({ bounds: { remnants: 10, sockets: 1 } });
    const connections = Array.from({ length: 20 }, (_, i) => ({ ...HELD, cookie: 0x10 + i, inode: 100 + i }));
    const first = codes(await read(...connections));
    expect(first).not.toEqual([]);
    for (let i = 0; i < 5; i++) expect(codes(await read(...connections))).toEqual(first);
  });
});
