import type { Batch } from '../model/batch.ts';
import { coverageText } from '../view/header/notices.ts';

/** Prints notices about what cannot be seen. A notice that stays from batch to batch is printed once. */
export class Notices {
  readonly #say: (text: string) => void;
  #codes = new Set<string>();

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Prints the notices of a batch that the previous batch did not have. */
  printNew({ degradations, coverage }: Pick<Batch, 'degradations' | 'coverage'>): void {
    const coverageNotice = coverageText(coverage);
    const notices = [
      ...degradations,
      ...(coverageNotice === undefined ? [] : [{ code: `coverage ${coverage.level}`, text: coverageNotice }]),
    ];
    // Compared by code: the counts in the texts change with every poll.
    for (const notice of notices) if (!this.#codes.has(notice.code)) this.#say(notice.text);
    this.#codes = new Set(notices.map(({ code }) => code));
  }
}
