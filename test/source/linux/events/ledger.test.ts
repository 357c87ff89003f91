import { beforeEach, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../../../src/model/batch.ts';
import { BpfError } from '../../../../src/source/linux/ledger/bpf.ts';
import { MADE } from '../../../../src/source/linux/ledger/layout.ts';
import { Ledger } from '../../../../src/source/linux/ledger/ledger.ts';
import { FakeBpf, type FakeEntry } from '../../../helpers/bpf.ts';
import {
  ACCEPTED,
  advance,
  CONNECTED,
  drain,
  drainLines,
  drainOnlyEnd,
  fake,
  kernel,
  LEDGER_AHEAD_MS,
  line,
  LISTEN,
  open,
  read,
  source,
  start,
  START_MS,
  trace,
  useEventScene,
  WALL_MS,
} from '../../../helpers/event-scene.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { ownersText } from '../../../helpers/fakes.ts';

useEventScene();

let bpf: FakeBpf;
beforeEach(() => {
  bpf = new FakeBpf();
});

const ledger = ({ isRoot = true, maxSockets = 4096 } = {}) =>
  Ledger.open({
    bpf,
    isRoot: true,
    maxSockets,
    openCgroup: () => ({ descriptor: 3, isRoot, close: () => undefined }),
  });

/** Returns a time since the start on the clock of the ledger. */
const at = (ms: number) => START_MS + LEDGER_AHEAD_MS + ms;

const CURL = { pid: 70, uid: 1000, comm: 'curl' };
const WEB = { pid: 50, comm: 'web' };

/** Adds the entry of a connection that curl made after 1 ms and closed after 11 ms. */
const enterConnection = (fields: Partial<FakeEntry> = {}): void =>
  bpf.enter(0xc0, {
    bornMs: at(1),
    creator: CURL,
    releasedMs: at(11),
    releaser: CURL,
    tcp: { operation: 'connect', local: '127.0.0.1:4000', remote: '127.0.0.1:80' },
    ...fields,
  });

/** Returns the only event, the close of `CONNECTED` 30 ms after the start. */
function closeOfConnection() {
  drain();
  advance(30);
  kernel.own.destroy(CONNECTED);
  return drainOnlyEnd();
}

describe('coverage', () => {
  test('is lives with the ledger, which needs no trace', () => {
    open({ ledger: ledger(), trace });
    expect(source.events?.coverage).toEqual({ level: 'lives' });
    expect(source.leftovers).toBeUndefined();
  });

  test('says that only a container is recorded', () => {
    open({ ledger: ledger({ isRoot: false }) });
    expect(source.events?.coverage.why).toBe('programs are recorded in the container of netpane only');
  });

  test('is that of the trace on a kernel whose ledger cannot name processes', () => {
    bpf.refused.set('created', new BpfError('loading', 22));
    open({ ledger: ledger(), trace });
    expect(source.events?.coverage).toEqual({ level: 'changes' });
    expect(source.leftovers).toBeDefined();
  });

  test('closing the source removes the programs', () => {
    open({ ledger: ledger() });
    source.close();
    expect(bpf.open.size).toBe(0);
  });
});

describe('a close', () => {
  test('has the process that made and closed the socket as exact owner, with its file and command', () => {
    start(70, 'curl');
    open({ ledger: ledger(), trace });
    enterConnection();
    const end = closeOfConnection();
    expect(line(end)).toBe(
      '11 ended sk:c0 CLOSE 127.0.0.1:4000 127.0.0.1:80; exact curl 70; 10 ms; by destroy',
    );
    expect(end.socket).toMatchObject({
      uid: 1000,
      user: 'ana',
      opened: 'out',
      createdAtMs: WALL_MS + START_MS + 1,
    });
    expect(end.isAtLeast).toBeUndefined();
    // Its entry is removed.
    kernel.own.destroy(CONNECTED);
    expect(drainLines()).toEqual([expect.stringContaining('gone - -')]);
  });

  test('has the process by its kernel name and user if it has ended', () => {
    open({ ledger: ledger() });
    enterConnection();
    expect(closeOfConnection().socket.owners).toEqual([
      { knowledge: 'exact', pid: 70, process: 'curl', user: 'ana' },
    ]);
  });

  test('does not take another program for the one that made the socket', () => {
    start(70, 'bash');
    open({ ledger: ledger() });
    enterConnection();
    const [owner] = closeOfConnection().socket.owners;
    expect(owner).toMatchObject({ knowledge: 'exact', pid: 70, process: 'curl' });
    expect(owner).not.toHaveProperty('exe');
  });

  test('names a process, not the thread that made the socket', () => {
    start(70, 'firefox');
    open({ ledger: ledger() });
    enterConnection({ creator: { ...CURL, tid: 77, comm: 'Socket Thread' } });
    expect(ownersText(closeOfConnection().socket)).toBe('exact firefox 70');
  });

  test('has the process that made the socket as creator if another one closed it', () => {
    start(70, 'curl');
    start(71, 'helper');
    open({ ledger: ledger() });
    enterConnection({ releaser: { pid: 71, comm: 'helper' } });
    expect(ownersText(closeOfConnection().socket)).toBe('creator curl 70, exact helper 71');
  });

  test('does not name the thread of the kernel that closed the last descriptor', () => {
    open({ ledger: ledger() });
    enterConnection({ releaser: { pid: 9, comm: 'kworker/0:1-events' } });
    expect(ownersText(closeOfConnection().socket)).toBe('creator curl 70');
  });

  test('has a hidden owner if its process is in another pid namespace', () => {
    open({ ledger: ledger() });
    bpf.enter(0xc0, { bornMs: at(1), releasedMs: at(2) });
    expect(ownersText(closeOfConnection().socket)).toBe('hidden - -');
  });

  test('of an accepted socket has the process that closed it, and the user of the listener', async () => {
    start(50, 'web', 7);
    open({ ledger: ledger() });
    await read(LISTEN);
    bpf.enter(0xacc, {
      bornMs: at(2),
      releasedMs: at(5),
      releaser: WEB,
      tcp: { operation: 'accepted', local: '127.0.0.1:80', remote: '127.0.0.1:4000' },
    });
    kernel.own.destroy(ACCEPTED);
    const end = drainOnlyEnd();
    expect(line(end)).toContain('exact web 50; 3 ms; by destroy');
    expect(end.socket).toMatchObject({ opened: 'in', uid: 1000 });
  });

  test('of a socket that no process accepted has the owners of the listener', async () => {
    start(50, 'web', 7);
    open({ ledger: ledger() });
    await read(LISTEN);
    bpf.enter(0xacc, {
      bornMs: at(2),
      tcp: { operation: 'accepted', local: '127.0.0.1:80', remote: '127.0.0.1:4000' },
    });
    kernel.own.destroy(ACCEPTED);
    expect(ownersText(drainOnlyEnd().socket)).toBe('listener web 50');
  });

  test('has the time of its message if the socket outlived its last descriptor', () => {
    open({ ledger: ledger() });
    enterConnection();
    drain();
    advance(2000);
    drain();
    advance(50);
    kernel.own.destroy(CONNECTED);
    expect(line(drainOnlyEnd())).toMatch(/^2050 ended .*; 2049 ms; by destroy$/);
  });

  test('has the time of the close of its descriptor if a busy kernel sent the message late', () => {
    open({ ledger: ledger() });
    enterConnection();
    advance(500);
    drain();
    kernel.own.destroy(CONNECTED);
    expect(line(drainOnlyEnd())).toMatch(/^11 ended .*; 10 ms; by destroy$/);
  });

  test('after the peer has closed shows state LAST_ACK, without the FIN of the peer and a lookup of a remnant', () => {
    open({ ledger: ledger() });
    enterConnection({ releasedState: 'CLOSE_WAIT' });
    kernel.own.destroy({ ...CONNECTED, info: { ...CONNECTED.info, bytesReceived: 201, bytesAcked: 100 } });
    const { socket } = drainOnlyEnd();
    expect(socket).toMatchObject({ state: 'LAST_ACK', traffic: { rxBytes: 200 } });
  });

  test('has the endpoints that the kernel has cleared', () => {
    open({ ledger: ledger() });
    enterConnection({ releasedState: 'ESTABLISHED' });
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000', remote: '127.0.0.1:0' });
    expect(line(drainOnlyEnd())).toContain('CLOSE 127.0.0.1:4000 127.0.0.1:80');
  });

  test('shows an unanswered connection in state SYN_SENT, and a listener in state LISTEN', () => {
    open({ ledger: ledger() });
    enterConnection({ releasedState: 'CLOSE' });
    bpf.enter(1, { bornMs: at(0), creator: WEB, tcp: { operation: 'listen', local: '0.0.0.0:80' } });
    kernel.own.destroy({ cookie: 0xc0, local: '127.0.0.1:4000', remote: '127.0.0.1:80' });
    kernel.own.destroy({ cookie: 1, local: '0.0.0.0:80' });
    expect(drain().map((it) => it.type === 'ended' && it.socket.state)).toEqual(['LISTEN', 'SYN_SENT']);
  });

  test('of a UDP socket has its process, lifetime and traffic', () => {
    open({ ledger: ledger() });
    bpf.enter(5, { bornMs: at(0), creator: CURL, releasedMs: at(4), releaser: CURL });
    bpf.count(5, { rxPackets: 2, rxBytes: 300, txPackets: 1, txBytes: 40 }, ['192.0.2.1:53']);
    kernel.own.destroy({ cookie: 5, protocol: 'udp', local: '127.0.0.1:5000' });
    kernel.own.destroy({ cookie: 6, protocol: 'udp', local: '127.0.0.1:5001' });
    // The second one is older than the ledger, and without traffic since.
    const [other, one] = drain();
    expect(one).toMatchObject({
      lifetimeMs: 4,
      socket: {
        traffic: { rxBytes: 300, txBytes: 40, rxSegments: 2, txSegments: 1 },
        peers: [{ address: '192.0.2.1', port: 53 }],
      },
    });
    expect(other).toMatchObject({ socket: { owners: [{ knowledge: 'gone' }], traffic: { rxBytes: 0 } } });
  });
});

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

  test('shows the traffic of a UDP socket since the start, 0 without any, and its last with the next poll', async () => {
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

  test('says nothing of it if all is counted, or if no ledger is requested', async () => {
    open({ ledger: ledger() });
    expect(await uncounted()).toBeUndefined();
    open();
    expect(await uncounted()).toBeUndefined();
  });

  test('says how many entries the kernel has evicted', async () => {
    open({ ledger: ledger({ maxSockets: 10 }) });
    bpf.setMade(MADE.entries, 12);
    expect((await read()).degradations).toContainEqual({
      code: 'ledger-evicted',
      text: '2 entries of the ledger evicted: some programs and UDP bytes are unknown',
      short: '2 programs or counts lost',
    });
  });
});
