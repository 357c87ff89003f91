import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  LEDGER_ENTRY_BYTES,
  LEDGER_SOCKETS,
  LedgerUnavailable,
} from '../../../../src/source/linux/ledger/ledger.ts';
import { TraceUnavailable } from '../../../../src/source/linux/trace/tracefs.ts';
import type { SourceOptions } from '../../../../src/source/types.ts';

/** A fake C library and koffi. */
class Library {
  errno = 0;
  readonly calls: string[] = [];
  /** Arguments in memory: addresses of bind(2), buffer sizes of setsockopt(2). */
  readonly arrays: number[][] = [];
  /** Result of getsockopt(2). */
  answer: readonly number[] = [];
  /** Results of a call in turn, followed by its default; a negative one is the errno of a failure. */
  readonly results = new Map<string, number[]>();
  datagrams: Uint8Array[] = [];
  /** Soft and hard limit of prlimit(2). */
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
          this.arrays.push([...it]);
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
        // The real import() throws this; a mock cannot.
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

/** Returns the message of the error of an opening, which must be a `SourceUnavailable`. */
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
  test('repeats a call interrupted by a signal', async () => {
    library.results.set('recv', [-4, -4, 20]);
    const calls = await native();
    expect(calls.netlink.receive(5, new Uint8Array(32))).toBe(20);
    expect(library.calls).toEqual(Array(3).fill('recv 5 32 0'));
  });

