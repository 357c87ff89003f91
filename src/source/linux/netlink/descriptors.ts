import { ERRNO, NativeError } from './errno.ts';
import type { Native } from './native.ts';

/** Number of descriptors kept free for files of /proc, pipes of the trace, and namespaces opened for one poll. */
const KEPT_FREE = 128;

/** Assumed if the limit cannot be read: the usual soft limit. */
const DEFAULT_LIMIT = 1024;

/** Counts the descriptors that stay open in other network namespaces, within RLIMIT_NOFILE (getrlimit(2)). */
export class DescriptorBudget {
  readonly #native: Pick<Native, 'raiseDescriptorLimit'>;
  #budget: number | undefined;
  #reserved = 0;

  constructor(native: Pick<Native, 'raiseDescriptorLimit'>) {
    this.#native = native;
  }

  /**
   * Reserves descriptors that will stay open. The first call raises the soft limit to the hard one.
   * @param share part of the budget that may be reserved in total, 0 to 1
   * @throws NativeError EMFILE if that part is used up
   */
  reserve(count: number, share: number): void {
    this.#budget ??= budgetOf(this.#native.raiseDescriptorLimit() ?? DEFAULT_LIMIT);
    if (this.#reserved + count > this.#budget * share)
      throw new NativeError('a socket', ERRNO.EMFILE, 'EMFILE');
    this.#reserved += count;
  }

  release(count: number): void {
    this.#reserved -= count;
  }
}

const budgetOf = (limit: number): number => Math.max(limit - KEPT_FREE, Math.floor(limit / 2));
