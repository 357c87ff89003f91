import { fstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SourceOptions } from '../../../../src/source/types.ts';

/** The C library: what each call returns, and the errno that it leaves. */
class Library {
  errno = 0;
  readonly calls: string[] = [];
  /** Results of a call in turn, then its usual one; a negative one is the errno of a failure. */
  readonly results = new Map<string, number[]>();
  datagrams: Uint8Array[] = [];
  nextFd = 1000;
  /** Thrown when the library is loaded. */
  failure: Error | undefined;

  func(prototype: string): (...args: unknown[]) => number {
    const name = /^\w+ (\w+)\(/.exec(prototype)?.[1] ?? '';
    return (...args) => {
      this.calls.push(`${name} ${args.filter((it) => typeof it === 'number').join(' ')}`);
      const result = this.results.get(name)?.shift() ?? this.#usual(name, args);
      if (result >= 0) return result;
      this.errno = -result;
      return -1;
    };
  }

  #usual(name: string, args: readonly unknown[]): number {
    if (name === 'socket') return this.nextFd++;
    if (name !== 'recv') return 0;
    const datagram = this.datagrams.shift();
    if (datagram === undefined) return -11;
    (args[1] as Uint8Array).set(datagram);
    return datagram.length;
  }
}

let library: Library;
beforeEach(() => {
  library = new Library();
  vi.resetModules();
  vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
  vi.doMock('koffi', () => ({
    default: {
      load: () => {
        // A moment later than import() would throw it, which a mock cannot.
        if (library.failure) throw library.failure;
        return library;
      },
      errno: () => library.errno,
      sizeof: () => 8,
      os: { errno: { EPERM: 1, EINTR: 4, EAGAIN: 11, EPROTONOSUPPORT: 93 } },
    },
  }));
});
afterEach(() => {
  vi.doUnmock('koffi');
  vi.restoreAllMocks();
});

const native = async () => (await import('../../../../src/source/linux/netlink/native.ts')).Native.load();

const OPTIONS: SourceOptions = { also: [], tcpDetails: false, ownerBudgetMs: 0 };
const openSockDiag = async () => (await import('../../../../src/source/linux/open.ts')).openSockDiag(OPTIONS);

/** What opening says; a `SourceUnavailable`, or the program would not take the next source. */
async function refusalOf(opening: Promise<unknown>): Promise<string> {
  const { SourceUnavailable } = await import('../../../../src/source/types.ts');
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SourceUnavailable);
  return (error as Error).message;
}

describe('calls of the C library', () => {
  test('a call that was interrupted by a signal is made again', async () => {
    library.results.set('recv', [-4, -4, 20]);
    const calls = await native();
    expect(calls.receive(5, new Uint8Array(32))).toBe(20);
    expect(library.calls).toEqual(Array(3).fill('recv 5 32 0'));
  });

  test('a failure has the name of the call and of its errno', async () => {
    const calls = await native();
    library.results.set('send', [-11]);
    expect(() => calls.send(5, new Uint8Array(4))).toThrow('send: EAGAIN');
    library.results.set('recv', [-999]);
    expect(() => calls.receive(5, new Uint8Array(4))).toThrow('recv: error 999');
    library.results.set('setns', [-1]);
    expect(() => calls.enterNetwork(5)).toThrow(
      expect.objectContaining({ errno: 1, message: 'setns: EPERM' }),
    );
    library.results.set('socket', [-93]);
    expect(() => calls.netlinkSocket(4)).toThrow('a netlink socket: EPROTONOSUPPORT');
  });

  test('a netlink socket closes with the program that it starts, and does not wait for ever', async () => {
    const calls = await native();
    // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG
    expect(calls.netlinkSocket(4)).toBe(1000);
    // SOL_SOCKET, SO_RCVTIMEO
    expect(library.calls).toEqual(['socket 16 524291 4', 'setsockopt 1000 1 20 16']);
  });
});

