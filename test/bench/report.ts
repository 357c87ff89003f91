import type { BlockFigures, ScreenThreadFigures } from './blocks.ts';
import { type DuelFigures, SS, SS_EVERYTHING } from './duel.ts';
import { KEY_KINDS, type KeyKind, type ProgramFigures } from './program.ts';
import type { SoakFigures, SoakMark } from './soak.ts';
import { STAGES, type StageFigures, type TickFigures } from './stages.ts';
import { figure, spreadText, tableText, tailText } from './stats.ts';

/** Everything measured with one count of sockets. */
export interface SceneFigures {
  readonly size: number;
  readonly duel: DuelFigures;
  /** The first tick, of all sockets. */
  readonly baseline: TickFigures;
  readonly atRest: StageFigures;
  readonly changing: StageFigures;
  readonly program: ProgramFigures;
  readonly blocks: ScreenThreadFigures;
}

const KEY_NAMES: Readonly<Record<KeyKind, string>> = {
  move: 'j',
  filter: 'a letter in /',
  sort: 'S (reverses the order)',
};

export const times = (value: number) => `${figure(value)}×`;
export const count = (value: number) => value.toLocaleString('en-US');
/** Nanoseconds for each of the sockets. */
const each = (ms: number, sockets: number) => ((ms * 1e6) / sockets).toFixed(0);

/** The median of a rival's times, milliseconds; undefined where it did not run. */
function rivalMs({ rivals }: DuelFigures, wanted: string): number | undefined {
  const costs = rivals.find(({ name }) => name === wanted)?.costs;
  return typeof costs === 'object' ? costs.time.median : undefined;
}

/** The tables of one count of sockets. */
export function sceneText(figures: SceneFigures): string {
  const { changing, duel } = figures;
  return [
    `\n${count(duel.sockets)} sockets (${changing.changes.median} of them changing a tick, where they change)\n`,
    duelText(figures),
    stagesText(figures),
    wholeText(figures),
  ].join('\n');
}

function duelText({ duel, atRest, changing }: SceneFigures): string {
  const { sample, bare, ratio, first } = duel;
  const loops = tableText([
    ['sample and owners against the bare recv loop', 'median (min–max)', 'p95'],
    ['nothing changing: netpane, ms', spreadText(sample), figure(sample.p95)],
    ['  the owners’ part of it, ms', spreadText(duel.owners), figure(duel.owners.p95)],
    ['the bare loop over the same dumps, ms', spreadText(bare), figure(bare.p95)],
    ['netpane ÷ the loop beside it', spreadText(ratio), figure(ratio.p95)],
    ['  in ticks right after each other', spreadText(atRest.ratio), figure(atRest.ratio.p95)],
    ['  by CPU time', spreadText(atRest.ratioCpu), figure(atRest.ratioCpu.p95)],
    ['1 % changing: netpane ÷ the loop beside it', spreadText(changing.ratio), figure(changing.ratio.p95)],
    ['  by CPU time', spreadText(changing.ratioCpu), figure(changing.ratioCpu.p95)],
    ['netpane, ns a socket', each(sample.median, duel.sockets)],
    ['the bare loop, ns a socket', each(bare.median, duel.sockets)],
  ]);
  const dumps =
    `  ${duel.dumps} dumps in ${duel.namespaces} network namespaces, ${figure(duel.megabytes)} MB a tick\n` +
    `  of ${duel.looks} looks ${duel.changes.length} found a change` +
    `${duel.changes.length > 0 ? `: ${duel.changes.slice(0, 8).join(', ')}` : ''}\n` +
    duel.notices.map((notice) => `  netpane says: ${notice}\n`).join('');
  const row = (name: string, time: string, cpu: string, ms: number) => [
    name,
    time,
    cpu,
    times(ms / sample.median),
    times(ms / first.median),
    figure(bare.median / ms),
  ];
  const list = tableText([
    ['a list of the sockets, ms', 'median (min–max)', 'CPU', '÷ sample', '÷ first sample', 'bare loop ÷ it'],
    row('netpane, sample and owners', spreadText(sample), '', sample.median),
    row('netpane, the first sample', spreadText(first), '', first.median),
    ['  of it loading koffi and opening', spreadText(duel.opening)],
    ...duel.rivals.map(({ name, costs }) =>
      typeof costs === 'string'
        ? [name, costs]
        : row(name, spreadText(costs.time), figure(costs.cpuMs), costs.time.median),
    ),
  ]);
  return `${loops}${dumps}\n${list}`;
}

function stagesText({ atRest, changing, baseline }: SceneFigures): string {
  return tableText([
    ['stage, ms', 'at first', 'at rest (min–max)', 'CPU', '1 % changing (min–max)', 'CPU'],
    ...STAGES.map((stage) => [
      stage,
      figure(baseline.costs[stage]),
      spreadText(atRest.time[stage]),
      figure(atRest.cpu[stage].median),
      spreadText(changing.time[stage]),
      figure(changing.cpu[stage].median),
    ]),
    [
      'sample + owners + diff',
      '',
      spreadText(atRest.tick),
      figure(atRest.tickCpu.median),
      spreadText(changing.tick),
      figure(changing.tickCpu.median),
    ],
    ['view + render', '', spreadText(atRest.paint), '', spreadText(changing.paint)],
    [
      'the longest part, receive to render',
      figure(baseline.longestPartMs),
      spreadText(atRest.longestPart),
      '',
      spreadText(changing.longestPart),
    ],
  ]);
}

