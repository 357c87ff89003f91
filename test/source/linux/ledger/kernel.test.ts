// The real kernel: checks the assumptions of the fakes in the other tests. The ledger records all sockets of the machine.
// Each test finds its own by the ports in their close messages.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Bpf, BpfError } from '../../../../src/source/linux/ledger/bpf.ts';
import type { Ledger } from '../../../../src/source/linux/ledger/ledger.ts';
import { SLOTS } from '../../../../src/source/linux/ledger/layout.ts';
import { ATTACH, TYPE } from '../../../../src/source/linux/ledger/program-parts.ts';
import { LedgerProcesses } from '../../../../src/source/linux/ledger/ledger-processes.ts';
import { cookieOfSocket, udpCookies } from '../../../../src/source/linux/ledger/socket-cookie.ts';
import { Closes, type ClosedSocket } from '../../../../src/source/linux/netlink/closes.ts';
import { ERRNO } from '../../../../src/source/linux/netlink/errno.ts';
import { Native } from '../../../../src/source/linux/netlink/native.ts';
import { monotonicMs } from '../../../../src/source/linux/proc/clock.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { type Channels, KernelNetlink } from '../../../../src/source/linux/netlink/system.ts';
import { eventually } from '../../../helpers/herd.ts';
import { openLedger, whyNoLedger } from '../../../helpers/real-ledger.ts';

const impossible = await whyNoLedger();
const why = impossible === undefined ? '' : ` (skipped: ${impossible})`;

