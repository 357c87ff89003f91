import { readlinkSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { codeOf } from '../../model/error.ts';
import { MAX_WAITING_EVENTS } from '../../model/bounds.ts';
import type { SocketBounds } from '../socket-limiter.ts';
import type { Source, SourceOptions } from '../types.ts';
import { SourceUnavailable } from '../types.ts';
import { Bpf } from './ledger/bpf.ts';
import { openCgroup } from './ledger/cgroup.ts';
import { Ledger, LEDGER_ENTRY_BYTES, LEDGER_SOCKETS, LedgerUnavailable } from './ledger/ledger.ts';
import { cookieOfSocket, udpCookies } from './ledger/socket-cookie.ts';
import type { Cookie } from './netlink/cookie.ts';
import { dump } from './netlink/dump.ts';
import type { EventWaiter } from './netlink/event-waiter.ts';
import { tcpProbe } from './netlink/inet-requests.ts';
import { NativeError } from './netlink/errno.ts';
import { Native } from './netlink/native.ts';
import { NativeProc } from './proc/native-proc.ts';
import { CaptureSockets } from './names/capture-socket.ts';
import { Captures } from './names/captures.ts';
import { CLibrary } from './netlink/c-library.ts';
import { DescriptorBudget } from './netlink/descriptors.ts';
import { KernelNetlink } from './netlink/system.ts';
import { FIRST_PID_NAMESPACE } from './proc/privileges.ts';
import { Proc } from './proc/proc.ts';
import { ProcNetSource } from './procnet/procnet.ts';
import { SockDiagSource } from './sockdiag.ts';
import { Trace } from './trace/trace.ts';
import { TraceUnavailable } from './trace/tracefs.ts';

const PROC = '/proc';
const PASSWD = '../etc/passwd';

/** Returns true if the running kernel is of this version or newer. */
const isKernelSince = (major: number, minor: number): boolean => {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(release()) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
};

/** Returns the options of both sources that depend on the machine: clock, user, kernel. */
const environment = () => ({
  passwdPath: PASSWD,
  nowMs: () => performance.now(),
  isRoot: process.geteuid?.() === 0,
  hasRingPaths: isKernelSince(6, 14),
});

/** Returns true for ENOENT and EPROTONOSUPPORT: the kernel lacks inet_diag or its module. */
const isMissing = (errno: number): boolean => errno === 2 || errno === 93;

function requireLinux(): void {
  if (process.platform !== 'linux') throw new SourceUnavailable('this is not Linux');
}

/** Opens the source `sock_diag`, which uses netlink. Rejects with `SourceUnavailable` if that is not possible. */
export async function openSockDiag(options: SourceOptions): Promise<Source> {
  requireLinux();
  const native = await Native.load();
  const { eventBufferKiB, bounds, captures } = options;
  const budget = new DescriptorBudget(native);
  const waiter = options.events && hasThreadToWait() ? native.openWaiter() : undefined;
  const system = new KernelNetlink(native, {
    closesBuffer: eventBufferKiB && eventBufferKiB * 1024,
    budget,
    onCloseReceiver: (descriptor) => waiter?.add(descriptor),
  });
  try {
    const channels = system.open(undefined);
    try {
      const { errno } = dump(channels.diag, tcpProbe(), () => {});
      if (errno !== 0) {
        throw new SourceUnavailable(
          isMissing(errno)
            ? 'this kernel has no inet_diag'
            : `the kernel refuses sock_diag with error ${errno}`,
        );
      }
    } finally {
      channels.close();
    }
    return new SockDiagSource({
      ...options,
      ...environment(),
      system,
      proc: new NativeProc(PROC, native, options.progress),
      root: '/',
      wallMs: () => Date.now(),
      cookieOfSocket: (pid, descriptor) => cookieOfSocket(native, pid, descriptor),
      openLedger: () => openLedger(native, system, ledgerSockets(bounds, eventBufferKiB)),
      openTrace: () => openTrace(native, eventBufferKiB ?? smallerBuffer(bounds), waiter),
      waiter,
      releaseMemory: () => native.releaseMemory(),
      captures: captures && new Captures(new CaptureSockets(await CLibrary.load()), budget, captures),
    });
  } catch (error) {
    waiter?.close();
    if (error instanceof NativeError)
      throw new SourceUnavailable(`netlink does not answer (${error.message})`);
    throw error;
  }
}

/**
 * Returns the size of the trace buffers, KiB, for the bound of waiting kernel events, at ten trace records per event;
 * undefined if there is memory for the usual size.
 */
const smallerBuffer = (bounds: SocketBounds | undefined): number | undefined =>
  bounds?.waitingEvents === undefined || bounds.waitingEvents >= MAX_WAITING_EVENTS
    ? undefined
    : Math.max(256, Math.round(bounds.waitingEvents / 5));

/**
 * Returns true if libuv's pool has a thread for the other work of the program while one waits: its number of threads is
 * 4, or that of UV_THREADPOOL_SIZE.
 */
const hasThreadToWait = (): boolean => Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) > 1;

