import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Library, openSockDiag, refusalOf } from './fake-library.ts';

let library: Library;
beforeEach(() => {
  library = new Library();
  vi.resetModules();
  vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
  const koffi = {
    load: () => {
      if (library.failure) throw library.failure;
      return library;
    },
    errno: () => library.errno,
    sizeof: () => 8,
    alloc: (_: string, length: number) => library.allocate(length),
    view: (memory: ArrayBuffer) => memory,
    address: (memory: ArrayBuffer) => library.addressOf(memory),
    os: { errno: { EPERM: 1, EINTR: 4, EAGAIN: 11, EPROTONOSUPPORT: 93 } },
  };
  vi.doMock('koffi', () => ({
    // The real import() throws this; a mock cannot.
    get default() {
      if (library.packageFailure) throw library.packageFailure;
      return koffi;
    },
  }));
});
afterEach(() => {
  vi.doUnmock('koffi');
  vi.restoreAllMocks();
});

const native = async () => (await import('../../../../src/source/linux/netlink/native.ts')).Native.load();

describe('calls of the C library', () => {
  test('repeats a call interrupted by a signal', async () => {
    library.results.set('recvfrom', [-4, -4, 20]);
    const calls = await native();
    expect(calls.netlink.receive(5, new Uint8Array(32))).toBe(20);
    expect(library.calls).toEqual(Array(3).fill('recvfrom 5 32 0'));
  });

  test('skips messages that are not from the kernel: other users may send some in a namespace of their own', async () => {
    const calls = await native();
    const [forged, real] = [Uint8Array.of(6, 6), Uint8Array.of(1)];
    library.forged.add(forged);
    library.datagrams = [forged, real, forged, real, forged];
    const into = new Uint8Array(32);
    expect([calls.netlink.receive(5, into), into[0]]).toEqual([1, 1]);
    const received: number[] = [];
    const count = calls.netlink.receiveWaiting(5, 9, ({ bytes }, start, end) => {
      received.push(...bytes.subarray(start, end));
    });
    expect([count, received]).toEqual([3, [1]]);
    library.datagrams = Array<Uint8Array>(2000).fill(forged);
    expect(() => calls.netlink.receive(5, into)).toThrow('recv: too many messages of a program');
  });

  test('throws an error with the names of the call and the errno', async () => {
    const calls = await native();
    library.results.set('send', [-11]);
    expect(() => calls.netlink.send(5, new Uint8Array(4))).toThrow('send: EAGAIN');
    library.results.set('recvfrom', [-999]);
    expect(() => calls.netlink.receive(5, new Uint8Array(4))).toThrow('recv: error 999');
    library.results.set('setns', [-1]);
    expect(() => calls.enterNetwork(5)).toThrow(
      expect.objectContaining({ errno: 1, message: 'setns: EPERM' }),
    );
    library.results.set('socket', [-93]);
    expect(() => calls.netlink.open(4)).toThrow('a netlink socket: EPROTONOSUPPORT');
  });

  test('opens netlink sockets with SOCK_CLOEXEC and a receive timeout', async () => {
    const calls = await native();
    // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG
    expect(calls.netlink.open(4)).toBe(1000);
    // SOL_SOCKET, SO_RCVTIMEO
    expect(library.calls).toEqual(['socket 16 524291 4', 'setsockopt 1000 1 20 16']);
  });
});

