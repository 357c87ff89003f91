import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TraceUnavailable } from '../../../../src/source/linux/trace/tracefs.ts';
import type { SourceOptions } from '../../../../src/source/types.ts';

/** The C library: what each call returns, and the errno that it leaves. */
class Library {
  errno = 0;
  readonly calls: string[] = [];
  /** Words that were handed over: what a socket is bound to, the size of a buffer. */
  readonly words: number[][] = [];
  /** What getsockopt(2) fills in. */
  answer: readonly number[] = [];
  /** Results of a call in turn, then its usual one; a negative one is the errno of a failure. */
  readonly results = new Map<string, number[]>();
  datagrams: Uint8Array[] = [];
  /** Soft and hard limit of open descriptors. */
  limits: readonly bigint[] = [20_000n, 20_000n];
  nextFd = 1000;
  /** Thrown when the library is loaded. */
  failure: Error | undefined;

  func(prototype: string): (...args: unknown[]) => number {
    const name = /^\w+ (\w+)\(/.exec(prototype)?.[1] ?? '';
    const call = (...args: unknown[]): number => {
      this.calls.push(`${name} ${args.filter((it) => typeof it === 'number').join(' ')}`);
      for (const it of args) {
        if (
          (name === 'bind' && it instanceof Uint32Array) ||
          (name === 'setsockopt' && it instanceof Int32Array)
        )
          this.words.push([...it]);
      }
      if (name === 'prlimit' && args[3] instanceof BigUint64Array) args[3].set(this.limits);
      if (name === 'getsockopt') (args[3] as Uint32Array).set(this.answer);
      const result = this.results.get(name)?.shift() ?? this.#usual(name, args);
      if (result >= 0) return result;
      this.errno = -result;
      return -1;
    };
    return Object.assign(call, { async: call });
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
const openSockDiag = async (options = OPTIONS) =>
  (await import('../../../../src/source/linux/open.ts')).openSockDiag(options);

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

describe('hearing what nobody asked for', () => {
  const SIZE = 1 << 20;

  test('of groups, with room for more than is usual', async () => {
    (await native()).join(5, 0b1111, SIZE);
    // SOL_SOCKET, SO_RCVBUFFORCE; AF_NETLINK, no port of ours, the groups.
    expect(library.calls).toEqual(['bind 5 12', 'setsockopt 5 1 33 4']);
    expect(library.words).toEqual([[16, 0, 0b1111], [SIZE]]);
  });

  test('with as much room as an ordinary user may have', async () => {
    const calls = await native();
    library.results.set('setsockopt', [-1, 0]);
    calls.join(5, 0b1111, SIZE);
    // SO_RCVBUF
    expect(library.calls).toEqual(['bind 5 12', 'setsockopt 5 1 33 4', 'setsockopt 5 1 8 4']);
    expect(library.words.slice(1)).toEqual([[SIZE], [SIZE]]);
  });

  test('not where there are no such groups', async () => {
    const calls = await native();
    library.results.set('bind', [-22]);
    expect(() => calls.join(5, 0b1111, SIZE)).toThrow('bind: error 22');
  });

  test('is not waited for: what there is, or the errno', async () => {
    const calls = await native();
    const into = new Uint8Array(32);
    library.results.set('recv', [20, -11, -105, -4]);
    expect([1, 2, 3, 4].map(() => calls.receiveNow(5, into))).toEqual([20, -11, -105, -4]);
    // MSG_DONTWAIT
    expect(library.calls).toEqual(Array(4).fill('recv 5 32 64'));
  });

  test('what there was no room for is counted by the kernel, since Linux 4.12', async () => {
    const calls = await native();
    library.answer = [0, 1, 2, 3, 4, 5, 6, 7, 88];
    expect(calls.dropsOf(5)).toBe(88);
    // SOL_SOCKET, SO_MEMINFO
    expect(library.calls).toEqual(['getsockopt 5 1 55']);
    library.results.set('getsockopt', [-92]);
    expect(calls.dropsOf(5)).toBeUndefined();
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

  describe('with what happens between two readings', () => {
    let opening: () => unknown;
    const opened: unknown[] = [];
    const openedWith = async (options: Partial<SourceOptions> = {}) => {
      library.datagrams = [answer(0)];
      return (await openSockDiag({ ...OPTIONS, events: true, ...options })).events?.coverage;
    };
    beforeEach(() => {
      opened.length = 0;
      vi.doMock('../../../../src/source/linux/trace/tracefs.ts', () => ({ TraceUnavailable }));
      vi.doMock('../../../../src/source/linux/trace/trace.ts', () => ({
        Trace: {
          open: (_: unknown, options: unknown) => {
            opened.push(options);
            return opening();
          },
        },
      }));
    });
    afterEach(() => {
      vi.doUnmock('../../../../src/source/linux/trace/tracefs.ts');
      vi.doUnmock('../../../../src/source/linux/trace/trace.ts');
    });

    test('an ordinary user is told what more there is to see', async () => {
      opening = () => {
        throw new TraceUnavailable('the trace of every state change takes root');
      };
      expect(await openedWith()).toEqual({
        level: 'closes',
        why: 'the trace of every state change takes root',
      });
      // 16 MiB of room.
      expect(library.words).toContainEqual([16 * 1024 * 1024]);
    });

    test.each([0, 1000])('who may have the trace has it, whatever the user id: %i', async (uid) => {
      vi.spyOn(process, 'geteuid').mockReturnValue(uid);
      opening = () => ({ nowMs: () => 0 });
      expect(await openedWith()).toEqual({ level: 'changes' });
      expect(opened).toEqual([{ bufferKiB: undefined }]);
    });

    test('or is told why not', async () => {
      vi.spyOn(process, 'geteuid').mockReturnValue(0);
      opening = () => {
        throw new TraceUnavailable('tracefs is not mounted');
      };
      expect(await openedWith()).toEqual({ level: 'closes', why: 'tracefs is not mounted' });
    });

    test('any other failure is a mistake of ours', async () => {
      vi.spyOn(process, 'geteuid').mockReturnValue(0);
      opening = () => {
        throw new TypeError('a mistake');
      };
      await expect(openedWith()).rejects.toThrow('a mistake');
    });

    test('with as much room as the user says, for both', async () => {
      vi.spyOn(process, 'geteuid').mockReturnValue(0);
      opening = () => ({ nowMs: () => 0 });
      await openedWith({ eventBufferKiB: 512 });
      expect(opened).toEqual([{ bufferKiB: 512 }]);
      expect(library.words).toContainEqual([512 * 1024]);
    });
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
    return library.calls
      .map((call) => call.split(' ', 1)[0] ?? '')
      .filter((name) => name !== 'setsockopt' && name !== 'prlimit');
  }

  function namespaceDescriptor() {
    const fd = openSync(there.path, 'r');
    return { fd, close: () => closeSync(fd) };
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

  test('with one that hears of closed sockets, which is let go with the others', async () => {
    const channels = (await system()).open(there, true);
    expect(order()).toEqual(['setns', 'socket', 'socket', 'socket', 'bind', 'setns']);
    library.datagrams = [Uint8Array.of(1, 2)];
    const into = new Uint8Array(4);
    expect([channels.closes?.receiveNow(into), ...into]).toEqual([2, 1, 2, 0, 0]);
    expect(channels.closes?.receiveNow(into)).toBe(-11);
    library.answer = [0, 0, 0, 0, 0, 0, 0, 0, 7];
    expect(channels.closes?.drops()).toBe(7);
    channels.close();
    expect(library.calls.filter((it) => it.startsWith('close'))).toEqual([
      'close 1000',
      'close 1001',
      'close 1002',
    ]);
  });

  test('without it where the kernel has no such groups', async () => {
    library.results.set('bind', [-22]);
    const channels = (await system()).open(undefined, true);
    expect(channels.closes).toBeUndefined();
    channels.close();
    expect(library.calls.filter((it) => it.startsWith('close'))).toHaveLength(3);
  });

  test('back home even where no socket can be had there, and nothing is left open', async () => {
    const kernel = await system();
    library.results.set('socket', [1000, -93]);
    expect(() => kernel.open(there)).toThrow('EPROTONOSUPPORT');
    expect(order()).toEqual(['setns', 'socket', 'socket', 'close', 'setns']);
  });

  test('where the descriptors run out: three each for half the room, then one each, then brief ones', async () => {
    const kernel = await system();
    // Soft and hard limit: 300, of which 128 stay free, and 86 are for sockets that stay open.
    library.limits = [100n, 300n];
    const opened = Array.from({ length: 28 }, () => kernel.open(there, true));
    expect(library.calls.filter((call) => call.startsWith('prlimit'))).toHaveLength(2);
    expect(() => kernel.open(there, true)).toThrow('EMFILE');
    const listening = Array.from({ length: 172 - 84 }, () => kernel.openCloseListener(there));
    expect(() => kernel.openCloseListener(there)).toThrow('EMFILE');
    expect(() => kernel.open(there, false, true)).not.toThrow();
    listening[0]?.close();
    expect(() => kernel.openCloseListener(there)).not.toThrow();
    for (const channels of [...opened, ...listening.slice(1)]) channels.close();
    expect(() => kernel.open(there, true)).not.toThrow();
  });

  test('by a socket of another process: each descriptor is closed by the library that opened it', async () => {
    const { fd, close } = namespaceDescriptor();
    library.results.set('syscall', [2000, 2001, 2000, 2001]).set('ioctl', [fd, fd]);
    const kernel = await system();
    const socket = { pid: 20, descriptor: 7 };
    expect(kernel.namespaceOfSocket(socket)).toEqual({ netns: there.inode, isTcp: false });
    kernel.open({ ...there, path: 'nothing', socket });
    const closed = library.calls.filter((call) => call.startsWith('close'));
    // The descriptors of the process, of its socket, and of the namespace.
    expect(closed.toSorted()).toEqual(
      ['close 2000', 'close 2001', `close ${fd}`].flatMap((call) => [call, call]).toSorted(),
    );
    // The library is a fake: nothing else has closed it.
    expect(fstatSync(fd).ino).toBe(there.inode);
    close();
  });

  test('one that may not be entered', async () => {
    const kernel = await system();
    library.results.set('setns', [-1]);
    expect(() => kernel.open(there)).toThrow('setns: EPERM');
    expect(order()).toEqual(['setns']);
  });

  test('one that is another by now is not entered', async () => {
    const kernel = await system();
    expect(() => kernel.open({ ...there, inode: there.inode + 1 })).toThrow('is another namespace now');
    expect(() => kernel.open({ ...there, path: join(folder, 'gone') })).toThrow('ENOENT');
    expect(order()).toEqual([]);
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
