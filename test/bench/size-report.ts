import { KEY_KINDS, type KeyKind, type ProgramFigures } from './program.ts';
import { STAGES, type StageFigures, type TickFigures } from './stages.ts';
import type { ScreenThreadFigures, StallFigures } from './stalls.ts';
import { count, figure, spreadText, tableText, tailText, times } from './stats.ts';
import { atMost, type Target } from './targets.ts';
import { SS, SS_EVERYTHING, type ToolComparison } from './tool-comparison.ts';

/** All figures for one number of sockets. */
export interface SizeFigures {
  readonly size: number;
  readonly comparison: ToolComparison;
  /** The first tick, in which all sockets spawn. */
  readonly baseline: TickFigures;
  readonly atRest: StageFigures;
  readonly changing: StageFigures;
  readonly program: ProgramFigures;
  readonly screenThread: ScreenThreadFigures;
}

const KEY_NAMES: Readonly<Record<KeyKind, string>> = {
  move: 'j',
  filter: 'a letter in /',
  sort: 'S (reverses the order)',
};

/** Returns nanoseconds per socket. */
const each = (ms: number, sockets: number) => ((ms * 1e6) / sockets).toFixed(0);

/** Returns the median time of a tool, milliseconds; undefined if it was not run. */
function toolMs({ tools }: ToolComparison, tool: string): number | undefined {
  const costs = tools.find(({ name }) => name === tool)?.costs;
  return typeof costs === 'object' ? costs.time.median : undefined;
}

/** Formats the tables for one number of sockets. */
export function sizeText(figures: SizeFigures): string {
  const { changing, comparison } = figures;
  return [
    `\n${count(comparison.sockets)} sockets (${changing.changes.median} of them change per tick in "1 % changing")\n`,
    comparisonText(figures),
    stagesText(figures),
    programText(figures),
  ].join('\n');
}

/** Formats what disturbed the receive-only loop; empty if nothing did. */
function disturbedText({ lookups, interrupted, skipped }: ToolComparison['disturbed']): string {
  const counts = [
    ...(lookups > 0 ? [`${count(lookups)} requests for one socket`] : []),
    ...(interrupted > 0 ? [`${count(interrupted)} dumps interrupted by changes`] : []),
    ...(skipped > 0 ? [`${count(skipped)} requests left out, of namespaces that closed`] : []),
  ];
  return counts.length === 0 ? '' : `  receive-only loops: ${counts.join(', ')}\n`;
}

function comparisonText({ comparison, atRest, changing }: SizeFigures): string {
  const { poll, receiveOnly, ratio, first } = comparison;
  const loops = tableText([
    ['poll (sockets and owners) and the receive-only loop', 'median (min–max)', 'p95'],
    ['at rest: poll, ms', spreadText(poll), figure(poll.p95)],
    ['  owners, ms', spreadText(comparison.owners), figure(comparison.owners.p95)],
    ['receive-only loop over the same dumps, ms', spreadText(receiveOnly), figure(receiveOnly.p95)],
    ['poll ÷ receive-only loop right before or after it', spreadText(ratio), figure(ratio.p95)],
    ['  in consecutive ticks', spreadText(atRest.ratio), figure(atRest.ratio.p95)],
    ['  by CPU time', spreadText(atRest.ratioCpu), figure(atRest.ratioCpu.p95)],
    ['1 % changing: poll ÷ receive-only loop', spreadText(changing.ratio), figure(changing.ratio.p95)],
    ['  by CPU time', spreadText(changing.ratioCpu), figure(changing.ratioCpu.p95)],
    ['poll, ns per socket', each(poll.median, comparison.sockets)],
    ['receive-only loop, ns per socket', each(receiveOnly.median, comparison.sockets)],
  ]);
  const dumps =
    `  ${comparison.dumps} dumps in ${comparison.namespaces} network namespaces, ${figure(comparison.megabytes)} MB per poll\n` +
    `  ${comparison.changes.length} of ${comparison.polls} polls found changes` +
    `${comparison.changes.length > 0 ? `: ${comparison.changes.slice(0, 8).join(', ')}` : ''}\n` +
    disturbedText(comparison.disturbed) +
    comparison.notices.map((notice) => `  notice: ${notice}\n`).join('');
  const row = (name: string, time: string, cpu: string, ms: number) => [
    name,
    time,
    cpu,
    times(ms / poll.median),
    times(ms / first.median),
    figure(receiveOnly.median / ms),
  ];
  const list = tableText([
    [
      'time to list the sockets, ms',
      'median (min–max)',
      'CPU',
      '÷ poll',
      '÷ first poll',
      'receive-only ÷ it',
    ],
    row('netpane, poll', spreadText(poll), '', poll.median),
    row('netpane, first poll', spreadText(first), '', first.median),
    ['  loading koffi and opening the source', spreadText(comparison.opening)],
    ...comparison.tools.map(({ name, costs }) =>
      typeof costs === 'string'
        ? [name, costs]
        : row(name, spreadText(costs.time), figure(costs.cpuMs), costs.time.median),
    ),
  ]);
  return `${loops}${dumps}\n${list}`;
}