describe('close messages', () => {
  const SIZE = 1 << 20;

  test('joins multicast groups with a large receive buffer', async () => {
    (await native()).netlink.join(5, 0b1111, SIZE);
    // SOL_SOCKET, SO_RCVBUFFORCE; AF_NETLINK, no port, the groups.
    expect(library.calls).toEqual(['bind 5 12', 'setsockopt 5 1 33 4']);
    expect(library.arrays).toEqual([[16, 0, 0b1111], [SIZE]]);
  });

  test('gets a smaller receive buffer without CAP_NET_ADMIN', async () => {
    const calls = await native();
    library.results.set('setsockopt', [-1, 0]);
    calls.netlink.join(5, 0b1111, SIZE);
    // SO_RCVBUF
    expect(library.calls).toEqual(['bind 5 12', 'setsockopt 5 1 33 4', 'setsockopt 5 1 8 4']);
    expect(library.arrays.slice(1)).toEqual([[SIZE], [SIZE]]);
  });

  test('throws if the kernel has no such groups', async () => {
    const calls = await native();
    library.results.set('bind', [-22]);
    expect(() => calls.netlink.join(5, 0b1111, SIZE)).toThrow('bind: error 22');
  });

  test('receives several datagrams with one call, without waiting', async () => {
    const calls = await native();
    const received: string[] = [];
    const receive = (max: number) =>
      calls.netlink.receiveWaiting(5, max, ({ bytes }, start, end) => {
        received.push(String(bytes.subarray(start, end)));
      });
    library.datagrams = [1, 2, 3].map((it) => Uint8Array.of(it, it));
    expect([receive(2), receive(1000), receive(1000)]).toEqual([2, 1, -11]);
    expect(received).toEqual(['1,1', '2,2', '3,3']);
    library.results.set('recvmmsg', [-105, -4]);
    expect([receive(1000), receive(1000)]).toEqual([-105, -4]);
    // MSG_DONTWAIT
    expect(library.calls).toEqual([2, 64, 64, 64, 64].map((max) => `recvmmsg 5 ${max} 64`));
    library.datagrams = Array.from({ length: 70 }, (_, i) => Uint8Array.of(i));
    expect([receive(1000), receive(1000)]).toEqual([64, 6]);
    expect(received.slice(3)).toEqual(Array.from({ length: 70 }, (_, i) => String(i)));
  });

  test('reads the count of lost messages, which the kernel has since Linux 4.12', async () => {
    const calls = await native();
    library.answer = [0, 1, 2, 3, 4, 5, 6, 7, 88];
    expect(calls.netlink.dropsOf(5)).toBe(88);
    // SOL_SOCKET, SO_MEMINFO
    expect(library.calls).toEqual(['getsockopt 5 1 55']);
    library.results.set('getsockopt', [-92]);
    expect(calls.netlink.dropsOf(5)).toBeUndefined();
  });
});

describe('without koffi', () => {
  test.each(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])(
    'says that it is not installed: %s',
    async (code) => {
      library.packageFailure = Object.assign(new Error("Cannot find package 'koffi'"), { code });
      expect(await refusalOf(openSockDiag())).toBe('the package koffi is not installed');
    },
  );

  test('says that it cannot be loaded', async () => {
    library.packageFailure = new Error('wrong ELF class\nat …');
    expect(await refusalOf(openSockDiag())).toBe('the package koffi cannot be loaded: wrong ELF class');
  });

  test('says that a call is missing, and which', async () => {
    library.missing = 'syscall';
    expect(await refusalOf(openSockDiag())).toBe(
      "this system lacks a call that is needed: Cannot find function 'syscall' in shared library",
    );
  });

  test('says that the library cannot be loaded', async () => {
    library.failure = new Error('undefined symbol: recv\nat …');
    expect(await refusalOf(openSockDiag())).toBe(
      'this system lacks a call that is needed: undefined symbol: recv',
    );
  });
});

