import type { Batch } from '../model/batch.ts';
import { coverageText } from '../view/notices.ts';

/** Says what cannot be seen: at first, and then only what has not been so the batch before. */
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
    // Counts in the texts change with every look: the same kind is the same notice.
    for (const notice of notices) if (!this.#codes.has(notice.code)) this.#say(notice.text);
    this.#codes = new Set(notices.map(({ code }) => code));
  }
}
