import { stat } from 'node:fs';
import { type KeptRights, SourceUnavailable } from '../../types.ts';
import { CLibrary } from '../netlink/c-library.ts';
import { NativeError } from '../netlink/errno.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import { isFiltered, systemCallFilter, unknownCalls } from './filter.ts';

/**
 * Capabilities that a source keeps, by bit (capabilities(7)): DAC_READ_SEARCH and SYS_PTRACE to inspect processes, SYS_ADMIN to
 * enter network namespaces, NET_ADMIN to close sockets and for large buffers, PERFMON and BPF for the maps of the ledger.
 */
const KEPT = [2, 12, 19, 21, 38, 39];
/** CAP_NET_RAW, to open capture sockets. */
const CAPTURE = 13;

/** include/uapi/linux/capability.h: version 3 has two structures of three 32-bit sets. */
const CAPABILITY_VERSION = 0x20080522;
const WORDS = 6;

/** include/uapi/linux/prctl.h, seccomp.h */
const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;

/**
 * Takes rights away from the calling thread, and from no other one (each call below acts on one thread): capabilities that a
 * source does not need, and the system calls that `filter.ts` refuses. Cannot be undone.
 *
 * Landlock would be the usual way to forbid writing. A thread under Landlock may not inspect processes outside of its
 * sandbox (security/landlock/task.c, hook_ptrace_access_check), so that it could not read the owners of sockets.
 * @returns true, or the reason why that is not possible here, as a clause
 */
export async function confineLinuxThread(kept: KeptRights | undefined): Promise<true | string> {
  try {
    return await confine(kept);
  } catch (error) {
    // Without koffi, or if the kernel refuses a call, the source works as before.
    if (error instanceof SourceUnavailable || error instanceof NativeError) return error.message;
    throw error;
  }
}

async function confine(kept: KeptRights | undefined): Promise<true | string> {
  if (!isFiltered(process.arch)) return unknownCalls(process.arch);
  // The threads of libuv's pool work for all threads, and inherit the rights of the thread that uses the pool first. This call
  // starts them before this thread loses its rights.
  stat('/', () => {});
  const library = await CLibrary.load();
  const prctl = library.call('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  const filter = systemCallFilter(process.arch, process.pid, kept);
  const memory = library.allocate(16 + filter.length);
  try {
    // struct sock_fprog: the number of instructions, and at the next multiple of 8 their address.
    memory.view.setUint16(0, filter.length / 8, LITTLE_ENDIAN);
    memory.view.setBigUint64(8, memory.address + 16n, LITTLE_ENDIAN);
    memory.bytes.set(filter, 16);
    dropCapabilities(library, kept ? [...KEPT, ...(kept.captures ? [CAPTURE] : [])] : []);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw library.error('prctl');
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, memory.address, 0, 0) !== 0)
      return `the kernel refuses the filter of system calls (${library.error('prctl').message})`;
    return true;
  } finally {
    library.free(memory);
  }
}

/** Drops the capabilities of this thread, which any thread may do. @param kept bits of those that it keeps */
function dropCapabilities(library: CLibrary, kept: readonly number[]): void {
  const header = new Uint32Array([CAPABILITY_VERSION, 0]);
  const sets = new Uint32Array(WORDS);
  const capget = library.call('int capget(void *, void *)');
  const capset = library.call('int capset(void *, void *)');
  if (capget(header, sets) !== 0) throw library.error('capget');
  const masks = [0, 0];
  for (const bit of kept) masks[bit >>> 5] = (masks[bit >>> 5] ?? 0) | (1 << (bit & 31));
  // The sets effective, permitted and inheritable, of the lower 32 bits and then of the upper ones.
  for (let i = 0; i < WORDS; i++)
    sets[i] = i % 3 === 2 ? 0 : ((sets[i] ?? 0) & (masks[i < 3 ? 0 : 1] ?? 0)) >>> 0;
  if (capset(header, sets) !== 0) throw library.error('capset');
}
