import type { Progress } from '../model/progress.ts';

/** Number of intervals without a poll after which a sampler counts as silent. */
const INTERVALS = 3;
/** Minimum time without a poll after which a sampler counts as silent, milliseconds. */
const MIN_MS = 10_000;

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** Returns the message about a sampler that has not answered for this time. */
export const silenceText = (progress: Progress, forMs: number): string =>
  `no answer for ${seconds(forMs)}: the sampler is busy (${progress.text})`;

/** Reports once when a sampler has not answered for a long time, and once when it answers again. */
export class SilenceNotice {
  readonly #progress: Progress;
  readonly #nowMs: () => number;
  readonly #say: (text: string) => void;
  #polls = 0;
  #lastPollMs: number;
  #isSilent = false;

  /** @param nowMs milliseconds on a clock that never runs backwards */
  constructor(progress: Progress, nowMs: () => number, say: (text: string) => void) {
    this.#progress = progress;
    this.#nowMs = nowMs;
    this.#say = say;
    this.#lastPollMs = nowMs();
  }

  /** Checks the progress; call it about twice a second. */
  check(): void {
    const { polls, intervalMs } = this.#progress;
    const nowMs = this.#nowMs();
    const forMs = nowMs - this.#lastPollMs;
    if (polls !== this.#polls) {
      if (this.#isSilent) this.#say(`the sampler answers again after ${seconds(forMs)}`);
      this.#polls = polls;
      this.#lastPollMs = nowMs;
      this.#isSilent = false;
    } else if (!this.#isSilent && forMs >= Math.max(MIN_MS, INTERVALS * intervalMs)) {
      this.#isSilent = true;
      this.#say(silenceText(this.#progress, forMs));
    }
  }
}
