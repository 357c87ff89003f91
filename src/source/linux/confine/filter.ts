import type { KeptRights } from '../../types.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';

/*
 * The filter of system calls (seccomp(2)) of a confined thread: it refuses the calls below with EPERM, and allows all others.
 *
 *     architecture ──▶ calls that are refused ──▶ calls that depend on an argument ──▶ allowed
 */

/** Numbers of the system calls of one architecture; arm64 lacks the older ones. */
type Numbers = Readonly<Record<string, number>>;

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64, include/uapi/linux/audit.h. */
const ARCHITECTURES = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
export type FilteredArchitecture = keyof typeof ARCHITECTURES;

/** Calls with one number on every architecture. */
const COMMON: Numbers = {
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  io_uring_setup: 425,
  io_uring_register: 427,
  pidfd_send_signal: 424,
  mount_setattr: 442,
};

/** Calls that are always refused: those that run programs, connect, send signals or change the machine. */
const REFUSED: Readonly<Record<FilteredArchitecture, Numbers>> = {
  // prettier-ignore
  x64: {
    ...COMMON, execve: 59, execveat: 322, fork: 57, vfork: 58, connect: 42, listen: 50, accept: 43, accept4: 288, ptrace: 101,
    process_vm_readv: 310, process_vm_writev: 311, mount: 165, umount2: 166, pivot_root: 155, chroot: 161, unshare: 272,
    init_module: 175, finit_module: 313, delete_module: 176, kexec_load: 246, kexec_file_load: 320, reboot: 169,
    swapon: 167, swapoff: 168, settimeofday: 164, clock_settime: 227, sethostname: 170, setdomainname: 171,
    add_key: 248, request_key: 249, keyctl: 250, perf_event_open: 298, userfaultfd: 323, kill: 62, tkill: 200,
    rt_sigqueueinfo: 129, rt_tgsigqueueinfo: 297,
  },
  // prettier-ignore
  arm64: {
    ...COMMON, execve: 221, execveat: 281, connect: 203, listen: 201, accept: 202, accept4: 242, ptrace: 117,
    process_vm_readv: 270, process_vm_writev: 271, mount: 40, umount2: 39, pivot_root: 41, chroot: 51, unshare: 97,
    init_module: 105, finit_module: 273, delete_module: 106, kexec_load: 104, kexec_file_load: 294, reboot: 142,
    swapon: 224, swapoff: 225, settimeofday: 170, clock_settime: 112, sethostname: 161, setdomainname: 162,
    add_key: 217, request_key: 218, keyctl: 219, perf_event_open: 241, userfaultfd: 282, kill: 129, tkill: 130,
    rt_sigqueueinfo: 138, rt_tgsigqueueinfo: 240,
  },
};

/** Calls that change files or folders. */
const CHANGES: Readonly<Record<FilteredArchitecture, Numbers>> = {
  // prettier-ignore
  x64: {
    creat: 85, truncate: 76, ftruncate: 77, fallocate: 285, mkdir: 83, mkdirat: 258, rmdir: 84, unlink: 87, unlinkat: 263,
    rename: 82, renameat: 264, renameat2: 316, link: 86, linkat: 265, symlink: 88, symlinkat: 266, mknod: 133,
    mknodat: 259, chmod: 90, fchmod: 91, fchmodat: 268, fchmodat2: 452, chown: 92, fchown: 93, lchown: 94, fchownat: 260,
    setxattr: 188, lsetxattr: 189, fsetxattr: 190, removexattr: 197, lremovexattr: 198, fremovexattr: 199,
    utime: 132, utimes: 235, futimesat: 261, utimensat: 280,
  },
  // prettier-ignore
  arm64: {
    truncate: 45, ftruncate: 46, fallocate: 47, mkdirat: 34, unlinkat: 35, renameat: 38, renameat2: 276, linkat: 37,
    symlinkat: 36, mknodat: 33, fchmod: 52, fchmodat: 53, fchmodat2: 452, fchown: 55, fchownat: 54, setxattr: 5,
    lsetxattr: 6, fsetxattr: 7, removexattr: 14, lremovexattr: 15, fremovexattr: 16, utimensat: 88,
  },
};

/** Further calls that are refused for a thread that only reads from its descriptors: to open, send, or change a socket. */
const BEYOND_READING: Readonly<Record<FilteredArchitecture, Numbers>> = {
  // prettier-ignore
  x64: {
    open: 2, openat: 257, open_by_handle_at: 304, socket: 41, socketpair: 53, bind: 49, sendto: 44, sendmsg: 46,
    sendmmsg: 307, setsockopt: 54, setns: 308, bpf: 321, prlimit64: 302, memfd_create: 319, pidfd_open: 434,
    pidfd_getfd: 438, landlock_create_ruleset: 444,
  },
  // prettier-ignore
  arm64: {
    openat: 56, open_by_handle_at: 265, socket: 198, socketpair: 199, bind: 200, sendto: 206, sendmsg: 211,
    sendmmsg: 269, setsockopt: 208, setns: 268, bpf: 280, prlimit64: 261, memfd_create: 279, pidfd_open: 434,
    pidfd_getfd: 438, landlock_create_ruleset: 444,
  },
};

