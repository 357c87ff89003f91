import type { Batch } from '../model/batch.ts';
import { coverageText } from '../view/notices.ts';

/** Prints notices about what cannot be seen. Repeats a notice only if the previous batch did not have it. */
export class Notices {
  readonly #say: (text: string) => void;
  #codes = new Set<string>();

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  take({ degradations, coverage }: Pick<Batch, 'degradations' | 'coverage'>): void {
    const text = coverageText(coverage);
    const notices = [
      ...degradations,
      ...(text === undefined ? [] : [{ code: `coverage ${coverage.level}`, text }]),
    ];
    // Compared by code: the counts in the texts change with every poll.
    for (const notice of notices) if (!this.#codes.has(notice.code)) this.#say(notice.text);
    this.#codes = new Set(notices.map(({ code }) => code));
  }
}
