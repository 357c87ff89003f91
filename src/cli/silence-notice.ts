import type { Progress } from '../model/progress.ts';

/** A sampler counts as silent after so many intervals without a poll, and not before `MIN_MS`. */
const INTERVALS = 3;
const MIN_MS = 10_000;

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

/** Returns the line that tells of a sampler that has not answered for so long. */
export const silenceText = (progress: Progress, forMs: number): string =>
  `no answer for ${seconds(forMs)}: the sampler is busy (${progress.text})`;

/** Tells when a sampler has not answered for long, once, and when it answers again. */
export class SilenceNotice {
  readonly #progress: Progress;
  readonly #nowMs: () => number;
  readonly #say: (text: string) => void;
  #polls = 0;
  #heardMs: number;
  #isSilent = false;

  /** @param nowMs milliseconds on a clock that never runs backwards */
  constructor(progress: Progress, nowMs: () => number, say: (text: string) => void) {
    this.#progress = progress;
    this.#nowMs = nowMs;
    this.#say = say;
    this.#heardMs = nowMs();
  }

  /** To be called about twice a second. */
  check(): void {
    const { polls, intervalMs } = this.#progress;
    const nowMs = this.#nowMs();
    const forMs = nowMs - this.#heardMs;
    if (polls !== this.#polls) {
      if (this.#isSilent) this.#say(`the sampler answers again after ${seconds(forMs)}`);
      this.#polls = polls;
      this.#heardMs = nowMs;
      this.#isSilent = false;
    } else if (!this.#isSilent && forMs >= Math.max(MIN_MS, INTERVALS * intervalMs)) {
      this.#isSilent = true;
      this.#say(silenceText(this.#progress, forMs));
    }
  }
}