function stagesText({ atRest, changing, baseline }: SizeFigures): string {
  return tableText([
    ['stage, ms', 'baseline', 'at rest (min–max)', 'CPU', '1 % changing (min–max)', 'CPU'],
    ...STAGES.map((stage) => [
      stage,
      figure(baseline.costs[stage]),
      spreadText(atRest.time[stage]),
      figure(atRest.cpu[stage].median),
      spreadText(changing.time[stage]),
      figure(changing.cpu[stage].median),
    ]),
    [
      'sockets + owners + diff',
      '',
      spreadText(atRest.sampling),
      figure(atRest.samplingCpu.median),
      spreadText(changing.sampling),
      figure(changing.samplingCpu.median),
    ],
    ['view + render', '', spreadText(atRest.paint), '', spreadText(changing.paint)],
    [
      'longest turn: part of a batch, or paint',
      figure(baseline.longestTurnMs),
      spreadText(atRest.longestTurn),
      '',
      spreadText(changing.longestTurn),
    ],
  ]);
}

function programText({ program, screenThread }: SizeFigures): string {
  const stallRow = (name: string, stall: StallFigures | undefined) => [
    `  ${name}`,
    stall
      ? `${figure(stall.longest.max)}, CPU at most ${figure(stall.cpuMs)}, median per second ${figure(stall.longest.median)}`
      : 'came in one part',
  ];
  return tableText([
    ['the program in a terminal', ''],
    ['start to the full table, ms', spreadText(program.start)],
    ['node -e 0, ms', spreadText(program.nodeStart)],
    ['start ÷ node -e 0', times(program.start.median / program.nodeStart.median)],
    ...KEY_KINDS.map((kind) => [`key to paint: ${KEY_NAMES[kind]}, ms`, tailText(program.keys[kind])]),
    ['longest stall of the screen’s thread, ms', ''],
    stallRow('start: loading, first part of the baseline', screenThread.start),
    stallRow('rest of the baseline', screenThread.baseline),
    stallRow('at rest', screenThread.rest),
    stallRow('1 % changing', screenThread.changing),
    ['bytes per tick, at rest', spreadText(program.restBytes)],
    ['bytes per tick, 1 % changing', spreadText(program.busyBytes)],
    ['CPU at rest, % of a core', figure(program.restCpu)],
    ['memory at rest, MB', figure(program.restMegabytes)],
    ['memory after changes, MB', figure(program.busyMegabytes)],
  ]);
}

/** Formats how the time of a poll grows with the number of sockets. */
export function growthText(all: readonly SizeFigures[]): string {
  const rows = all.map(({ comparison }, i) => {
    const before = all[i - 1]?.comparison;
    const additional = (of: (comparison: ToolComparison) => number) =>
      before ? each(of(comparison) - of(before), comparison.sockets - before.sockets) : '';
    const pollMs = (it: ToolComparison) => it.poll.median;
    const receiveOnlyMs = (it: ToolComparison) => it.receiveOnly.median;
    return [
      count(comparison.sockets),
      figure(pollMs(comparison)),
      each(pollMs(comparison), comparison.sockets),
      additional(pollMs),
      each(receiveOnlyMs(comparison), comparison.sockets),
      additional(receiveOnlyMs),
    ];
  });
  const heading = [
    'sockets',
    'poll, ms',
    'ns per socket',
    'ns per additional socket',
    'receive-only loop: ns per socket',
    'ns per additional socket',
  ];
  return `\n${tableText([heading, ...rows])}`;
}