function wholeText({ program, blocks }: SceneFigures): string {
  const blockRow = (name: string, block: BlockFigures | undefined) => [
    `  ${name}`,
    block
      ? `${figure(block.longest.max)}, CPU at most ${figure(block.cpuMs)}, median of the seconds ${figure(block.longest.median)}`
      : 'all in one part',
  ];
  return tableText([
    ['the program in a terminal', ''],
    ['start to the full table, ms', spreadText(program.start)],
    ['node -e 0, ms', spreadText(program.bareNode)],
    ['start ÷ node -e 0', times(program.start.median / program.bareNode.median)],
    ...KEY_KINDS.map((kind) => [`key to paint: ${KEY_NAMES[kind]}, ms`, tailText(program.keys[kind])]),
    ['the screen’s thread, its longest stretch without hearing a key, ms', ''],
    blockRow('start: loading, the first part of the sockets', blocks.start),
    blockRow('the rest of the first batch', blocks.firstBatch),
    blockRow('at rest', blocks.rest),
    blockRow('1 % changing', blocks.changing),
    ['bytes a tick, at rest', spreadText(program.restBytes)],
    ['bytes a tick, 1 % changing', spreadText(program.busyBytes)],
    ['CPU at rest, % of a core', figure(program.restCpu)],
    ['memory at rest, MB', figure(program.restMegabytes)],
    ['memory after changes, MB', figure(program.busyMegabytes)],
  ]);
}

/** How the sample grows with the sockets. */
export function growthText(all: readonly SceneFigures[]): string {
  const rows = all.map(({ duel }, i) => {
    const before = all[i - 1]?.duel;
    const further = (of: (duel: DuelFigures) => number) =>
      before ? each(of(duel) - of(before), duel.sockets - before.sockets) : '';
    const sampleMs = (it: DuelFigures) => it.sample.median;
    const bareMs = (it: DuelFigures) => it.bare.median;
    return [
      count(duel.sockets),
      figure(sampleMs(duel)),
      each(sampleMs(duel), duel.sockets),
      further(sampleMs),
      each(bareMs(duel), duel.sockets),
      further(bareMs),
    ];
  });
  const heading = [
    'sockets',
    'sample, ms',
    'ns a socket',
    'a further one',
    'bare loop: ns a socket',
    'a further one',
  ];
  return `\n${tableText([heading, ...rows])}`;
}

/**
 * Parts of a soak, in percent. The longest cycle of a cache that is emptied when it is full (texts of addresses) takes
 * some 28,000 ticks of the whole: each part is longer, and the least of each is what does not come from caches.
 */
const PARTS = { '10–40 %': [11, 40], '40–70 %': [41, 70], '70–100 %': [71, 100] } as const;

const marksAt = ({ marks }: SoakFigures, [from, to]: readonly [number, number]): readonly SoakMark[] =>
  marks.slice(Math.floor((marks.length * (from - 1)) / 100), Math.ceil((marks.length * to) / 100));

const least = (marks: readonly SoakMark[], of: (mark: SoakMark) => number): number =>
  Math.min(...marks.map(of));

/** What the least of it grew by from the first part to the last. */
const growth = (soak: SoakFigures, of: (mark: SoakMark) => number): number =>
  least(marksAt(soak, PARTS['70–100 %']), of) - least(marksAt(soak, PARTS['10–40 %']), of);

const heap = ({ heapBytes }: SoakMark) => heapBytes / 1e6;
const resident = ({ residentBytes }: SoakMark) => residentBytes / 1e6;
const descriptors = (mark: SoakMark) => mark.descriptors;

export function soakText(soak: SoakFigures): string {
  const { made, ticks, seconds } = soak;
  const rows = Object.entries(PARTS).map(([name, span]) => {
    const marks = marksAt(soak, span);
    const range = (of: (mark: SoakMark) => number) =>
      `${figure(least(marks, of))}–${figure(Math.max(...marks.map(of)))}`;
    return [
      name,
      range(heap),
      range(resident),
      `${least(marks, descriptors)}–${Math.max(...marks.map(descriptors))}`,
    ];
  });
  return (
    `\nsoak: ${count(ticks)} ticks in ${seconds.toFixed(0)} s; ${count(made.sockets)} sockets, ` +
    `${count(made.processes)} processes and ${count(made.networks)} namespaces came, and most of them went\n\n` +
    tableText([['after garbage collection', 'heap, MB', 'RSS, MB', 'descriptors'], ...rows]) +
    `  sockets at the end: ${soak.sockets}, and ${soak.counted} in the store\n`
  );
}

