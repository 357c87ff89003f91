import { describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../../src/model/batch.ts';
import { COUNT } from '../../../../src/source/linux/ledger/layout.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import {
  ACCEPTED,
  advance,
  CONNECTED,
  drain,
  fake,
  kernel,
  LISTEN,
  open,
  read,
  start,
  START_MS,
  WALL_MS,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import { at, bpf, enterConnection, ledger, useLedgerScene } from './ledger-scene.ts';

useLedgerScene();

describe('a poll', () => {
  const UDP = { cookie: 5, protocol: 'udp', local: '127.0.0.1:5000', inode: 9, uid: 1000 } as const;
  const CLIENT = { ...CONNECTED, inode: 8, uid: 1000, state: 'ESTABLISHED' } as const;
  const only = ({ sockets }: Snapshot) => [...sockets.values()][0];

  test('has the time at which a new socket was made, and its creator until a holder is found', async () => {
    fake.remove('1');
    open({ ledger: ledger() });
    await read();
    enterConnection();
    const socket = only(await read(CLIENT));
    expect(socket).toMatchObject({ createdAtMs: WALL_MS + START_MS + 1, opened: 'out' });
    expect(socket && ownersText(socket)).toBe('creator curl 70');
    // Its other values stay when its traffic changes.
    const later = only(await read({ ...CLIENT, info: { ...CLIENT.info, bytesReceived: 500 } }));
    expect(later).toMatchObject({ createdAtMs: WALL_MS + START_MS + 1, owners: socket?.owners });
  });

  test('prefers the process that holds the socket now', async () => {
    start(71, 'helper', 8);
    open({ ledger: ledger() });
    await read();
    enterConnection();
    const socket = only(await read(CLIENT));
    expect(socket && ownersText(socket)).toBe('exact helper 71');
  });

  test('searches the process that made a new connection, or has its listener, before others', async () => {
    start(50, 'web', 7);
    start(70, 'curl');
    start(90, 'other');
    const reads: string[] = [];
    class ReadingProc extends Proc {
      override stat(path: string) {
        reads.push(path);
        return super.stat(path);
      }
    }
    open({ ledger: ledger(), proc: new ReadingProc(fake.root) });
    await read(LISTEN);
    await read(LISTEN);
    fake.link('50/fd/4', 'socket:[9]');
    fake.link('70/fd/3', 'socket:[8]');
    enterConnection();
    bpf.enter(0xacc, {
      bornMs: at(2),
      tcp: { operation: 'accepted', local: '127.0.0.1:80', remote: '127.0.0.1:4000' },
    });
    // A second one is accepted only after this poll.
    const late = { ...ACCEPTED, cookie: 0xacd, remote: '127.0.0.1:4001', state: 'ESTABLISHED' } as const;
    const accepted = { ...ACCEPTED, inode: 9, state: 'ESTABLISHED' } as const;
    reads.length = 0;
    const first = await read(LISTEN, CLIENT, accepted, late);
    expect([...first.sockets.values()].map(ownersText)).toEqual([
      'exact web 50',
      'exact curl 70',
      'exact web 50',
      'listener web 50',
    ]);
    fake.link('50/fd/5', 'socket:[10]');
    const second = await read(LISTEN, CLIENT, accepted, { ...late, inode: 10 });
    expect([...second.sockets.values()].map(ownersText).at(-1)).toBe('exact web 50');
    expect(reads).not.toContain('90/fd');
  });

  test('shows the traffic of a UDP socket since the start: 0 at first, then what each poll finds', async () => {
    open({ ledger: ledger() });
    const first = await read(UDP);
    expect(only(first)?.traffic).toMatchObject({ rxBytes: 0, txBytes: 0, rxSegments: 0, txSegments: 0 });
    bpf.count(5, { rxPackets: 2, rxBytes: 300 });
    const second = await read(UDP);
    expect(only(second)?.traffic).toMatchObject({ rxBytes: 300, txBytes: 0, rxSegments: 2, recvQueue: 0 });
    // Without new traffic it is the same object.
    expect(only(await read(UDP))).toBe(only(second));
    expect(only(await read({ ...UDP, recvQueue: 7 }))?.traffic).toMatchObject({ rxBytes: 300, recvQueue: 7 });
  });

  test('has the final traffic of a UDP socket that has closed, once, until its close message comes', async () => {
    open({ ledger: ledger() });
    bpf.count(5, { rxPackets: 2, rxBytes: 300 });
    await read(UDP);
    bpf.count(5, { rxPackets: 9, rxBytes: 2000 });
    const { ended } = await read();
    expect(ended).toMatchObject([{ id: 'sk:5', traffic: { rxBytes: 2000, rxSegments: 9, recvQueue: 0 } }]);
    expect(await read()).not.toHaveProperty('ended');
    await read(UDP, LISTEN);
    kernel.own.sockets = [];
    kernel.own.destroy(UDP);
    expect(drain().map(({ type }) => type)).toEqual(['ended']);
    expect(await read()).not.toHaveProperty('ended');
  });

  test('shows the last peers of a UDP socket until it connects', async () => {
    open({ ledger: ledger() });
    bpf.count(5, { txPackets: 1 }, ['192.0.2.1:53']);
    const first = only(await read(UDP));
    expect(first?.peers).toEqual([{ address: '192.0.2.1', port: 53 }]);
    // They stay while its other values change.
    expect(only(await read({ ...UDP, recvQueue: 7 }))?.peers).toBe(first?.peers);
    expect(only(await read({ ...UDP, local: '127.0.0.2:5000' }))?.peers).toBe(first?.peers);
    bpf.count(5, { txPackets: 2 }, ['192.0.2.1:53', '192.0.2.2:53']);
    expect(only(await read(UDP))?.peers?.map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.1']);
    bpf.count(5, { txPackets: 3 }, ['192.0.2.1:53', '192.0.2.2:53']);
    const connected = only(await read({ ...UDP, remote: '192.0.2.2:53', state: 'ESTABLISHED' }));
    expect(connected?.traffic?.txSegments).toBe(3);
    expect(connected).not.toHaveProperty('peers');
  });

  test('counts no traffic of TCP sockets in the ledger', async () => {
    open({ ledger: ledger() });
    expect(only(await read(LISTEN))?.traffic).not.toHaveProperty('rxBytes');
  });

  const uncounted = async () => {
    const { degradations } = await read();
    return degradations.find(({ code }) => code === 'uncounted-traffic')?.text;
  };

  test('says that UDP is not counted without the ledger, and why', async () => {
    open({ ledger: 'it needs root' });
    expect(await uncounted()).toBe(
      'bytes of UDP and raw sockets are not counted (it needs root): sums leave them out',
    );
    expect(only(await read(UDP))?.traffic).not.toHaveProperty('rxBytes');
  });

  test('says that UDP is not counted outside of the container of netpane', async () => {
    open({ ledger: ledger({ isRoot: false }) });
    expect(await uncounted()).toContain('outside the container of netpane');
  });

  test('has no such notice if everything is counted, or if no ledger is requested', async () => {
    open({ ledger: ledger() });
    expect(await uncounted()).toBeUndefined();
    open();
    expect(await uncounted()).toBeUndefined();
  });

  test('says how many entries are lost', async () => {
    open({ ledger: ledger({ maxSockets: 10 }) });
    bpf.setCount(COUNT.refused, 2);
    expect((await read()).degradations).toContainEqual({
      code: 'ledger-lost',
      text: '2 entries of the ledger lost, which was full: some programs and UDP bytes are unknown',
      short: '2 entries lost',
    });
  });

  test('forgets sockets that were closed half a minute ago if the ledger is nearly full', async () => {
    open({ ledger: ledger({ maxSockets: 2 }) });
    bpf.enter(1, { bornMs: at(1), releasedMs: at(1) });
    bpf.enter(2, { bornMs: at(1), releasedMs: at(2000) });
    bpf.setCount(COUNT.entries, 2);
    advance(31_000);
    expect((await read()).degradations).toContainEqual(
      expect.objectContaining({ code: 'ledger-lost', short: '1 entry lost' }),
    );
  });

  test('makes room in the ledger between two polls for sockets whose close messages were lost', () => {
    const own = ledger({ maxSockets: 4 });
    open({ ledger: own });
    for (const cookie of [1, 2]) bpf.enter(cookie, { bornMs: at(1), releasedMs: at(cookie) });
    enterConnection();
    bpf.setCount(COUNT.entries, 4);
    kernel.own.drops = 1;
    kernel.own.destroy(CONNECTED);
    drain();
    drain();
    expect([own.entryOf('sk:1'), own.entryOf('sk:2')]).toEqual([
      undefined,
      expect.objectContaining({ releasedMs: at(2) }),
    ]);
  });
});
