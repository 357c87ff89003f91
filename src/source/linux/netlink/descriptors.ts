import { ERRNO, type Native, NativeError } from './native.ts';

/** Kept free for everything else: files of /proc, the trace's pipes, a namespace that is read and closed again. */
const KEPT_FREE = 128;

/** Assumed where the limit cannot be read: the soft limit that most systems start programs with. */
const DEFAULT_LIMIT = 1024;

/** The descriptors that namespaces may hold open, out of all that this program may have (RLIMIT_NOFILE, getrlimit(2)). */
export class DescriptorBudget {
  readonly #native: Pick<Native, 'raiseDescriptorLimit'>;
  #budget: number | undefined;
  #reserved = 0;

  constructor(native: Pick<Native, 'raiseDescriptorLimit'>) {
    this.#native = native;
  }

  /**
   * Takes room for descriptors that stay open; the soft limit is raised to the hard one first.
   * @param share of the room that may be taken in all, 0 to 1
   * @throws NativeError EMFILE where there is not so much
   */
  reserve(count: number, share: number): void {
    this.#budget ??= budgetOf(this.#native.raiseDescriptorLimit() ?? DEFAULT_LIMIT);
    if (this.#reserved + count > this.#budget * share)
      throw new NativeError('a netlink socket', ERRNO.EMFILE, 'EMFILE');
    this.#reserved += count;
  }

  release(count: number): void {
    this.#reserved -= count;
  }
}

const budgetOf = (limit: number): number => Math.max(limit - KEPT_FREE, Math.floor(limit / 2));
