import type { EvidenceFigures } from './evidence.ts';
import { spreadText, tableText } from './stats.ts';
import { atMost, type Target } from './targets.ts';

/** Formats what the evidence about a process costs. */
export const evidenceText = (figures: readonly EvidenceFigures[]): string =>
  `\nall evidence about a process, ms, median (min–max)\n\n${tableText([
    ['process', 'until all is read', 'CPU', 'longest turn of the thread'],
    ...figures.map(({ name, wholeMs, cpuMs, longestTurnMs }) => [
      name,
      ...[wholeMs, cpuMs, longestTurnMs].map(spreadText),
    ]),
  ])}`;

/** Returns the targets of the evidence. */
export const evidenceTargets = (figures: readonly EvidenceFigures[]): Target[] =>
  figures.flatMap(({ name, wholeMs, longestTurnMs }) => [
    atMost(`evidence, ${name}: until all is read`, 150, 'ms', wholeMs.median),
    atMost(`evidence, ${name}: longest turn of the thread`, 20, 'ms', longestTurnMs.median),
  ]);
