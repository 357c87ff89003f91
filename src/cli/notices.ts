import type { Batch, Degradation } from '../model/batch.ts';
import type { Catching } from '../model/event.ts';

const CAUGHT: Readonly<Record<Catching['level'], string>> = {
  polls: 'polling only: what comes and goes between two looks is not seen',
  closes: 'every close is caught, but not every change of state',
  changes: 'every change of state is caught',
};

type Notice = Pick<Degradation, 'code' | 'text'>;

/** What is not caught, as a notice; none where everything is. */
function catchingNotice({ level, why }: Catching): Notice[] {
  if (level === 'changes' && why === undefined) return [];
  return [
    { code: `catching ${level}`, text: why === undefined ? CAUGHT[level] : `${CAUGHT[level]} (${why})` },
  ];
}

/** Says what cannot be seen: at first, and then only what has not been so the batch before. */
export class Notices {
  readonly #say: (text: string) => void;
  #codes = new Set<string>();

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  take({ degradations, catching }: Pick<Batch, 'degradations' | 'catching'>): void {
    const notices = [...degradations, ...catchingNotice(catching)];
    // Counts in the texts change with every look: the same kind is the same notice.
    for (const { code, text } of notices) if (!this.#codes.has(code)) this.#say(text);
    this.#codes = new Set(notices.map(({ code }) => code));
  }
}