export interface Aim {
  readonly what: string;
  readonly wanted: 'at most' | 'at least';
  readonly limit: number;
  readonly unit: string;
  /** Undefined when it was not measured. */
  readonly value: number | undefined;
}

export const most = (what: string, limit: number, unit: string, value: number | undefined): Aim => ({
  what,
  wanted: 'at most',
  limit,
  unit,
  value,
});

/** What netpane wants to be with so many sockets. */
export function sceneAims(all: readonly SceneFigures[]): Aim[] {
  const at = (size: number, read: (figures: SceneFigures) => number | undefined): number | undefined => {
    const figures = all.find((it) => it.size === size);
    return figures && read(figures);
  };
  const sizes = [200, 10_000, 50_000, 100_000];
  const slowestKey = (statistic: 'median' | 'p95') => (it: SceneFigures) =>
    Math.max(...KEY_KINDS.map((kind) => it.program.keys[kind][statistic]));
  const memory = ({ program }: SceneFigures) => Math.max(program.restMegabytes, program.busyMegabytes);
  const faster = (rival: string, size: number, limit: number): Aim => ({
    what: `${rival} ÷ sample, ${count(size)} sockets`,
    wanted: 'at least',
    limit,
    unit: '×',
    value: at(size, ({ duel }) => {
      const ms = rivalMs(duel, rival);
      return ms === undefined ? undefined : ms / duel.sample.median;
    }),
  });
  const firstToSs = ({ duel }: SceneFigures) => {
    const ms = rivalMs(duel, SS);
    return ms === undefined ? undefined : duel.first.median / ms;
  };
  const block = (name: string, read: (blocks: ScreenThreadFigures) => BlockFigures | undefined): Aim =>
    most(
      `longest stretch of the screen’s thread, 50,000 sockets, ${name}`,
      20,
      'ms',
      at(50_000, ({ blocks }) => read(blocks)?.longest.max),
    );
  return [
    ...sizes.map((size) =>
      most(
        `sample ÷ bare loop, ${count(size)} sockets`,
        1.5,
        '×',
        at(size, ({ duel }) => duel.ratio.median),
      ),
    ),
    ...[10_000, 50_000].flatMap((size) => [faster(SS_EVERYTHING, size, 15), faster(SS, size, 10)]),
    ...sizes.map((size) => most(`first sample ÷ ${SS}, ${count(size)} sockets`, 1, '×', at(size, firstToSs))),
    block('first batch', ({ firstBatch }) => firstBatch),
    block('at rest', ({ rest }) => rest),
    block('1 % changing', ({ changing }) => changing),
    most('key to paint, 10,000 sockets, slowest key, median', 16, 'ms', at(10_000, slowestKey('median'))),
    most('key to paint, 10,000 sockets, slowest key, p95', 16, 'ms', at(10_000, slowestKey('p95'))),
    most('key to paint, 100,000 sockets, slowest key, median', 50, 'ms', at(100_000, slowestKey('median'))),
    most('key to paint, 100,000 sockets, slowest key, p95', 50, 'ms', at(100_000, slowestKey('p95'))),
    most(
      'view + render, 10,000 sockets, 1 % changing',
      5,
      'ms',
      at(10_000, ({ changing }) => changing.paint.median),
    ),
    most(
      'start to the full table, 200 sockets',
      3,
      '× node -e 0',
      at(200, ({ program }) => program.start.median / program.bareNode.median),
    ),
    most(
      'CPU at rest, 200 sockets',
      1,
      '% of a core',
      at(200, ({ program }) => program.restCpu),
    ),
    most(
      'memory at rest, 200 sockets',
      100,
      'MB',
      at(200, ({ program }) => program.restMegabytes),
    ),
    most('memory, 10,000 sockets', 120, 'MB', at(10_000, memory)),
    most('memory, 100,000 sockets', 300, 'MB', at(100_000, memory)),
  ];
}

export const soakAims = (soak: SoakFigures): Aim[] => [
  most('soak: growth of the heap', 1, 'MB', growth(soak, heap)),
  most('soak: growth of RSS', 10, 'MB', growth(soak, resident)),
  most('soak: growth of open descriptors', 0, '', growth(soak, descriptors)),
  most('soak: sockets that the store has wrong', 0, '', Math.abs(soak.sockets - soak.counted)),
];

/** What netpane wants to be, and whether it was. */
export function aimsText(aims: readonly Aim[]): string {
  const rows = aims.map(({ what, wanted, limit, unit, value }) => {
    const isMost = wanted === 'at most';
    const limitText = `${isMost ? '≤' : '≥'} ${limit} ${unit}`.trimEnd();
    if (value === undefined) return [what, 'not measured', limitText, ''];
    const isMet = isMost ? value <= limit : value >= limit;
    return [what, figure(value), limitText, isMet ? 'met' : 'NOT MET'];
  });
  return `\n${tableText([['aim', 'value', 'wanted', ''], ...rows])}`;
}
