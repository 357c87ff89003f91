/** A failed call of the C library. */
export class NativeError extends Error {
  readonly errno: number;

  /** @param errno positive (errno(3)) @param name name of the errno */
  constructor(call: string, errno: number, name: string) {
    super(`${call}: ${name}`);
    this.errno = errno;
  }
}

/** Error numbers, include/uapi/asm-generic/errno-base.h and errno.h: equal on every architecture that Node supports. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
} as const;
