import type { EvidenceFigures } from './evidence.ts';
import { spreadText, tableText } from './stats.ts';
import { atMost, type Target } from './targets.ts';

/** Formats what the evidence about a process costs. */
export const evidenceText = (figures: readonly EvidenceFigures[]): string =>
  `\nall evidence about a process, ms, median (min–max)\n\n${tableText([
    ['process', 'until all but digests is read', 'until all is read', 'CPU', 'longest turn of the thread'],
    ...figures.map(({ name, quickMs, wholeMs, cpuMs, longestTurnMs }) => [
      name,
      ...[quickMs, wholeMs, cpuMs, longestTurnMs].map(spreadText),
    ]),
  ])}`;

/** Returns the targets of the evidence. */
export const evidenceTargets = (figures: readonly EvidenceFigures[]): Target[] =>
  figures.flatMap(({ name, quickMs, longestTurnMs }) => [
    atMost(`evidence, ${name}: until all but digests is read`, 150, 'ms', quickMs.median),
    atMost(`evidence, ${name}: longest turn of the thread`, 20, 'ms', longestTurnMs.median),
  ]);
