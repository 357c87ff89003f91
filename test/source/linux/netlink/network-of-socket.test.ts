import { closeSync, fstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Native } from '../../../../src/source/linux/netlink/native.ts';
import { NativeProc } from '../../../../src/source/linux/proc/native-proc.ts';

/** Number of searches: koffi queues fewer calls. */
const COUNT = 400;

/** Returns the inode of the network namespace of this process. */
const ownNetwork = () => statSync('/proc/self/ns/net').ino;

const FOLDER = '/proc/self/fd';
const count = () => readdirSync(FOLDER).length;

/** Returns the descriptors of the sockets of this process. */
const sockets = () =>
  readdirSync(FOLDER)
    .filter((name) => {
      try {
        return readlinkSync(`${FOLDER}/${name}`).startsWith('socket:');
      } catch {
        // The descriptor of the folder itself is closed by now.
        return false;
      }
    })
    .map(Number);

/** Returns true if the kernel allows copying a descriptor of a process: pidfd_getfd(2) needs Linux 5.6. */
function isAllowed(native: Native, descriptor: number): boolean {
  try {
    closeSync(native.networkOfSocket(process.pid, descriptor).fd);
    return true;
  } catch {
    return false;
  }
}

describe.runIf(process.platform === 'linux')('the network namespace of a socket', () => {
  let server: Server;
  let descriptor: number;
  beforeEach(async () => {
    const before = sockets();
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    descriptor = sockets().find((it) => !before.includes(it)) ?? -1;
  });
  afterEach(() => void server.close());

  test('is found for any number of sockets at once, and leaves no descriptor open', async ({ skip }) => {
    const native = await Native.load();
    skip(!isAllowed(native, descriptor), 'this kernel refuses pidfd_getfd(2)');
    const before = count();
    for (let i = 0; i < COUNT; i++) {
      const { fd, isTcp } = native.networkOfSocket(process.pid, descriptor);
      expect([isTcp, fstatSync(fd).ino]).toEqual([true, ownNetwork()]);
      closeSync(fd);
    }
    await vi.waitFor(() => expect(count()).toBeLessThanOrEqual(before), {
      timeout: 10_000,
    });
  });

  test('does not make netpane an owner of the socket while it closes its copies', async ({ skip }) => {
    const native = await Native.load();
    skip(!isAllowed(native, descriptor), 'this kernel refuses pidfd_getfd(2)');
    const before = new Set(readdirSync(FOLDER).map(Number));
    for (let i = 0; i < COUNT; i++) closeSync(native.networkOfSocket(process.pid, descriptor).fd);
    const copies = sockets().filter((it) => !before.has(it));
    expect(copies.length).toBeGreaterThan(0);
    const folder = String(process.pid);
    const proc = new NativeProc('/proc', native);
    const noSocket = copies.map(() => ({ value: 0 }));
    expect(proc.socketInodes(folder, copies)).toEqual(noSocket);
    expect(copies.map((it) => proc.socketInode(folder, it))).toEqual(noSocket);
    // Its own descriptor stays one.
    expect(proc.socketInode(folder, descriptor)).toEqual({ value: fstatSync(descriptor).ino });
  });
});
