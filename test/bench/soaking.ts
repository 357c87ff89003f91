import { askChild } from './child.ts';
import { scratchFolder } from './scratch.ts';
import type { SoakFigures } from './soak.ts';

/** Runs so many ticks of a made-up machine. */
export const measureSoak = (ticks: number): Promise<SoakFigures> =>
  askChild('soak', [String(ticks), scratchFolder()], ['--expose-gc']);
