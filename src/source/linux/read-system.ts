import type { LinuxFacts, SystemFacts } from '../../model/system.ts';
import { SourceUnavailable } from '../types.ts';
import { isFiltered, unknownCalls } from './confine/filter.ts';
import { Files } from './evidence/files.ts';
import { packageDatabases } from './evidence/packages.ts';
import { capabilityText } from './evidence/process-lines.ts';
import { containerOf, labelOf } from './namespaces/containers.ts';
import { canCloseSockets } from './namespaces/socket-closing.ts';
import { CaptureSockets } from './names/capture-socket.ts';
import { CLibrary } from './netlink/c-library.ts';
import { ERRNO } from './netlink/errno.ts';
import { Native } from './netlink/native.ts';
import { isForbidden, isSystemError, KernelNetlink } from './netlink/system.ts';
import { type Privileges, readPrivileges, SUDO, type Capability } from './proc/privileges.ts';
import { Proc } from './proc/proc.ts';

/** Capabilities that netpane uses: to close sockets, to inspect and enter, to read BPF maps, to send signals. */
const USED: readonly Capability[] = [
  'CAP_DAC_READ_SEARCH',
  'CAP_KILL',
  'CAP_NET_ADMIN',
  'CAP_SYS_PTRACE',
  'CAP_SYS_ADMIN',
  'CAP_PERFMON',
  'CAP_BPF',
];

/** landlock_create_ruleset(2), include/uapi/linux/landlock.h: with this flag it returns the version of the ABI. */
const SYS_LANDLOCK_CREATE_RULESET = 444;
const LANDLOCK_CREATE_RULESET_VERSION = 1;

/** Returns what Linux allows netpane to do, see `readSystem` in `source/system.ts`. */
export async function readLinuxSystem(
  proc = new Proc('/proc'),
  files = new Files('/'),
): Promise<SystemFacts> {
  const native = await loadNative();
  const text = (path: string): string => {
    const outcome = proc.text(path);
    return 'value' in outcome ? outcome.value : '';
  };
  const privileges = readPrivileges(proc, process.geteuid?.() === 0);
  const { isInUserNamespace, isInPidNamespace, capabilities } = privileges;
  const container = containerOf(text('self/cgroup'));
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text('self/limits')) ?? [];
  const confinement = confinementBy(native, text('sys/kernel/seccomp/actions_avail'));
  const linux: LinuxFacts = {
    capabilities: capabilityText(/^CapEff:\s+([0-9a-f]+)$/m.exec(text('self/status'))?.[1] ?? ''),
    lackedCapabilities: capabilities ? USED.filter((name) => !capabilities.has(name)) : [],
    isInUserNamespace,
    isInPidNamespace,
    ...(container && { container: labelOf(container) }),
    closeSockets: closingBy(native, privileges),
    landlockAbi:
      typeof native === 'string'
        ? undefined
        : Math.max(0, native.systemCall(SYS_LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_CREATE_RULESET_VERSION)),
    confinement,
    names: confinement === true ? await capturingBy(privileges) : confinement,
    openFiles: soft !== undefined && hard !== undefined ? { soft, hard } : undefined,
    packageDatabases: await packageDatabases(files),
  };
  return { koffi: typeof native === 'string' ? native : true, linux };
}

/** Returns the calls of the C library, or the reason why there are none. */
async function loadNative(): Promise<Native | string> {
  try {
    return await Native.load();
  } catch (error) {
    if (error instanceof SourceUnavailable) return error.message;
    throw error;
  }
}

/** Returns true if a thread can be confined, else the reason. @param actions results of filters that the kernel knows */
function confinementBy(native: Native | string, actions: string): true | string {
  if (typeof native === 'string') return native;
  if (!isFiltered(process.arch)) return unknownCalls(process.arch);
  return (
    actions.split(/\s/).includes('errno') ||
    'this kernel has no filters of system calls (CONFIG_SECCOMP_FILTER)'
  );
}

/** Returns true if netpane may open capture sockets; else the reason. It opens one. */
async function capturingBy({ isRoot }: Privileges): Promise<true | string> {
  const library = await CLibrary.load();
  try {
    const sockets = new CaptureSockets(library);
    sockets.close(sockets.open());
    return true;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (!isForbidden(error)) return error.message;
    return isRoot ? 'netpane runs as root without CAP_NET_RAW' : SUDO;
  }
}

/** Returns true if netpane may close sockets of other programs and the kernel can; else the reason. */
function closingBy(native: Native | string, { capabilities, isRoot }: Privileges): true | string {
  if (typeof native === 'string') return native;
  const isAllowed: boolean = capabilities === undefined ? isRoot : capabilities.has('CAP_NET_ADMIN');
  if (!isAllowed) return isRoot ? 'netpane runs as root without CAP_NET_ADMIN' : SUDO;
  try {
    const channels = new KernelNetlink(native).open(undefined);
    try {
      const errno = canCloseSockets(channels.diag);
      if (errno === ERRNO.ENOENT) return true;
      return errno === ERRNO.EINVAL || errno === ERRNO.EOPNOTSUPP
        ? 'this kernel cannot (CONFIG_INET_DIAG_DESTROY)'
        : `the kernel refuses with error ${errno}`;
    } finally {
      channels.close();
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return error.message;
  }
}