  test('throws an error with the names of the call and the errno', async () => {
    const calls = await native();
    library.results.set('send', [-11]);
    expect(() => calls.netlink.send(5, new Uint8Array(4))).toThrow('send: EAGAIN');
    library.results.set('recv', [-999]);
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

  test('receives without waiting and returns the length or the errno', async () => {
    const calls = await native();
    const into = new Uint8Array(32);
    library.results.set('recv', [20, -11, -105, -4]);
    expect([1, 2, 3, 4].map(() => calls.netlink.receiveNow(5, into))).toEqual([20, -11, -105, -4]);
    // MSG_DONTWAIT
    expect(library.calls).toEqual(Array(4).fill('recv 5 32 64'));
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
  test('says that it is not installed', async () => {
    library.failure = Object.assign(new Error("Cannot find package 'koffi'"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    expect(await refusalOf(openSockDiag())).toBe('the package koffi is not installed');
  });

  test('says that it cannot be loaded', async () => {
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
    // Sequence number of the first request.
    view.setUint32(8, 1, true);
    view.setInt32(16, -errno, true);
    return datagram;
  };

  test('opens the source and closes the sockets of the probe', async () => {
    library.datagrams = [answer(0)];
    expect((await openSockDiag()).name).toBe('sock_diag');
    expect(library.calls.filter((it) => it.startsWith('close'))).toEqual(['close 1000', 'close 1001']);
  });

  test.each([
    [2, 'this kernel has no inet_diag'],
    [93, 'this kernel has no inet_diag'],
    [1, 'the kernel refuses sock_diag with error 1'],
  ])('says why if the kernel refuses with error %i', async (errno, text) => {
    library.datagrams = [answer(errno)];
    expect(await refusalOf(openSockDiag())).toBe(text);
    expect(library.calls.filter((it) => it.startsWith('close'))).toHaveLength(2);
  });

  test('says why if the kernel has no netlink or does not answer', async () => {
    library.results.set('socket', [-93]);
    expect(await refusalOf(openSockDiag())).toBe(
      'netlink does not answer (a netlink socket: EPROTONOSUPPORT)',
    );
    library.results.clear();
    expect(await refusalOf(openSockDiag())).toBe('netlink does not answer (recv: EAGAIN)');
  });

  describe('with events', () => {
    let openTrace: () => unknown;
    let openLedger: () => unknown;
    const ledgerSizes: number[] = [];
    const traceOptions: unknown[] = [];
    /** Descriptors whose events are waited for; undefined if none are. */
    let watched: number[] | undefined;
    const coverageWith = async (options: Partial<SourceOptions> = {}) => {
      library.datagrams = [answer(0)];
      return (await openSockDiag({ ...OPTIONS, events: true, ...options })).events?.coverage;
    };
    beforeEach(() => {
      traceOptions.length = 0;
      watched = undefined;
      ledgerSizes.length = 0;
      openLedger = () => {
        throw new LedgerUnavailable('it needs root');
      };
      vi.doMock('../../../../src/source/linux/netlink/event-waiter.ts', () => ({
        EventWaiter: {
          open: () => {
            const descriptors: number[] = (watched = []);
            return {
              watchesAll: true,
              add: (descriptor: number) => descriptors.push(descriptor),
              close: () => (watched = undefined),
            };
          },
        },
      }));
      vi.doMock('../../../../src/source/linux/ledger/bpf.ts', () => ({ Bpf: Object }));
      vi.doMock('../../../../src/source/linux/ledger/ledger.ts', () => ({
        LEDGER_ENTRY_BYTES,
        LEDGER_SOCKETS,
        LedgerUnavailable,
        Ledger: {
          open: ({ maxSockets }: { maxSockets: number }) => {
            ledgerSizes.push(maxSockets);
            return openLedger();
          },
        },
      }));
      vi.doMock('../../../../src/source/linux/trace/tracefs.ts', () => ({ TraceUnavailable }));
      vi.doMock('../../../../src/source/linux/trace/trace.ts', () => ({
        Trace: {
          open: (_: unknown, options: unknown) => {
            traceOptions.push(options);
            return openTrace();
          },
        },
      }));
    });
    afterEach(() => {
      vi.doUnmock('../../../../src/source/linux/trace/tracefs.ts');
      vi.doUnmock('../../../../src/source/linux/trace/trace.ts');
      vi.doUnmock('../../../../src/source/linux/ledger/bpf.ts');
      vi.doUnmock('../../../../src/source/linux/ledger/ledger.ts');
    });

    const ledgerOf = (noOwnersReason?: string) => ({ noOwnersReason, close: () => undefined });

    test('covers lives by the ledger, without a trace', async () => {
      openLedger = () => ledgerOf();
      openTrace = () => expect.unreachable();
      expect(await coverageWith()).toEqual({ level: 'lives' });
    });

    test.each([
      [5000, undefined, 5000],
      [1_000_000, undefined, 65_536],
      [5000, 60_000, 204_800],
      [1_000_000, 4, 4096],
    ])(
      'makes the ledger as large as the memory allows, or as the user wants: %i, %s KiB',
      async (sockets, eventBufferKiB, size) => {
        openTrace = () => ({ nowMs: () => 0, waitable: () => [] });
        await coverageWith({ bounds: { sockets, remnants: 2000 }, eventBufferKiB });
        expect(ledgerSizes).toEqual([size]);
      },
    );

    test('opens the trace if the ledger cannot record owners on this kernel', async () => {
      openLedger = () => ledgerOf('this kernel is too old');
      openTrace = () => ({ nowMs: () => 0, waitable: () => [] });
      expect(await coverageWith()).toEqual({ level: 'changes' });
    });

    test('throws a mistake in the ledger, which is a bug of netpane', async () => {
      openLedger = () => {
        throw new TypeError('a mistake');
      };
      await expect(coverageWith()).rejects.toThrow('a mistake');
      expect(watched).toBeUndefined();
    });

    test('covers closes for an ordinary user and says why not all changes', async () => {
      openTrace = () => {
        throw new TraceUnavailable('tracing needs root');
      };
      expect(await coverageWith()).toEqual({
        level: 'closes',
        why: 'tracing needs root',
      });
      // A receive buffer of 16 MiB.
      expect(library.arrays).toContainEqual([16 * 1024 * 1024]);
    });

    test.each([0, 1000])('covers all changes if the trace opens, whatever the user id: %i', async (uid) => {
      vi.spyOn(process, 'geteuid').mockReturnValue(uid);
      openTrace = () => ({ nowMs: () => 0, waitable: () => [] });
      expect(await coverageWith()).toEqual({ level: 'changes' });
      expect(traceOptions).toEqual([{ bufferKiB: undefined }]);
    });

    test('waits for close messages and the trace', async () => {
      openTrace = () => ({ nowMs: () => 0, waitable: () => [7, 8] });
      await coverageWith();
      // The first socket after four others; more if this machine has several namespaces.
      expect(watched?.[0]).toBe(1004);
      expect(watched?.slice(-2)).toEqual([7, 8]);
    });

    test('does not wait if libuv has only one thread, which other work needs', async () => {
      vi.stubEnv('UV_THREADPOOL_SIZE', '1');
      openTrace = () => ({ nowMs: () => 0, waitable: () => [7, 8] });
      await coverageWith();
      expect(watched).toBeUndefined();
      vi.unstubAllEnvs();
    });

    test('covers closes if the trace does not open, with the reason', async () => {
      vi.spyOn(process, 'geteuid').mockReturnValue(0);
      openTrace = () => {
        throw new TraceUnavailable('tracefs is not mounted');
      };
      expect(await coverageWith()).toEqual({ level: 'closes', why: 'tracefs is not mounted' });
    });

    test('throws other errors, which are bugs of netpane', async () => {
      vi.spyOn(process, 'geteuid').mockReturnValue(0);
      openTrace = () => {
        throw new TypeError('a mistake');
      };
      await expect(coverageWith()).rejects.toThrow('a mistake');
    });

    test('uses the buffer size of the user for trace and close messages', async () => {
      vi.spyOn(process, 'geteuid').mockReturnValue(0);
      openTrace = () => ({ nowMs: () => 0, waitable: () => [] });
      await coverageWith({ eventBufferKiB: 512 });
      expect(traceOptions).toEqual([{ bufferKiB: 512 }]);
      expect(library.arrays).toContainEqual([512 * 1024]);
    });
  });

  test('says why on another system', async () => {
    vi.spyOn(process, 'platform', 'get').mockReturnValue('win32');
    expect(await refusalOf(openSockDiag())).toBe('this is not Linux');
    expect(library.calls).toEqual([]);
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

  test('reserves three descriptors each for half the budget, then one, and none for temporary sockets', async () => {
    const kernel = await system();
    // The hard limit is 300: 128 descriptors stay free, and half of the other 172 are for `open`.
    library.limits = [100n, 300n];
    const opened = Array.from({ length: 28 }, () => kernel.open(target, true));
    expect(library.calls.filter((call) => call.startsWith('prlimit'))).toHaveLength(2);
    expect(() => kernel.open(target, true)).toThrow('EMFILE');
    const receivers = Array.from({ length: 172 - 84 }, () => kernel.openCloseReceiver(target));
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
