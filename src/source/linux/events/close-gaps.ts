import type { KernelEvent } from '../../types.ts';
import type { Network } from '../namespaces/network.ts';
import { CLOSE_MESSAGE_WAIT_MS } from './traced-sockets.ts';

/** Lost close messages as gaps, less those whose sockets the trace saw closing. */
export class CloseGaps {
  /** Closes since the last `take` that only the trace reported: their messages are among the lost ones. */
  #closesWithoutMessage = 0;
  /** Lost close messages that the trace may still account for, oldest first. */
  #lostMessages: { readonly atMs: number; count: number }[] = [];

  /** True if a later `take` may return a gap without a further loss. */
  get isPending(): boolean {
    return this.#lostMessages.length > 0;
  }

  /** Counts a close that only the trace reported. */
  countCloseWithoutMessage(): void {
    this.#closesWithoutMessage++;
  }

  /**
   * Returns the gaps since the last call.
   * @param hasTrace the trace may still report the closes whose messages were lost
   * @returns also the number of messages lost since the last call, and whether any was: the kernel may not count them
   */
  take(
    networks: Iterable<Network>,
    nowMs: number,
    hasTrace: boolean,
  ): { readonly gaps: readonly KernelEvent[]; readonly lost: number; readonly isAnyLost: boolean } {
    const gaps: KernelEvent[] = [];
    let lost = 0;
    let hasUncountedLoss = false;
    for (const network of networks) {
      const count = network.closes?.takeLost();
      if (count === undefined) hasUncountedLoss ||= network.closes !== undefined;
      else lost += count;
    }
    if (hasUncountedLoss) gaps.push({ type: 'gap', atMs: nowMs, learntBy: 'destroy' });
    if (lost > 0) this.#lostMessages.push({ atMs: nowMs, count: lost });
    // A close message is lost before its wait ends. Closes beyond the number of lost messages never had one.
    for (const loss of this.#lostMessages) {
      const closed = Math.min(this.#closesWithoutMessage, loss.count);
      loss.count -= closed;
      this.#closesWithoutMessage -= closed;
    }
    this.#closesWithoutMessage = 0;
    while (
      this.#lostMessages[0] &&
      (!hasTrace || nowMs - this.#lostMessages[0].atMs >= CLOSE_MESSAGE_WAIT_MS)
    ) {
      const { atMs, count } = this.#lostMessages[0];
      this.#lostMessages.shift();
      if (count > 0) gaps.push({ type: 'gap', atMs, missed: count, learntBy: 'destroy' });
    }
    return { gaps, lost, isAnyLost: lost > 0 || hasUncountedLoss };
  }
}