describe('network namespaces', () => {
  let folder: string;
  let target: { path: string; inode: number };
  let home: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netpane-ns-'));
    home = join(folder, 'home');
    writeFileSync(home, '');
    writeFileSync(join(folder, 'target'), '');
    target = { path: join(folder, 'target'), inode: statSync(join(folder, 'target')).ino };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const system = async () =>
    new (await import('../../../../src/source/linux/netlink/system.ts')).KernelNetlink(await native(), {
      ownPath: home,
    });

  /** Returns the names of the calls, and checks that the descriptors of namespaces are closed. */
  function callNames(): string[] {
    for (const call of library.calls) {
      const fd = /^setns (\d+)/.exec(call)?.[1];
      // Only files of this test were opened since, so that no other has this number.
      if (fd !== undefined) expect(() => fstatSync(Number(fd))).toThrow('EBADF');
    }
    return library.calls
      .map((call) => call.split(' ', 1)[0] ?? '')
      .filter((name) => name !== 'setsockopt' && name !== 'prlimit');
  }

  function namespaceDescriptor() {
    const fd = openSync(target.path, 'r');
    return { fd, close: () => closeSync(fd) };
  }

  test('opens two sockets in the own namespace without entering another one', async () => {
    const channels = (await system()).open(undefined);
    expect(callNames()).toEqual(['socket', 'socket']);
    channels.close();
    expect(callNames()).toEqual(['socket', 'socket', 'close', 'close']);
  });

  test('enters another namespace, opens two sockets, and returns', async () => {
    (await system()).open(target);
    expect(callNames()).toEqual(['setns', 'socket', 'socket', 'setns']);
    const [first, last] = library.calls.filter((it) => it.startsWith('setns'));
    expect(first).not.toBe(last);
  });

  test('opens a third socket for close messages, and closes it with the others', async () => {
    const channels = (await system()).open(target, true);
    expect(callNames()).toEqual(['setns', 'socket', 'socket', 'socket', 'bind', 'setns']);
    library.datagrams = [Uint8Array.of(1, 2)];
    const received: number[] = [];
    const receive = () =>
      channels.closes?.receiveWaiting(9, ({ bytes }, start, end) => {
        received.push(...bytes.subarray(start, end));
      });
    expect([receive(), receive(), ...received]).toEqual([1, -11, 1, 2]);
    library.answer = [0, 0, 0, 0, 0, 0, 0, 0, 7];
    expect(channels.closes?.drops()).toBe(7);
    channels.close();
    expect(library.calls.filter((it) => it.startsWith('close'))).toEqual([
      'close 1000',
      'close 1001',
      'close 1002',
    ]);
  });

  test('opens no socket for close messages if the kernel has no such groups', async () => {
    library.results.set('bind', [-22]);
    const channels = (await system()).open(undefined, true);
    expect(channels.closes).toBeUndefined();
    channels.close();
    expect(library.calls.filter((it) => it.startsWith('close'))).toHaveLength(3);
  });

  test('returns and closes everything if a socket cannot be opened', async () => {
    const kernel = await system();
    library.results.set('socket', [1000, -93]);
    expect(() => kernel.open(target)).toThrow('EPROTONOSUPPORT');
    expect(callNames()).toEqual(['setns', 'socket', 'socket', 'close', 'setns']);
  });

  test('reserves five descriptors each for half the budget, then one, and none for temporary sockets', async () => {
    const kernel = await system();
    // The hard limit is 300: 128 descriptors stay free, and half of the other 172 are for `open`.
    library.limits = [100n, 300n];
    const opened = Array.from({ length: 17 }, () => kernel.open(target, true));
    expect(library.calls.filter((call) => call.startsWith('prlimit'))).toHaveLength(2);
    expect(() => kernel.open(target, true)).toThrow('EMFILE');
    const receivers = Array.from({ length: 172 - 85 }, () => kernel.openCloseReceiver(target));
    expect(() => kernel.openCloseReceiver(target)).toThrow('EMFILE');
    expect(() => kernel.open(target, false, true)).not.toThrow();
    receivers[0]?.close();
    expect(() => kernel.openCloseReceiver(target)).not.toThrow();
    for (const channels of [...opened, ...receivers.slice(1)]) channels.close();
    expect(() => kernel.open(target, true)).not.toThrow();
  });

  test('enters a namespace by a socket of another process, and closes all descriptors', async () => {
    const { fd, close } = namespaceDescriptor();
    library.results.set('syscall', [2000, 2001, 2000, 2001]).set('ioctl', [fd, fd]);
    const kernel = await system();
    const socket = { pid: 20, descriptor: 7 };
    expect(kernel.namespaceOfSocket(socket)).toEqual({ netns: target.inode, isTcp: false });
    kernel.open({ ...target, path: 'nothing', socket });
    const closed = library.calls.filter((call) => call.startsWith('close'));
    // The descriptors of the process, of its socket, and of the namespace.
    expect(closed.toSorted()).toEqual(
      ['close 2000', 'close 2001', `close ${fd}`].flatMap((call) => [call, call]).toSorted(),
    );
    // The fake library has not closed the real descriptor, nor has anything else.
    expect(fstatSync(fd).ino).toBe(target.inode);
    close();
  });

  test('throws if the namespace may not be entered', async () => {
    const kernel = await system();
    library.results.set('setns', [-1]);
    expect(() => kernel.open(target)).toThrow('setns: EPERM');
    expect(callNames()).toEqual(['setns']);
  });

  test('does not enter another namespace that has replaced the expected one', async () => {
    const kernel = await system();
    expect(() => kernel.open({ ...target, inode: target.inode + 1 })).toThrow('is another namespace now');
    expect(() => kernel.open({ ...target, path: join(folder, 'gone') })).toThrow('ENOENT');
    expect(callNames()).toEqual([]);
  });

  test('recognises errors that mean permission denied', async () => {
    const { isForbidden } = await import('../../../../src/source/linux/netlink/system.ts');
    const { NativeError } = await import('../../../../src/source/linux/netlink/errno.ts');
    const forbidden = [
      new NativeError('setns', 1, 'EPERM'),
      new NativeError('setns', 13, 'EACCES'),
      Object.assign(new Error(), { code: 'EACCES' }),
      Object.assign(new Error(), { code: 'EPERM' }),
    ];
    const others = [
      new NativeError('setns', 22, 'EINVAL'),
      Object.assign(new Error(), { code: 'ENOENT' }),
      'EPERM',
    ];
    expect(forbidden.map(isForbidden)).toEqual([true, true, true, true]);
    expect(others.map(isForbidden)).toEqual([false, false, false]);
  });
});