function openTrace(
  native: Native,
  bufferKiB: number | undefined,
  waiter: EventWaiter | undefined,
): Trace | string {
  try {
    // Tracing depends on capabilities, not on the user id: try it.
    const trace = Trace.open(native, { bufferKiB });
    for (const descriptor of trace.waitable()) waiter?.add(descriptor);
    return trace;
  } catch (error) {
    if (error instanceof TraceUnavailable) return error.message;
    throw error;
  }
}

/**
 * Returns the number of sockets in the ledger: for a buffer size that the user chose, else half of the sockets that netpane
 * keeps, because the memory of the kernel comes on top of theirs.
 */
function ledgerSockets(bounds: SocketBounds | undefined, bufferKiB: number | undefined): number {
  const { default: most, min } = LEDGER_SOCKETS;
  if (bufferKiB !== undefined) return Math.max(min, Math.round((bufferKiB * 1024) / LEDGER_ENTRY_BYTES));
  return Math.max(min, Math.min(Math.floor((bounds?.sockets ?? Infinity) / 2), most));
}

/**
 * Returns the path of a link to the pid namespace whose processes /proc lists: that of process 1. netpane may be in a
 * namespace below it (`unshare --pid` without a /proc of its own). Reading the links of process 1 needs CAP_SYS_PTRACE;
 * without it, returns the link of netpane, in whose namespace the processes above have no pid.
 */
function pidNamespacePath(): string {
  const path = `${PROC}/1/ns/pid`;
  try {
    readlinkSync(path);
    return path;
  } catch {
    return `${PROC}/self/ns/pid`;
  }
}

function openLedger(native: Native, system: KernelNetlink, maxSockets: number): Ledger | string {
  try {
    const path = pidNamespacePath();
    const { dev: device, ino: inode } = statSync(path);
    const isFirst = readlinkSync(path) === FIRST_PID_NAMESPACE;
    // The right to use bpf(2) depends on capabilities, not on the user id: try it.
    return Ledger.open({
      bpf: new Bpf(native),
      openCgroup: () => openCgroup({ native, procRoot: PROC }),
      pidNamespace: isFirst ? undefined : { device, inode },
      readUdpCookies: () => readUdpCookies(system),
      maxSockets,
      isRoot: process.geteuid?.() === 0,
    });
  } catch (error) {
    if (error instanceof LedgerUnavailable) return error.message;
    if (codeOf(error) !== '') return '/proc cannot be read';
    throw error;
  }
}

/** Returns the cookies of the UDP sockets of netpane's own namespace; none if they cannot be read. */
function readUdpCookies(system: KernelNetlink): readonly Cookie[] {
  try {
    const channels = system.open(undefined);
    try {
      return udpCookies(channels.diag);
    } finally {
      channels.close();
    }
  } catch (error) {
    if (error instanceof NativeError) return [];
    throw error;
  }
}

/** Opens the source `proc`, which reads /proc/net. Rejects with `SourceUnavailable` if /proc/net cannot be read. */
export async function openProcNet({ ownerBudgetMs, bounds, progress }: SourceOptions): Promise<Source> {
  requireLinux();
  const proc = new Proc(PROC);
  // Only open the table: reading it would cost as much as a poll.
  if (!proc.canOpen('net/tcp')) throw new SourceUnavailable('/proc/net cannot be read');
  return new ProcNetSource({ ...environment(), procRoot: PROC, ownerBudgetMs, bounds, progress });
}
