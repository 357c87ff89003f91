import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  LEDGER_ENTRY_BYTES,
  LEDGER_SOCKETS,
  LedgerUnavailable,
} from '../../../../src/source/linux/ledger/ledger.ts';
import { TraceUnavailable } from '../../../../src/source/linux/trace/tracefs.ts';
import type { SourceOptions } from '../../../../src/source/types.ts';
import { Library, OPTIONS, openSockDiag, refusalOf } from './fake-library.ts';

let library: Library;
beforeEach(() => {
  library = new Library();
  vi.resetModules();
  vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
  vi.doMock('koffi', () => ({
    default: {
      load: () => library,
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
      [20_000, undefined, 10_000],
      [1_000_000, undefined, 262_144],
      [5000, 60_000, 112_941],
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
