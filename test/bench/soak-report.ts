import type { SoakCheckpoint, SoakFigures } from './soak.ts';
import { count, figure, tableText } from './stats.ts';
import { atMost, type Target } from './targets.ts';

/**
 * Parts of a soak, percent of the ticks. The slowest cache that is cleared when it is full (texts of addresses) takes some
 * 28,000 of 100,000 ticks to fill. Each part is longer, so its minimum excludes the caches.
 */
const PARTS = { '10–40 %': [11, 40], '40–70 %': [41, 70], '70–100 %': [71, 100] } as const;

const checkpointsAt = (
  { checkpoints }: SoakFigures,
  [from, to]: readonly [number, number],
): readonly SoakCheckpoint[] =>
  checkpoints.slice(
    Math.floor((checkpoints.length * (from - 1)) / 100),
    Math.ceil((checkpoints.length * to) / 100),
  );

const min = (checkpoints: readonly SoakCheckpoint[], of: (mark: SoakCheckpoint) => number): number =>
  Math.min(...checkpoints.map(of));

/** Returns the growth of the minimum from the first part to the last. */
const growth = (soak: SoakFigures, of: (mark: SoakCheckpoint) => number): number =>
  min(checkpointsAt(soak, PARTS['70–100 %']), of) - min(checkpointsAt(soak, PARTS['10–40 %']), of);

const heap = ({ heapBytes }: SoakCheckpoint) => heapBytes / 1e6;
const resident = ({ residentBytes }: SoakCheckpoint) => residentBytes / 1e6;
const descriptors = (mark: SoakCheckpoint) => mark.descriptors;

export function soakText(soak: SoakFigures): string {
  const { created, ticks, seconds } = soak;
  const rows = Object.entries(PARTS).map(([name, span]) => {
    const checkpoints = checkpointsAt(soak, span);
    const range = (of: (mark: SoakCheckpoint) => number) =>
      `${figure(min(checkpoints, of))}–${figure(Math.max(...checkpoints.map(of)))}`;
    return [
      name,
      range(heap),
      range(resident),
      `${min(checkpoints, descriptors)}–${Math.max(...checkpoints.map(descriptors))}`,
    ];
  });
  return (
    `\nsoak: ${count(ticks)} ticks in ${seconds.toFixed(0)} s; ${count(created.sockets)} sockets, ` +
    `${count(created.processes)} processes and ${count(created.namespaces)} namespaces created, most of them removed again\n\n` +
    tableText([['after garbage collection', 'heap, MB', 'RSS, MB', 'descriptors'], ...rows]) +
    `  sockets at the end: ${soak.sockets}, in the store: ${soak.storeSockets}\n`
  );
}

export const soakTargets = (soak: SoakFigures): Target[] => [
  atMost('soak: growth of the heap', 1, 'MB', growth(soak, heap)),
  atMost('soak: growth of RSS', 10, 'MB', growth(soak, resident)),
  atMost('soak: growth of open descriptors', 0, '', growth(soak, descriptors)),
  atMost('soak: wrong number of sockets in the store', 0, '', Math.abs(soak.sockets - soak.storeSockets)),
];