/** Calls that are allowed with some arguments. */
const CHECKED: Readonly<Record<FilteredArchitecture, Numbers>> = {
  x64: { open: 2, openat: 257, socket: 41, clone: 56, tgkill: 234 },
  arm64: { openat: 56, socket: 198, clone: 220, tgkill: 131 },
};

/** Calls with arguments in memory, which a filter cannot read. They fail with ENOSYS: the C library then uses older calls. */
const UNREADABLE: Numbers = { clone3: 435, openat2: 437 };

/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC and __O_TMPFILE, include/uapi/asm-generic/fcntl.h. */
const WRITES = 0o1 | 0o2 | 0o100 | 0o1000 | 0o20000000;
const CLONE_THREAD = 0x10000;
const AF_NETLINK = 16;
const AF_PACKET = 17;
/** Set in the numbers of the x32 calls of x64, which have no other use. */
const X32 = 0x40000000;

/** struct seccomp_data: number of the call, architecture, arguments. Conditions need only the lower half of these. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const argumentAt = (index: number): number => 16 + 8 * index + (LITTLE_ENDIAN ? 0 : 4);

/** Results of a filter, include/uapi/linux/seccomp.h. */
const ALLOW = 0x7fff0000;
const ERROR = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;

/** Instructions of classic BPF, include/uapi/linux/bpf_common.h. */
const LOAD = 0x20;
const RETURN = 0x06;
const JUMP = { equal: 0x15, least: 0x35, anyBit: 0x45 } as const;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const load = (at: number): Instruction => [LOAD, 0, 0, at];
const give = (result: number): Instruction => [RETURN, 0, 0, result];
/** Returns instructions that give the result if the condition holds for the loaded number. */
const giveIf = (condition: keyof typeof JUMP, value: number, result: number): Instruction[] => [
  [JUMP[condition], 0, 1, value],
  give(result),
];
/** Returns instructions that run only for this call; they must give a result. */
const forCall = (number: number | undefined, block: readonly Instruction[]): Instruction[] =>
  number === undefined ? [] : [[JUMP.equal, 0, block.length, number], ...block];

/** Returns true if there is a filter for an architecture. */
export const isFiltered = (architecture: string): architecture is FilteredArchitecture =>
  Object.hasOwn(ARCHITECTURES, architecture);

/** Returns why there is no filter for an architecture, as a clause. */
export const unknownCalls = (architecture: string): string =>
  `netpane does not know the system calls of ${architecture}`;

/**
 * Returns the filter as an array of `struct sock_filter`.
 * @param pid the process of netpane: the thread may send signals to it, as abort(3) does
 * @param kept undefined for no rights: nothing can be opened
 */
export function systemCallFilter(
  architecture: FilteredArchitecture,
  pid: number,
  kept: KeptRights | undefined,
): Uint8Array {
  const refuse = ERROR | EPERM;
  const mayChangeFiles = kept?.changesFiles === true;
  const refused = [
    ...Object.values(REFUSED[architecture]),
    ...(mayChangeFiles ? [] : Object.values(CHANGES[architecture])),
    ...(kept ? [] : Object.values(BEYOND_READING[architecture])),
  ];
  const { open, openat, socket, clone, tgkill } = CHECKED[architecture];
  const unlessWriting = (flags: number): Instruction[] => [
    load(argumentAt(flags)),
    ...(mayChangeFiles ? [] : giveIf('anyBit', WRITES, refuse)),
    give(ALLOW),
  ];
  const program: readonly Instruction[] = [
    load(ARCHITECTURE_AT),
    [JUMP.equal, 1, 0, ARCHITECTURES[architecture]],
    give(refuse),
    load(NUMBER_AT),
    ...(architecture === 'x64' ? giveIf('least', X32, refuse) : []),
    ...refused.flatMap((number) => giveIf('equal', number, refuse)),
    ...Object.values(UNREADABLE).flatMap((number) => giveIf('equal', number, ERROR | ENOSYS)),
    ...forCall(open, unlessWriting(1)),
    ...forCall(openat, unlessWriting(2)),
    ...forCall(socket, [
      load(argumentAt(0)),
      ...giveIf('equal', AF_NETLINK, ALLOW),
      ...(kept?.captures ? giveIf('equal', AF_PACKET, ALLOW) : []),
      give(refuse),
    ]),
    ...forCall(clone, [load(argumentAt(0)), ...giveIf('anyBit', CLONE_THREAD, ALLOW), give(refuse)]),
    ...forCall(tgkill, [load(argumentAt(0)), ...giveIf('equal', pid, ALLOW), give(refuse)]),
    give(ALLOW),
  ];
  const bytes = new Uint8Array(8 * program.length);
  const view = new DataView(bytes.buffer);
  for (const [i, [code, ifTrue, ifFalse, value]] of program.entries()) {
    view.setUint16(8 * i, code, LITTLE_ENDIAN);
    view.setUint8(8 * i + 2, ifTrue);
    view.setUint8(8 * i + 3, ifFalse);
    view.setUint32(8 * i + 4, value >>> 0, LITTLE_ENDIAN);
  }
  return bytes;
}