describe.skipIf(impossible !== undefined)(`the ledger of the real kernel${why}`, () => {
  let ledger: Ledger;
  let channels: Channels;
  let closes: Closes;
  let startMs: number;
  let seen: ClosedSocket[];
  beforeEach(async () => {
    ledger = await openLedger();
    channels = new KernelNetlink(await Native.load()).open(undefined, true);
    if (channels.closes === undefined) throw new Error('no close messages');
    closes = new Closes(channels.closes);
    startMs = monotonicMs();
    seen = [];
  });
  afterEach(() => {
    ledger.close();
    channels.close();
  });

  /** Waits for the close message of a socket. */
  async function closed(what: string, isIt: (socket: ClosedSocket) => boolean): Promise<ClosedSocket> {
    const find = () => {
      closes.collect(0, 0);
      seen.push(...closes.take());
      return seen.find(isIt);
    };
    await eventually(
      () => `the close of ${what}`,
      () => find() !== undefined,
    );
    const found = seen.find(isIt);
    if (found === undefined) throw new Error('unreachable');
    return found;
  }

  const me = { pid: process.pid };

  test('has the process and the times of both ends of a connection, and of their listener', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    const [[accepted]] = await Promise.all([
      once(server, 'connection') as Promise<[Socket]>,
      once(client, 'connect'),
    ]);
    const own = client.localPort;
    client.destroy();
    await once(accepted.resume(), 'end');
    accepted.destroy();
    const near = await closed('the client', ({ addresses }) => addresses.local.port === own);
    const entry = ledger.takeEntry(near.id);
    expect(entry).toMatchObject({
      creator: me,
      releaser: me,
      releasedState: 'ESTABLISHED',
      uid: process.geteuid?.(),
      tcp: {
        operation: 'connect',
        local: { address: '127.0.0.1', port: own },
        remote: { address: '127.0.0.1', port },
      },
    });
    const endMs = monotonicMs();
    expect(entry?.bornMs).toBeGreaterThan(startMs);
    expect(entry?.releasedMs).toBeGreaterThan(entry?.bornMs ?? Infinity);
    expect(entry?.releasedMs).toBeLessThan(endMs);

    const far = await closed('its peer', ({ addresses }) => addresses.remote?.port === own);
    expect(ledger.takeEntry(far.id)).toMatchObject({
      creator: undefined,
      releaser: me,
      releasedState: 'CLOSE_WAIT',
      tcp: { operation: 'accepted', remote: { address: '127.0.0.1', port: own } },
    });

    server.close();
    const listener = await closed(
      'the listener',
      ({ addresses: { local, remote } }) => local.port === port && remote === null,
    );
    expect(ledger.takeEntry(listener.id)).toMatchObject({
      creator: me,
      tcp: { operation: 'listen', local: { address: '127.0.0.1', port }, remote: null },
    });
  });

  test('has the remote endpoint of a refused connection over IPv6', async () => {
    const refused = connect(1, '::1');
    await once(refused, 'error').catch(() => undefined);
    const { id } = await closed('the connection', ({ addresses }) => addresses.remote?.port === 1);
    expect(ledger.takeEntry(id)?.tcp).toMatchObject({
      family: 'ipv6',
      local: { address: '::1' },
      remote: { address: '::1', port: 1 },
    });
  });

  const bound = async (type: 'udp4' | 'udp6'): Promise<UdpSocket> => {
    const socket = createSocket(type);
    socket.bind(0);
    await once(socket, 'listening');
    return socket;
  };

  test.each([
    ['udp4', '127.0.0.1', 1400],
    ['udp6', '::1', 1400],
    ['udp4', '127.0.0.1', 60_000],
    ['udp6', '::1', 60_000],
    ['udp4', '127.0.0.1', 0],
  ] as const)('counts the payload of %s exactly: %s, %i bytes', async (type, address, length) => {
    const [sender, receiver] = await Promise.all([bound(type), bound(type)]);
    const [from, to] = [sender.address().port, receiver.address().port];
    const count = 20;
    for (let i = 0; i < count; i++) {
      const message = once(receiver, 'message');
      sender.send(Buffer.alloc(length), to, address);
      await message;
    }
    const living = new Map<string, unknown>();
    ledger.readCounters((low, high, counters) => living.set(`${high} ${low}`, counters));
    sender.close();
    const { id } = await closed('the sender', ({ addresses }) => addresses.local.port === from);
    const sent = { rxPackets: 0, rxBytes: 0, txPackets: count, txBytes: count * length };
    expect([...living.values()]).toContainEqual(sent);
    expect(ledger.takeCounters(id)).toEqual({ counters: sent, peers: [{ address, port: to }] });
    expect(ledger.takeCounters(id)).toBeUndefined();
    receiver.close();
    const other = await closed('the receiver', ({ addresses }) => addresses.local.port === to);
    expect(ledger.takeCounters(other.id)).toEqual({
      counters: { rxPackets: count, rxBytes: count * length, txPackets: 0, txBytes: 0 },
      peers: [{ address, port: from }],
    });
  });

  test('counts each of more sockets than there are slots exactly, while they are open and when they are closed', async () => {
    const receiver = await bound('udp4');
    const { port } = receiver.address();
    const sockets = await Promise.all(Array.from({ length: SLOTS + 100 }, () => bound('udp4')));
    const ports = sockets.map((socket) => socket.address().port);
    const lengths = new Map(ports.map((own, i) => [own, 1 + i]));
    const sendTo = (socket: UdpSocket, length: number): Promise<unknown> =>
      new Promise((resolve) => {
        socket.send(Buffer.alloc(length), port, '127.0.0.1', resolve);
      });
    await Promise.all(sockets.map((socket, i) => sendTo(socket, 1 + i)));
    const open = new Set<number>();
    ledger.readCounters((_low, _high, { txPackets, txBytes }) => {
      if (txPackets === 1) open.add(txBytes);
    });
    expect([...lengths.values()].filter((length) => !open.has(length))).toEqual([]);
    for (const socket of sockets) socket.close();
    const wrong: unknown[] = [];
    for (const [own, txBytes] of lengths) {
      const { id } = await closed(`port ${own}`, ({ addresses }) => addresses.local.port === own);
      const { counters } = ledger.takeCounters(id) ?? {};
      if (counters?.txPackets !== 1 || counters.txBytes !== txBytes) wrong.push({ own, counters });
    }
    expect(wrong).toEqual([]);
    receiver.close();
    // The slots are free again: the next sockets count in them from 0.
    const next = await bound('udp4');
    const { port: last } = next.address();
    next.close();
    const { id } = await closed('the last socket', ({ addresses }) => addresses.local.port === last);
    expect(ledger.takeCounters(id)).toBeUndefined();
  });

  test('counts the packets of sockets that are older than the ledger, and frees their slots when they are closed', async () => {
    const [sender, receiver] = await Promise.all([bound('udp4'), bound('udp6')]);
    const [from, to] = [sender.address().port, receiver.address().port];
    const setSlot = vi.spyOn(Bpf.prototype, 'setValueAt');
    const younger = await openLedger(4096, () => udpCookies(channels.diag));
    expect(setSlot.mock.calls.length).toBeGreaterThanOrEqual(2);
    setSlot.mockRestore();
    const message = once(receiver, 'message');
    sender.send(Buffer.alloc(700), to, '127.0.0.1');
    await message;
    const packet = { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0 };
    const wanted = {
      [from]: { ...packet, txPackets: 1, txBytes: 700 },
      [to]: { ...packet, rxPackets: 1, rxBytes: 700 },
    };
    const living: unknown[] = [];
    younger.readCounters((_low, _high, counters) => living.push(counters));
    for (const counters of Object.values(wanted)) expect(living).toContainEqual(counters);
    sender.close();
    receiver.close();
    for (const [port, counters] of Object.entries(wanted)) {
      const { id } = await closed(`port ${port}`, ({ addresses }) => addresses.local.port === Number(port));
      expect(younger.takeCounters(id)?.counters).toEqual(counters);
      younger.readCountersOf([id], () => expect.unreachable());
    }
    younger.close();
  });

  /** Sends a datagram. */
  const send = (socket: UdpSocket, to: UdpSocket, address: string): Promise<unknown> => {
    const received = once(to, 'message');
    socket.send('x', to.address().port, address);
    return received;
  };

  test('has the last four peers of a socket, the latest new one first, of both versions of IP', async () => {
    const [server, ...clients] = await Promise.all(
      (['udp6', 'udp4', 'udp6', 'udp4', 'udp4', 'udp6'] as const).map(bound),
    );
    if (server === undefined) throw new Error('unreachable');
    const { port } = server.address();
    const addressOf = (client: UdpSocket) => (client.address().family === 'IPv6' ? '::1' : '127.0.0.1');
    for (const client of clients) await send(client, server, addressOf(client));
    // The second one again: its place stays.
    for (const client of clients.slice(1, 2)) {
      await send(client, server, addressOf(client));
      await send(server, client, addressOf(client));
    }
    const wanted = clients
      .slice(1)
      .reverse()
      .map((client) => ({ address: addressOf(client), port: client.address().port }));
    server.close();
    const { id } = await closed('the server', ({ addresses }) => addresses.local.port === port);
    for (const client of clients) client.close();
    expect(ledger.takeCounters(id)?.peers).toEqual(wanted);
  });

  test('has no peers of a connected socket', async () => {
    const [client, server] = await Promise.all([bound('udp4'), bound('udp4')]);
    const connected = once(client, 'connect');
    client.connect(server.address().port, '127.0.0.1');
    await connected;
    const [received, { port }] = [once(server, 'message'), client.address()];
    client.send('x');
    await received;
    client.close();
    const { id } = await closed('the client', ({ addresses }) => addresses.local.port === port);
    server.close();
    expect(ledger.takeCounters(id)).toMatchObject({ counters: { txPackets: 1 }, peers: [] });
  });

  test('the cookie of a socket is that of its descriptor in another process', async () => {
    const native = await Native.load();
    const socket = await bound('udp4');
    const { port } = socket.address();
    const cookies = readdirSync('/proc/self/fd').map((name) =>
      cookieOfSocket(native, process.pid, Number(name)),
    );
    socket.close();
    const { id } = await closed('the socket', ({ addresses }) => addresses.local.port === port);
    expect(cookies.map((it) => it && `sk:${it.low.toString(16)}`)).toContain(id);
    expect(cookieOfSocket(native, process.pid, 1_000_000)).toBeUndefined();
    expect(cookieOfSocket(native, 2 ** 22 + 1, 1)).toBeUndefined();
  });

  test('a process with a ledger is found by its descriptors', () => {
    const processes = new LedgerProcesses(new Proc('/proc'), ledger.descriptors);
    // A thread shares them, and has another number than netpane itself.
    const thread = readdirSync('/proc/self/task')
      .map(Number)
      .find((tid) => tid !== process.pid);
    expect(processes.has(thread ?? 0, () => undefined)).toBe(true);
    expect(processes.has(process.ppid, () => undefined)).toBe(false);
    expect(processes.has(2 ** 22 + 1, () => undefined)).toBe(false);
    ledger.close();
    expect(processes.has(thread ?? 0, () => undefined)).toBe(false);
  });

  test('counts the sockets that a full ledger has no room for, and makes room by forgetting closed ones', async () => {
    const small = await openLedger(16);
    const sockets = await Promise.all(Array.from({ length: 30 }, () => bound('udp4')));
    expect(small.lost).toBeGreaterThanOrEqual(14);
    // Some have counters, and some have none.
    const [one, two] = sockets;
    if (one && two) await send(one, two, '127.0.0.1');
    const sender = one?.address().port;
    for (const socket of sockets) socket.close();
    small.makeRoom(monotonicMs() + 40_000, true);
    const { id: sent } = await closed('the sender', ({ addresses }) => addresses.local.port === sender);
    expect([small.takeEntry(sent), small.takeCounters(sent)]).toEqual([undefined, undefined]);
    const last = await bound('udp4');
    const { port } = last.address();
    last.close();
    const { id } = await closed('the last socket', ({ addresses }) => addresses.local.port === port);
    expect(small.takeEntry(id)).toMatchObject({ creator: me, releaser: me });
    small.close();
  });

  test('the error about a refused program has the log of the verifier', async () => {
    const bpf = new Bpf(await Native.load());
    // Returns (BPF_EXIT) without a result in r0.
    const code = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);
    const load = () =>
      bpf.loadProgram({ name: 'wrong', type: TYPE.cgroupSock, attachType: ATTACH.sockCreate, code });
    expect(load).toThrow(BpfError);
    expect(load).toThrow(/^loading the program wrong: error \d+\n[^]*R0 !read_ok/);
  });

  test('loads a program again after a signal has interrupted its verification', async () => {
    const native = await Native.load();
    const bpf = new Bpf(native);
    const calls = vi.spyOn(native, 'systemCall');
    for (let i = 0; i < 3; i++) calls.mockReturnValueOnce(-ERRNO.EAGAIN);
    // r0 = 1 (BPF_MOV), then BPF_EXIT.
    const code = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    const spec = { name: 'right', type: TYPE.cgroupSock, attachType: ATTACH.sockCreate, code };
    bpf.close(bpf.loadProgram(spec));
    expect(calls).toHaveBeenCalledTimes(4);
    // Not for ever: under a profiler a signal arrives every millisecond.
    calls.mockReturnValue(-ERRNO.EAGAIN);
    expect(() => bpf.loadProgram(spec)).toThrow(/error 11/);
    calls.mockRestore();
  });

  test('two ledgers record the same, and one does not need the other', async () => {
    const other = await openLedger();
    const socket = await bound('udp4');
    const { port } = socket.address();
    ledger.close();
    socket.close();
    const { id } = await closed('the socket', ({ addresses }) => addresses.local.port === port);
    expect(other.takeEntry(id)).toMatchObject({ creator: me, releaser: me });
    other.close();
  });
});
