// The real kernel lets a program with CAP_NET_ADMIN in its network namespace send messages to other netlink sockets there.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Closes, type ClosedSocket } from '../../../../src/source/linux/netlink/closes.ts';
import { Native } from '../../../../src/source/linux/netlink/native.ts';
import { NETLINK } from '../../../../src/source/linux/netlink/netlink-calls.ts';
import { type Channels, KernelNetlink } from '../../../../src/source/linux/netlink/system.ts';
import { LITTLE_ENDIAN } from '../../../../src/source/linux/netlink/wire.ts';
import { eventually } from '../../../helpers/herd.ts';
import { closeMessage } from '../../../helpers/netlink/messages.ts';

/** Number of connect(2). */
const SYS_CONNECT = process.arch === 'arm64' ? 203 : 42;
const AF_NETLINK = 16;
/** The multicast group of closed TCP sockets over IPv4, as a bit. */
const CLOSED_TCP4 = 1;

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)(`a netlink message of a program${isRoot ? '' : ' (skipped: needs root)'}`, () => {
  let native: Native;
  let channels: Channels;
  let sender: number;
  beforeEach(async () => {
    native = await Native.load();
    channels = new KernelNetlink(native).open(undefined, true);
    sender = native.netlink.open(NETLINK.sockDiag);
  });
  afterEach(() => {
    native.close(sender);
    channels.close();
  });

  /** Sends a message to all sockets of a multicast group. */
  function sendToGroup(group: number, message: Uint8Array): void {
    // struct sockaddr_nl: family, padding, port, groups.
    const address = native.allocate(12);
    address.view.setUint16(0, AF_NETLINK, LITTLE_ENDIAN);
    address.view.setUint32(8, group, LITTLE_ENDIAN);
    expect(native.systemCall(SYS_CONNECT, sender, Number(address.address), 12)).toBe(0);
    native.free(address);
    native.netlink.send(sender, message);
  }

  test('closes no socket: only messages of the kernel are believed', async () => {
    if (channels.closes === undefined) throw new Error('no close messages');
    const closes = new Closes(channels.closes);
    const forged = { cookie: 0xf0_f0f0, local: '127.0.0.1:9', remote: '127.0.0.1:10' };
    sendToGroup(CLOSED_TCP4, closeMessage(forged));
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    connect(port, '127.0.0.1').resume();
    const seen: ClosedSocket[] = [];
    await eventually(
      () => 'the close of a connection',
      () => {
        closes.collect(0, 0);
        seen.push(...closes.take());
        return seen.some(({ addresses }) => addresses.local.port === port);
      },
    );
    server.close();
    expect(seen.filter(({ id }) => id === 'sk:f0f0f0')).toEqual([]);
  });
});