/** Returns the targets for all numbers of sockets. */
export function sizeTargets(all: readonly SizeFigures[]): Target[] {
  const at = (size: number, read: (figures: SizeFigures) => number | undefined): number | undefined => {
    const figures = all.find((it) => it.size === size);
    return figures && read(figures);
  };
  const sizes = [200, 10_000, 50_000, 100_000];
  const slowestKey = (statistic: 'median' | 'p95') => (it: SizeFigures) =>
    Math.max(...KEY_KINDS.map((kind) => it.program.keys[kind][statistic]));
  const memory = ({ program }: SizeFigures) => Math.max(program.restMegabytes, program.busyMegabytes);
  const fasterThan = (tool: string, size: number, limit: number): Target => ({
    what: `${tool} ÷ poll, ${count(size)} sockets`,
    bound: 'at least',
    limit,
    unit: '×',
    value: at(size, ({ comparison }) => {
      const ms = toolMs(comparison, tool);
      return ms === undefined ? undefined : ms / comparison.poll.median;
    }),
  });
  const firstToSs = ({ comparison }: SizeFigures) => {
    const ms = toolMs(comparison, SS);
    return ms === undefined ? undefined : comparison.first.median / ms;
  };
  const stall = (name: string, read: (figures: ScreenThreadFigures) => StallFigures | undefined): Target =>
    atMost(
      `longest stall of the screen’s thread, 50,000 sockets, ${name}`,
      20,
      'ms',
      at(50_000, ({ screenThread }) => read(screenThread)?.longest.max),
    );
  return [
    ...sizes.map((size) =>
      atMost(
        `poll ÷ receive-only loop, ${count(size)} sockets`,
        1.5,
        '×',
        at(size, ({ comparison }) => comparison.ratio.median),
      ),
    ),
    ...[10_000, 50_000].flatMap((size) => [fasterThan(SS_EVERYTHING, size, 15), fasterThan(SS, size, 10)]),
    ...sizes.map((size) => atMost(`first poll ÷ ${SS}, ${count(size)} sockets`, 1, '×', at(size, firstToSs))),
    stall('baseline', ({ baseline }) => baseline),
    stall('at rest', ({ rest }) => rest),
    stall('1 % changing', ({ changing }) => changing),
    atMost('key to paint, 10,000 sockets, slowest key, median', 16, 'ms', at(10_000, slowestKey('median'))),
    atMost('key to paint, 10,000 sockets, slowest key, p95', 16, 'ms', at(10_000, slowestKey('p95'))),
    atMost('key to paint, 100,000 sockets, slowest key, median', 50, 'ms', at(100_000, slowestKey('median'))),
    atMost('key to paint, 100,000 sockets, slowest key, p95', 50, 'ms', at(100_000, slowestKey('p95'))),
    atMost(
      'view + render, 10,000 sockets, 1 % changing',
      5,
      'ms',
      at(10_000, ({ changing }) => changing.paint.median),
    ),
    atMost(
      'start to the full table, 200 sockets',
      3,
      '× node -e 0',
      at(200, ({ program }) => program.start.median / program.nodeStart.median),
    ),
    atMost(
      'CPU at rest, 200 sockets',
      1,
      '% of a core',
      at(200, ({ program }) => program.restCpu),
    ),
    atMost(
      'memory at rest, 200 sockets',
      100,
      'MB',
      at(200, ({ program }) => program.restMegabytes),
    ),
    atMost('memory, 10,000 sockets', 120, 'MB', at(10_000, memory)),
    atMost('memory, 100,000 sockets', 300, 'MB', at(100_000, memory)),
  ];
}
