import type { NamesFigures } from './names.ts';
import { count, spreadText, tableText } from './stats.ts';
import { atMost, type Target } from './targets.ts';

/** Formats what names cost. */
export const namesText = ({ rate, sent, known, lost, cpu, cpuWithout, added }: NamesFigures): string =>
  `\nnames of peers: ${count(Math.round(rate))} DNS answers per second; CPU of the live screen, percent of a core, median (min–max)\n\n` +
  tableText([
    ['names sent', 'names known', 'reported lost', 'CPU % without --names', 'CPU %', 'names add'],
    [
      count(sent),
      known.map(count).join(' '),
      lost.map(count).join(' '),
      spreadText(cpuWithout),
      spreadText(cpu),
      spreadText(added),
    ],
  ]);

/** Returns the targets of names. */
export const namesTargets = ({ sent, known, lost, added }: NamesFigures): Target[] => [
  atMost('names: CPU that they add at 5,000 answers per second', 10, '% of a core', added.median),
  atMost(
    'names: missing on the screen and not reported as lost',
    0,
    '',
    Math.max(...known.map((it, i) => sent - it - (lost[i] ?? 0))),
  ),
];
