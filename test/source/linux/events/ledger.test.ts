import { describe, expect, test } from 'vitest';
import { BpfError } from '../../../../src/source/linux/ledger/bpf.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import {
  ACCEPTED,
  advance,
  CONNECTED,
  drain,
  drainLines,
  drainOnlyEnd,
  fake,
  kernel,
  line,
  LISTEN,
  open,
  read,
  source,
  start,
  START_MS,
  trace,
  WALL_MS,
} from '../../../helpers/event-scene.ts';
import { ownersText } from '../../../helpers/fakes.ts';
import { at, bpf, CURL, enterConnection, ledger, useLedgerScene, WEB } from './ledger-scene.ts';

useLedgerScene();

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

  test('does not name netpane, whose copy of the socket was closed last', () => {
    open({ ledger: ledger() });
    enterConnection({ releaser: { pid: process.pid, comm: 'node' } });
    expect(ownersText(closeOfConnection().socket)).toBe('creator curl 70');
  });

  test.each([
    ['does not name another netpane, whose copy of the socket was', '0123456789abcdef', 'creator curl 70'],
    [
      'names a process with another BPF program, whose descriptor was',
      'fedcba9876543210',
      'creator curl 70, exact node 71',
    ],
  ])('%s closed last', (_, tag, owners) => {
    start(70, 'curl');
    const own = ledger();
    for (const descriptor of own.descriptors)
      fake.write(
        `self/fdinfo/${descriptor}`,
        'link_type:\tcgroup\nprog_tag:\t0123456789abcdef\nprog_id:\t1\n',
      );
    fake.start(71, { comm: 'node', fds: { 4: 99, 9: 'anon_inode:bpf_link' } });
    fake.write('71/fdinfo/4', 'prog_tag:\t0123456789abcdef\n');
    fake.write('71/fdinfo/9', `link_type:\tcgroup\nprog_tag:\t${tag}\nprog_id:\t7\n`);
    open({ ledger: own });
    enterConnection({ releaser: { pid: 71, comm: 'node' } });
    expect(ownersText(closeOfConnection().socket)).toBe(owners);
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

  test('reads the program of a process once for all the sockets that it closed since the last drain', async () => {
    start(50, 'web', 7);
    const read50: string[] = [];
    class CountingProc extends Proc {
      override text(path: string, ...bounds: number[]): Outcome<string> {
        if (path === '50/task/50/stat') read50.push(path);
        return super.text(path, ...bounds);
      }
    }
    open({ ledger: ledger(), proc: new CountingProc(fake.root) });
    await read(LISTEN);
    const acceptAndClose = (cookie: number): void => {
      const remote = `127.0.0.1:${4000 + cookie}`;
      bpf.enter(cookie, {
        bornMs: at(2),
        releasedMs: at(5),
        releaser: WEB,
        tcp: { operation: 'accepted', local: '127.0.0.1:80', remote },
      });
      kernel.own.destroy({ ...ACCEPTED, cookie, remote });
    };
    acceptAndClose(20);
    drain();
    read50.length = 0;
    for (const cookie of [21, 22, 23]) acceptAndClose(cookie);
    expect(drain().map((it) => it.type === 'ended' && ownersText(it.socket))).toEqual(
      Array.from({ length: 3 }, () => 'exact web 50'),
    );
    expect(read50).toHaveLength(1);
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

  test('that follows the close of the peer has state LAST_ACK, does not count its FIN, and looks up no remnant', () => {
    open({ ledger: ledger() });
    enterConnection({ releasedState: 'CLOSE_WAIT' });
    kernel.own.destroy({ ...CONNECTED, info: { ...CONNECTED.info, bytesReceived: 201, bytesAcked: 100 } });
    const { socket } = drainOnlyEnd();
    expect(socket).toMatchObject({ state: 'LAST_ACK', traffic: { rxBytes: 200 } });
  });

  describe.each([
    ['counted by the socket, is not among its bytes', 'ESTABLISHED', 1, 201, false],
    ['that arrived at the remnant, was never counted', 'ESTABLISHED', 0, 200, false],
    ['that arrived at the remnant after shutdown(2), was never counted', 'FIN_WAIT2', 0, 200, false],
    ['that came before the close after shutdown(2), is not among its bytes', 'FIN_WAIT2', 1, 201, true],
    ['that a program read after shutdown(2), is not among its bytes', 'CLOSE', 0, 201, true],
  ] as const)(
    'of the side that closed first: a FIN %s',
    (_, releasedState, recvQueue, bytesReceived, isOpen) => {
      test.each([false, true])('without remnants: %s', (omitsRemnants) => {
        open({ ledger: ledger(), omitsRemnants });
        enterConnection({ releasedState });
        const { info, ...bare } = CONNECTED;
        kernel.own.sockets = [
          { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
        ];
        kernel.own.destroy({ ...CONNECTED, recvQueue, info: { ...info, bytesReceived, bytesAcked: 102 } });
        expect(drainOnlyEnd().socket.traffic?.rxBytes).toBe(200);
        // The remnant is looked up if it is shown, and if the ledger leaves open whether it changes the bytes.
        expect(kernel.own.requests.includes('lookup')).toBe(!omitsRemnants || isOpen);
      });
    },
  );

  test('has no remnant once polls omit new ones, and needs no lookup then', async () => {
    open({ ledger: ledger() });
    await source.read({ omitsNewRemnants: true });
    enterConnection({ releasedState: 'ESTABLISHED' });
    const { info, ...bare } = CONNECTED;
    kernel.own.sockets = [
      { ...bare, cookie: 0x99, state: 'TIME_WAIT', timer: { kind: 'timewait', expiresMs: 60_000 } },
    ];
    kernel.own.destroy({
      ...CONNECTED,
      recvQueue: 1,
      info: { ...info, bytesReceived: 201, bytesAcked: 102 },
    });
    expect(drainOnlyEnd().remnant).toBeUndefined();
    expect(kernel.own.requests).not.toContain('lookup');
  });

  test('of an accepted connection needs no lookup where remnants are not shown', () => {
    open({ ledger: ledger(), omitsRemnants: true });
    bpf.enter(0xc0, {
      bornMs: at(1),
      releasedMs: at(11),
      releaser: WEB,
      releasedState: 'ESTABLISHED',
      tcp: { operation: 'accepted', local: '127.0.0.1:4000', remote: '127.0.0.1:80' },
    });
    const { info } = CONNECTED;
    // Only its FIN is acknowledged: the peer has sent the SYN.
    kernel.own.destroy({
      ...CONNECTED,
      recvQueue: 1,
      info: { ...info, bytesReceived: 201, bytesAcked: 101 },
    });
    expect(drainOnlyEnd().socket.traffic?.rxBytes).toBe(200);
    expect(kernel.own.requests).not.toContain('lookup');
  });

  test('after shutdown(2), with unread data, resets the connection: all its bytes are data', () => {
    open({ ledger: ledger() });
    enterConnection({ releasedState: 'FIN_WAIT2' });
    const { info } = CONNECTED;
    kernel.own.destroy({
      ...CONNECTED,
      recvQueue: 50,
      info: { ...info, bytesReceived: 200, bytesAcked: 102 },
    });
    expect(drainOnlyEnd().socket.traffic?.rxBytes).toBe(200);
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
