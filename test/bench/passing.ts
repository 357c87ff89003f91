import { askChild } from './child.ts';
import type { PassFigures, PassRepeats } from './passes.ts';

/** Passes over made-up rows, in a process of their own. */
export const measurePasses = ({ rounds, ticks }: PassRepeats): Promise<PassFigures> =>
  askChild('passes', [String(rounds), String(ticks)], []);
