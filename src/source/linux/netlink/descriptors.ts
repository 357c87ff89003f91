import { ERRNO, type Native, NativeError } from './native.ts';

/** Kept free for everything else: files of /proc, the trace's pipes, a namespace that is read and closed again. */
const RESERVE = 128;

/** Assumed where the limit cannot be read: the soft limit that most systems start programs with. */
const USUAL_LIMIT = 1024;

/** The descriptors that namespaces may hold open, out of all that this program may have (RLIMIT_NOFILE, getrlimit(2)). */
export class DescriptorRoom {
  readonly #native: Pick<Native, 'raiseDescriptorLimit'>;
  #room: number | undefined;
  #taken = 0;

  constructor(native: Pick<Native, 'raiseDescriptorLimit'>) {
    this.#native = native;
  }

  /**
   * Takes room for descriptors that stay open; the soft limit is raised to the hard one first.
   * @param share of the room that may be taken in all, 0 to 1
   * @throws NativeError EMFILE where there is not so much
   */
  take(count: number, share: number): void {
    this.#room ??= roomOf(this.#native.raiseDescriptorLimit() ?? USUAL_LIMIT);
    if (this.#taken + count > this.#room * share)
      throw new NativeError('a netlink socket', ERRNO.EMFILE, 'EMFILE');
    this.#taken += count;
  }

  give(count: number): void {
    this.#taken -= count;
  }
}

const roomOf = (limit: number): number => Math.max(limit - RESERVE, Math.floor(limit / 2));