describe('without koffi', () => {
  test('it is not installed', async () => {
    library.failure = Object.assign(new Error("Cannot find package 'koffi'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    expect(await refusalOf(openSockDiag())).toBe('the package koffi is not installed');
  });

  test('it has no build for this system', async () => {
    library.failure = new Error('wrong ELF class\nat …');
    expect(await refusalOf(openSockDiag())).toBe('the package koffi cannot be loaded: wrong ELF class');
  });
});

describe('opening sock_diag', () => {
  const answer = (errno: number) => {
    const datagram = new Uint8Array(20);
    const view = new DataView(datagram.buffer);
    view.setUint32(0, 20, true);
    view.setUint16(4, 3, true);
    // The first request of a program that has just started.
    view.setUint32(8, 1, true);
    view.setInt32(16, -errno, true);
    return datagram;
  };

  test('a kernel that answers; nothing stays open of the try', async () => {
    library.datagrams = [answer(0)];
    expect((await openSockDiag()).name).toBe('sock_diag');
    expect(library.calls.filter((it) => it.startsWith('close'))).toEqual(['close 1000', 'close 1001']);
  });

  test.each([
    [2, 'this kernel has no inet_diag'],
    [93, 'this kernel has no inet_diag'],
    [1, 'the kernel refuses sock_diag with error 1'],
  ])('one that refuses with error %i', async (errno, text) => {
    library.datagrams = [answer(errno)];
    expect(await refusalOf(openSockDiag())).toBe(text);
    expect(library.calls.filter((it) => it.startsWith('close'))).toHaveLength(2);
  });

  test('one without netlink, and one that does not answer', async () => {
    library.results.set('socket', [-93]);
    expect(await refusalOf(openSockDiag())).toBe(
      'netlink does not answer (a netlink socket: EPROTONOSUPPORT)',
    );
    library.results.clear();
    expect(await refusalOf(openSockDiag())).toBe('netlink does not answer (recv: EAGAIN)');
  });

  test('another system', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32');
    expect(await refusalOf(openSockDiag())).toBe('this is not Linux');
    expect(library.calls).toEqual([]);
  });
});

describe('network namespaces', () => {
  let folder: string;
  let there: { path: string; inode: number };
  let home: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netpane-ns-'));
    home = join(folder, 'home');
    writeFileSync(home, '');
    writeFileSync(join(folder, 'there'), '');
    there = { path: join(folder, 'there'), inode: statSync(join(folder, 'there')).ino };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const system = async () =>
    new (await import('../../../../src/source/linux/netlink/system.ts')).KernelNetlink(await native(), {
      ownPath: home,
    });

  /** The calls without their numbers; and that the descriptors of namespaces are closed again. */
  function order(): string[] {
    for (const call of library.calls) {
      const fd = /^setns (\d+)/.exec(call)?.[1];
      // Only files of this test are opened in between, so that no other has the number by now.
      if (fd !== undefined) expect(() => fstatSync(Number(fd))).toThrow('EBADF');
    }
    return library.calls.map((call) => call.split(' ', 1)[0] ?? '').filter((name) => name !== 'setsockopt');
  }

  test('our own: the thread stays where it is', async () => {
    const channels = (await system()).open(undefined);
    expect(order()).toEqual(['socket', 'socket']);
    channels.close();
    expect(order()).toEqual(['socket', 'socket', 'close', 'close']);
  });

  test('another one: there, two sockets, and back', async () => {
    (await system()).open(there);
    expect(order()).toEqual(['setns', 'socket', 'socket', 'setns']);
    const [first, last] = library.calls.filter((it) => it.startsWith('setns'));
    expect(first).not.toBe(last);
  });

  test('back home even where no socket can be had there, and nothing is left open', async () => {
    const kernel = await system();
    library.results.set('socket', [1000, -93]);
    expect(() => kernel.open(there)).toThrow('EPROTONOSUPPORT');
    expect(order()).toEqual(['setns', 'socket', 'socket', 'close', 'setns']);
  });

  test('one that may not be entered', async () => {
    const kernel = await system();
    library.results.set('setns', [-1]);
    expect(() => kernel.open(there)).toThrow('setns: EPERM');
    expect(order()).toEqual(['setns']);
  });

  test('one that is another by now is not entered', async () => {
    const kernel = await system();
    expect(() => kernel.open({ ...there, inode: there.inode + 1 })).toThrow('is another namespace by now');
    expect(() => kernel.open({ ...there, path: join(folder, 'gone') })).toThrow('ENOENT');
    expect(library.calls).toEqual([]);
  });

  test('which errors say that it is forbidden', async () => {
    const { isForbidden } = await import('../../../../src/source/linux/netlink/system.ts');
    const { NativeError } = await import('../../../../src/source/linux/netlink/native.ts');
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
